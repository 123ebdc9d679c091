// What of an environment belongs to another conversation, and must not reach an agent.

/** What one Claude Code sets for its children, the terminal that it is in, and the same of other CLIs. */
export const scrubbed: ReadonlyArray<string> = [
  "TMUX",
  "TMUX_PANE",
  "CLAUDECODE",
  "CLAUDE_CODE_*",
  "CLAUDE_EFFORT",
  "CLAUDE_ENV_FILE",
  "CLAUDE_PID",
  "CLAUDE_PROJECT_DIR",
  "AI_AGENT",
  "CODEX_SESSION_ID",
  "CODEX_THREAD_ID",
  "COPILOT_AGENT_SESSION_ID",
  "OPENCODE",
  "OPENCODE_PID",
  "OPENCODE_SESSION*",
  "PI_SESSION_*",
  "QWEN_CODE_*"
]

/** Settings of Claude Code that a person makes on purpose, though their names begin like those of a conversation. */
export const kept: ReadonlyArray<string> = [
  "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
  "CLAUDE_CODE_AUTO_COMPACT_WINDOW",
  "CLAUDE_CODE_CERT_STORE",
  "CLAUDE_CODE_CLIENT_CERT",
  "CLAUDE_CODE_CLIENT_KEY",
  "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
  "CLAUDE_CODE_DISABLE_*",
  "CLAUDE_CODE_ENABLE_*",
  "CLAUDE_CODE_MAX_*",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_SHELL",
  "CLAUDE_CODE_SKIP_*",
  "CLAUDE_CODE_SUBAGENT_MODEL",
  "CLAUDE_CODE_TMPDIR",
  "CLAUDE_CODE_USE_*"
]
