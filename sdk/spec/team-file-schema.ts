import * as Schema from "effect/Schema"
import { namePattern } from "../domain/ids.ts"
import { Json } from "../domain/json.ts"
import { referenceProblem } from "./env-file.ts"

// What may stand in a team file, before defaults are applied. The messages are the ends of sentences that begin with
// a place and a path.

/** A name for what somebody wrote, for sentences. */
export const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return "nothing"
  if (typeof value === "string") return "text"
  if (typeof value === "boolean") return `"${String(value)}"`
  if (typeof value === "number" || typeof value === "bigint") return `the number ${String(value)}`
  return Array.isArray(value) ? "a list" : "a mapping"
}

const expected = (what: string) => (issue: { readonly actual: unknown }): string =>
  `expected ${what}, found ${kindOf(issue.actual)}`
const expectedText = (what: string) => (issue: { readonly actual: unknown }): string => {
  const scalar = typeof issue.actual === "number" || typeof issue.actual === "boolean"
  return `${expected(what)(issue)}${scalar ? `; put it in quotes: "${String(issue.actual)}"` : ""}`
}

const nul = "holds a NUL character, which no process can be given"

const Text = Schema.String.annotations({ message: expectedText("text") }).pipe(
  Schema.filter((text) => !text.includes("\0"), { message: () => nul })
)
/** Text in which `${NAME}` stands for a variable. */
const Referring = Text.pipe(Schema.filter((text) => referenceProblem(text) ?? true))
const FilledText = Text.pipe(Schema.filter((text) => text.trim() !== "", { message: () => "must not be empty" }))

/** Text, or nothing on purpose: `null` takes a default away. */
const TextOrNull = Schema.NullOr(Schema.String)
  .annotations({ message: (issue) => ({ message: expectedText("text")(issue), override: true }) })
  .pipe(Schema.filter((text) => text === null || !text.includes("\0"), { message: () => nul }))

const Directory = FilledText.pipe(
  Schema.filter((text) => text !== "~" && !text.startsWith("~/"), {
    message: () => "\"~\" is not expanded here; write the whole path, or one relative to the workspace"
  })
)

const badEntries = (env: { readonly [name: string]: string }) =>
  Object.entries(env).flatMap(([name, value]) => {
    if (name === "" || name.includes("=") || name.includes("\0")) {
      return [{ path: [name], message: "not a name that an environment variable can have" }]
    }
    const problem = referenceProblem(value)
    return problem === null ? [] : [{ path: [name], message: problem }]
  })

// Asked as one question: the members of the union would each complain.
const JsonValue = Schema.declare(Schema.is(Json), { message: () => "a value that JSON cannot carry" })

/** May be left out. (A plain `optional` would tell people that it could be undefined too.) */
const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const Environment = Schema.Record({ key: Schema.String, value: Text })
  .annotations({ message: expected("a mapping of names to text") })
  .pipe(Schema.filter(badEntries))

const McpServerEntry = Schema.Struct({
  command: FilledText,
  args: optional(Schema.Array(Referring).annotations({ message: expected("a list of texts") })),
  env: optional(Environment)
}).annotations({ message: expected("a mapping with the keys command, args and env") })

export const mcpServerKeys: ReadonlyArray<string> = Object.keys(McpServerEntry.fields)

/** The name of an MCP server stands in options and in the names of its tools. */
const serverName = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/

const badServerNames = (servers: { readonly [name: string]: unknown }) =>
  Object.keys(servers).flatMap((name) =>
    serverName.test(name) ? [] : [{ path: [name], message: `the name ${JSON.stringify(name)} does not match ${serverName.source}` }]
  )

/** The keys of an agent; all of them may stand in `defaults` too. */
export const AgentEntry = Schema.Struct({
  role: optional(TextOrNull),
  provider: optional(FilledText),
  cwd: optional(Directory),
  paused: optional(Schema.Boolean.annotations({ message: expected("true or false") })),
  model: optional(TextOrNull),
  effort: optional(TextOrNull),
  permissions: optional(TextOrNull),
  tools: optional(Schema.Array(FilledText).annotations({ message: expected("a list of names") })),
  prompt: optional(TextOrNull),
  env: optional(Environment),
  env_file: optional(Schema.NullOr(Directory)),
  options: optional(
    Schema.Record({ key: Schema.String, value: JsonValue }).annotations({ message: expected("a mapping") })
  ),
  mcp: optional(
    Schema.Record({ key: Schema.String, value: McpServerEntry }).annotations({
      message: expected("a mapping of names to servers (docs: { command: docs-server })")
    }).pipe(Schema.filter(badServerNames))
  )
}).annotations({ message: expected("a mapping of the agent's keys") })
export type AgentEntry = typeof AgentEntry.Type

export const agentKeys: ReadonlyArray<string> = Object.keys(AgentEntry.fields)

/** The keys of a task. */
export const TaskEntry = Schema.Struct({
  title: optional(TextOrNull),
  assignee: optional(TextOrNull),
  deps: optional(Schema.Array(FilledText).annotations({ message: expected("a list of tasks") }))
}).annotations({ message: expected("a mapping of the task's keys") })
export type TaskEntry = typeof TaskEntry.Type

export const taskKeys: ReadonlyArray<string> = Object.keys(TaskEntry.fields)

export const TeamFileContent = Schema.Struct({
  name: Text.pipe(
    Schema.pattern(namePattern, {
      message: ({ actual }) => `the name ${JSON.stringify(actual)} does not match ${namePattern.source}`
    })
  ),
  objective: optional(TextOrNull),
  defaults: optional(AgentEntry),
  agents: Schema.Record({ key: Schema.String, value: AgentEntry }).annotations({
    message: expected("a mapping of ids to agents (coder-1: { role: Engineer })")
  }),
  tasks: optional(
    Schema.Record({ key: Schema.String, value: TaskEntry }).annotations({
      message: expected("a mapping of ids to tasks (parser: { assignee: coder-1 })")
    })
  )
}).annotations({ message: expected("a mapping with the keys name and agents") })
export type TeamFileContent = typeof TeamFileContent.Type

export const teamKeys: ReadonlyArray<string> = Object.keys(TeamFileContent.fields)
