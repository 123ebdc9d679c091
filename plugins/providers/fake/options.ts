import { Schema } from "reprise/plugin"

/** The options of an agent of this provider, as a team file gives them. */
export const AgentOptions = Schema.Struct({
  /** Directory of the transcripts; a relative one is under the workspace. */
  root: Schema.optional(Schema.NonEmptyString),
  /** When the transcript appears. */
  session: Schema.optional(Schema.Literal("at-start", "at-first-message")),
  startup: Schema.optional(Schema.Literal("ready", "trust", "slow", "hang")),
  /** How long a turn takes, in milliseconds. */
  turn: Schema.optional(Schema.NonNegativeInt),
  onResume: Schema.optional(Schema.Literal("ok", "exit", "missing")),
  /** The variable that lets the worker in: without it the worker is logged out and answers nothing. */
  login: Schema.optional(Schema.NonEmptyString.pipe(Schema.pattern(/^[A-Za-z_][A-Za-z0-9_]*$/))),
  /** Whether a new conversation is given its id; else the worker chooses one and it has to be found. */
  assign: Schema.optional(Schema.Boolean),
  /**
   * `interprets`: its input line has commands and escapes as real CLIs have them. `alters`: the same, and its provider does
   * not know it.
   */
  composer: Schema.optional(Schema.Literal("plain", "interprets", "alters")),
  /** Whether the worker writes into its transcript whose it is. */
  marker: Schema.optional(Schema.Boolean)
})
export type AgentOptions = typeof AgentOptions.Type
