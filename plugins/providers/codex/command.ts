import { realpathSync } from "node:fs"
import { Effect, ProviderFailure } from "reprise/plugin"
import type { CommandPlan, CommandRequest, ProviderAgent } from "reprise/plugin"
import { isSessionId } from "./address.ts"
import { authModeOf } from "./auth.ts"
import { configHomeOf, defaultHome, type Surroundings } from "./home.ts"
import { prepareServers } from "./mcp.ts"
import { checkOptions } from "./options.ts"
import { permissionFlags, permissionModes } from "./permissions.ts"
import { tomlArray, tomlString, tomlTable } from "./toml.ts"

// How Codex is started, resumed and forked.

/** The system takes no longer word; a little is left for what stands before the text. */
const longestWord = 128 * 1024 - 64

const failure = (detail: string) => new ProviderFailure({ provider: "codex", operation: "command", detail })

const config = (key: string, value: string): ReadonlyArray<string> => ["-c", `${key}=${value}`]

/**
 * The marker by which a conversation is known again as this agent's, and below it what it is told. Codex records it with
 * the first message, and a resume with other instructions keeps the first.
 */
export const instructionsOf = (agent: Pick<ProviderAgent, "team" | "id" | "role" | "prompt">): string =>
  [
    `[reprise agent ${agent.team}/${agent.id}]`,
    ...agent.role === null || agent.role.trim() === "" ? [] : [`Your role: ${agent.role}`],
    ...agent.prompt === null || agent.prompt.trim() === "" ? [] : [agent.prompt]
  ].join("\n\n")

/** A directory by all its names, since Codex may look it up by any. */
const namesOf = (directory: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.try(() => realpathSync(directory)).pipe(
    Effect.map((real) => real === directory ? [directory] : [directory, real]),
    Effect.orElseSucceed(() => [directory])
  )

const trusted = (directories: ReadonlyArray<string>): string =>
  tomlTable(Object.fromEntries(
    directories.map((directory) => [directory, tomlTable({ trust_level: tomlString("trusted") })])
  ))

/** The conversation that the command is about: the verb, and the id as the last word. */
const conversation = (request: CommandRequest): { readonly verb: ReadonlyArray<string>; readonly id: ReadonlyArray<string> } | string => {
  if (request.mode === "fresh") return { verb: [], id: [] }
  const id = request.mode === "resume" ? request.sessionId : request.sourceSessionId
  if (id === null) return `A ${request.mode} needs the session ID of the conversation; none was given.`
  return isSessionId(id)
    ? { verb: [request.mode], id: [id.toLowerCase()] }
    : `${JSON.stringify(id)} is not a session ID of Codex, which are UUIDs.`
}

/** What tells the state on the screen must not depend on the user's configuration. */
const shown = [
  ...config("tui.terminal_title", tomlArray(["activity", "run-state", "project"])),
  ...config("tui.status_line", tomlArray(["model-with-reasoning", "session-id", "current-dir"]))
]

/** The command of a request. */
export const commandOf = (
  request: CommandRequest,
  around: Surroundings
): Effect.Effect<CommandPlan, ProviderFailure> =>
  Effect.gen(function*() {
    const { agent } = request
    const problems = checkOptions(agent.options)
    const [problem] = problems
    if (problem !== undefined) return yield* failure(`options.${problem.path.join(".")}: ${problem.problem}`)
    const named = conversation(request)
    if (typeof named === "string") return yield* failure(named)
    const permissions = permissionFlags(agent.permissions)
    if (permissions === null) {
      return yield* failure(
        `There is no permission mode ${JSON.stringify(agent.permissions)} of Codex; there are ${permissionModes.join(", ")}.`
      )
    }
    const directories = agent.options["trust"] === true ? yield* namesOf(agent.cwd) : []
    const servers = prepareServers(agent.mcp, request.stateDirectory)
    const profile = agent.options["profile"]
    const argv = [
      "codex",
      ...named.verb,
      // A background server would be shared with other agents, and with it one's keys and environment with all.
      "--no-daemon",
      ...permissions,
      ...typeof profile === "string" ? [`--profile=${profile}`] : [],
      ...agent.model === null ? [] : [`--model=${agent.model}`],
      ...agent.effort === null ? [] : config("model_reasoning_effort", tomlString(agent.effort)),
      ...config("developer_instructions", tomlString(instructionsOf(agent))),
      ...config("check_for_update_on_startup", "false"),
      ...shown,
      ...directories.length === 0 ? [] : config("projects", trusted(directories)),
      ...servers.table === null ? [] : config("mcp_servers", servers.table),
      ...named.id
    ]
    const long = argv.find((word) => Buffer.byteLength(word) > longestWord)
    if (long !== undefined) {
      return yield* failure(
        `${long.slice(0, long.indexOf("="))} of this agent is longer than the 128 KiB that a word of a command may have. ` +
          "Shorten its prompt, or let it read the text from a file."
      )
    }
    const configHome = configHomeOf(agent, around)
    return {
      argv,
      // The default is named by leaving it out: Codex makes that directory, and no other.
      env: { CODEX_HOME: configHome === defaultHome(agent, around) ? null : configHome },
      files: servers.files,
      configHome,
      account: null,
      authMode: authModeOf(agent, around, configHome),
      expectedSession: request.mode === "resume" ? request.sessionId?.toLowerCase() ?? null : null
    }
  })
