import { writeSync } from "node:fs"
import type { IPty } from "@lydell/node-pty"
import type { Terminal as XtermTerminal } from "@xterm/headless"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { installationProblem, type Key, type ProcessExit, type Screen } from "reprise/plugin"

const columns = 160
const rows = 48
/** How long a program may take no byte of what is written to it. */
const stallMs = 10_000
/** A terminal in line mode drops what goes beyond 4,095 bytes of a line. */
const lineLimit = 4000

const keys: Readonly<Record<string, readonly [normal: string, application: string]>> = {
  Enter: ["\r", "\r"],
  Tab: ["\t", "\t"],
  Space: [" ", " "],
  Up: ["\x1b[A", "\x1bOA"],
  Down: ["\x1b[B", "\x1bOB"],
  Right: ["\x1b[C", "\x1bOC"],
  Left: ["\x1b[D", "\x1bOD"],
  BSpace: ["\x7f", "\x7f"],
  "C-e": ["\x05", "\x05"],
  "C-u": ["\x15", "\x15"]
}

/** A terminal could not take something; `refused` if it never will. */
export interface WriteProblem {
  readonly reason: "Refused" | "Unreachable" | "Gone"
  readonly detail: string
}

const readScreen = (emulator: XtermTerminal, title: string): Screen => {
  const buffer = emulator.buffer.active
  const lines = Array.from(
    { length: emulator.rows },
    (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? ""
  )
  while (lines.length > 0 && lines.at(-1)?.trim() === "") lines.pop()
  const size = { columns: emulator.cols, rows: emulator.rows }
  return { lines, title, cursor: { row: buffer.cursorY, column: buffer.cursorX }, size }
}

/** Its descriptor, while it is open: node-pty hides it, and its own `write` blocks until the program reads. */
const openDescriptor = (pty: IPty): number | null => {
  const descriptor: unknown = Reflect.get(pty, "fd")
  const socket: unknown = Reflect.get(pty, "_socket")
  const closed: unknown = typeof socket === "object" && socket !== null ? Reflect.get(socket, "destroyed") : true
  return typeof descriptor === "number" && descriptor >= 0 && closed === false ? descriptor : null
}

const errorCode = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

/** One program on a terminal of its own. */
export interface Terminal {
  readonly pid: number
  /** How it ended; null while it runs. */
  readonly exit: () => ProcessExit | null
  readonly ended: Effect.Effect<ProcessExit>
  /** What it shows, or showed last. */
  readonly screen: Effect.Effect<Screen>
  readonly paste: (text: string) => Effect.Effect<void, WriteProblem>
  readonly press: (keys: ReadonlyArray<Key>) => Effect.Effect<void, WriteProblem>
  readonly interrupt: Effect.Effect<void, WriteProblem>
}

export interface TerminalRequest {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly onExit: (exit: ProcessExit) => void
}

/** Starts a program on a new terminal. Both packages are loaded here, so that nobody else pays for them. */
export const openTerminal = Effect.fn("pty.openTerminal")(function*(request: TerminalRequest) {
  const [nodePty, headless] = yield* Effect.tryPromise({
    try: () => Promise.all([import("@lydell/node-pty"), import("@xterm/headless")]),
    catch: (cause) => {
      const problem = installationProblem("@lydell/node-pty", cause)
      return { error: problem === null ? cause : `${problem.detail} Run: ${problem.command}` }
    }
  })
  // A CommonJS package: Node puts its exports in `default`, tsx and bundlers beside it.
  const Emulator = headless.Terminal ?? headless.default.Terminal
  const emulator = new Emulator({ cols: columns, rows, scrollback: 500, allowProposedApi: true })
  const pty = yield* Effect.try(() =>
    nodePty.spawn(request.file, [...request.args], {
      name: request.env["TERM"] ?? "xterm-256color",
      cols: columns,
      rows,
      cwd: request.cwd,
      env: { ...request.env }
    })
  )
  const ended = yield* Deferred.make<ProcessExit>()
  const typing = yield* Effect.makeSemaphore(1)
  let exit: ProcessExit | null = null
  let last: Screen | null = null
  let title = ""
  emulator.onTitleChange((text) => {
    title = text
  })
  // Answers to a program's questions about its terminal. Nobody waits for them, so they must not block.
  emulator.onData((answer) => {
    const descriptor = openDescriptor(pty)
    if (descriptor === null) return
    try {
      writeSync(descriptor, answer)
    } catch {
      // The program does not read: it will not miss an answer.
    }
  })
  pty.onData((data) => emulator.write(data))
  pty.onExit(({ exitCode, signal }) => {
    const seen: ProcessExit = signal === undefined || signal === 0
      ? { code: exitCode, signal: null }
      : { code: null, signal }
    exit = seen
    emulator.write("", () => {
      last = readScreen(emulator, title)
      emulator.dispose()
    })
    request.onExit(seen)
    Deferred.unsafeDone(ended, Effect.succeed(seen))
  })

  /** All output so far is on the screen. */
  const flushed = Effect.async<void>((resume) => {
    if (last !== null) resume(Effect.void)
    else emulator.write("", () => resume(Effect.void))
  })

  const write = (text: string): Effect.Effect<void, WriteProblem> =>
    Effect.gen(function*() {
      const bytes = Buffer.from(text)
      let written = 0
      let moved = yield* Clock.currentTimeMillis
      while (written < bytes.length) {
        const descriptor = openDescriptor(pty)
        if (descriptor === null || exit !== null) {
          return yield* Effect.fail<WriteProblem>({ reason: "Gone", detail: `Process ${pty.pid} has ended.` })
        }
        const taken = yield* Effect.try({
          try: () => writeSync(descriptor, bytes, written, Math.min(bytes.length - written, 16_384)),
          catch: errorCode
        }).pipe(Effect.catchAll((code) =>
          // A full terminal takes nothing now; its reader may go on.
          code === "EAGAIN" ? Effect.succeed(0) : Effect.fail<WriteProblem>({
            reason: "Unreachable",
            detail: `The terminal of process ${pty.pid} took ${written} of ${bytes.length} bytes, then ${code}.`
          })
        ))
        written += taken
        const now = yield* Clock.currentTimeMillis
        if (taken > 0) {
          moved = now
          yield* Effect.yieldNow()
        } else if (now - moved > stallMs) {
          return yield* Effect.fail<WriteProblem>({
            reason: "Unreachable",
            detail: `Process ${pty.pid} does not read: it took ${written} of ${bytes.length} bytes.`
          })
        } else yield* Effect.sleep(2)
      }
    })

  const terminal: Terminal = {
    pid: pty.pid,
    exit: () => exit,
    ended: Deferred.await(ended),
    screen: flushed.pipe(Effect.map(() => last ?? readScreen(emulator, title))),
    paste: (text) =>
      flushed.pipe(
        Effect.flatMap(() => {
          const typed = text.replace(/\r?\n/g, "\r")
          if (emulator.modes.bracketedPasteMode) return write(`\x1b[200~${typed}\x1b[201~`)
          return typed.split("\r").some((line) => Buffer.byteLength(line) > lineLimit)
            ? Effect.fail<WriteProblem>({
              reason: "Refused",
              detail: `A line is longer than ${lineLimit} bytes and process ${pty.pid} does not take pastes: nothing was typed.`
            })
            : write(typed)
        }),
        typing.withPermits(1)
      ),
    press: (pressed) =>
      flushed.pipe(
        Effect.flatMap(() => {
          const application = emulator.modes.applicationCursorKeysMode ? 1 : 0
          const codes = pressed.map((key) => keys[key]?.[application] ?? ([...key].length === 1 ? key : null))
          const unknown = pressed.find((_, index) => codes[index] === null)
          return unknown === undefined
            ? write(codes.join(""))
            : Effect.fail<WriteProblem>({ reason: "Refused", detail: `There is no key ${unknown}: none was pressed.` })
        }),
        typing.withPermits(1)
      ),
    interrupt: write("\x03").pipe(typing.withPermits(1))
  }
  return terminal
})
