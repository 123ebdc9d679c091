import * as FileSystem from "@effect/platform/FileSystem"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { isAbsolute, resolve } from "node:path"
import { AgentId, namePattern, TeamKey } from "../domain/ids.ts"
import { loaded } from "../domain/loaded.ts"
import type { AgentSpec, TeamSpec } from "../domain/team.ts"
import { type FileKind, isRecognised, notRecognised } from "./recognised.ts"
import { closest } from "./suggestion.ts"
import { agentKeys, kindOf, mcpServerKeys, taskKeys, TeamFileContent, teamKeys } from "./team-file-schema.ts"
import type { AgentEntry } from "./team-file-schema.ts"
import { taskIssues, taskSpecs } from "./team-file-tasks.ts"
import type { YamlReading } from "./yaml-document.ts"

/** A team file larger than this is not read. */
const maxBytes = 1024 * 1024
const shownProblems = 100

const yamlDocument = loaded(() => import("./yaml-document.ts"))

/** One thing that is wrong in a team file. Line and column are one-based. */
export const TeamFileProblem = Schema.Struct({
  file: Schema.String,
  line: Schema.Int,
  column: Schema.Int,
  /** From the top of the file to the key, such as `["agents", "coder-1", "cwd"]`. */
  path: Schema.Array(Schema.String),
  problem: Schema.String
})
export type TeamFileProblem = typeof TeamFileProblem.Type

/** A problem as one line: `team.yaml:7:5 agents.coder-1.provder: unknown key, did you mean "provider"?` */
export const problemLine = ({ file, line, column, path, problem }: TeamFileProblem): string =>
  `${file}:${line}:${column} ${path.length === 0 ? "" : `${path.join(".")}: `}${problem}`
    // Keys are anybody's text: a line break or an escape in one must not reach a terminal.
    .replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The team file was read and says something that can't be done. All problems at once; nothing was started. */
export class TeamFileInvalid extends Schema.TaggedError<TeamFileInvalid>("reprise/TeamFileInvalid")("TeamFileInvalid", {
  file: Schema.String,
  problems: Schema.NonEmptyArray(TeamFileProblem)
}) {
  override get message(): string {
    const more = this.problems.length - shownProblems
    return [
      ...this.problems.slice(0, shownProblems).map(problemLine),
      ...(more > 0 ? [`${this.file}: and ${more} more problems.`] : [])
    ].join("\n")
  }
}

