import { execFile } from "node:child_process"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { type ProcessRef, processState, readProcess, signalProcess } from "reprise/plugin"
import { commandLine } from "./control-words.ts"
import { type ControlConnection, openConnection } from "./ControlConnection.ts"
import { codeOf, describe, type SessionMissing, Unanswered } from "./failures.ts"
import { keeperCommand, listWords } from "./panes.ts"

// The one server of a workspace: whether it is there, how it is started, and the one connection to it.

/** The name of the one tmux session of a workspace's server. */
export const sessionName = "reprise"

/** The server is there, and connected. */
export interface Up {
  readonly _tag: "Up"
  readonly connection: ControlConnection
  /** The server's process, by pid and start time. */
  readonly server: string
  readonly process: ProcessRef
}

/** What is proved of the server. A query that failed is an `Unanswered`, never `Absent`. */
export type Home =
  | Up
  /** The server runs without our session: there is no pane of ours. */
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Absent" }

export interface HomeOptions {
  readonly tmux: string
  readonly socket: string
  readonly stateDirectory: string
  readonly timeoutMs: number
  readonly path: string
}

export interface HomeDoor {
  /** Looks; starts nothing. */
  readonly reach: Effect.Effect<Home, Unanswered>
  /** The panes of a server that has no session of ours, a line each: all of them are somebody else's. */
  readonly linesElsewhere: Effect.Effect<ReadonlyArray<string>, Unanswered>
  /** Starts what is missing. */
  readonly reachOrStart: Effect.Effect<Up, Unanswered>
  /** Ends the server if it holds nothing but our session with its keeper; answers whether it is gone. */
  readonly endIfEmpty: Effect.Effect<boolean, Unanswered>
  readonly close: Effect.Effect<void>
}

const ServerRecord = Schema.parseJson(Schema.Struct({
  socket: Schema.String,
  pid: Schema.Int,
  startTime: Schema.String
}))

/** Whether anybody listens on the socket. A refused or missing one is a proof; anything else is not. */
const probe = (socket: string, timeoutMs: number): Effect.Effect<"listens" | "absent", Unanswered> =>
  Effect.async<"listens" | "absent", Unanswered>((resume) => {
    const client = connect(socket)
    const answer = (effect: Effect.Effect<"listens" | "absent", Unanswered>) => {
      client.destroy()
      resume(effect)
    }
    client.once("connect", () => answer(Effect.succeed("listens")))
    client.once("error", (error) => {
      const code = codeOf(error)
      answer(code === "ENOENT" || code === "ECONNREFUSED"
        ? Effect.succeed("absent")
        : Effect.fail(new Unanswered({ detail: `the socket can't be reached: ${describe(error)}` })))
    })
    return Effect.sync(() => client.destroy())
  }).pipe(Effect.timeoutFail({
    duration: timeoutMs,
    onTimeout: () => new Unanswered({ detail: `the socket did not answer within ${timeoutMs} ms` })
  }))

const within = <A, E>(limitMs: number, effect: Effect.Effect<A, E>): Effect.Effect<A, E | Unanswered> =>
  Effect.timeoutFail(effect, {
    duration: limitMs,
    onTimeout: () => new Unanswered({ detail: `tmux did not answer within ${limitMs} ms` })
  })

const serverOptions: ReadonlyArray<ReadonlyArray<string>> = [
  ["set-option", "-s", "exit-empty", "off"],
  ["set-option", "-g", "destroy-unattached", "off"],
  ["set-option", "-g", "remain-on-exit", "off"],
  ["set-option", "-g", "set-titles", "off"],
  ["set-option", "-g", "allow-rename", "off"],
  ["set-option", "-g", "automatic-rename", "off"],
  ["set-option", "-g", "history-limit", "20000"],
  ["set-option", "-g", "default-size", "200x50"],
  ["set-option", "-g", "default-terminal", "screen-256color"],
  // A person who attaches must not bring an environment along.
  ["set-option", "-g", "update-environment", ""]
]

