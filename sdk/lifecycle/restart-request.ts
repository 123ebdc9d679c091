import type * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Trigger } from "../domain/history.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { PluginHost, PluginMissing } from "../plugin/PluginHost.ts"
import type { GateFailed } from "../policy/GateFailed.ts"
import { type AnyPolicy, type DriftPolicy, toTeam } from "../policy/Policy.ts"
import { closest } from "../spec/suggestion.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import type { HostEnvironment } from "./operation.ts"
import type { OperationUnfinished } from "./operation-unfinished.ts"
import type { RestartPlan, RestartRequest } from "./plan.ts"
import type { TeamOwnerMismatch } from "./rank.ts"
import { deadlines, type InvalidSetting } from "./settings.ts"

/** An agent was named that the team does not have; nothing was done. */
export class AgentUnknown extends Schema.TaggedError<AgentUnknown>("reprise/AgentUnknown")("AgentUnknown", {
  team: Schema.String,
  agent: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const near = closest(this.agent, this.known)
    return `Team ${this.team} has no agent ${JSON.stringify(this.agent)}` +
      `${near === undefined ? "" : `; did you mean "${near}"?`} (it has ${this.known.join(", ") || "none"}). Nothing was done.`
  }
}

/** A conversation was selected, and not one agent that continues it; nothing was done. */
export class SessionNeedsAgent extends Schema.TaggedError<SessionNeedsAgent>("reprise/SessionNeedsAgent")("SessionNeedsAgent", {}) {
  override get message(): string {
    return "A selected session is continued by one agent, and exactly one has to be named. Nothing was done."
  }
}

/** There is no interrupted operation to continue or roll back; nothing was done. */
export class NothingUnfinished extends Schema.TaggedError<NothingUnfinished>("reprise/NothingUnfinished")("NothingUnfinished", {
  team: Schema.String
}) {
  override get message(): string {
    return `Team ${this.team} has no interrupted operation. Nothing was done.`
  }
}

/** What a restart needs besides what its policy asks for. */
export type RestartServices = EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment

/** How a restart can fail. Refusals are not failures: they come as a report. */
export type RestartError =
  | AppendError
  | OperationUnfinished
  | EventLogError
  | LeaseHeld
  | PluginMissing
  | TeamTargetAmbiguous
  | TeamTargetUnresolved
  | AgentUnknown
  | NothingUnfinished
  | InvalidSetting
  | SessionNeedsAgent
  | TeamOwnerMismatch
  | GateFailed

export interface RestartOptions<E = never, R = never> {
  /** These agents only, hence none for an empty list; all by default. */
  readonly agents?: ReadonlyArray<string>
  /** Only agents that are proved dead. */
  readonly onlyDead?: boolean
  /**
   * Leave to end a process that a person started and that is in the conversation of an agent. Without it, the agent is
   * refused as `session_held`.
   */
  readonly takeover?: boolean
  /**
   * Consent to interrupt agents that are at work, or that may be. Without it, a restart that would interrupt one is refused
   * as `confirmation_required`, with who works on what.
   */
  readonly interruptBusy?: boolean
  /**
   * The conversation that the agent continues, where it is not certain which one it was last in. Names one agent in
   * `agents`. It has to be there, resumable, of the agent's directory, and no other agent's.
   */
  readonly session?: string
  /** How long to wait for sessions that are still missing. @default 12 seconds */
  readonly convergeWithin?: Duration.DurationInput
  /** How long an agent may take until it can be spoken to; what its policy says comes before it. @default 30 seconds */
  readonly readyWithin?: Duration.DurationInput
  /** How many agents are restarted at once. @default 4 */
  readonly concurrency?: number
  /**
   * Whether an agent keeps what it last ran with, takes the team file as it is now, or is refused where the two differ.
   * @default what the policy says, else "keep"
   */
  readonly onDrift?: DriftPolicy
  /** Why the restart is done. @default "person" */
  readonly trigger?: Trigger
  /** Requires an interrupted operation, and finishes it or takes it back. Without it, one that is found is continued. */
  readonly unfinished?: "continue" | "rollback"
  /** Called with the decisions before anything is touched; its failure leaves everything untouched. */
  readonly beforeActing?: (plan: RestartPlan<unknown, unknown>) => Effect.Effect<void, E, R>
}

/** What is asked for, with everything that was not said filled in. */
export const requestOf = <E, R>(
  team: TeamState,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<unknown, unknown>
): Effect.Effect<RestartRequest<E, R>, AgentUnknown | InvalidSetting | SessionNeedsAgent, HostEnvironment> =>
  Effect.gen(function*() {
    const standardDeadlines = yield* deadlines
    if (options.session !== undefined && options.agents?.length !== 1) return yield* new SessionNeedsAgent()
    const ids: Array<AgentId> = []
    const known = team.agents.filter(({ removed }) => !removed)
    for (const named of options.agents ?? []) {
      const agent = known.find(({ spec }) => spec.id === named)
      if (agent === undefined) {
        return yield* new AgentUnknown({ team: team.key, agent: named, known: known.map(({ spec }) => spec.id) })
      }
      ids.push(agent.spec.id)
    }
    const whole = toTeam(policy)
    const drift = options.onDrift ?? whole.onDrift ?? "keep"
    const converging = options.convergeWithin ?? whole.convergeWithinMs
    return {
      team: team.key,
      policy: whole,
      agents: options.agents === undefined ? "all" : ids,
      onlyDead: options.onlyDead ?? false,
      takeover: options.takeover ?? false,
      interruptBusy: options.interruptBusy ?? false,
      ...options.session === undefined ? {} : { session: options.session },
      onDrift: drift === "adopt" ? "adopt" : "keep",
      refuseDrift: drift === "refuse",
      trigger: options.trigger ?? "person",
      ...options.unfinished === undefined ? {} : { unfinished: options.unfinished },
      ...standardDeadlines,
      ...converging === null ? {} : { convergeWithinMs: Duration.toMillis(converging) },
      ...options.readyWithin === undefined ? {} : { readyWithinMs: Duration.toMillis(options.readyWithin) },
      concurrency: options.concurrency ?? 4
    }
  })
