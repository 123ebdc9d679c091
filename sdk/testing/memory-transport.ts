import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { PaneIdentity, ProcessExit } from "../domain/pane.ts"
import {
  type ForeignPane,
  type StopReport,
  type TransportCapabilities,
  type TransportDriver,
  type TransportEvent,
  TransportFailure
} from "../plugin/transport-driver.ts"
import { eventCopies, type MemoryFault, type MemoryOperation, operationFaults } from "./memory-fault.ts"
import { makeWorld, type MemoryProcess, type Programs, type Running, visibleLines } from "./memory-world.ts"

export interface MemoryTransportOptions {
  /** Programs by the last part of `argv[0]`; `*` stands for all others, which say `ready>` and echo without it. */
  readonly programs?: Programs
  readonly faults?: ReadonlyArray<MemoryFault>
  /** By default its agents survive their caller, who may open the driver of the same world again. */
  readonly capabilities?: Partial<TransportCapabilities>
  /** Stands in the endpoint and in start times, so that two worlds never share an identity. */
  readonly name?: string
  /** How it tells when a process was started; by default by the clock of its callers. */
  readonly startTime?: (now: number, pid: number) => string
  /** Pids begin after it, so that two worlds of one machine never share one. */
  readonly firstPid?: number
}

/** A call that was made, in order. Equal runs give equal traces. */
export interface MemoryCall {
  readonly at: number
  readonly operation: MemoryOperation
  readonly call: number
  readonly subject: string
}

/** A world without processes: deterministic, on the clock of its callers, with faults on demand. */
export interface MemoryTransport {
  readonly driver: TransportDriver
  /** The truth, whatever the driver says: every process that there ever was. */
  readonly processes: () => ReadonlyArray<MemoryProcess>
  /** The truth about what was not started here and took a place. */
  readonly foreign: () => ReadonlyArray<ForeignPane>
  readonly trace: () => ReadonlyArray<MemoryCall>
  /** Adds a fault; calls are counted from the beginning of the world. */
  readonly inject: (fault: MemoryFault) => Effect.Effect<void>
  /** Ends a process from outside. */
  readonly kill: (pid: number, exit?: ProcessExit, options?: { readonly silent?: boolean }) => Effect.Effect<void>
  /** The agent's process ends, and something that Reprise did not start gets its place and its id. */
  readonly takePane: (agent: string) => Effect.Effect<void>
  /** The home goes away, with all processes but those of the named agents. */
  readonly vanish: (survivors?: ReadonlyArray<string>) => Effect.Effect<void>
}

const killed: ProcessExit = { code: null, signal: 9 }