/** The door to the workspace's server. One connection is kept and used by all; a closed one is replaced when next asked. */
export const makeHome = Effect.fn("tmux.home")(function*(options: HomeOptions) {
  const { socket, timeoutMs, tmux } = options
  const env = { PATH: options.path, LANG: "C.UTF-8" }
  const recordPath = join(options.stateDirectory, "server.json")
  const scope = yield* Effect.scope
  const lock = yield* Effect.makeSemaphore(1)
  let current: Up | null = null

  /** Who the server is; kept, so that a lost socket file is not taken for a dead server. */
  const identify = Effect.fnUntraced(function*(connection: ControlConnection) {
    const [answers] = yield* connection.exchange([
      { line: commandLine(["list-sessions", "-F", "#{pid}"]), complete: () => true }
    ])
    const pid = Number(answers?.[0]?.lines[0])
    const reading = yield* readProcess(pid)
    if (reading.state !== "alive") return yield* new Unanswered({ detail: "tmux does not say which process it is" })
    const server = `${pid}/${reading.startTime}`
    const record = yield* Schema.encode(ServerRecord)({ socket, pid, startTime: reading.startTime }).pipe(Effect.orDie)
    const known = yield* Effect.try(() => readFileSync(recordPath, "utf8")).pipe(Effect.orElseSucceed(() => null))
    // Whoever only looks leaves the file as it is.
    if (known !== record) {
      yield* Effect.try(() => {
        const part = `${recordPath}.${process.pid}`
        writeFileSync(part, record, { mode: 0o600 })
        renameSync(part, recordPath)
      }).pipe(Effect.ignore)
    }
    return { server, process: { pid, startTime: reading.startTime } }
  })

  const recorded = Effect.try(() => readFileSync(recordPath, "utf8")).pipe(
    Effect.flatMap(Schema.decode(ServerRecord)),
    Effect.orElseSucceed(() => null)
  )

  /** A socket file can be cleaned away under a server that lives on: that server is asked to make it again. */
  const probeTwice = Effect.gen(function*() {
    if ((yield* probe(socket, timeoutMs)) === "listens") return "listens" as const
    const server = yield* recorded
    if (server === null || server.socket !== socket || (yield* processState(server)) === "dead") return "absent" as const
    yield* Effect.sync(() => {
      try {
        process.kill(server.pid, "SIGUSR1")
      } catch {
        // It ended just now, which the next look shows.
      }
    })
    return yield* Effect.gen(function*() {
      if ((yield* probe(socket, timeoutMs)) === "listens") return "listens" as const
      if ((yield* processState(server)) === "dead") return "absent" as const
      return yield* new Unanswered({ detail: `the tmux server (process ${server.pid}) runs and its socket is gone` })
    }).pipe(Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo("2 seconds"))))
  })

  /**
   * The one attempt to attach. It goes on when a caller has waited long enough, and the next one waits for it: a server
   * that hung and finds clients that came and left when it wakes up crashes (tmux 3.3a).
   */
  let attempt: Fiber.RuntimeFiber<Up, SessionMissing | Unanswered> | null = null
  const attach = Effect.gen(function*() {
    const connection = yield* openConnection({ tmux, socket, session: sessionName, env, timeoutMs })
    const named = yield* identify(connection).pipe(Effect.onError(() => connection.close("it could not be used")))
    return { _tag: "Up", connection, ...named } satisfies Up
  }).pipe(
    // Right after a change of servers a connection may break before its first answer. One that was late is not given up.
    Effect.retry({ times: 1, while: (error) => error._tag === "Unanswered" && error.lost })
  )

  const lookInside = Effect.gen(function*() {
    if (current?.connection.isOpen() === true) {
      // The connection of a server that died a moment ago does not know it yet.
      if ((yield* processState(current.process)) !== "dead") return current
      yield* current.connection.close("the tmux server has ended")
    }
    current = null
    if ((yield* probeTwice) === "absent") return { _tag: "Absent" } as const
    if (attempt !== null && Option.isSome(yield* Fiber.poll(attempt))) attempt = null
    attempt ??= yield* Effect.forkIn(attach, scope)
    const up = yield* within(timeoutMs, Fiber.join(attempt))
    attempt = null
    current = up
    return up
  })

  const look = lookInside.pipe(
    Effect.catchTag("SessionMissing", () => Effect.succeed<Home>({ _tag: "Empty" }))
  )

  const linesElsewhere = Effect.async<ReadonlyArray<string>, Unanswered>((resume) => {
    execFile(tmux, ["-S", socket, ...listWords], { env, cwd: "/", timeout: timeoutMs, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      // So a server answers that has no session at all, after all that was in it was killed.
      const empty = error !== null && error.code === 1 && stderr.trim() === "no current target"
      resume(error === null || empty
        ? Effect.succeed(stdout.split("\n").filter((line) => line !== ""))
        : Effect.fail(new Unanswered({ detail: `it did not list its panes: ${describe(error)}` })))
    })
  })

  /** Starts the server, or only our session in it. Whoever is second finds it made. */
  const start: Effect.Effect<void, Unanswered> = Effect.async<void, Unanswered>((resume) => {
    const words = [
      ["-u", "-S", socket, "-f", "/dev/null"],
      ["new-session", "-d", "-E", "-s", sessionName, "-n", "keeper", "-c", "/", "-x", "200", "-y", "50", ...keeperCommand],
      ...serverOptions.flatMap((option) => [[";"], option])
    ].flat()
    execFile(tmux, words, { env, cwd: "/", timeout: timeoutMs, killSignal: "SIGKILL" }, (error, _stdout, stderr) => {
      if (error === null || stderr.includes("duplicate session")) resume(Effect.void)
      else resume(Effect.fail(new Unanswered({ detail: `tmux did not start: ${stderr.trim() || error.message}` })))
    })
  })

  // A server of the same name, right after its predecessor was killed, may exit unexpectedly.
  const patience = Schedule.exponential("40 millis").pipe(Schedule.union(Schedule.spaced("500 millis")))

  const reachOrStart = Effect.gen(function*() {
    const home = yield* look
    if (home._tag === "Up") return home
    yield* start
    const started = yield* look
    if (started._tag === "Up") return started
    return yield* new Unanswered({ detail: "tmux was started and can't be found" })
  }).pipe(
    Effect.retry({
      schedule: patience.pipe(Schedule.upTo(timeoutMs)),
      while: (error) => /exited unexpectedly|lost server|can't be found|closed/.test(error.detail)
    })
  )

  // tmux itself compares and ends in one breath: a window that another process opens meanwhile is never lost.
  const onlyKeeper = "#{==:#{session_windows}/#{window_panes}/#{S:s},1/1/s}"
  const lists = Effect.async<boolean>((resume) => {
    execFile(tmux, ["-S", socket, ...listWords], { env, cwd: "/", timeout: timeoutMs, killSignal: "SIGKILL" }, (error) => {
      resume(Effect.succeed(error === null))
    })
  })
  const endIfEmpty = Effect.gen(function*() {
    const home = yield* look
    if (home._tag !== "Up") return home._tag === "Absent"
    yield* home.connection.exchange([{
      line: commandLine(["if-shell", "-F", "-t", `=${sessionName}:keeper`, onlyKeeper, "kill-server"]),
      complete: () => true
    }]).pipe(Effect.ignore)
    const gone = probe(socket, timeoutMs).pipe(
      Effect.map((state) => state === "absent"),
      Effect.filterOrFail((absent) => absent, () => "listens" as const),
      Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo("500 millis"))),
      Effect.orElseSucceed(() => false)
    )
    if (yield* gone) return true
    // A server that was told to end waits for its clients, and one whose owner was killed may never answer. It has taken
    // the word: it lists nothing any more. One that lists has something in it, and lives on.
    const server = yield* recorded
    if (server === null || server.socket !== socket || (yield* lists)) return false
    yield* signalProcess(server, "SIGKILL")
    return yield* gone
  })

  const door: HomeDoor = {
    // The limits stand outside the lock, so that a tmux that hangs does not make callers wait for each other.
    reach: within(timeoutMs, lock.withPermits(1)(look)),
    linesElsewhere,
    reachOrStart: within(3 * timeoutMs, lock.withPermits(1)(reachOrStart)),
    endIfEmpty: within(2 * timeoutMs, lock.withPermits(1)(endIfEmpty)),
    close: Effect.suspend(() => current === null ? Effect.void : current.connection.close("the transport was closed"))
  }
  return door
})

