import * as Schema from "effect/Schema"
import { Event, StepPhase } from "../../sdk/domain/event.ts"
import { TeamState } from "../../sdk/event-log/TeamState.ts"
import { AgentView } from "../../sdk/lifecycle/agent-view.ts"

const DeathPoint = Schema.Struct({
  when: Schema.Literal("before", "after"),
  append: Schema.optionalWith(Schema.Int, { exact: true }),
  type: Schema.optionalWith(Schema.Union(...Event.members.flatMap((union) =>
    union.members.map((member) => member.fields.type))), { exact: true }),
  step: Schema.optionalWith(Schema.String, { exact: true }),
  phase: Schema.optionalWith(StepPhase, { exact: true }),
  agent: Schema.optionalWith(Schema.String, { exact: true })
})

/** What the child is told to do, and when to die of it. */
export const Order = Schema.Struct({
  verb: Schema.Literal("up", "restart", "explain", "down", "status", "send"),
  /** By which policy; the standard one where nothing is said. */
  policy: Schema.optionalWith(Schema.Literal("standard", "rolling", "canary", "refusedCanary", "watchedCanary", "atomic", "undone", "undoneAnew"), { exact: true }),
  agents: Schema.optionalWith(Schema.Array(Schema.String), { exact: true }),
  text: Schema.optionalWith(Schema.String, { exact: true }),
  onlyDead: Schema.optionalWith(Schema.Boolean, { exact: true }),
  unfinished: Schema.optionalWith(Schema.Literal("continue", "rollback"), { exact: true }),
  death: Schema.optionalWith(DeathPoint, { exact: true })
})
export type Order = typeof Order.Type

/** What came of it. */
export const Answer = Schema.Struct({
  outcome: Schema.String,
  ok: Schema.Boolean,
  message: Schema.String,
  agents: Schema.Array(AgentView),
  state: Schema.NullOr(TeamState)
})
export type Answer = typeof Answer.Type
