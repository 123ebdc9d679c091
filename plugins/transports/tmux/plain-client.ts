import { execFile } from "node:child_process"
import * as Effect from "effect/Effect"
import { describe, Unanswered } from "./failures.ts"

// One command line of tmux in a client of its own, which comes and goes. Unlike clients in control mode, any number of
// them may do so at the same time.

/** One command of tmux, in words. */
export type Command = ReadonlyArray<string>

/** What a client printed. It says nothing of whether a server was there. */
export interface ClientAnswer {
  readonly ok: boolean
  readonly lines: ReadonlyArray<string>
  readonly complaint: string
}

export interface ClientOptions {
  readonly tmux: string
  readonly env: Readonly<Record<string, string>>
}

export interface ClientRequest {
  readonly socket: string
  readonly commands: ReadonlyArray<Command>
  readonly timeoutMs: number
  /** What the client reads from its standard input. */
  readonly input?: string
  /** Starts a server where there is none. */
  readonly starts?: boolean
}

/** The largest answer: panes of a whole screen, and many rows. */
const largestAnswer = 64 * 1024 * 1024

/** tmux takes a semicolon at the end of an argument for the end of the command. */
const argument = (word: string): string => word.replace(/;$/, "\\;")

const argumentsOf = (commands: ReadonlyArray<Command>): ReadonlyArray<string> =>
  commands.flatMap((command, index) => [...index === 0 ? [] : [";"], ...command.map(argument)])

/** Runs commands one after the other; the first that fails ends them. */
export const runClient = (options: ClientOptions, request: ClientRequest): Effect.Effect<ClientAnswer, Unanswered> =>
  Effect.async<ClientAnswer, Unanswered>((resume) => {
    const { commands, input, socket, starts = false, timeoutMs } = request
    const child = execFile(
      options.tmux,
      ["-u", "-S", socket, ...starts ? ["-f", "/dev/null"] : ["-N"], ...argumentsOf(commands)],
      { env: options.env, cwd: "/", timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: largestAnswer },
      (error, stdout, stderr) => {
        if (error?.killed === true) {
          return resume(Effect.fail(new Unanswered({ detail: `tmux did not answer within ${timeoutMs} ms`, late: true })))
        }
        if (error !== null && typeof error.code !== "number") {
          const detail = error.signal === undefined || error.signal === null
            ? `tmux can't be run: ${describe(error)}`
            : `its client was ended by ${error.signal}`
          return resume(Effect.fail(new Unanswered({ detail })))
        }
        const lines = stdout.split("\n")
        if (lines.at(-1) === "") lines.pop()
        resume(Effect.succeed({ ok: error === null, lines, complaint: stderr.trim() }))
      }
    )
    // A client that ends before it read everything tells why in its answer.
    child.stdin?.on("error", () => undefined)
    child.stdin?.end(input ?? "")
    return Effect.sync(() => void child.kill("SIGKILL"))
  })
