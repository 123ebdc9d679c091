import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import { isAbsolute, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { definePlugin, Effect, optionsChecker, ProviderFailure, Schema } from "reprise/plugin"
import type { CommandPlan, CommandRequest, ProviderAgent, ProviderDriver, SessionAddress } from "reprise/plugin"
import { composer } from "./composer.ts"
import { explainExit } from "./exit.ts"
import { AgentOptions } from "./options.ts"
import { evidenceOf, holdersOf, recognise } from "./processes.ts"
import { approvalPrompt, classify, draft, sessionOn, startupPrompt, trouble } from "./screen.ts"
import { holdsUserMessage, lastTurnAt, readTranscript, userMessages } from "./transcript.ts"

// A worker without a model: a real process with real conversations, for demos, tests and teams that try Reprise out.

const worker = fileURLToPath(new URL("./worker.mjs", import.meta.url))
const sessionPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/

const failure = (detail: string) => new ProviderFailure({ provider: "fake", operation: "command", detail })

const rootOf = (agent: ProviderAgent): string => {
  const root = agent.options["root"]
  if (typeof root !== "string" || root === "") return join(agent.workspace, ".reprise", "fake", "sessions")
  return isAbsolute(root) ? root : resolve(agent.workspace, root)
}

const sessionAddress = (agent: ProviderAgent, sessionId: string | null): SessionAddress => {
  const directory = rootOf(agent)
  return {
    directory,
    transcript: sessionId !== null && sessionPattern.test(sessionId) ? join(directory, `${sessionId}.jsonl`) : null
  }
}

/** Each flag with its value, where there is one. */
const flags = (values: Readonly<Record<string, string | number | null | undefined>>): ReadonlyArray<string> =>
  Object.entries(values).flatMap(([flag, value]) => value === null || value === undefined ? [] : [flag, String(value)])

const decodeOptions = Schema.decodeUnknownEither(AgentOptions, { errors: "all", onExcessProperty: "error" })

/** How the conversation is named on the command line, and the id it will have (null: the worker chooses). */
const conversation = (
  request: CommandRequest,
  options: AgentOptions
): Either.Either<{
  readonly flags: Readonly<Record<string, string | null>>
  readonly expected: string | null
}, ProviderFailure> => {
  const { mode, sessionId, sourceSessionId } = request
  if (mode === "resume") {
    return sessionId === null
      ? Either.left(failure("A resume needs the session ID of the conversation; none was given."))
      : Either.right({ flags: { "--resume": sessionId }, expected: sessionId })
  }
  if (mode === "fork" && sourceSessionId === null) {
    return Either.left(failure("A fork needs the session ID of the conversation to copy; none was given."))
  }
  const expected = options.assign === false ? null : sessionId
  return Either.right({
    flags: { "--fork": mode === "fork" ? sourceSessionId : null, "--session-id": expected },
    expected
  })
}

const command = (request: CommandRequest): Either.Either<CommandPlan, ProviderFailure> => {
  const { agent, stateDirectory } = request
  for (const id of [request.sessionId, request.sourceSessionId]) {
    if (id !== null && !sessionPattern.test(id)) {
      return Either.left(failure(`${JSON.stringify(id)} is not a session ID.`))
    }
  }
  const decoded = decodeOptions(agent.options)
  if (Either.isLeft(decoded)) return Either.left(failure(ParseResult.TreeFormatter.formatErrorSync(decoded.left)))
  const options = decoded.right
  const promptFile = agent.prompt === null ? null : join(stateDirectory, "prompt.md")
  return Either.map(conversation(request, options), (named): CommandPlan => ({
    argv: [
      process.execPath,
      worker,
      ...flags({
        "--root": rootOf(agent),
        ...named.flags,
        "--agent": options.marker === false ? null : `${agent.team}/${agent.id}`,
        "--session": options.session,
        "--startup": options.startup,
        "--turn": options.turn,
        "--composer": options.composer,
        "--onResume": options.onResume,
        "--login": options.login,
        "--model": agent.model,
        "--effort": agent.effort,
        "--permissions": agent.permissions,
        "--prompt-file": promptFile
      })
    ],
    env: {},
    files: promptFile === null || agent.prompt === null ? [] : [{ path: promptFile, content: agent.prompt }],
    configHome: null,
    account: null,
    expectedSession: named.expected
  }))
}

const driver: ProviderDriver = {
  capabilities: {
    resume: true,
    fork: true,
    preassignedSession: true,
    mcp: false,
    headless: false,
    resumeConcurrency: "parallel"
  },
  executables: [process.execPath],
  checkOptions: optionsChecker(AgentOptions),
  command: (request) => command(request),
  sessionAddress,
  readTranscript,
  holdsUserMessage,
  classify,
  startupPrompt,
  approvalPrompt,
  draft,
  reportedSession: ({ screen }) => Effect.succeed(sessionOn(screen)),
  explainExit,
  composer,
  userMessages,
  trouble,
  lastTurnAt,
  processEvidence: (process) => Effect.sync(() => evidenceOf(rootOf(process.agent), process)),
  sessionHolders: (agent, sessionId) => holdersOf(rootOf(agent), sessionId),
  recognise: (process) => Effect.sync(() => recognise(process)),
  login: ({ options: { login } }, env) => ({
    variables: typeof login === "string" && (env[login] ?? "") !== "" ? [login] : [],
    stored: false
  })
}

export default definePlugin({
  name: "provider-fake",
  api: 1,
  needs: { executables: [process.execPath], directories: ["{workspace}/.reprise/fake"] },
  options: Schema.Struct({}),
  setup: () => Effect.succeed({ providers: { fake: driver } })
})
