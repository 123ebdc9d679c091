import type { Event } from "../domain/event.ts"
import type { AgentHistory } from "../domain/history.ts"
import type { Json } from "../domain/json.ts"
import type { AgentPlan, RestartPlan } from "./plan.ts"

const decisionEvent = (plan: RestartPlan<unknown, unknown>, { decided, facts }: AgentPlan<unknown, unknown>): Event => {
  const { agent } = facts
  const { decision } = decided
  return {
    type: "restart.resume_decision",
    team: plan.team.key,
    agent: agent.spec.id,
    generation: agent.generation,
    worker_id: agent.spec.id,
    has_first_send_at: agent.firstSend._tag !== "Absent",
    has_session_id: agent.session !== null,
    allow_fresh: plan.request.policy.requires.includes("discard-context"),
    decision: decision.kind,
    first_send_at: agent.firstSend._tag === "Valid" ? agent.firstSend.at : null,
    session_id: agent.session?.id ?? null,
    why: decision.why,
    ...decision.forcedFresh === null ? {} : {
      forced_fresh: true,
      reason: "resume_not_ready",
      session_convergence: decision.forcedFresh
    }
  }
}

/** Whether a budget was found spent before, and nobody was started since: what is started after it may spend one anew. */
const isKnownSpent = ({ budgetExceededAt, starts }: AgentHistory): boolean =>
  budgetExceededAt !== null && starts.every(({ at }) => Date.parse(at) <= Date.parse(budgetExceededAt))

/** What a decision hands to somebody else, and the budget that it found spent, said once. */
const consequences = (plan: RestartPlan<unknown, unknown>, { decided, facts }: AgentPlan<unknown, unknown>): ReadonlyArray<Event> => {
  const { agent } = facts
  const { budget, escalateTo, why } = decided.decision
  const scope = { team: plan.team.key, agent: agent.spec.id, generation: agent.generation }
  return [
    ...budget === undefined || isKnownSpent(agent.history) ? [] : [{ type: "budget.exceeded" as const, ...scope, ...budget }],
    ...escalateTo === undefined ? [] : [{ type: "restart.escalated" as const, ...scope, to: escalateTo, why }]
  ]
}

const isDecided = ({ facts, untouched }: AgentPlan<unknown, unknown>): boolean => !untouched && !facts.agent.spec.paused

/**
 * One decision event for each agent that was decided and is not paused, refused ones included; with it what follows from
 * it before anything is touched.
 */
export const decisionEvents = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<Event> =>
  plan.agents.filter(isDecided).flatMap((entry) => [decisionEvent(plan, entry), ...consequences(plan, entry)])

/** Of these only what follows from the decisions: that they were made is for people, and no later decision looks at it. */
export const consequenceEvents = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<Event> =>
  plan.agents.filter(isDecided).flatMap((entry) => consequences(plan, entry))

const toJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null))

/** What a refusal leaves in the log besides the decisions. */
export const refusalEvents = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<Event> => {
  const listed = (name: string): ReadonlyArray<Json> => {
    const value = toJson(plan.refusal?.details[name])
    return Array.isArray(value) ? value : []
  }
  switch (plan.refusal?.outcome) {
    case "refused_invalid_first_send_at":
      return [{ type: "restart.first_send_at_invalid", team: plan.team.key, invalid: listed("invalid") }]
    case "refused_resume_atomicity":
    case "refused_session_identity_mismatch":
      return [{ type: "restart.atomic_refusal", team: plan.team.key, unresumable: listed("unresumable") }]
    default:
      return []
  }
}
