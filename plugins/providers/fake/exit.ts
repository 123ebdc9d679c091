import type { AgentFailure, FailureKind, ProcessExit } from "reprise/plugin"

interface Known {
  readonly kind: FailureKind
  readonly reason: string
  readonly retryable: boolean
}

const byCode: Readonly<Record<number, Known>> = {
  0: { kind: "unknown", reason: "The worker ended by itself with exit code 0.", retryable: true },
  2: { kind: "bad_flags", reason: "The worker refused its arguments.", retryable: false },
  3: { kind: "missing_transcript", reason: "The worker found no conversation with this session ID.", retryable: false },
  4: { kind: "unknown", reason: "The session ID that the worker was given is already in use.", retryable: false },
  126: { kind: "missing_binary", reason: "The worker's program can't be executed.", retryable: false },
  127: { kind: "missing_binary", reason: "The worker's program was not found.", retryable: false }
}

/** The sentence that the worker itself left on its screen, where it is one that we know. */
const ownWords = (lines: ReadonlyArray<string>): string | undefined =>
  lines.map((line) => line.trim()).filter((line) =>
    /^(No conversation found with session ID|Unknown argument|Session ID \S+ is already in use|Not a session ID)/.test(line)
  ).at(-1)

/** Why a worker that ended, ended. An exit that nobody saw is not explained by guessing. */
export const explainExit = (end: {
  readonly exit: ProcessExit | null
  readonly lines: ReadonlyArray<string>
}): AgentFailure => {
  const code = end.exit?.code ?? null
  const signal = end.exit?.signal ?? null
  if (code === 0 && end.lines.some((line) => line.trim() === "Not trusted.")) {
    const reason = "The worker asked whether it may trust its directory, was told no, and ended."
    return { kind: "not_ready", reason, retryable: true, retryAt: null }
  }
  const known = code === null ? undefined : byCode[code]
  if (known !== undefined) {
    return { kind: known.kind, reason: ownWords(end.lines) ?? known.reason, retryable: known.retryable, retryAt: null }
  }
  if (signal !== null) {
    return { kind: "crash", reason: `Signal ${signal} ended the worker.`, retryable: true, retryAt: null }
  }
  return code === null
    ? { kind: "unknown", reason: "The worker ended; how, nobody saw.", retryable: true, retryAt: null }
    : { kind: "crash", reason: `The worker ended with exit code ${code}.`, retryable: true, retryAt: null }
}
