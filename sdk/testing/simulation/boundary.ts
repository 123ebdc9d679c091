import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { EventLogError } from "../../event-log/errors.ts"
import type { EventLog } from "../../event-log/EventLog.ts"
import { type TransportDriver, TransportFailure } from "../../plugin/transport-driver.ts"
import { ProviderFailure } from "../../plugin/provider-driver.ts"
import type { Provider } from "../../plugin/PluginHost.ts"
import type { Processes } from "../../session/host-processes.ts"
import type { Random } from "./random.ts"
import type { FileFaults } from "./SimulatedFiles.ts"
import type { SimulatedProcess, VirtualTime } from "./VirtualTime.ts"

// Everything that leaves a Reprise process takes time, and may fail, be late or lose its answer.

export interface Boundary {
  readonly time: VirtualTime
  /** The process that calls. */
  readonly process: SimulatedProcess
  /** Where what it asks for is done: it goes on where the caller dies. */
  readonly world: SimulatedProcess
  readonly random: Random
  /** Whether the machine did not go down since the call was made. */
  readonly isUp: () => boolean
  /** How likely each call is to be struck. */
  readonly faults: number
  /** The number of the append at which it is held up and taken for dead. */
  readonly presumedDeadAt: number
  readonly onPresumedDead: () => void
  /** The log could be read and not written to. */
  readonly onUnwritable: () => void
}

const latestAnswerMs = 25_000

/** What takes longer is given up by who asked. The real host does the same, with two fibers a call. */
const queryLimitMs = 10_000

