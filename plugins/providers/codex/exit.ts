import { oldestVersion } from "./check.ts"
import type { AgentFailure, FailureKind, ProcessExit } from "reprise/plugin"

// Why a Codex that ended, ended. Its own last words go before the exit code: the code is the same for all of them, and a
// terminal server may have lost it.

interface Known {
  readonly kind: FailureKind
  readonly retryable: boolean
}

const sayings: ReadonlyArray<Known & { readonly says: RegExp; readonly after?: string }> = [
  {
    says: /No saved session found with ID|no rollout found for thread id|Failed to resume session|thread\/(?:resume|fork) failed/i,
    kind: "missing_transcript",
    retryable: false
  },
  {
    says: /^error: unexpected argument '--no-daemon'/,
    kind: "bad_flags",
    retryable: false,
    after: ` This Codex is too old: ${oldestVersion} is the oldest version that Reprise can start; update it.`
  },
  {
    says: /^error: (?:unexpected argument|invalid value|the argument|a value is required|unrecognized subcommand)/,
    kind: "bad_flags",
    retryable: false
  },
  { says: /^error(?: loading configuration|: loading config| parsing|: failed to (?:load|parse) config)/i, kind: "bad_flags", retryable: false },
  { says: /not logged in|log ?in (?:again|required)|refresh token/i, kind: "auth", retryable: false },
  { says: /Missing optional dependency|cannot execute|exec format error/i, kind: "missing_binary", retryable: false }
]

/** A complaint stands at the left edge; whatever was drawn before it does not. Its line may go over the screen's edge. */
const complaint = (lines: ReadonlyArray<string>): string | null => {
  const at = lines.findLastIndex((line) => /^error\b/i.test(line))
  if (at < 0) return null
  const end = lines.findIndex((line, index) => index > at && line.trim() === "")
  const words = lines.slice(at, end < 0 ? lines.length : end).join("").trim()
  return words.length > 500 ? `${words.slice(0, 499)}…` : words
}

const sentence = (text: string): string => /[.!?…]$/.test(text) ? text : `${text}.`

/** Why a Codex that ended, ended. An exit that nobody saw is not explained by guessing. */
export const explainExit = (end: {
  readonly exit: ProcessExit | null
  readonly lines: ReadonlyArray<string>
}): AgentFailure => {
  const code = end.exit?.code ?? null
  const signal = end.exit?.signal ?? null
  const failed = (kind: FailureKind, reason: string, retryable: boolean): AgentFailure => ({ kind, reason, retryable, retryAt: null })
  const words = code === 0 || signal !== null ? null : complaint(end.lines)
  const known = words === null ? undefined : sayings.find(({ says }) => says.test(words))
  if (words !== null && known !== undefined) {
    return failed(known.kind, `Codex ended: ${sentence(words)}${known.after ?? ""}`, known.retryable)
  }
  if (signal !== null) return failed("crash", `Signal ${signal} ended Codex.`, true)
  switch (code) {
    case null:
      return failed("unknown", words === null ? "Codex ended; how, nobody saw." : `Codex ended: ${sentence(words)}`, true)
    case 0:
      return failed("unknown", "Codex ended by itself with exit code 0.", true)
    case 2:
      return failed("bad_flags", words === null ? `Codex refused its arguments. ${oldestVersion} is the oldest version that Reprise can start; codex --version tells yours.` : `Codex ended: ${sentence(words)}`, false)
    case 126:
      return failed("missing_binary", "Codex's program can't be executed.", false)
    case 127:
      return failed("missing_binary", "Codex's program was not found.", false)
    default:
      return failed("crash", words === null ? `Codex ended with exit code ${code}.` : `Codex ended: ${sentence(words)}`, true)
  }
}
