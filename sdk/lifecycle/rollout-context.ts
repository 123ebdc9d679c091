import type * as Effect from "effect/Effect"
import type * as Ref from "effect/Ref"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { LeftoverReport } from "./leftovers.ts"
import type { Operation } from "./operation.ts"
import type { RestartPlan } from "./plan.ts"

/** What came of one agent. */
export interface AgentResult {
  readonly agent: AgentId
  readonly result: "resumed" | "started" | "skipped" | "refused" | "untouched" | "failed" | "stopped"
  readonly failure: AgentFailure | null
  /** What ended generations of it had left behind; left out where nothing was found. */
  readonly leftovers?: LeftoverReport
}

/** What is known of the team's home while its agents are spawned. */
export interface Home {
  /** Whether anything was spawned into it: before that it may well not be there. */
  readonly used: boolean
  /** Agents spawned since it was last seen. */
  readonly unseen: ReadonlyArray<AgentId>
  readonly gone: boolean
}

/** What the steps of a rollout share. */
export interface RolloutContext<E, R> {
  readonly plan: RestartPlan<E, R>
  readonly operation: Operation
  readonly transport: Transport
  readonly findProvider: (name: string) => Provider | undefined
  readonly home: Ref.Ref<Home>
  readonly serial: (provider: Provider) => <A, E2, R2>(effect: Effect.Effect<A, E2, R2>) => Effect.Effect<A, E2, R2>
}

export const fail = (kind: AgentFailure["kind"], reason: string, retryable = false): AgentFailure => ({
  kind,
  reason,
  retryable,
  retryAt: null
})

export const isAgentFailure = (error: unknown): error is AgentFailure =>
  typeof error === "object" && error !== null && !("_tag" in error) && "kind" in error && "retryable" in error

export const scopeOf = (context: RolloutContext<unknown, unknown>, agent: AgentState, generation: number) => ({
  team: context.plan.team.key,
  operation: context.operation.id,
  agent: agent.spec.id,
  generation
})