/** Does the work on the world's side, and lets the process wait for the answer. */
const remote = <A, E>({ isUp, process, random, time, world }: Boundary, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.async<A, E>((resume) => {
    const back = random.int(3)
    time.after(world, random.int(3), () => {
      if (isUp()) time.fork(world, work, (exit: Exit.Exit<A, E>) => time.after(process, back, () => resume(exit)))
    })
  })

const failure = (operation: string, detail: string) =>
  new TransportFailure({ transport: "memory", operation, reason: "Unreachable", detail })

/** The transport as a process reaches it. */
export const boundaryTransport = (boundary: Boundary, driver: TransportDriver): TransportDriver => {
  const { faults, random } = boundary
  const query = <A, E>(operation: string, work: Effect.Effect<A, E>): Effect.Effect<A, E | TransportFailure> =>
    Effect.suspend((): Effect.Effect<A, E | TransportFailure> => {
      if (!random.chance(faults)) return remote(boundary, work)
      if (random.chance(0.6)) return remote(boundary, failure(operation, `${operation} was not answered.`))
      const late = random.int(latestAnswerMs)
      return late <= queryLimitMs
        ? remote(boundary, Effect.delay(work, late))
        : remote(boundary, Effect.delay(failure(operation, `${operation} was not answered within ${queryLimitMs} ms.`), queryLimitMs))
    })
  const act = <A, E>(operation: string, work: Effect.Effect<A, E>): Effect.Effect<A, E | TransportFailure> =>
    Effect.suspend((): Effect.Effect<A, E | TransportFailure> => {
      if (!random.chance(faults)) return remote(boundary, work)
      switch (random.int(3)) {
        case 0:
          return remote(boundary, failure(operation, `${operation} did not reach the server.`))
        case 1:
          return remote(boundary, Effect.zipRight(work, failure(operation, `The answer to ${operation} was lost.`)))
        default:
          return remote(boundary, Effect.zipLeft(work, Effect.sleep(random.int(4_000))))
      }
    })
  return {
    ...driver,
    spawn: (request) => act("spawn", driver.spawn(request)),
    list: query("list", driver.list),
    inspect: (pane) =>
      Effect.catchAll(query("inspect", driver.inspect(pane)), (error) =>
        Effect.succeed({ state: "unknown" as const, evidence: error.detail, exit: null })),
    capture: (pane) => query("capture", driver.capture(pane)),
    leaveModes: (pane) => query("leaveModes", driver.leaveModes(pane)),
    paste: (pane, text) => act("paste", driver.paste(pane, text)),
    press: (pane, keys) => act("press", driver.press(pane, keys)),
    interrupt: (pane) => act("interrupt", driver.interrupt(pane)),
    stop: (pane, options) => act("stop", driver.stop(pane, options)),
    events: Stream.flatMap(driver.events, (event) => {
      if (!random.chance(faults)) return Stream.make(event)
      return random.chance(0.5) ? Stream.empty : Stream.make(event, event)
    })
  }
}

/** The log as a process reaches it: what it writes is in it as a whole or not at all. */
export const boundaryLog = (boundary: Boundary, log: Context.Tag.Service<typeof EventLog>): Context.Tag.Service<typeof EventLog> => {
  const { faults, process, random, time } = boundary
  let appends = 0
  const pause = (millis: number): Effect.Effect<void> =>
    Effect.async<void>((resume) => time.after(process, millis, () => resume(Effect.void)))
  const struck = (operation: string, reason: "Full" | "Busy" | "Unknown"): Effect.Effect<never, EventLogError> =>
    new EventLogError({ operation, reason, detail: `${operation} failed. Nothing was written.`, file: null })
  const read = <A, E>(operation: string, work: Effect.Effect<A, E>): Effect.Effect<A, E | EventLogError> =>
    Effect.zipRight(pause(random.int(2)), Effect.suspend((): Effect.Effect<A, E | EventLogError> =>
      random.chance(faults / 4) ? struck(operation, "Unknown") : work))
  return {
    ...log,
    append: (events, options) =>
      Effect.gen(function*() {
        appends += 1
        yield* pause(random.int(2))
        if (appends === boundary.presumedDeadAt) {
          boundary.onPresumedDead()
          yield* pause(2_000 + random.int(2_000))
        }
        if (random.chance(faults / 3)) {
          boundary.onUnwritable()
          return yield* struck("append", "Full")
        }
        const position = yield* log.append(events, options)
        yield* pause(random.int(2))
        return position
      }),
    state: (team) => read("state", log.state(team)),
    teams: read("teams", log.teams),
    position: read("position", log.position),
    read: (options) => Stream.unwrap(Effect.as(pause(random.int(2)), log.read(options))),
    follow: (options) =>
      faults === 0 ? log.follow(options) : Stream.flatMap(log.follow(options), (entry) => {
        if (!random.chance(faults)) return Stream.make(entry)
        return random.chance(0.5) ? Stream.empty : Stream.make(entry, entry)
      }),
    lease: (resource, command) =>
      Effect.zipRight(pause(random.int(2)), Effect.suspend(() =>
        faults > 0 && random.chance(faults / 4) ? struck("lease", "Busy") : log.lease(resource, command)))
  }
}

/** The machine's processes as a process sees them. */
export const boundaryProcesses = (boundary: Boundary, host: Processes): Processes => {
  const { faults, random } = boundary
  const look = <A>(work: Effect.Effect<A>, hidden: A): Effect.Effect<A> =>
    Effect.suspend(() => remote(boundary, random.chance(faults / 2) ? Effect.succeed(hidden) : work))
  return {
    ...host,
    table: look(host.table, null),
    own: look(host.own, null),
    state: (process) => look(host.state(process), "unknown"),
    // The kernel tells that of a process at once.
    suspension: (process) => remote(boundary, host.suspension(process)),
    endTree: (root, graceMs) =>
      Effect.suspend(() =>
        remote(boundary, random.chance(faults)
          ? Effect.succeed({ gone: false, survivors: [root.pid], evidence: "the table of processes could not be read" })
          : host.endTree(root, graceMs)))
  }
}

/** What a provider finds on the machine, which takes time and may fail; what it only knows, it knows at once. */
export const boundaryProvider = (boundary: Boundary, provider: Provider): Provider => {
  const { faults, random } = boundary
  const { processEvidence, recognise, sessionHolders } = provider
  const query = <A>(operation: string, work: Effect.Effect<A, ProviderFailure>): Effect.Effect<A, ProviderFailure> =>
    Effect.suspend(() =>
      remote<A, ProviderFailure>(boundary, random.chance(faults / 2)
        ? new ProviderFailure({ provider: provider.name, operation, detail: `${operation} could not be read.` })
        : work))
  return {
    ...provider,
    ...processEvidence === undefined ? {} : { processEvidence: (process) => query("processEvidence", processEvidence(process)) },
    ...sessionHolders === undefined ? {} : { sessionHolders: (agent, id) => query("sessionHolders", sessionHolders(agent, id)) },
    ...recognise === undefined ? {} : { recognise: (process) => query("recognise", recognise(process)) }
  }
}

/** Files as a process reaches them. */
export const fileFaults = ({ faults, process, random, time }: Boundary): FileFaults => ({
  unreadable: () => faults > 0 && random.chance(faults / 2),
  notices: () => faults > 0 && random.chance(faults) ? (random.chance(0.5) ? 0 : 2) : 1,
  pause: Effect.suspend(() =>
    random.chance(0.5) ? Effect.void : Effect.async<void>((resume) => time.after(process, random.int(2), () => resume(Effect.void))))
})
