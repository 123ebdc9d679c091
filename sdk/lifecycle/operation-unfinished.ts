import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AppendError } from "../event-log/errors.ts"
import type { Transport } from "../plugin/PluginHost.ts"
import { mayLive, observeTeam } from "./observe.ts"
import type { RestartPlan } from "./plan.ts"

/** The log could not be written to in the middle of an operation: what was done before stands. */
export class OperationUnfinished
  extends Schema.TaggedError<OperationUnfinished>("reprise/OperationUnfinished")("OperationUnfinished", {
    team: Schema.String,
    operation: Schema.String,
    kind: Schema.String,
    /** Agents that lived before it and were seen to live no more. */
    stopped: Schema.Array(Schema.String),
    /** Agents of which that is unknown. */
    unknown: Schema.Array(Schema.String),
    /** Why the log could not be written to. */
    why: Schema.String,
    next: Schema.Array(Schema.String)
  })
{
  override get message(): string {
    const names = (ids: ReadonlyArray<string>) => ids.join(", ")
    return `The ${this.kind} of team ${this.team} is unfinished: the log could not be written to in the middle of it. ` +
      (this.stopped.length === 0 ? "No agent that lived before it was seen to be stopped. " : `Stopped and not started again: ${names(this.stopped)}. `) +
      (this.unknown.length === 0 ? "" : `Whether these live is unknown: ${names(this.unknown)}. `) +
      `${this.why.replace(/ ?Nothing was written(, and all that was recorded before is safe)?\./, "")} ` +
      `What was done before is recorded. ${this.next[0] ?? ""} continues it.`
  }
}

/** Reserved on the log's disk before the first process is touched: a first part, and one for each agent. */
export const roomFor = (agents: number): number => 262_144 + agents * 262_144

/** Tells what a plan had done when the log failed in the middle of carrying it out. Other failures stay as they are. */
export const orUnfinished = (
  plan: RestartPlan<unknown, unknown>,
  { id, kind }: { readonly id: string; readonly kind: string },
  transport: Transport
) =>
<A, R>(effect: Effect.Effect<A, AppendError, R>): Effect.Effect<A, AppendError | OperationUnfinished, R> =>
  Effect.catchTag(effect, "EventLogError", (error) =>
    Effect.gen(function*() {
      const now = yield* observeTeam(plan.team, transport)
      const lived = plan.agents.filter(({ observation, untouched }) => !untouched && mayLive(observation.process))
      // A new process has another spawn than the one that the plan saw.
      const started = new Set((now.panes ?? []).filter(({ team }) => team === plan.team.key).map(({ agent }) => agent))
      const state = (wanted: ReadonlyArray<string>) =>
        lived.flatMap(({ facts: { agent: { spec: { id: agent } } } }) =>
          !started.has(agent) && wanted.includes(now.agents.get(agent)?.process.state ?? "unknown") ? agent : [])
      return yield* new OperationUnfinished({
        team: plan.team.key,
        operation: id,
        kind,
        stopped: state(["dead", "absent"]),
        unknown: now.panes === null ? state(["unknown"]) : [],
        why: error.message,
        next: [`reprise restart --team ${plan.team.key} --continue`]
      })
    }))
