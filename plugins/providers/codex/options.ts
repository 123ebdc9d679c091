import { optionsChecker, Schema } from "reprise/plugin"

/** The options of an agent of this provider, as a team file gives them. */
export const AgentOptions = Schema.Struct({
  /** The user trusts the agent's directory: Codex is told so, and its question is answered. */
  trust: Schema.optional(Schema.Boolean),
  /** Where Codex keeps its account, configuration and conversations, absolute; else `CODEX_HOME`, else `~/.codex`. */
  home: Schema.optional(Schema.NonEmptyString.pipe(Schema.filter((path) => path.startsWith("/") || "it must be absolute"))),
  /** A profile of that configuration. */
  profile: Schema.optional(Schema.NonEmptyString.pipe(Schema.pattern(/^[A-Za-z0-9_][A-Za-z0-9_-]*$/)))
})
export type AgentOptions = typeof AgentOptions.Type

export const checkOptions = optionsChecker(AgentOptions)
