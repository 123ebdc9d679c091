import type { RestartPlan } from "./plan.ts"

const verb = { resume: "resume", fresh_start: "start anew", skip: "leave", refuse: "refuse" } as const

const pad = (text: string, width: number): string => text.padEnd(width)

/** The compact table of decisions: an agent a line, with what happens to it and why. */
export const explain = (plan: RestartPlan<unknown, unknown>): string => {
  const rows = plan.agents.map(({ decided, facts }) => ({
    id: facts.agent.spec.id,
    now: `${facts.agent.spec.provider}, ${facts.process.state}`,
    what: verb[decided.decision.kind],
    why: decided.decision.why.join("; "),
    drift: facts.drift
  }))
  const widths = {
    id: Math.max(5, ...rows.map(({ id }) => id.length)),
    now: Math.max(3, ...rows.map(({ now }) => now.length)),
    what: Math.max(8, ...rows.map(({ what }) => what.length))
  }
  const lines = rows.flatMap(({ drift, id, now, what, why }) => [
    `  ${pad(id, widths.id)}  ${pad(now, widths.now)}  ${pad(what, widths.what)}  ${why}`,
    ...drift.map((difference) => `  ${pad("", widths.id)}  drift: ${difference}`)
  ])
  const head = `Team ${plan.team.key}, policy: ${plan.request.policy.description}` +
    `${plan.request.policy.atomic ? "" : ", each agent by itself"}` +
    `${plan.continues === null ? "" : `, continuing the interrupted operation ${plan.continues}`}`
  return [
    head,
    ...rows.length === 0 ? ["  no agents"] : lines,
    ...plan.foreign.length === 0 ? [] : [`  spared: ${plan.foreign.map(({ command, pane }) => `${pane} (${command})`).join(", ")}`],
    ...plan.refusal === null ? [] : [`Refused: ${plan.refusal.message}`]
  ].join("\n")
}
