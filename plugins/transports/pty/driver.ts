import { basename } from "node:path"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import {
  endProcessTree,
  findExecutable,
  type PaneIdentity,
  type PaneInspection,
  type PaneListing,
  PluginContext,
  processState,
  readProcess,
  spawnProblem,
  type SpawnRequest,
  type TransportDriver,
  type TransportEvent,
  TransportFailure
} from "reprise/plugin"
import { endpointOf, homeFile, type HomePane, notDead, residenceSentence } from "./home.ts"
import { openTerminal, type Terminal, type WriteProblem } from "./terminal.ts"

/** How long the agents have to end when their owner does. */
const farewellMs = 2000
/** How long an exit status may come after its process. */
const statusMs = 2000
/** How many ended panes are remembered with their exit and last screen. */
const remembered = 64

interface Lodger {
  readonly pane: HomePane
  readonly terminal: Terminal
}

const same = (a: PaneIdentity, b: PaneIdentity): boolean =>
  a.pid === b.pid && a.startTime === b.startTime && a.spawn === b.spawn && a.endpoint === b.endpoint &&
  a.session === b.session && a.window === b.window && a.pane === b.pane && a.transport === b.transport

const failure = (operation: string, reason: TransportFailure["reason"], detail: string) =>
  new TransportFailure({ transport: "pty", operation, reason, detail })

