import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { processState, signalProcess } from "reprise/plugin"
import { markOf, serverFile, serverPlaces, type WorkspaceMark } from "./address.ts"
import { type Asked, makeAsk, type Outputs } from "./asking.ts"
import { removeControlLock, withControlLock } from "./control-lock.ts"
import { type ControlConnection, openConnection } from "./ControlConnection.ts"
import { Unanswered } from "./failures.ts"
import { listCommand, onlyKeeperIn, type SessionRef } from "./panes.ts"
import { runClient } from "./plain-client.ts"
import { continuing, type Home, makeLookAt, probe, type Server, type Up } from "./server-look.ts"
import { sessionName, startServer } from "./server-start.ts"

// The one server of a workspace: where it is, whether it is there, how it is started, and how it is asked.

export interface HomeOptions {
  readonly tmux: string
  /** Where a server goes that is started by this process. */
  readonly socket: string
  readonly stateDirectory: string
  readonly workspace: string
  readonly workspaceId: Effect.Effect<string | null>
  readonly timeoutMs: number
  readonly path: string
}

/** The server's own client in control mode, and the server at the time it attached. */
export interface Following {
  readonly connection: ControlConnection
  readonly server: Server
}

export interface HomeDoor {
  /** Looks; starts nothing. */
  readonly reach: Effect.Effect<Home, Unanswered>
  /** Starts what is missing. */
  readonly reachOrStart: Effect.Effect<Up & { readonly session: SessionRef }, Unanswered>
  /** Learns where the server is, from what is recorded; asks nobody. */
  readonly locate: Effect.Effect<void>
  /** Runs commands, in one go. Starts nothing. */
  readonly ask: (asked: Asked) => Effect.Effect<Outputs, Unanswered>
  /** Attaches the process's only client in control mode, or answers with the one it has; null where there is no session. */
  readonly follow: Effect.Effect<Following | null, Unanswered>
  /** Whether a server listens, without a client. */
  readonly listens: Effect.Effect<boolean>
  /** Where nothing listens on a socket, no pane of it is left. */
  readonly isAbandoned: (socket: string) => Effect.Effect<boolean>
  /** Ends the server if it holds nothing but our session with its keeper; answers whether it is gone. */
  readonly endIfEmpty: Effect.Effect<boolean, Unanswered>
  readonly close: Effect.Effect<void>
  /** The socket of the server, or where a new one goes. */
  readonly socket: () => string
  /** What our session is called. */
  readonly sessionName: () => string
}

const within = <A, E>(limitMs: number, effect: Effect.Effect<A, E>): Effect.Effect<A, E | Unanswered> =>
  Effect.timeoutFail(effect, {
    duration: limitMs,
    onTimeout: () => new Unanswered({ detail: `tmux did not answer within ${limitMs} ms`, late: true })
  })

