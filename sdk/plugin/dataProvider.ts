import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import type { AgentFailure, FailureKind } from "../domain/failure.ts"
import type { ProcessExit } from "../domain/pane.ts"
import type { ScreenData } from "./data-provider-screen.ts"
import { screenReader } from "./data-provider-screen.ts"
import type { TemplateValues, TemplateWords } from "./data-provider-template.ts"
import { parseTemplate, parseWords } from "./data-provider-template.ts"
import type { TranscriptData } from "./data-provider-transcript.ts"
import { transcriptReader } from "./data-provider-transcript.ts"
import { optionsChecker } from "./optionsChecker.ts"
import type {
  CommandPlan,
  CommandRequest,
  Composer,
  ProviderAgent,
  ProviderCapabilities,
  ProviderDriver,
  ProviderLogin,
  SessionAddress
} from "./provider-driver.ts"
import type { Trouble } from "./provider-screen.ts"
import { ProviderFailure } from "./provider-driver.ts"
import type { Key, Screen } from "./transport-driver.ts"

/**
 * What the input line does with a text. The first rule whose pattern matches tells: `effect` completes the sentence "NAME …"
 * and such a text is refused; `before` and `after` are blanks that are typed around a text and removed by the CLI, where that
 * makes it arrive as it is.
 */
export type ComposerRule =
  & { readonly text: RegExp }
  & ({ readonly effect: string } | { readonly before?: " "; readonly after?: " " })

export interface ComposerData {
  readonly rules: ReadonlyArray<ComposerRule>
  /** Keys that remove the line of the draft that the cursor is in. Never Enter, Escape or Ctrl-C. */
  readonly eraseLine?: ReadonlyArray<Key>
}

/** What an exit means: every member that is given must agree; `says` looks at the last lines of the screen. */
export interface ExitRule {
  readonly code?: number
  readonly says?: RegExp
  readonly kind: FailureKind
  readonly reason: string
  readonly retryable: boolean
}

/**
 * A provider in nothing but data.
 *
 * Words may hold `{sessionId}`, `{sourceSessionId}`, `{cwd}`, `{workspace}`, `{home}`, `{stateDirectory}`, `{team}`,
 * `{agent}`, `{role}`, `{prompt}`, `{model}`, `{effort}`, `{permissions}` and `{option.NAME}`; each stays inside its
 * word, and no shell reads it. Words in an array of their own are left out together when one of their values is
 * missing: `["--model", "{model}"]`.
 */
export interface ProviderData<Options, Encoded> {
  readonly name: string
  readonly program: string
  /** What the commands don't tell; an id counts as preassigned where `fresh` asks for `{sessionId}`. */
  readonly capabilities?: Partial<Omit<ProviderCapabilities, "resume" | "fork">>
  /** The agent's `options`; none by default. */
  readonly options?: Schema.Schema<Options, Encoded>
  /** Arguments; a provider without `resume` or `fork` can't do it. */
  readonly fresh: TemplateWords
  readonly resume?: TemplateWords
  readonly fork?: TemplateWords
  /** Added to the environment; null takes a name away. */
  readonly env?: Readonly<Record<string, string | null>>
  readonly files?: ReadonlyArray<{ readonly path: string; readonly content: string }>
  /** The directory of an agent's transcripts (a relative one is under the workspace) and the name of one's file. */
  readonly sessions: { readonly directory: string; readonly file: string }
  /** What a session's id looks like; by default letters, digits, `_`, `.` and `-`. */
  readonly sessionPattern?: RegExp
  readonly transcript: TranscriptData
  readonly screen: ScreenData
  /** Which texts the input line interprets or changes; none by default. */
  readonly composer?: ComposerData
  readonly exits?: ReadonlyArray<ExitRule>
  /**
   * What is wrong with an agent that lives and shows this; the first rule that matches tells. Its last lines belong to the
   * conversation, and count only if something was said since the start; `outside`: these words never stand in a conversation.
   */
  readonly troubles?: ReadonlyArray<Omit<ExitRule, "code"> & { readonly says: RegExp; readonly outside?: boolean }>
  /** Names of variables that let it in; those that a start had are asked for by each later one. */
  readonly loginVariables?: ReadonlyArray<string>
  /** Names of the environment that no process of it may inherit; a trailing `*` stands for any ending. */
  readonly scrubbed?: ReadonlyArray<string>
  /** The permission modes, from the narrowest to the widest, and the one that an agent has where its file names none. */
  readonly permissionModes?: ReadonlyArray<string>
  readonly defaultPermissions?: string
  /** How long to wait, in milliseconds, between a paste and Enter. */
  readonly pasteSettleMs?: number
}

