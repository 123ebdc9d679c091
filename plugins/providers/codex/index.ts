import { definePlugin, Effect, PluginContext, type ProviderDriver, Schema } from "reprise/plugin"
import { addressIn } from "./address.ts"
import { checkStart } from "./check.ts"
import { commandOf } from "./command.ts"
import { composer } from "./composer.ts"
import { explainExit } from "./exit.ts"
import { configHomeOf, type Surroundings, surroundingsOf } from "./home.ts"
import { checkOptions } from "./options.ts"
import { defaultPermissions, permissionModes } from "./permissions.ts"
import { evidenceOf, holdersOf } from "./processes.ts"
import { recognise } from "./recognise.ts"
import { approvalPrompt, classify, draft, startupPrompt } from "./screen.ts"
import { holdsUserMessage, readTranscript, userMessages } from "./transcript.ts"
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
  sessionAddress: (agent, sessionId) => addressIn(configHomeOf(agent, around), agent.startedAt, sessionId, Date.now()),
  readTranscript,
  holdsUserMessage,
  classify,
  startupPrompt,
  approvalPrompt,
  draft,
  // The lock that its process holds tells it, and only that.
  reportedSession: () => Effect.succeed(null),
  explainExit,
  composer,
  userMessages,
  processEvidence: evidenceOf,
  sessionHolders: (_, sessionId) => holdersOf(sessionId),
  recognise,
  checkStart: (agent, env) => checkStart(agent, env, around),
  trouble: (screen) => troubleAt(screen, new Date()),
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
