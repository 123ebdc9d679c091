import { Schema } from "reprise/plugin"

/** A word after its flag: one that begins as a flag does would be read as one. */
const Names = Schema.Array(Schema.NonEmptyString.pipe(Schema.filter((word) => !word.startsWith("-") || "must not begin with a -")))

/** The options of an agent of this provider, as a team file gives them. */
export const AgentOptions = Schema.Struct({
  /** Where Claude Code keeps its account, settings and conversations, instead of what `CLAUDE_CONFIG_DIR` says. */
  configHome: Schema.optional(Schema.NonEmptyString),
  /** The user trusts the agent's directory: the question of Claude Code is answered with yes. */
  trust: Schema.optional(Schema.Boolean),
  /** The user wants the API key of the environment used: the question of Claude Code is answered with yes. */
  useApiKey: Schema.optional(Schema.Boolean),
  /** Tools that need no approval, as permission rules: `Bash(git *)`. */
  allowTools: Schema.optional(Names),
  /** Tools that are never used, as permission rules. */
  denyTools: Schema.optional(Names),
  /** Directories beside its own that it may work in. */
  addDirectories: Schema.optional(Names),
  /** Whether the user's own MCP servers stay beside those of the team file, where that names some. */
  ownMcpServers: Schema.optional(Schema.Boolean),
  /** `off`: a changed role or prompt takes effect at a resume; Claude Code else goes on with the one that it recorded. */
  systemPromptSnapshot: Schema.optional(Schema.Literal("on", "off"))
})
export type AgentOptions = typeof AgentOptions.Type
