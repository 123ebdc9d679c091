import { definePlugin, Effect, PluginContext, type ProviderDriver, Schema } from "reprise/plugin"
import { addressIn } from "./address.ts"
import { loginOf } from "./auth.ts"
import { checkStart } from "./check.ts"
import { commandOf } from "./command.ts"
import { composer } from "./composer.ts"
import { explainExit } from "./exit.ts"
import { configHomeOf, defaultHome, type Surroundings, surroundingsOf } from "./home.ts"
import { checkOptions } from "./options.ts"
import { defaultPermissions, permissionModes } from "./permissions.ts"
import { evidenceOf, holdersOf } from "./processes.ts"
import { recognise } from "./recognise.ts"
import { approvalPrompt, classify, draft, sessionOn, startupPrompt } from "./screen.ts"
import { holdsUserMessage, lastTurnAt, readTranscript, userMessages } from "./transcript.ts"
import { troubleAt } from "./trouble.ts"

// Codex, the CLI of OpenAI: each agent one process with an environment of its own, its conversation told by the lock that
// it holds.

const driverIn = (around: Surroundings): ProviderDriver => ({
  capabilities: {
    resume: true,
    fork: true,
    preassignedSession: false,
    mcp: true,
    headless: true,
    resumeConcurrency: "parallel"
  },
  executables: ["codex"],
  checkOptions,
  command: (request) => commandOf(request, around),
  sessionAddress: (agent, sessionId) => {
    const configHome = configHomeOf(agent, around)
    return addressIn(configHome, agent.startedAt, sessionId, Date.now(), configHome === (around.codexHome ?? defaultHome({ env: {} }, around)))
  },
  readTranscript,
  holdsUserMessage,
  classify,
  startupPrompt,
  approvalPrompt,
  draft,
  // Of the conversations that its process has open, the one that is shown is named below the composer.
  reportedSession: ({ screen }) => Effect.succeed(sessionOn(screen)),
  explainExit,
  composer,
  userMessages,
  processEvidence: evidenceOf,
  sessionHolders: (_, sessionId) => holdersOf(sessionId),
  recognise,
  checkStart: (agent, env) => checkStart(agent, env, around),
  login: (agent, env) => loginOf(agent, env, around),
  trouble: (screen, saidAt) => troubleAt(screen, saidAt ?? new Date()),
  lastTurnAt,
  scrubbed: [
    "TMUX", "TMUX_PANE", "CODEX_THREAD_ID", "CODEX_SESSION_ID", "CODEX_SANDBOX*", "CODEX_MANAGED_*", "CODEX_CI",
    "CLAUDECODE", "CLAUDE_CODE_*", "CLAUDE_EFFORT", "CLAUDE_PROJECT_DIR", "COPILOT_AGENT_SESSION_ID", "PI_SESSION_*",
    "OPENCODE_PID", "QWEN_CODE_*", "GEMINI_CLI"
  ],
  permissionModes,
  defaultPermissions
})

export default definePlugin({
  name: "provider-codex",
  api: 1,
  needs: { executables: ["codex"], directories: ["~/.codex"], env: ["HOME", "CODEX_HOME", "OPENAI_BASE_URL"] },
  options: Schema.Struct({}),
  setup: () => Effect.map(PluginContext, ({ env }) => ({ providers: { codex: driverIn(surroundingsOf(env)) } }))
})