const names = new Set([
  "sessionId", "sourceSessionId", "cwd", "workspace", "home", "stateDirectory", "team", "agent", "role", "prompt",
  "model", "effort", "permissions"
])
const known = (name: string): boolean => names.has(name) || /^option\.[\w.-]+$/.test(name)
/** A directory and a file's name are asked for when no command is: only the agent is known then. */
const knownInAddress = (name: string): boolean => known(name) && name !== "sourceSessionId" && name !== "stateDirectory"

const agentValues = (agent: ProviderAgent): TemplateValues => (name) => {
  if (name.startsWith("option.")) {
    const key = name.slice("option.".length)
    const value = Object.hasOwn(agent.options, key) ? agent.options[key] : null
    return value === null || value === undefined ? null : typeof value === "string" ? value : JSON.stringify(value)
  }
  switch (name) {
    case "cwd":
      return agent.cwd
    case "workspace":
      return agent.workspace
    case "home":
      return homedir()
    case "team":
      return agent.team
    case "agent":
      return agent.id
    case "role":
      return agent.role
    case "prompt":
      return agent.prompt
    case "model":
      return agent.model
    case "effort":
      return agent.effort
    case "permissions":
      return agent.permissions
    default:
      return null
  }
}

const requestValues = (request: CommandRequest): TemplateValues => {
  const ofAgent = agentValues(request.agent)
  return (name) => {
    switch (name) {
      case "sessionId":
        return request.sessionId
      case "sourceSessionId":
        return request.sourceSessionId
      case "stateDirectory":
        return request.stateDirectory
      default:
        return ofAgent(name)
    }
  }
}

const explain = (rules: ReadonlyArray<ExitRule>) =>
(end: { readonly exit: ProcessExit | null; readonly lines: ReadonlyArray<string> }): AgentFailure => {
  const code = end.exit?.code ?? null
  const signal = end.exit?.signal ?? null
  const said = end.lines.filter((line) => line.trim() !== "").slice(-12)
  const rule = rules.find((candidate) =>
    (candidate.code === undefined || candidate.code === code) &&
    (candidate.says === undefined || said.some((line) => line.search(candidate.says ?? /(?!)/) >= 0)) &&
    (candidate.code !== undefined || candidate.says !== undefined)
  )
  if (rule !== undefined) {
    return { kind: rule.kind, reason: rule.reason, retryable: rule.retryable, retryAt: null }
  }
  if (code === 126 || code === 127) {
    const reason = `The program could not be executed (exit code ${code}).`
    return { kind: "missing_binary", reason, retryable: false, retryAt: null }
  }
  const crashed = signal !== null || (code !== null && code !== 0)
  const how = signal !== null ? `Signal ${signal} ended it.` : code !== null
    ? `It ended with exit code ${code}.`
    : "It ended; how, nobody saw."
  return { kind: crashed ? "crash" : "unknown", reason: how, retryable: true, retryAt: null }
}

const composerOf = ({ eraseLine, rules }: ComposerData): Composer => ({
  entryOf: (text) => {
    // A pattern with memory (`g`, `y`) would answer differently every second time.
    const rule = rules.find(({ text: pattern }) => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).test(text))
    if (rule === undefined) return { _tag: "exact", pieces: [text] }
    return "effect" in rule
      ? { _tag: "interpreted", effect: rule.effect }
      : { _tag: "exact", pieces: [`${rule.before ?? ""}${text}${rule.after ?? ""}`] }
  },
  ...eraseLine === undefined ? {} : { eraseLine }
})

const troubleIn = (rules: NonNullable<ProviderData<unknown, unknown>["troubles"]>) =>
({ lines }: Screen): Trouble | null => {
  const said = lines.filter((line) => line.trim() !== "").slice(-12)
  const rule = rules.find(({ says }) => said.some((line) => line.search(says) >= 0))
  return rule === undefined
    ? null
    : {
      kind: rule.kind,
      reason: rule.reason,
      retryable: rule.retryable,
      retryAt: null,
      ...rule.outside === true ? {} : { inConversation: true }
    }
}

const loginBy = (variables: ReadonlyArray<string>) => (_: ProviderAgent, env: Readonly<Record<string, string>>): ProviderLogin => ({
  variables: variables.filter((name) => (env[name] ?? "") !== ""),
  stored: false
})

/**
 * Makes a whole driver from data. A mistake in the data itself (an unknown placeholder, a rule without a pattern)
 * throws here, so that the plugin is turned away at `setup` with its sentence.
 */
