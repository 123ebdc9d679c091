import { matches } from "../policy/pattern.ts"
import * as Rollout from "../policy/Rollout.ts"
import type { Batch } from "../policy/Rollout.ts"
import type { RestartPlan } from "./plan.ts"
import { stepsOf } from "./plan-steps.ts"
import { batchesOf, isStaged } from "./rollout.ts"
import { unfinishedWords } from "./unfinished.ts"

const verb = { resume: "resume", fresh_start: "start anew", skip: "leave", refuse: "refuse" } as const

const pad = (text: string, width: number): string => text.padEnd(width)

/** In what order, where that is not all at once. */
const order = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<string> => {
  const { rollout } = plan.request.policy
  const batches = batchesOf(plan).map(({ agents }) => agents.join(", "))
  // What an interrupted rollout had in mind holds for those who were in it.
  const kept = plan.continues !== null && (plan.team.operation?.batches.length ?? 0) > 0
  return !isStaged(plan) || batches.length === 0 ? [] :
    [`  order: ${batches.join("; then ")} (${kept ? "as the interrupted rollout had it" : Rollout.describe(rollout)})`]
}

/** Patterns of the policy that mean nobody here, and may be misspelt. */
const unmeant = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<string> => {
  const ids = plan.team.agents.map(({ spec }) => spec.id)
  const { names: own, rollout } = plan.request.policy
  const names = [...new Set([...own, ...Rollout.patternsOf(rollout)])].filter((name) => !ids.some((id) => matches(name, id)))
  return names.length === 0 ? [] : [`  the policy means nobody here by: ${names.join(", ")}`]
}

/** What has to be passed before anything is touched, beside grants. */
const gates = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<string> => {
  const { bootGates, gates: own } = plan.request.policy
  const ofAgents = plan.agents.flatMap(({ decided, facts }) =>
    decided.gates.flatMap(({ name }) => name === "discard-context" ? [] : `${name} (${facts.agent.spec.id})`))
  const all = [...plan.boot?.decision === "ask" ? bootGates : [], ...own].map(({ name }) => name)
  return all.length + ofAgents.length === 0 ? [] : [`  asks first: ${[...all, ...ofAgents].join("; ")}`]
}

/** The compact table of decisions: an agent a line, with what happens to it and why. */
export const table = (plan: RestartPlan<unknown, unknown>): string => {
  const rows = plan.agents.map(({ decided, facts }) => ({
    id: facts.agent.spec.id,
    now: `${facts.agent.spec.provider}, ${facts.process.state}`,
    what: decided.decision.escalateTo === undefined ? verb[decided.decision.kind] : "escalate",
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
    `${plan.request.policy.undo ? ", all or none" : plan.request.policy.atomic ? "" : ", each agent by itself"}` +
    `${plan.continues === null ? "" : `, ${plan.request.unfinished === "rollback" ? "taking back" : "continuing"} the interrupted operation ${plan.continues}`}`
  return [
    head,
    ...rows.length === 0 ? ["  no agents"] : lines,
    ...unfinishedWords(plan),
    ...order(plan),
    ...gates(plan),
    ...unmeant(plan),
    ...plan.foreign.length === 0 ? [] : [`  spared: ${plan.foreign.map(({ command, pane }) => `${pane} (${command})`).join(", ")}`],
    ...plan.warnings.map(({ agent, problem }) => `Warning: ${agent}: ${problem.replace(/\.$/, "")}.`),
    ...plan.refusal === null ? [] : [`Refused: ${plan.refusal.message}`]
  ].join("\n")
}

/** What is done with each agent, in the order in which it is. */
const course = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<string> => {
  const batches = batchesOf(plan)
  const before = [...plan.boot?.decision === "ask" ? plan.request.policy.bootGates : [], ...plan.request.policy.gates]
  const together = ({ agents }: Batch): string => agents.length === 1 ? "" : ", together"
  // Done before the first batch: who is in none has nothing to wait for.
  const outside = plan.agents.filter(({ facts }) => batches.every(({ agents }) => !agents.includes(facts.agent.spec.id))).flatMap((entry) =>
    stepsOf(plan, entry).map(({ name, says }) => `     ${entry.facts.agent.spec.id}: ${name}  ${says}`))
  return batches.length + outside.length === 0 ? [] : [
    "In this order:",
    ...before.map(({ name }) => `  first: asks "${name}"`),
    ...outside,
    ...batches.flatMap((batch, index) => [
      `  ${index + 1}. ${batch.agents.join(", ")}${together(batch)}`,
      ...plan.agents.filter(({ facts }) => batch.agents.includes(facts.agent.spec.id)).flatMap((entry) => [
        `     ${entry.facts.agent.spec.id}:`,
        ...stepsOf(plan, entry).map(({ name, says }) => `       ${pad(name, 8)}  ${says}`)
      ])
    ]),
    ...batches.length < 2 ? [] : ["  One that fails leaves those after it untouched."],
    ...batches.length === 0 || !plan.request.policy.undo ? [] : [
      "  One that fails has it all taken back: who lived before lives on in its conversation, who did not is stopped again."
    ]
  ]
}

/** The table of decisions, and then what is done with each agent, step by step. */
export const explain = (plan: RestartPlan<unknown, unknown>): string =>
  [table(plan), ...plan.refusal === null ? course(plan) : []].join("\n")
