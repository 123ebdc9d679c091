import type { AgentFailure, FailureKind, ProcessExit } from "reprise/plugin"

interface Known {
  readonly shows: RegExp
  readonly kind: FailureKind
  readonly retryable: boolean
  readonly reason: string
}

const own = (shows: RegExp, kind: FailureKind, retryable: boolean, reason: string): Known => ({ shows, kind, retryable, reason })

// What Claude Code says before it ends with exit code 1.
const words: ReadonlyArray<Known> = [
  own(/^No conversation found with session ID/, "missing_transcript", false, "Claude Code has no conversation with this session ID."),
  own(/^(Error: )?Session ID \S+ is already in use/, "resume_mismatch", false, "The session ID for the new conversation is in use already."),
  own(/cannot be used with root\/sudo privileges/, "bad_flags", false, "Claude Code refuses to skip permissions as root."),
  own(/^error: (unknown|option|missing required|too many)/i, "bad_flags", false, "Claude Code refused its arguments."),
  own(/^(Error: )?Invalid (session ID|model|value|MCP configuration)/i, "bad_flags", false, "Claude Code refused its arguments."),
  own(/(Unable|Failed) to connect to (Anthropic services|api\.anthropic\.com)/, "not_ready", true,
    "Claude Code could not reach its service, which it has to at its first start."),
  own(/(Invalid API key|Please run \/login|Not logged in|OAuth token (has )?expired|authentication_error)/i, "auth", false,
    "Claude Code is not logged in.")
]

const failure = (kind: FailureKind, reason: string, retryable: boolean): AgentFailure => ({ kind, reason, retryable, retryAt: null })

const signals: Readonly<Record<number, string>> = { 129: "SIGHUP", 130: "SIGINT", 137: "SIGKILL", 143: "SIGTERM" }

/** Why a Claude Code that ended, ended. An exit that nobody saw is not explained by guessing. */
export const explainExit = (end: {
  readonly exit: ProcessExit | null
  readonly lines: ReadonlyArray<string>
}): AgentFailure => {
  const code = end.exit?.code ?? null
  const signal = end.exit?.signal ?? null
  if (code === null && signal === null) return failure("unknown", "Claude Code ended; how, nobody saw.", true)
  if (signal !== null) return failure("crash", `Signal ${signal} ended Claude Code.`, true)
  const lines = end.lines.map((line) => line.trim()).filter((line) => line !== "")
  const joined = lines.join("")
  if (code === 0) {
    return /Quick safety check/.test(joined)
      ? failure("not_ready", "Claude Code asked whether its directory is trusted, was told no, and ended.", false)
      : failure("unknown", "Claude Code ended by itself with exit code 0.", true)
  }
  const name = signals[code ?? -1]
  if (name !== undefined) return failure("crash", `${name} ended Claude Code (exit code ${code}).`, true)
  if (code === 126) return failure("missing_binary", "Claude Code's program can't be executed.", false)
  if (code === 127) return failure("missing_binary", "Claude Code's program was not found.", false)
  for (const { kind, reason, retryable, shows } of words) {
    const said = lines.findLast((line) => shows.test(line))
    if (code === 1 && said !== undefined) return failure(kind, `${reason} It said: ${said.slice(0, 300)}`, retryable)
  }
  return failure("crash", `Claude Code ended with exit code ${code}.`, true)
}
