import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import { join } from "node:path"
import { ProviderFailure, Schema } from "reprise/plugin"
import type { CommandPlan, CommandRequest, ProviderAgent } from "reprise/plugin"
import { authModeOf } from "./auth.ts"
import { markerName } from "./marker.ts"
import { AgentOptions } from "./options.ts"
import { defaultPermissions, modeWords } from "./permissions.ts"
import { configHomeFor, isSessionId } from "./places.ts"
import { toolWords } from "./tools.ts"

// How a conversation is started, resumed and copied.

export const program = "claude"

const failure = (detail: string) => new ProviderFailure({ provider: "claude", operation: "command", detail })

const decodeOptions = Schema.decodeUnknownEither(AgentOptions, { errors: "all", onExcessProperty: "error" })

/** The words that name the conversation, and the id that it will have. */
const conversation = (
  { mode, sessionId, sourceSessionId }: CommandRequest
): Either.Either<{ readonly words: ReadonlyArray<string>; readonly expected: string }, ProviderFailure> => {
  for (const id of [sessionId, sourceSessionId]) {
    // Claude Code takes anything else for words to search by, and waits in a picker.
    if (id !== null && !isSessionId(id)) return Either.left(failure(`${JSON.stringify(id)} is not a session ID of Claude Code.`))
  }
  if (sessionId === null) return Either.left(failure(`A ${mode} start needs a session ID; none was given.`))
  if (mode === "fresh") return Either.right({ words: ["--session-id", sessionId], expected: sessionId })
  if (mode === "resume") return Either.right({ words: ["--resume", sessionId], expected: sessionId })
  if (sourceSessionId === null) {
    return Either.left(failure("A fork needs the session ID of the conversation to copy; none was given."))
  }
  return Either.right({
    words: ["--resume", sourceSessionId, "--fork-session", "--session-id", sessionId],
    expected: sessionId
  })
}

/** What stands at the end of the system prompt: the role, and the prompt of the team file. */
const systemPrompt = (agent: ProviderAgent): string | null => {
  const parts = [agent.role === null ? null : `Your role: ${agent.role}`, agent.prompt].filter((part) => part !== null)
  return parts.length === 0 ? null : `${parts.join("\n\n")}\n`
}

/** One word, so that no value can be read as a flag. */
const flag = (name: string, value: string | null): ReadonlyArray<string> => value === null ? [] : [`${name}=${value}`]

/** The command of a request, with the environment that the plugin was granted. */
export const command = (
  request: CommandRequest,
  host: Readonly<Record<string, string>>
): Either.Either<CommandPlan, ProviderFailure> => {
  const { agent, stateDirectory } = request
  const decoded = decodeOptions(agent.options)
  if (Either.isLeft(decoded)) return Either.left(failure(ParseResult.TreeFormatter.formatErrorSync(decoded.left)))
  const options = decoded.right
  const prompt = systemPrompt(agent)
  const promptFile = join(stateDirectory, "claude-system-prompt.md")
  const mcpFile = join(stateDirectory, "claude-mcp.json")
  const servers = Object.entries(agent.mcp)
  const mcp = JSON.stringify({
    mcpServers: Object.fromEntries(servers.map(([name, server]) => [name, { type: "stdio", ...server }]))
  })
  const mode = agent.permissions ?? defaultPermissions
  const home = configHomeFor(agent, host)
  return Either.map(conversation(request), ({ expected, words }): CommandPlan => ({
    argv: [
      program,
      ...modeWords(mode),
      ...flag("--model", agent.model),
      ...flag("--effort", agent.effort),
      ...flag("--append-system-prompt-file", prompt === null ? null : promptFile),
      ...flag("--system-prompt-snapshot", options.systemPromptSnapshot ?? null),
      ...(servers.length === 0 ? [] : ["--mcp-config", mcpFile]),
      ...(servers.length === 0 || options.ownMcpServers === true ? [] : ["--strict-mcp-config"]),
      ...toolWords(agent.tools, options),
      ...(options.addDirectories ?? []).flatMap((directory) => ["--add-dir", directory]),
      "--name",
      markerName(agent),
      ...words
    ],
    env: {
      // Root is refused without it; for anybody else it would say something that is not so.
      ...(mode === "bypassPermissions" && process.getuid?.() === 0 ? { IS_SANDBOX: "1" } : {}),
      ...(home.variable === undefined ? {} : { CLAUDE_CONFIG_DIR: home.variable })
    },
    files: [
      ...(prompt === null ? [] : [{ path: promptFile, content: prompt }]),
      ...(servers.length === 0 ? [] : [{ path: mcpFile, content: mcp }])
    ],
    configHome: home.path,
    account: null,
    authMode: authModeOf(agent, host, home.path),
    expectedSession: expected
  }))
}