/** Makes a world in memory. Its timers end with the scope; so do its agents, unless they survive their caller. */
export const makeMemoryTransport = (
  options: MemoryTransportOptions = {}
): Effect.Effect<MemoryTransport, never, Scope.Scope> =>
  Effect.gen(function*() {
    const name = options.name ?? "world"
    const world = makeWorld(name, options.programs ?? {}, options.startTime ?? ((now, pid) => `${now}.${pid}@${name}`), options.firstPid ?? 1000)
    const faults: Array<MemoryFault> = [...options.faults ?? []]
    const counts = new Map<MemoryOperation, number>()
    const trace: Array<MemoryCall> = []
    let sent = 0
    const scope = yield* Effect.scope
    const hub = yield* Effect.acquireRelease(PubSub.unbounded<TransportEvent>(), PubSub.shutdown)
    const capabilities = { survivesCaller: true, exitStatus: true, attach: false, ...options.capabilities }

    const fail = (operation: string, reason: TransportFailure["reason"], detail: string) =>
      new TransportFailure({ transport: "memory", operation, reason, detail })

    /** Sends what a change of the world brought about and starts its timers. */
    const settle: Effect.Effect<void> = Effect.suspend(() => {
      const events = world.pending.events.splice(0)
      const timers = world.pending.timers.splice(0)
      if (events.length === 0 && timers.length === 0) return Effect.void
      // Not `publish`, which interrupts its caller once the hub is closed.
      for (const event of events) {
        for (let copies = eventCopies(faults, ++sent); copies > 0; copies--) hub.unsafeOffer(event)
      }
      return Effect.forEach(timers, ({ millis, run }) =>
        Effect.sleep(millis).pipe(Effect.zipRight(Effect.sync(run)), Effect.zipRight(settle), Effect.forkIn(scope)), {
        discard: true
      })
    })
    const change = <A>(body: () => A) => Effect.sync(body).pipe(Effect.tap(() => settle))

    /** Counts the call, lets the faults strike that are due, and does the work unless one of them forbids it. */
    const call = <A, E>(
      operation: MemoryOperation,
      subject: string,
      work: Effect.Effect<A, E>,
      survived?: () => A
    ): Effect.Effect<A, E | TransportFailure> =>
      Effect.gen(function*() {
        const number = (counts.get(operation) ?? 0) + 1
        counts.set(operation, number)
        trace.push({ at: yield* Clock.currentTimeMillis, operation, call: number, subject })
        let answered = true
        for (const due of operationFaults(faults, operation, number)) {
          switch (due.fault) {
            case "slow":
              yield* Effect.sleep(due.millis)
              break
            case "answer_lost":
              answered = false
              break
            case "home_vanishes":
              yield* change(() => world.vanish(due.survivors ?? []))
              break
            case "foreign_takes":
            case "dies_silently": {
              const process = world.ofAgent(due.agent)
              if (process === undefined) break
              yield* change(() =>
                due.fault === "foreign_takes"
                  ? world.takeByForeign(process)
                  : world.end(process, due.exit ?? killed, true)
              )
              break
            }
            case "survives":
              if (survived !== undefined) return survived()
              break
            case "unknown":
              return yield* fail(operation, "Unreachable", `The world did not answer ${operation} ${number}.`)
            case "fail":
              return yield* fail(
                operation,
                due.reason ?? "Unreachable",
                due.detail ?? `The world refused ${operation} ${number}.`
              )
          }
        }
        const answer = yield* work
        return answered ? answer : yield* fail(operation, "Unreachable", `The answer to ${operation} was lost.`)
      })

    /** Does something to a pane that is there; says why not otherwise. */
    const inPane = <A>(operation: MemoryOperation, pane: PaneIdentity, body: (process: Running) => A) =>
      call(
        operation,
        pane.spawn,
        Effect.suspend(() => {
          const process = world.find(pane)
          if (process !== undefined && process.placed) return change(() => body(process))
          const { state, evidence } = world.inspect(pane)
          return fail(operation, state === "foreign" ? "Foreign" : "Gone", evidence)
        })
      )

    const stop = (pane: PaneIdentity, graceMs: number): Effect.Effect<StopReport> =>
      Effect.gen(function*() {
        const process = world.find(pane)
        if (process === undefined) {
          world.endForeign(pane)
          return { gone: true, survivors: [], evidence: `Process ${pane.pid} is not there.` }
        }
        const ignores = process.alive && process.handlers.onStop?.() === "ignores"
        yield* settle
        if (ignores && process.alive) yield* Effect.sleep(graceMs)
        yield* change(() => {
          process.children = []
          world.end(process, { code: null, signal: ignores ? 9 : 15 })
        })
        return { gone: true, survivors: [], evidence: `Process ${pane.pid} and its children are gone.` }
      })

    const driver: TransportDriver = {
      capabilities,
      spawn: (request) =>
        call(
          "spawn",
          request.spawn,
          Clock.currentTimeMillis.pipe(Effect.flatMap((now) => change(() => world.spawn(request, now))))
        ),
      list: call("list", "", Effect.sync(world.list)),
      inspect: (pane) =>
        call("inspect", pane.spawn, Effect.sync(() => world.inspect(pane))).pipe(
          Effect.catchAll((failure) =>
            Effect.succeed({ state: "unknown" as const, evidence: failure.detail, exit: null })
          )
        ),
      capture: (pane) =>
        inPane("capture", pane, ({ lines, title }) => {
          const shown = visibleLines(lines)
          return {
            lines: shown,
            title,
            cursor: { row: Math.max(0, shown.length - 1), column: lines.at(-1)?.length ?? 0 }
          }
        }),
      leaveModes: (pane) => inPane("leaveModes", pane, () => undefined),
      paste: (pane, text) => inPane("paste", pane, ({ handlers }) => handlers.onPaste?.(text)),
      press: (pane, keys) =>
        inPane("press", pane, (process) => {
          for (const key of keys) if (process.alive) process.handlers.onKey?.(key)
        }),
      interrupt: (pane) => inPane("interrupt", pane, ({ handlers }) => handlers.onInterrupt?.()),
      stop: (pane, { graceMs }) =>
        call("stop", pane.spawn, stop(pane, graceMs), () => ({
          gone: false,
          survivors: [pane.pid],
          evidence: `Process ${pane.pid} does not end.`
        })),
      events: Stream.fromPubSub(hub),
      attachCommand: null,
      residence: null
    }

    if (!capabilities.survivesCaller) yield* Effect.addFinalizer(() => Effect.sync(() => world.vanish([])))
    return {
      driver,
      processes: () => world.processes,
      foreign: () => world.list().foreign,
      trace: () => trace,
      inject: (fault) => Effect.sync(() => void faults.push(fault)),
      kill: (pid, exit, how) =>
        change(() => {
          for (const process of world.processes) {
            if (process.identity.pid === pid) world.end(process, exit ?? killed, how?.silent ?? false)
            process.children = process.children.filter((child) => child !== pid)
          }
        }),
      takePane: (agent) =>
        change(() => {
          const process = world.ofAgent(agent)
          if (process !== undefined) world.takeByForeign(process)
        }),
      vanish: (survivors) => change(() => world.vanish(survivors ?? []))
    }
  })
