import type { Event, EventOf } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { OperationState } from "./TeamState.ts"

/** An operation that has just begun. */
export const begun = (event: EventOf<"operation.started">, at: string): OperationState => ({
  id: event.operation,
  kind: event.kind,
  agents: event.agents,
  alive: event.alive,
  policy: event.policy,
  trigger: event.trigger ?? "person",
  startedAt: at,
  allOrNone: event.all_or_none ?? false,
  continues: event.continues ?? [],
  steps: {},
  batches: (event.batches ?? []).map(({ agents, healthy_for_ms: healthyForMs }) => ({ agents, healthyForMs, failed: null })),
  failures: []
})

/** The name of the step that brings a batch back, counted from 1. */
export const batchStep = (number: number): string => `batch/${number}`

const step = (operation: OperationState, { agent, failed, phase, step: name }: EventOf<"operation.step">): OperationState => ({
  ...operation,
  steps: { ...operation.steps, [agent === undefined ? name : `${name}/${agent}`]: phase },
  batches: agent !== undefined || phase !== "result" ? operation.batches : operation.batches.map((batch, index) =>
    name === batchStep(index + 1) ? { ...batch, failed: failed ?? [] } : batch)
})

/** How an event says that an agent did not come back; undefined where it says nothing of that, null where it is tried again. */
const failureIn = (event: Event): AgentFailure | null | undefined => {
  switch (event.type) {
    case "agent.failed":
    case "agent.spawn_failed":
      return event.failure
    case "agent.exited":
      return { kind: event.kind ?? "crash", reason: `It ended again: ${event.evidence}`, retryable: true, retryAt: null }
    case "agent.spawn_intended":
    case "agent.ready":
      return null
    default:
      return undefined
  }
}

/** What an event of an operation does to it; those of another change nothing. */
export const foldOperation = (operation: OperationState | null, event: Event): OperationState | null => {
  if (operation === null || event.operation !== operation.id) return operation
  if (event.type === "operation.step") return step(operation, event)
  const failure = failureIn(event)
  if (failure === undefined || !("agent" in event) || event.agent === undefined) return operation
  const { agent } = event
  const others = operation.failures.filter((failed) => failed.agent !== agent)
  if (failure === null) return others.length === operation.failures.length ? operation : { ...operation, failures: others }
  return { ...operation, failures: [...others, { agent, failure }] }
}
