import * as Schema from "effect/Schema"
import { AgentId, TeamKey } from "./ids.ts"
import { Json } from "./json.ts"
import { TaskSpec } from "./task.ts"

/** An MCP server on standard input and output that an agent is given. */
export const McpServerSpec = Schema.Struct({
  command: Schema.NonEmptyString,
  args: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  env: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
})
export type McpServerSpec = typeof McpServerSpec.Type

/** What a team file says of one agent, defaults applied and paths absolute. */
export const AgentSpec = Schema.Struct({
  id: AgentId,
  role: Schema.NullOr(Schema.String),
  provider: Schema.NonEmptyString,
  /** Absolute. */
  cwd: Schema.NonEmptyString,
  paused: Schema.Boolean,
  model: Schema.NullOr(Schema.String),
  effort: Schema.NullOr(Schema.String),
  /** The provider's own permission mode; null leaves it to the provider's plugin. */
  permissions: Schema.NullOr(Schema.String),
  tools: Schema.Array(Schema.String),
  /** The system prompt, if any. */
  prompt: Schema.NullOr(Schema.String),
  /** Extra environment of the process. */
  env: Schema.Record({ key: Schema.String, value: Schema.String }),
  /** A file with more of it, absolute; read at each start, and below `env`. */
  envFile: Schema.optional(Schema.NonEmptyString),
  /** The provider's own options, checked by its Schema. */
  options: Schema.Record({ key: Schema.String, value: Json }),
  /** MCP servers by name. */
  mcp: Schema.optionalWith(Schema.Record({ key: Schema.String, value: McpServerSpec }), { default: () => ({}) })
})
export type AgentSpec = typeof AgentSpec.Type

export const TeamSpec = Schema.Struct({
  name: TeamKey,
  objective: Schema.NullOr(Schema.String),
  agents: Schema.Array(AgentSpec),
  /** What it works on; an order among agents comes from it. */
  tasks: Schema.optional(Schema.Array(TaskSpec))
})
export type TeamSpec = typeof TeamSpec.Type

/**
 * All that made a spawn what it is besides its session. Recorded with each spawn and restored at resume; a difference
 * is drift. Environment values may be secrets, so only their names are kept.
 */
export const LaunchContext = Schema.Struct({
  /** Whose CLI it was: modes, models and options mean nothing to another one. Spawns of old logs don't say. */
  provider: Schema.optional(Schema.NonEmptyString),
  argv: Schema.Array(Schema.String),
  cwd: Schema.String,
  model: Schema.NullOr(Schema.String),
  effort: Schema.NullOr(Schema.String),
  permissions: Schema.NullOr(Schema.String),
  tools: Schema.Array(Schema.String),
  configHome: Schema.NullOr(Schema.String),
  account: Schema.NullOr(Schema.String),
  /** How its CLI was let in, where its plugin could tell. */
  authMode: Schema.optional(Schema.NullOr(Schema.String)),
  envNames: Schema.Array(Schema.String),
  /** How its CLI was let in: names of variables, and whether it had a login of its own in a file. Old spawns don't say. */
  login: Schema.optional(Schema.Struct({ variables: Schema.Array(Schema.String), stored: Schema.Boolean })),
  /** Names that its environment file set. */
  envFileNames: Schema.optional(Schema.Array(Schema.String)),
  options: Schema.Record({ key: Schema.String, value: Json })
})
export type LaunchContext = typeof LaunchContext.Type
