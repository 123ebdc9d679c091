import { dirname } from "node:path"
import { definePlugin, Effect, optionsChecker, PluginContext, Schema } from "reprise/plugin"
import type { ProviderDriver } from "reprise/plugin"
import { authNames, loginOf } from "./auth.ts"
import { checkStart } from "./check-start.ts"
import { command, program } from "./command.ts"
import { composer } from "./composer.ts"
import { approvalPrompt } from "./dialogs.ts"
import { kept, scrubbed } from "./environment.ts"
import { explainExit } from "./exit.ts"
import { AgentOptions } from "./options.ts"
import { defaultPermissions, permissionAliases, permissionModes } from "./permissions.ts"
import { configHomeFor, findTranscript, isSessionId, projectDirectory } from "./places.ts"
import { recognise } from "./recognise.ts"
import { classify, draft } from "./screen.ts"
import { evidence, holders } from "./session-records.ts"
import { startupPrompt } from "./startup.ts"
import { holdsUserMessage, lastTurnAt, readTranscript, userMessages } from "./transcript.ts"
import { trouble } from "./trouble.ts"

// Claude Code. It lets us choose the id of a conversation, and each process of it tells in a file of its own which one it
// has and what it does: the screen is only read for dialogs, for what is typed, and for errors.

const makeDriver = (host: Readonly<Record<string, string>>, stateDirectory: string): ProviderDriver => ({
  capabilities: {
    resume: true,
    fork: true,
    preassignedSession: true,
    mcp: true,
    headless: true,
    resumeConcurrency: "parallel"
  },
  executables: [program],
  checkOptions: optionsChecker(AgentOptions),
  command: (request) => command(request, host),
  sessionAddress: (agent, sessionId) => {
    const configHome = configHomeFor(agent, host).path
    const directory = projectDirectory(configHome, agent.cwd)
    if (sessionId === null || !isSessionId(sessionId)) return { directory, transcript: null }
    const transcript = findTranscript(configHome, agent.cwd, sessionId)
    return dirname(transcript) === directory ? { directory, transcript } : { directory, transcript, alsoIn: [dirname(transcript)] }
  },
  readTranscript,
  holdsUserMessage,
  classify,
  startupPrompt,
  approvalPrompt,
  draft,
  // The screen does not show it; the process's own record does, see `processEvidence`.
  reportedSession: () => Effect.succeed(null),
  explainExit,
  composer,
  userMessages,
  processEvidence: (process) => evidence(configHomeFor(process.agent, host).path, process),
  sessionHolders: (agent, sessionId) => holders(configHomeFor(agent, host).path, sessionId),
  recognise,
  checkStart: (agent, env) => checkStart(agent, env, stateDirectory),
  login: loginOf,
  trouble: (screen, saidAt) => trouble(screen, saidAt ?? new Date()),
  lastTurnAt,
  scrubbed,
  kept,
  permissionModes,
  permissionAliases,
  defaultPermissions
})

export default definePlugin({
  name: "provider-claude",
  api: 1,
  needs: {
    executables: [program],
    directories: ["~/.claude"],
    env: ["HOME", "CLAUDE_CONFIG_DIR", ...authNames]
  },
  options: Schema.Struct({}),
  setup: () =>
    Effect.gen(function*() {
      const context = yield* PluginContext
      return { providers: { claude: makeDriver(context.env, context.stateDirectory) } }
    })
})