/** The door to the workspace's server. */
export const makeHome = Effect.fn("tmux.home")(function*(options: HomeOptions) {
  const { timeoutMs, tmux } = options
  const env = { PATH: options.path, LANG: "C.UTF-8" }
  const file = serverFile(options.stateDirectory)
  const scope = yield* Effect.scope
  const lock = yield* Effect.makeSemaphore(1)
  let following: Following | null = null
  let socket = options.socket
  let called = sessionName

  const own = Effect.map(options.workspaceId, (id) => markOf(options.workspace, id))
  const opened = () => following !== null && following.connection.isOpen() ? following : null
  const asking = yield* makeAsk({
    run: (request) => runClient({ tmux, env }, request),
    socket: () => socket,
    // The connection of a server that died a moment ago does not know it yet.
    connection: Effect.suspend(() => {
      const open = opened()
      return open === null || open.server.socket !== socket
        ? Effect.succeed(null)
        : Effect.map(processState(open.server), (state) => state === "dead" ? null : open.connection)
    }),
    timeoutMs
  })

  const locate = Effect.gen(function*() {
    const { record } = yield* serverPlaces(file, yield* own, options.socket)
    if (record !== null) socket = record.socket
  })

  const lookAt = makeLookAt({ client: asking.client, timeoutMs })

  const remember = Effect.fnUntraced(function*(server: Server, mark: WorkspaceMark) {
    yield* file.write({ socket: server.socket, pid: server.pid, startTime: server.startTime, workspace: mark })
  })

  const lookOnce: Effect.Effect<Home, Unanswered> = Effect.gen(function*() {
    const mark = yield* own
    const { record, sockets } = yield* serverPlaces(file, mark, options.socket)
    for (const at of sockets) {
      const home: Home = yield* lookAt(at, record, mark).pipe(
        Effect.mapError((error) =>
          error.late && record !== null
            ? new Unanswered({ detail: `${error.detail}.${continuing(record)}`, late: true })
            : error)
      )
      if (home._tag === "Absent") continue
      socket = at
      called = home.session?.name ?? home.rows.find((row) => row.owner !== null)?.session ?? sessionName
      yield* remember(home.server, mark)
      return home
    }
    socket = options.socket
    called = sessionName
    return { _tag: "Absent" } as const
  })

  const look = lookOnce.pipe(
    // Right after a change of servers a client may fail before its first answer. One that was late is not asked again.
    Effect.retry({ times: 1, while: (error) => error.lost })
  )

  // A server of the same name, right after its predecessor was killed, may exit unexpectedly.
  const patience = Schedule.exponential("40 millis").pipe(Schedule.union(Schedule.spaced("500 millis")))

  const withSession = (home: Home) =>
    home._tag === "Up" && home.session !== null ? { ...home, session: home.session } : null

  const reachOrStart = Effect.gen(function*() {
    const home = yield* look
    const found = withSession(home)
    if (found !== null) return found
    const [at, taken] = home._tag === "Up" ? [home.server.socket, home.rows] : [options.socket, []]
    yield* startServer(asking.client, at, taken, yield* own)
    const started = withSession(yield* look)
    if (started !== null) return started
    return yield* new Unanswered({ detail: "tmux was started and can't be found" })
  }).pipe(
    Effect.retry({
      schedule: patience.pipe(Schedule.upTo(timeoutMs)),
      while: (error) => /exited unexpectedly|lost server|can't be found|closed/.test(error.detail)
    })
  )

  const lockFile = (at: string) => join(dirname(at), "control.lock")
  const locked = (at: string) => withControlLock(lockFile(at), timeoutMs)

  /**
   * The one attempt to attach. It goes on when a caller has waited long enough, and the next one waits for it: a server
   * that hung and finds clients that came and left when it wakes up crashes (tmux 3.3a).
   */
  let attempt: Fiber.RuntimeFiber<Following, Unanswered> | null = null
  const attach = (server: Server, session: string) =>
    locked(server.socket)(openConnection({ tmux, socket: server.socket, session, env, timeoutMs })).pipe(
      Effect.map((connection): Following => ({ connection, server })),
      Effect.retry({ times: 1, while: (error) => error.lost })
    )

  /** Leaves in turn with the others; where that takes too long, out of turn. */
  const leave = ({ connection, server }: Following, why: string) =>
    connection.isOpen()
      ? locked(server.socket)(connection.close(why)).pipe(Effect.catchAll(() => connection.close(why)))
      : connection.close(why)

  const follow = Effect.gen(function*() {
    const open = opened()
    if (open !== null && (yield* processState(open.server)) !== "dead") return open
    if (following !== null) yield* leave(following, "the tmux server has ended")
    following = null
    const home = yield* look
    if (home._tag === "Absent") return null
    const session = home.session?.id ?? home.rows[0]?.sessionId
    if (session === undefined) return null
    if (attempt !== null && Option.isSome(yield* Fiber.poll(attempt))) attempt = null
    attempt ??= yield* Effect.forkIn(attach(home.server, session), scope)
    const made = yield* within(timeoutMs, Fiber.join(attempt))
    attempt = null
    following = made
    return made
  })

  const endIfEmpty = Effect.gen(function*() {
    const home = yield* look
    if (home._tag === "Absent") return true
    const keeper = home.rows.find((row) => row.keeper)
    if (home.rows.length > (keeper === undefined ? 0 : 1)) return false
    // tmux itself compares and ends in one breath: a window that another process opens meanwhile is never lost.
    const target = keeper === undefined ? [] : ["-t", keeper.pane]
    yield* Effect.ignore(asking.ask({ commands: [["if-shell", "-F", ...target, onlyKeeperIn(keeper), "kill-server"]] }))
    const at = home.server.socket
    const gone = probe(at, timeoutMs).pipe(
      Effect.map((state) => state === "absent"),
      Effect.filterOrFail((absent) => absent, () => "listens" as const),
      Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo("500 millis"))),
      Effect.orElseSucceed(() => false)
    )
    if (yield* gone) return true
    // A server that was told to end waits for its clients, and one whose owner was killed may never answer. It has taken
    // the word: it lists nothing any more. One that lists has something in it, and lives on.
    const lists = yield* asking.client({ socket: at, commands: [listCommand(null)] }).pipe(
      Effect.map(({ ok }) => ok),
      Effect.orElseSucceed(() => false)
    )
    if (lists) return false
    yield* signalProcess(home.server, "SIGKILL")
    return yield* gone
  })

  const door: HomeDoor = {
    reach: within(3 * timeoutMs, look),
    reachOrStart: within(3 * timeoutMs, lock.withPermits(1)(reachOrStart)),
    locate,
    ask: asking.ask,
    follow: within(3 * timeoutMs, lock.withPermits(1)(follow)),
    listens: Effect.zipRight(locate, Effect.suspend(() => probe(socket, timeoutMs))).pipe(
      Effect.map((state) => state === "listens"),
      // What could not be told is looked at.
      Effect.orElseSucceed(() => true)
    ),
    isAbandoned: (at) => probe(at, timeoutMs).pipe(Effect.map((state) => state === "absent"), Effect.orElseSucceed(() => false)),
    endIfEmpty: within(3 * timeoutMs, lock.withPermits(1)(endIfEmpty)).pipe(
      Effect.tap((gone) => gone ? removeControlLock(lockFile(socket)) : Effect.void)
    ),
    close: Effect.suspend(() => following === null ? Effect.void : leave(following, "the transport was closed")),
    socket: () => socket,
    sessionName: () => called
  }
  return door
})