/** Agents on terminals of this process. They end with its scope. */
export const makePty = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { stateDirectory } = yield* PluginContext
  const home = homeFile(fs, `${stateDirectory}/pty.json`)
  const hub = yield* Effect.acquireRelease(PubSub.unbounded<TransportEvent>(), PubSub.shutdown)
  const saving = yield* Effect.makeSemaphore(1)
  let lodgers: ReadonlyArray<Lodger> = []
  let counted = 0
  /** Panes of an earlier owner that may live: nobody else knows of them. */
  let inherited: ReadonlyArray<HomePane> = []
  let owned = false

  const self = yield* readProcess(process.pid)
  const owner = {
    pid: process.pid,
    startTime: self.state === "unknown" ? "" : self.startTime ?? "",
    command: basename(process.argv[1] ?? process.title)
  }
  const endpoint = endpointOf(owner)
  const living = () => lodgers.filter(({ terminal }) => terminal.exit() === null)
  const lodger = (pane: PaneIdentity) => lodgers.find((candidate) => same(candidate.pane.identity, pane))

  const save = Effect.suspend(() => home.save({ owner, panes: [...living().map(({ pane }) => pane), ...inherited] })).pipe(
    Effect.mapError((problem) =>
      failure("spawn", "Unreachable", `It could not be written down where the agents live: ${problem.message}`)
    ),
    saving.withPermits(1)
  )

  const claim = Effect.suspend(() =>
    owned ? Effect.void : Effect.flatMap(home.claim(owner), (residence) => {
      if (residence._tag === "Unknown") return failure("spawn", "Unreachable", residence.detail)
      if (residence._tag === "Nobody" || residence.owner.pid !== owner.pid) {
        const detail = residence._tag === "Nobody" ? "Another process was faster." : residenceSentence(residence.owner)
        return failure("spawn", "Unreachable", `Nothing was started. ${detail}`)
      }
      owned = true
      inherited = residence._tag === "Owner" ? residence.panes : []
      return Effect.void
    })
  ).pipe(saving.withPermits(1))

  const end = (pane: PaneIdentity, graceMs: number) => endProcessTree(pane, graceMs, pane)

  // An interrupted spawn would leave a process that nobody knows.
  const spawn = Effect.fnUntraced(function*(request: SpawnRequest) {
    const [program = "", ...args] = request.argv
    const problem = spawnProblem(request)
    if (problem !== null) return yield* failure("spawn", "Refused", problem)
    yield* claim
    let known: PaneIdentity | null = null
    let over: TransportEvent | null = null
    const terminal = yield* openTerminal({
      file: findExecutable(program, request.cwd, request.env["PATH"]) ?? program,
      args,
      cwd: request.cwd,
      env: request.env,
      onExit: (exit) => {
        if (known === null) return
        over = { _tag: "Exited", pane: known, exit }
        hub.unsafeOffer(over)
      }
    }).pipe(
      Effect.mapError(({ error }) => failure("spawn", "Refused", `${program} was not started: ${String(error)}`))
    )
    const reading = yield* readProcess(terminal.pid)
    if (reading.state === "unknown" || reading.startTime === null) {
      const detail = reading.state === "unknown" ? reading.reason : "it ended at once"
      return yield* failure("spawn", reading.state === "unknown" ? "Unreachable" : "Gone",
        `${program} was started as process ${terminal.pid} and could not be identified: ${detail}`)
    }
    const identity: PaneIdentity = {
      transport: "pty",
      endpoint,
      session: request.team,
      window: request.agent,
      pane: String(++counted),
      pid: terminal.pid,
      startTime: reading.startTime,
      spawn: request.spawn
    }
    known = identity
    const { agent, generation, team } = request
    const ended = lodgers.filter(({ terminal: { exit } }) => exit() !== null)
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - remembered)))
    lodgers = [...lodgers.filter((candidate) => !forgotten.has(candidate)),
      { pane: { identity, team, agent, generation }, terminal }]
    const exit = terminal.exit()
    if (exit !== null && over === null) hub.unsafeOffer({ _tag: "Exited", pane: identity, exit })
    // A pane that nobody else can be told of must not live on unseen.
    yield* save.pipe(Effect.onError(() => end(identity, 0)))
    return identity
  }, Effect.uninterruptible)

  const inspectFromOutside = Effect.fnUntraced(function*(pane: PaneIdentity) {
    const state = yield* processState(pane)
    if (state === "dead") {
      return { state: "dead" as const, evidence: `Process ${pane.pid} of that start time is gone.`, exit: null }
    }
    if (state === "unknown") {
      return { state: "unknown" as const, evidence: `Process ${pane.pid} could not be looked at.`, exit: null }
    }
    const residence = yield* home.look
    if (residence._tag === "Unknown") return { state: "unknown" as const, evidence: residence.detail, exit: null }
    // The panes that an owner took over are on nobody's terminal.
    return residence._tag === "Owner" && pane.endpoint === endpointOf(residence.owner) && residence.panes.some(({ identity }) => same(identity, pane))
      ? {
        state: "alive" as const,
        evidence: `Process ${pane.pid} lives on a terminal of process ${residence.owner.pid}.`,
        exit: null
      }
      : { state: "orphaned" as const, evidence: `Process ${pane.pid} lives; its terminal has no owner.`, exit: null }
  })

  const inspect = Effect.fnUntraced(function*(pane: PaneIdentity): Effect.fn.Return<PaneInspection> {
    const found = lodger(pane)
    if (found === undefined) return yield* inspectFromOutside(pane)
    const state = found.terminal.exit() === null ? yield* processState(pane) : "dead"
    if (state === "alive") return { state, evidence: `Process ${pane.pid} lives on our terminal ${pane.pane}.`, exit: null }
    if (state === "unknown") return { state, evidence: `Process ${pane.pid} could not be looked at.`, exit: null }
    const exit = yield* found.terminal.ended.pipe(Effect.timeoutTo({
      duration: statusMs,
      onSuccess: (seen) => seen,
      onTimeout: () => null
    }))
    return { state, evidence: `Process ${pane.pid} has ended.`, exit }
  })

  /** Does something with a pane of ours; for others it says what is known. */
  const inPane = <A>(
    operation: string,
    pane: PaneIdentity,
    body: (terminal: Terminal) => Effect.Effect<A, WriteProblem>
  ): Effect.Effect<A, TransportFailure> =>
    Effect.suspend(() => {
      const found = lodger(pane)
      if (found !== undefined) {
        return Effect.mapError(body(found.terminal), ({ detail, reason }) => failure(operation, reason, detail))
      }
      return Effect.gen(function*() {
        const { evidence, state } = yield* inspectFromOutside(pane)
        if (state === "dead") return yield* failure(operation, "Gone", evidence)
        const residence = yield* home.look
        return yield* failure(operation, "Unreachable",
          residence._tag === "Owner" ? residenceSentence(residence.owner) : evidence)
      })
    })

  const list = Effect.gen(function*(): Effect.fn.Return<PaneListing, TransportFailure> {
    if (owned) {
      // Another transport of this process may share the file: its panes have their terminals.
      const left = yield* notDead(inherited.filter(({ identity }) => identity.endpoint !== endpoint))
      return { home: "up", panes: living().map(({ pane }) => pane), foreign: [], ...left.length === 0 ? {} : { orphans: left } }
    }
    const residence = yield* home.look
    if (residence._tag === "Nobody") {
      const left = yield* notDead(residence.panes)
      return { home: "absent", panes: [], foreign: [], ...left.length === 0 ? {} : { orphans: left } }
    }
    return yield* failure("list", "Unreachable",
      residence._tag === "Owner" ? residenceSentence(residence.owner) : residence.detail)
  })

  const stop = Effect.fnUntraced(function*(pane: PaneIdentity, graceMs: number) {
    const report = yield* end(pane, graceMs)
    const found = lodger(pane)
    if (report.gone && found !== undefined) {
      yield* found.terminal.ended.pipe(Effect.timeoutOption(statusMs))
      // The list leaves ended panes out; the file only has to follow.
      yield* Effect.ignore(save)
    }
    if (report.gone && owned && inherited.some(({ identity }) => same(identity, pane))) {
      inherited = inherited.filter(({ identity }) => !same(identity, pane))
      yield* Effect.ignore(save)
    }
    return report
  })

  // Last in, first out: this runs before the hub closes, so that the last exits are still told.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      const reports = yield* Effect.forEach(living(), ({ pane }) => end(pane.identity, farewellMs), {
        concurrency: "unbounded"
      })
      // Who may live stays written down.
      if (owned && reports.every(({ gone }) => gone) && (yield* notDead(inherited)).length === 0) yield* home.remove
    })
  )

  const resident = yield* home.look
  const driver: TransportDriver = {
    capabilities: { survivesCaller: false, exitStatus: true, attach: false },
    spawn,
    list,
    inspect,
    capture: (pane) => inPane("capture", pane, ({ screen }) => screen),
    leaveModes: (pane) => inPane("leaveModes", pane, () => Effect.void),
    paste: (pane, text) => inPane("paste", pane, ({ paste }) => paste(text)),
    press: (pane, keys) => inPane("press", pane, ({ press }) => press(keys)),
    interrupt: (pane) => inPane("interrupt", pane, ({ interrupt }) => interrupt),
    stop: (pane, { graceMs }) => stop(pane, graceMs),
    events: Stream.fromPubSub(hub),
    attachCommand: null,
    residence: resident._tag === "Owner" ? residenceSentence(resident.owner) : null
  }
  return driver
})
