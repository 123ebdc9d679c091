import { Policy, Restart, type RestartPlan, type RestartReport, viewAgent } from "../../sdk/index.ts"
import { camelCased, type Document } from "./document.ts"

const withGrant = (command: string): string => `${command} --grant discard-context=REASON`

/** What came of a restart, for programs. */
export const reportDocument = (
  { agents, details, message, next, ok, operation, outcome, plan, team }: RestartReport,
  command: string
): Document => ({
  outcome,
  ok,
  message,
  next: outcome === "grant_missing" ? [withGrant(command)] : next,
  team: team.key,
  agents,
  operation,
  warnings: plan.warnings,
  ...ok ? {} : { details }
})

/** A plan, for programs: the same as data that the table says in words. */
export const planDocument = (
  plan: RestartPlan<unknown, unknown>,
  grant: string | undefined,
  command: string
): Document => {
  const missing = grant === undefined ? Policy.grantsAmong(plan.request.policy.requires) : []
  const refusal = plan.refusal ?? (missing.length === 0 ? null : {
    outcome: "grant_missing",
    message: `The policy may drop a conversation, and ${missing.join(", ")} was not granted. No process was touched.`,
    next: [withGrant(command)],
    details: { missing }
  })
  return {
    outcome: refusal?.outcome ?? "planned",
    ok: refusal === null,
    message: refusal?.message ?? `This is what a restart of team ${plan.team.key} would do; nothing was touched.`,
    next: refusal?.next ?? [command],
    team: plan.team.key,
    table: Restart.explain(plan),
    policy: { description: plan.request.policy.description, atomic: plan.request.policy.atomic, requires: plan.request.policy.requires },
    agents: plan.agents.map(({ decided, facts, observation, untouched }) => ({
      ...viewAgent(facts.agent, observation, null),
      decision: decided.decision.kind,
      code: decided.decision.code,
      why: decided.decision.why,
      requires: decided.decision.requires,
      drift: facts.drift,
      result: untouched ? "untouched" : null,
      before: {
        generation: facts.agent.generation,
        pid: observation.process.state === "alive" ? observation.pane?.pid ?? null : null,
        session: facts.agent.session?.id ?? null
      }
    })),
    convergence: camelCased(plan.convergence),
    operation: null,
    warnings: plan.warnings,
    ...refusal === null ? {} : { details: refusal.details }
  }
}
