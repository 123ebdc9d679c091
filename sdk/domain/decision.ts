import * as Schema from "effect/Schema"
import { BudgetScope } from "./history.ts"
import { SessionRef } from "./session.ts"

/** What a restart does with one agent. */
export const DecisionKind = Schema.Literal("resume", "fresh_start", "skip", "refuse")
export type DecisionKind = typeof DecisionKind.Type

/** Permissions to lose or risk something, by the name that `--grant` takes. */
export const GrantName = Schema.Literal("discard-context")
export type GrantName = typeof GrantName.Type

/** What a policy may need beyond the services of every restart, as data: what types can't say past an `import()`. */
export const Requirement = Schema.Literal(...GrantName.literals, "approvals")
export type Requirement = typeof Requirement.Type

/** The grants among what a policy requires. */
export const grantsAmong = (requires: ReadonlyArray<Requirement>): ReadonlyArray<GrantName> =>
  requires.filter((requirement) => requirement !== "approvals")

/** The state of convergence at the moment a grant overrode a missing session. Members follow the wire names. */
export const SessionConvergence = Schema.Struct({
  complete: Schema.Boolean,
  deadline_s: Schema.Number,
  deadline_ms: Schema.Number,
  elapsed_ms: Schema.Number,
  pending_agent_ids: Schema.Array(Schema.String)
})
export type SessionConvergence = typeof SessionConvergence.Type

/** What a policy decided for one agent: the one value that the table, the JSON, the log and the doctor render. */
export const Decision = Schema.Struct({
  kind: DecisionKind,
  /** For `refuse`, and for `skip` where a policy gave one. */
  code: Schema.NullOr(Schema.String),
  /** Sentences, in the order in which they were thought. */
  why: Schema.Array(Schema.String),
  /** The conversation that a resume continues. */
  session: Schema.NullOr(SessionRef),
  /** What this decision may lose, hence which grants it asks for. */
  requires: Schema.Array(GrantName),
  forcedFresh: Schema.NullOr(SessionConvergence),
  /** To whom the policy hands the decision; the agent itself is refused then. */
  escalateTo: Schema.optional(Schema.String),
  /** The budget that was found spent. */
  budget: Schema.optional(Schema.Struct({
    restarts: Schema.NonNegativeInt,
    per_ms: Schema.Number,
    used: Schema.NonNegativeInt,
    scope: BudgetScope
  }))
})
export type Decision = typeof Decision.Type
