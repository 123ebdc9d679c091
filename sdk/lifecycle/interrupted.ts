import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId, OperationId, TeamKey } from "../domain/ids.ts"
import { batchStep } from "../event-log/fold-operation.ts"
import type { OperationState } from "../event-log/TeamState.ts"
import { decided as plainly } from "../policy/Policy.ts"
import type { Batch } from "../policy/Rollout.ts"
import type { AgentPlan, RestartRequest } from "./plan.ts"
import { decisionBy } from "./policy-decision.ts"

// What an interrupted operation still says to whoever finishes it: in which order, and whether its rollout had failed.

interface Ended {
  readonly failed: ReadonlyArray<{ readonly agent: AgentId; readonly failure: AgentFailure }>
  /** The agents that were not reached, and are not to be. */
  readonly rest: ReadonlyArray<AgentId>
}

/**
 * The failure that ended an interrupted rollout before all of its agents were reached; null where none did. A batch has
 * failed where its verdict says so, or where an agent of it failed for good and nobody came to write the verdict down.
 */
export const endedBy = (operation: OperationState | null, forGood: (agent: AgentId) => boolean): Ended | null => {
  for (const [index, { agents, failed: verdict }] of operation?.batches.entries() ?? []) {
    const failed = verdict ?? operation?.failures.filter(({ agent }) => agents.includes(agent) && forGood(agent)) ?? []
    const rest = operation?.batches.slice(index + 1).flatMap((batch) => batch.agents) ?? []
    if (failed.length > 0 && rest.length > 0) return { failed, rest }
  }
  return null
}

/**
 * Leaves everybody alone whom a failed rollout had not reached when it was interrupted, and those with whom it failed:
 * to go on after all is another restart. Whoever is named in a restart is asked for.
 */
export const honourVerdict = <E, R>(
  operation: OperationState | null,
  request: RestartRequest<E, R>,
  agents: ReadonlyArray<AgentPlan<E, R>>
): ReadonlyArray<AgentPlan<E, R>> => {
  if (request.agents !== "all") return agents
  const ended = endedBy(operation, (id) =>
    agents.every(({ facts }) => facts.agent.spec.id !== id || decisionBy(request.policy, facts).handling.backoff === null))
  if (ended === null) return agents
  const names = ended.failed.map(({ agent }) => agent).join(", ")
  return agents.map((entry) => {
    const { id } = entry.facts.agent.spec
    const failed = ended.failed.find(({ agent }) => agent === id)
    if (failed === undefined && (entry.alreadyBack || !ended.rest.includes(id))) return entry
    const why = failed === undefined
      ? `the interrupted rollout had failed with ${names} before it was reached; it takes another restart`
      : `the interrupted rollout had failed with it; it takes another restart: ${failed.failure.reason}`
    return {
      ...entry,
      alreadyBack: false,
      decided: plainly({ kind: "skip", code: "rollout_failed", why: [why] }),
      rolloutEnded: { failure: failed?.failure ?? null }
    }
  })
}

/** Whether an operation had begun with an agent. */
export const touchedBy = ({ steps }: OperationState, id: string): boolean =>
  Object.keys(steps).some((step) => step.endsWith(`/${id}`) && !step.startsWith(batchStep(0).slice(0, -1)))

/** Whether an agent that an interrupted operation brought back has still to live as long as its batch was to. */
export const isUnproved = (operation: OperationState | null, id: string): boolean =>
  operation?.batches.find(({ agents }) => agents.some((agent) => agent === id))?.failed === null

/** Whether what the policy wants to see of an agent was seen before the operation was interrupted. */
export const isVerified = (operation: OperationState | null, id: string): boolean => operation?.steps[`verify/${id}`] === "result"

/** The order of an interrupted rollout, as far as it concerns these agents: a restart that continues it keeps it. */
export const orderOf = (operation: OperationState | null, ids: ReadonlyArray<string>): ReadonlyArray<Batch> =>
  (operation?.batches ?? []).flatMap(({ agents, healthyForMs }) => {
    const meant = agents.filter((id) => ids.includes(id))
    return meant.length === 0 ? [] : [{ agents: meant, healthyForMs }]
  })

type Plans = ReadonlyArray<AgentPlan<unknown, unknown>>

const failedIn = (agents: Plans): Ended["failed"] =>
  agents.flatMap(({ facts, rolloutEnded }) =>
    rolloutEnded === undefined || rolloutEnded.failure === null ? [] : { agent: facts.agent.spec.id, failure: rolloutEnded.failure })

/** Whom a rollout that had failed had not reached. */
export const notReachedIn = (agents: Plans): ReadonlyArray<AgentId> =>
  agents.flatMap(({ facts, rolloutEnded }) => rolloutEnded?.failure === null ? facts.agent.spec.id : [])

/** A rollout that had failed, in the journal of the operation that ends it: with whom, and who was to come after them. */
export const endedBatches = (agents: Plans): ReadonlyArray<Batch> =>
  [failedIn(agents).map(({ agent }) => agent), notReachedIn(agents)]
    .flatMap((ids) => ids.length === 0 ? [] : { agents: ids, healthyForMs: 0 })

/** Its verdict there, so that it is known to whoever finishes that one. */
export const carriedVerdict = (team: TeamKey, operation: OperationId, agents: Plans): ReadonlyArray<Event> => {
  const failed = failedIn(agents)
  return failed.length === 0 ? [] : [{ type: "operation.step", team, operation, step: batchStep(1), phase: "result", failed }]
}
