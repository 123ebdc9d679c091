import type { IPty } from "@lydell/node-pty"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ProcessExit } from "../domain/pane.ts"
import type { CommandPlan } from "../plugin/provider-driver.ts"
import type { Key, Screen } from "../plugin/transport-driver.ts"

// A pseudo terminal for checks of providers: it starts what a provider's command says and shows what it draws.

/** A program did not do what was waited for. */
export class TerminalFailure extends Schema.TaggedError<TerminalFailure>("reprise/TerminalFailure")("TerminalFailure", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export interface ProviderTerminal {
  readonly pid: number
  readonly screen: Effect.Effect<Screen>
  /** Null while it runs. */
  readonly exit: Effect.Effect<ProcessExit | null>
  readonly paste: (text: string) => Effect.Effect<void>
  readonly press: (keys: ReadonlyArray<Key>) => Effect.Effect<void>
  readonly resize: (columns: number, rows: number) => Effect.Effect<void>
  /** Ends it; a program that does not listen is killed. */
  readonly stop: Effect.Effect<void>
}

const encodings: Readonly<Record<string, string>> = {
  Enter: "\r",
  Up: "\x1b[A",
  Down: "\x1b[B",
  Right: "\x1b[C",
  Left: "\x1b[D",
  Tab: "\t",
  Space: " "
}

const signal = (pty: IPty, name: string): void => {
  try {
    pty.kill(name)
  } catch {
    // It is gone already.
  }
}

/**
 * Asks again until the answer is there. The deadline is generous on purpose: it tells "never" from "not yet", and says
 * nothing about speed.
 */
export const eventually = <A, E, R>(
  what: string,
  ask: Effect.Effect<A | null, E, R>,
  deadline: Duration.DurationInput = "30 seconds"
): Effect.Effect<A, E | TerminalFailure, R> =>
  ask.pipe(
    Effect.flatMap((answer) => answer === null ? Effect.fail("not yet" as const) : Effect.succeed(answer)),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), while: (error) => error === "not yet" }),
    Effect.timeoutFail({
      duration: deadline,
      onTimeout: () =>
        new TerminalFailure({ detail: `Within ${Duration.format(deadline)} it did not happen: ${what}.` })
    }),
    Effect.catchIf((error): error is "not yet" => error === "not yet", () =>
      Effect.fail(new TerminalFailure({ detail: `It did not happen: ${what}.` })))
  )

/** Starts a command; it ends with the scope. */
export const openProviderTerminal = (
  plan: Pick<CommandPlan, "argv" | "env">,
  place: {
    readonly cwd: string
    readonly env: Readonly<Record<string, string>>
    readonly columns?: number
    readonly rows?: number
  }
): Effect.Effect<ProviderTerminal, TerminalFailure, Scope.Scope> =>
  Effect.gen(function*() {
    const { spawn } = yield* Effect.promise(() => import("@lydell/node-pty"))
    const xterm = yield* Effect.promise(() => import("@xterm/headless"))
    // It comes as one object or as names, as the loader at work reads its build.
    const Terminal = xterm.Terminal ?? xterm.default.Terminal
    const [cols, rows] = [place.columns ?? 100, place.rows ?? 30]
    const [program, ...args] = plan.argv
    if (program === undefined) return yield* new TerminalFailure({ detail: "The command is empty." })
    const env: Record<string, string> = { TERM: "xterm-256color" }
    for (const [name, value] of Object.entries({ ...place.env, ...plan.env })) if (value !== null) env[name] = value

    const screen = new Terminal({ cols, rows, allowProposedApi: true })
    let title = ""
    screen.onTitleChange((changed) => {
      title = changed
    })
    let exit: ProcessExit | null = null
    const pty = yield* Effect.acquireRelease(
      Effect.try({
        try: () => spawn(program, args, { name: "xterm-256color", cols, rows, cwd: place.cwd, env }),
        catch: (cause) => new TerminalFailure({ detail: `${program} could not be started: ${String(cause)}` })
      }),
      (started) => Effect.sync(() => exit === null ? signal(started, "SIGKILL") : undefined)
    )
    pty.onData((data) => screen.write(data))
    // What the terminal itself answers to questions that programs ask it.
    screen.onData((answer) => pty.write(answer))
    pty.onExit((ended) => {
      // The binding tells a death by signal n as code 0 with that signal.
      const signalled = ended.signal !== undefined && ended.signal !== 0
      exit = { code: signalled ? null : ended.exitCode, signal: signalled ? ended.signal ?? null : null }
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => screen.dispose()))

    const observedExit = Effect.sync(() => exit)
    return {
      pid: pty.pid,
      screen: Effect.sync((): Screen => {
        const buffer = screen.buffer.active
        const lines = Array.from(
          { length: screen.rows },
          (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? ""
        )
        while (lines.length > 0 && lines.at(-1) === "") lines.pop()
        return { lines, title, cursor: { row: buffer.cursorY, column: buffer.cursorX } }
      }),
      exit: observedExit,
      paste: (text) => Effect.sync(() => pty.write(`\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`)),
      press: (keys) => Effect.sync(() => keys.forEach((key) => pty.write(encodings[key] ?? key))),
      resize: (columns, height) =>
        Effect.sync(() => {
          screen.resize(columns, height)
          pty.resize(columns, height)
        }),
      stop: Effect.sync(() => signal(pty, "SIGTERM")).pipe(
        Effect.zipRight(eventually("its end after SIGTERM", observedExit, "5 seconds")),
        Effect.catchAll(() =>
          Effect.sync(() => signal(pty, "SIGKILL")).pipe(
            Effect.zipRight(eventually("its end after SIGKILL", observedExit)),
            Effect.orDie
          )
        ),
        Effect.asVoid
      )
    }
  })
