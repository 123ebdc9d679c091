import type { Event } from "../domain/event.ts"
import type { AgentId, OperationId, TeamKey } from "../domain/ids.ts"
import type { AgentState, OperationState } from "../event-log/TeamState.ts"
import { lifeOf } from "../policy/Facts.ts"
import { decided as plainly } from "../policy/Policy.ts"
import { isInItsConversation } from "../session/conversation.ts"
import { touchedBy } from "./interrupted.ts"
import { mayLive } from "./observe.ts"
import type { AgentPlan } from "./plan.ts"

// What taking an operation back owes: who lives again, who is stopped again, and who is left alone.

/** The step with which an operation begins to be taken back by itself, since not all came back and its policy is atomic. */
export const undoStep = "undo"

/** Whether one of its agents did not come back, so that it was being taken back when it was cut off. */
export const isBeingUndone = (operation: OperationState | null): operation is OperationState => operation?.steps[undoStep] !== undefined

/** That an operation was being taken back is known to whoever finishes the one that does so. */
export const carriedUndo = (team: TeamKey, next: OperationId, operation: OperationState | null): ReadonlyArray<Event> =>
  isBeingUndone(operation) ? [{ type: "operation.step", team, operation: next, step: undoStep, phase: "result" }] : []

/** What takes an operation back, or goes on with it after all, ends that step of it. */
export const undoEnded = (team: TeamKey, operation: OperationState | null): ReadonlyArray<Event> =>
  operation !== null && operation.steps[undoStep] === "intent"
    ? [{ type: "operation.step", team, operation: operation.id, step: undoStep, phase: "result" }]
    : []

/** Whether an agent, if it lives, lives only by an operation of all or none: it did not before. */
export const livesByIt = (operation: OperationState | null, { adopted, spec: { id } }: AgentState): boolean =>
  operation?.allOrNone === true && adopted === null && operation.agents.includes(id) && !operation.alive.includes(id)

/** Whether an agent is well where it is. One of whom another operation was cut off, which this one takes back, may not be. */
const isWell = (operation: OperationState, { facts: { agent } }: AgentPlan<unknown, unknown>): boolean =>
  !isBeingUndone(operation) || !operation.agents.includes(agent.spec.id) || (agent.phase === "running" && isInItsConversation(agent))

/** Agents that are to be stopped again, and of whom nobody knows whether they live: then nothing is taken back yet. */
export const unsureToStop = (operation: OperationState | null, agents: ReadonlyArray<AgentPlan<unknown, unknown>>): ReadonlyArray<AgentId> =>
  agents.flatMap(({ facts: { agent }, observation }) =>
    livesByIt(operation, agent) && mayLive(observation.process) && lifeOf(observation.process) !== "alive" ? agent.spec.id : [])

/**
 * To take an operation back is to leave alone who lives and was never touched by it; and, where it was to be all or none, to
 * stop again who lives by it alone.
 */
export const goingBack = <E, R>(
  operation: OperationState | null,
  agents: ReadonlyArray<AgentPlan<E, R>>
): ReadonlyArray<AgentPlan<E, R>> =>
  agents.map((entry) =>
    livesByIt(operation, entry.facts.agent) && lifeOf(entry.observation.process) === "alive" ? {
      ...entry,
      untouched: false,
      stoppedAgain: true,
      decided: plainly({ kind: "skip", code: "undone", why: ["it did not live before the restart that is taken back: it is stopped again"] })
    } :
    entry.untouched || !mayLive(entry.observation.process) || entry.observation.process.state === "unknown" ||
      operation === null || touchedBy(operation, entry.facts.agent.spec.id) || !isWell(operation, entry)
      ? entry
      : {
        ...entry,
        untouched: true,
        decided: plainly({ kind: "skip", code: null, why: ["it lives, and the interrupted operation had not touched it"] })
      }
  )