export const dataProvider = <Options = {}, Encoded = {}>(data: ProviderData<Options, Encoded>): ProviderDriver => {
  const commands = {
    fresh: parseWords(data.fresh, known),
    resume: data.resume === undefined ? null : parseWords(data.resume, known),
    fork: data.fork === undefined ? null : parseWords(data.fork, known)
  }
  const env = Object.entries(data.env ?? {}).map(([name, value]) =>
    [name, value === null ? null : parseTemplate(value, known)] as const
  )
  const files = (data.files ?? []).map((file) => ({
    path: parseTemplate(file.path, known),
    content: parseTemplate(file.content, known)
  }))
  const directory = parseTemplate(data.sessions.directory, knownInAddress)
  const file = parseTemplate(data.sessions.file, (name) => name === "sessionId" || knownInAddress(name))
  const idPattern = data.sessionPattern ?? /^[A-Za-z0-9][\w.-]{0,127}$/
  // No pattern of an author lets an id leave its directory.
  const isId = (id: string) => id.search(idPattern) === 0 && !/[/\\\0]/.test(id) && id !== "." && id !== ".."
  const asksForId = data.fresh.flat().some((word) => word.includes("{sessionId}"))
  const { sessionOn, ...screen } = screenReader(data.screen)
  const checkOptions = data.options === undefined ? optionsChecker(Schema.Struct({})) : optionsChecker(data.options)

  const failure = (operation: string, detail: string) =>
    new ProviderFailure({ provider: data.name, operation, detail })

  const command = (request: CommandRequest): Effect.Effect<CommandPlan, ProviderFailure> =>
    Effect.gen(function*() {
      const refuse = (detail: string) => failure("command", detail)
      const words = commands[request.mode]
      if (words === null) return yield* refuse(`The provider ${data.name} can't ${request.mode} a conversation.`)
      if (request.mode === "resume" && request.sessionId === null) {
        return yield* refuse("A resume needs the session ID of the conversation; none was given.")
      }
      if (request.mode === "fork" && request.sourceSessionId === null) {
        return yield* refuse("A fork needs the session ID of the conversation to copy; none was given.")
      }
      for (const id of [request.sessionId, request.sourceSessionId]) {
        if (id !== null && !isId(id)) return yield* refuse(`${JSON.stringify(id)} is not a session ID of ${data.name}.`)
      }
      const [problem] = checkOptions(request.agent.options)
      if (problem !== undefined) return yield* refuse(`Option ${problem.path.join(".")}: ${problem.problem}`)
      const values = requestValues(request)
      const filled = words(values)
      if ("missing" in filled) return yield* refuse(`The command needs {${filled.missing}}, which this agent has not.`)
      const plannedEnv: Record<string, string | null> = {}
      for (const [name, template] of env) {
        const value = template?.fill(values)
        if (value === undefined) plannedEnv[name] = null
        else if ("word" in value) plannedEnv[name] = value.word
      }
      const plannedFiles = files.flatMap(({ content, path }) => {
        const [filledPath, filledContent] = [path.fill(values), content.fill(values)]
        return "word" in filledPath && "word" in filledContent
          ? [{ path: filledPath.word, content: filledContent.word }]
          : []
      })
      return {
        argv: [data.program, ...filled.words],
        env: plannedEnv,
        files: plannedFiles,
        configHome: null,
        account: null
      }
    })

  const sessionAddress = (agent: ProviderAgent, sessionId: string | null): SessionAddress => {
    const values = agentValues(agent)
    const filled = directory.fill(values)
    const place = resolve(agent.workspace, "word" in filled ? filled.word : ".reprise")
    if (sessionId === null || !isId(sessionId)) return { directory: place, transcript: null }
    const name = file.fill((wanted) => wanted === "sessionId" ? sessionId : values(wanted))
    return { directory: place, transcript: "word" in name ? join(place, name.word) : null }
  }

  return {
    capabilities: {
      resume: data.resume !== undefined,
      fork: data.fork !== undefined,
      preassignedSession: data.capabilities?.preassignedSession ?? asksForId,
      mcp: data.capabilities?.mcp ?? false,
      headless: data.capabilities?.headless ?? false,
      resumeConcurrency: data.capabilities?.resumeConcurrency ?? "parallel"
    },
    executables: [data.program],
    checkOptions,
    command,
    sessionAddress,
    ...transcriptReader(data.transcript),
    ...screen,
    reportedSession: (process) => Effect.sync(() => sessionOn(process.screen)),
    explainExit: explain(data.exits ?? []),
    ...data.troubles === undefined ? {} : { trouble: troubleIn(data.troubles) },
    ...data.composer === undefined ? {} : { composer: composerOf(data.composer) },
    ...data.loginVariables === undefined ? {} : { login: loginBy(data.loginVariables) },
    ...data.scrubbed === undefined ? {} : { scrubbed: data.scrubbed },
    ...data.permissionModes === undefined ? {} : { permissionModes: data.permissionModes },
    ...data.defaultPermissions === undefined ? {} : { defaultPermissions: data.defaultPermissions },
    ...data.pasteSettleMs === undefined ? {} : { pasteSettleMs: data.pasteSettleMs }
  }
}