/** The team file could not be read; nothing was started. */
export class TeamFileUnreadable
  extends Schema.TaggedError<TeamFileUnreadable>("reprise/TeamFileUnreadable")("TeamFileUnreadable", {
    file: Schema.String,
    reason: Schema.Literal("Missing", "Directory", "Denied", "TooLarge", "Unknown"),
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

/** A team file that was understood. */
export interface TeamFile {
  readonly file: string
  /** Defaults applied, paths absolute. */
  readonly spec: TeamSpec
  /** Where a path of the file stands. */
  readonly reading: YamlReading
}

/** A problem of an agent's `options`, as its provider tells it. */
interface OptionProblem {
  readonly path: ReadonlyArray<string>
  readonly problem: string
}

/** Gives the problems that a provider found in an agent's options their places in the file. */
export const optionProblems = (
  { file, reading }: Pick<TeamFile, "file" | "reading">,
  agent: string,
  problems: ReadonlyArray<OptionProblem>
): ReadonlyArray<TeamFileProblem> =>
  problems.map(({ path, problem }) => {
    const own = ["agents", agent, "options", ...path]
    const inherited = ["defaults", "options", ...path]
    // An option that the agent does not have itself comes from the defaults: the problem is there.
    const full = !reading.has(own) && reading.has(inherited) ? inherited : own
    return { file, ...reading.place(full, "key"), path: full, problem }
  })

/** The problem of an agent with MCP servers whose provider can't be given any, with its place in the file. */
export const mcpProblem = (
  { file, reading }: Pick<TeamFile, "file" | "reading">,
  { id, provider }: Pick<AgentSpec, "id" | "provider">
): TeamFileProblem => {
  const own = ["agents", id, "mcp"]
  const path = reading.has(own) ? own : ["defaults", "mcp"]
  const problem = `${id} can't be given MCP servers: its provider ${provider} has no way to pass them on`
  return { file, ...reading.place(path, "key"), path, problem }
}

const likelyName = (text: string): string | undefined => {
  const name = text.toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(/^[^a-z]+/, "").replace(/-+$/, "").slice(0, 63)
  return namePattern.test(name) ? name : undefined
}

const amongKnown = (key: string, known: ReadonlyArray<string>): string => {
  const meant = closest(key, known)
  return meant === undefined ? `unknown key, known are ${known.join(", ")}` : `unknown key, did you mean "${meant}"?`
}

const unknownKey = (path: ReadonlyArray<string>): string => {
  const key = path.at(-1) ?? ""
  if (path.at(-3) === "mcp") return amongKnown(key, mcpServerKeys)
  if (path[0] === "tasks" && path.length > 1) return amongKnown(key, taskKeys)
  const ofTeam = path.length === 1
  const near = closest(key, ofTeam ? teamKeys : agentKeys)
  if (ofTeam && agentKeys.includes(key)) return `unknown key here; under "defaults" it is for all agents`
  if (near !== undefined) return `unknown key, did you mean "${near}"?`
  if (key === "id") return "unknown key: an agent's id is its key in the mapping"
  return `unknown key, known are ${(ofTeam ? teamKeys : agentKeys).join(", ")}`
}

interface Issue {
  readonly path: ReadonlyArray<string>
  readonly of: "key" | "value"
  readonly problem: string
}

const schemaIssues = (error: ParseResult.ParseError): ReadonlyArray<Issue> =>
  ParseResult.ArrayFormatter.formatErrorSync(error).map((issue): Issue => {
    const path = issue.path.map(String)
    switch (issue._tag) {
      case "Unexpected":
        return { path, of: "key", problem: unknownKey(path) }
      case "Missing":
        return { path, of: "key", problem: "is missing" }
      default:
        return { path, of: "value", problem: issue.message }
    }
  })

const hasProvider = (entry: unknown): boolean => Predicate.isRecord(entry) && "provider" in entry

/** What the shape alone can't say: ids, and a provider from the agent or from the defaults. */
const agentIssues = (content: unknown): ReadonlyArray<Issue> => {
  if (!Predicate.isRecord(content) || !Predicate.isRecord(content["agents"])) return []
  const inherited = hasProvider(content["defaults"])
  return Object.entries(content["agents"]).flatMap(([id, entry]): ReadonlyArray<Issue> => {
    const path = ["agents", id]
    const likely = likelyName(id)
    const bad = namePattern.test(id) ? [] : [{
      path,
      of: "key" as const,
      problem: `the id ${JSON.stringify(id)} does not match ${namePattern.source}` +
        (likely === undefined ? "" : `; "${likely}" would`)
    }]
    const homeless = inherited || hasProvider(entry) || !Predicate.isRecord(entry) ? [] : [{
      path,
      of: "key" as const,
      problem: `has no provider; name one here or under "defaults"`
    }]
    return [...bad, ...homeless]
  })
}

const filled = (entries: unknown): unknown =>
  Predicate.isRecord(entries) ? Object.fromEntries(Object.entries(entries).map(([id, entry]) => [id, entry ?? {}])) : entries

/** `planner:` with nothing behind it is an agent made of defaults, or a task of which nothing is said. */
const withEmptyEntries = (content: unknown): unknown => {
  if (!Predicate.isRecord(content)) return content
  const { agents, defaults, tasks, ...rest } = content
  return {
    ...rest,
    ...("defaults" in content ? { defaults: defaults ?? {} } : {}),
    ...("agents" in content ? { agents: filled(agents) } : {}),
    ...("tasks" in content ? { tasks: filled(tasks ?? {}) } : {})
  }
}

const decodeContent = Schema.decodeUnknownEither(TeamFileContent, { errors: "all", onExcessProperty: "error" })

const agentSpec = (id: string, defaults: AgentEntry, entry: AgentEntry, workspace: string): AgentSpec => {
  const all = { ...defaults, ...entry }
  return {
    id: AgentId.make(id),
    role: all.role ?? null,
    provider: all.provider ?? "",
    cwd: resolve(workspace, all.cwd ?? "."),
    paused: all.paused ?? false,
    model: all.model ?? null,
    effort: all.effort ?? null,
    permissions: all.permissions ?? null,
    tools: all.tools ?? [],
    prompt: all.prompt ?? null,
    env: { ...defaults.env, ...entry.env },
    ...typeof all.env_file === "string" ? { envFile: resolve(workspace, all.env_file) } : {},
    options: { ...defaults.options, ...entry.options },
    mcp: Object.fromEntries(
      Object.entries({ ...defaults.mcp, ...entry.mcp }).map(([name, { args, command, env }]) =>
        [name, { command, args: args ?? [], env: env ?? {} }]
      )
    )
  }
}

const teamSpec = (content: TeamFileContent, workspace: string): TeamSpec => ({
  name: TeamKey.make(content.name),
  objective: content.objective ?? null,
  agents: Object.entries(content.agents).map(([id, entry]) =>
    agentSpec(id, content.defaults ?? {}, entry, workspace)
  ),
  ...content.tasks === undefined ? {} : { tasks: taskSpecs(content.tasks) }
})

const inOrder = (problems: ReadonlyArray<TeamFileProblem>): ReadonlyArray<TeamFileProblem> => {
  const lines = new Map(problems.map((problem) => [problemLine(problem), problem]))
  return [...lines.values()].sort((left, right) => left.line - right.line || left.column - right.column)
}

const invalid = (file: string, problems: ReadonlyArray<TeamFileProblem>): TeamFileInvalid => {
  const [first, ...others] = inOrder(problems)
  const none = { file, line: 1, column: 1, path: [], problem: "not a team file" }
  return new TeamFileInvalid({ file, problems: [first ?? none, ...others] })
}

const teamFile: FileKind = { name: "a team file", required: ["name", "agents"], known: teamKeys }

/** The problems of a file that is not of the kind that was asked for; none quotes it. */
export const unrecognised = (file: string, kind: FileKind, reading: YamlReading): ReadonlyArray<TeamFileProblem> => [
  { file, line: 1, column: 1, path: [], problem: notRecognised(kind, reading.content) },
  ...reading.problems.slice(0, 1).map(({ bare, column, line }) => ({ file, line, column, path: [], problem: bare }))
]

/** What the text of a team file means, or all that is wrong with it. Pure. */
const understand = (
  text: string,
  reading: YamlReading,
  options: { readonly file: string; readonly workspace: string }
): Either.Either<TeamFile, TeamFileInvalid> => {
  const { file, workspace } = options
  if (!isRecognised(teamFile, text, reading.content)) return Either.left(invalid(file, unrecognised(file, teamFile, reading)))
  const structural = reading.problems.map(({ bare: _, ...problem }) => ({ file, ...problem }))
  if (reading.content === undefined) return Either.left(invalid(file, structural))
  const { value } = reading.content
  const place = (issues: ReadonlyArray<Issue>) =>
    issues.map(({ path, of, problem }) => ({ file, ...reading.place(path, of), path, problem }))
  if (value === null || value === undefined) {
    return Either.left(invalid(file, [...structural, ...place([{
      path: [],
      of: "value",
      problem: "the file is empty; a team needs a name and agents"
    }])]))
  }
  const content = withEmptyEntries(value)
  const decoded = decodeContent(content)
  const issues = [...(Either.isLeft(decoded) ? schemaIssues(decoded.left) : []), ...agentIssues(content), ...taskIssues(content)]
  const problems = [...structural, ...place(issues)]
  return Either.isLeft(decoded) || problems.length > 0
    ? Either.left(invalid(file, problems))
    : Either.right({ file, spec: teamSpec(decoded.right, workspace), reading })
}

/**
 * Reads the text of a team file: defaults applied, paths made absolute from `workspace`. Fails with all problems at
 * once. What `options` may hold is the provider's to say, see `optionProblems`.
 */
export const parseTeamFile = Effect.fn("parseTeamFile")(function*(
  text: string,
  options: { readonly file: string; readonly workspace: string }
) {
  if (!isAbsolute(options.workspace)) {
    return yield* Effect.dieMessage(`The workspace must be an absolute path, found ${kindOf(options.workspace)}.`)
  }
  // A character is a byte at least, so that longer texts are too large for sure.
  if (text.length > maxBytes) return yield* tooLarge(options.file)
  const { readYaml } = yield* yamlDocument
  return yield* understand(text, readYaml(text), options)
})

const unreadable = (file: string, reason: TeamFileUnreadable["reason"], what: string): TeamFileUnreadable =>
  new TeamFileUnreadable({
    file,
    reason,
    detail: `${what} Nothing was started. Name a team file that can be read: reprise up FILE.`
  })

const tooLarge = (file: string): TeamFileUnreadable =>
  unreadable(file, "TooLarge", `The team file ${file} is larger than ${maxBytes} bytes.`)

const fromPlatform = (file: string) => (error: PlatformError): TeamFileUnreadable => {
  const reason = error._tag === "SystemError" ? error.reason : "Unknown"
  switch (reason) {
    case "NotFound":
      return unreadable(file, "Missing", `There is no team file ${file}.`)
    case "PermissionDenied":
      return unreadable(file, "Denied", `The team file ${file} may not be read by this user.`)
    default:
      return unreadable(file, "Unknown", `The team file ${file} could not be read (${error.message}).`)
  }
}

/** The line of the first byte that is not UTF-8; undefined when the whole is. */
const firstForeignLine = (bytes: Uint8Array): number | undefined => {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let start = 0
  for (let line = 1; start <= bytes.length; line++) {
    const feed = bytes.indexOf(10, start)
    const end = feed === -1 ? bytes.length : feed
    try {
      decoder.decode(bytes.subarray(start, end))
    } catch {
      return line
    }
    start = end + 1
  }
  return undefined
}

/** Reads a team file from disk; relative `cwd`s in it count from the workspace, wherever the file is. */
export const readTeamFile = Effect.fn("readTeamFile")(function*(
  path: string,
  options: { readonly workspace: string; readonly shownAs?: string }
) {
  const fileSystem = yield* FileSystem.FileSystem
  const file = options.shownAs ?? path
  const info = yield* fileSystem.stat(path).pipe(Effect.mapError(fromPlatform(file)))
  if (info.type !== "File") {
    return yield* unreadable(file, "Directory", `${file} is not a file (${info.type.toLowerCase()}).`)
  }
  if (info.size > maxBytes) return yield* tooLarge(file)
  const bytes = yield* fileSystem.readFile(path).pipe(Effect.mapError(fromPlatform(file)))
  const foreign = firstForeignLine(bytes)
  if (foreign !== undefined) {
    const problem = "not UTF-8 text; save the file with that encoding"
    return yield* invalid(file, [{ file, line: foreign, column: 1, path: [], problem }])
  }
  return yield* parseTeamFile(new TextDecoder("utf-8").decode(bytes), { file, workspace: options.workspace })
})
