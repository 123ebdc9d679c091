import * as Schema from "effect/Schema"
import { FailureKind } from "./failure.ts"
import { Generation } from "./ids.ts"
import { ProcessExit } from "./pane.ts"

/** Why a restart is done now: a person asked for it, somebody died, or the machine came up again. */
export const Trigger = Schema.Literal("person", "death", "boot")
export type Trigger = typeof Trigger.Type

/** What an agent was started for: by the launch of its team, or by a restart of one of the three kinds. */
export const StartCause = Schema.Literal("launch", ...Trigger.literals)
export type StartCause = typeof StartCause.Type

/** One start of an agent, and how far it came. */
export const StartRecord = Schema.Struct({
  generation: Generation,
  at: Schema.String,
  /** The operation that it was part of; one may start an agent more than once. */
  operation: Schema.NullOr(Schema.String),
  cause: StartCause,
  readyAt: Schema.NullOr(Schema.String),
  /** When it was stopped or seen to have ended; null while neither is recorded. */
  endedAt: Schema.NullOr(Schema.String)
})
export type StartRecord = typeof StartRecord.Type

/** One end that nobody asked for, or a start that came to nothing. */
export const DeathRecord = Schema.Struct({
  generation: Generation,
  at: Schema.String,
  /** Null where nobody could observe it. */
  exit: Schema.NullOr(ProcessExit),
  /** Null for an agent that had been at work. */
  kind: Schema.NullOr(FailureKind)
})
export type DeathRecord = typeof DeathRecord.Type

/** How many starts, and how many deaths, are remembered of an agent. */
export const historyKept = 32

/** What became of an agent's spawns, oldest first. Bounded. */
export const AgentHistory = Schema.Struct({
  starts: Schema.Array(StartRecord),
  deaths: Schema.Array(DeathRecord),
  /** When a budget was found spent; null again once it was cleared. */
  budgetExceededAt: Schema.NullOr(Schema.String),
  /** Restarts up to then count in no budget any more. */
  budgetClearedAt: Schema.NullOr(Schema.String)
})
export type AgentHistory = typeof AgentHistory.Type

export const noHistory: AgentHistory = { starts: [], deaths: [], budgetExceededAt: null, budgetClearedAt: null }

/** Whose restarts a budget counts. */
export const BudgetScope = Schema.Literal("agent", "team", "credential")
export type BudgetScope = typeof BudgetScope.Type
