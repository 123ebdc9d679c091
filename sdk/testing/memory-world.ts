import { basename } from "node:path"
import type { PaneIdentity, ProcessExit } from "../domain/pane.ts"
import type { ForeignPane, PaneInspection, PaneListing, SpawnRequest, TransportEvent } from "../plugin/transport-driver.ts"
import { echoProgram, type MemoryProgram, type ProgramHandlers } from "./memory-program.ts"

// The world in memory, with no effects in it: what happens is collected in `pending`, and the transport sends it.

/** A process of the world. `placed`: whether its place on the home is still there. */
export interface MemoryProcess {
  readonly identity: PaneIdentity
  readonly request: SpawnRequest
  readonly children: ReadonlyArray<number>
  readonly alive: boolean
  readonly placed: boolean
  readonly exit: ProcessExit | null
  readonly lines: ReadonlyArray<string>
  readonly title: string
}

export interface Running extends MemoryProcess {
  children: ReadonlyArray<number>
  alive: boolean
  placed: boolean
  exit: ProcessExit | null
  lines: Array<string>
  title: string
  handlers: ProgramHandlers
}

export type Programs = Readonly<Record<string, MemoryProgram>>

export interface Timer {
  readonly millis: number
  readonly run: () => void
}

const visibleRows = 48
const keptLines = 400

/** The visible part of what was written, trailing blanks trimmed. */
export const visibleLines = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const shown = lines.slice(-visibleRows).map((line) => line.trimEnd())
  while (shown.length > 0 && shown.at(-1) === "") shown.pop()
  return shown
}

export const makeWorld = (name: string, programs: Programs, startTimeOf: (now: number, pid: number) => string, firstPid: number) => {
  const processes: Array<Running> = []
  const foreign = new Map<string, ForeignPane>()
  const endpoint = `memory:${name}`
  let pids = firstPid
  let panes = 0
  let up = false
  const pending: { events: Array<TransportEvent>; timers: Array<Timer> } = { events: [], timers: [] }

  const find = (pane: PaneIdentity): Running | undefined =>
    processes.find(({ identity }) =>
      identity.pid === pane.pid && identity.startTime === pane.startTime && identity.spawn === pane.spawn &&
      identity.endpoint === pane.endpoint && identity.session === pane.session && identity.window === pane.window &&
      identity.pane === pane.pane && identity.transport === pane.transport
    )
  const ofAgent = (agent: string): Running | undefined =>
    processes.findLast((process) => process.request.agent === agent && process.alive)

  const end = (process: Running, exit: ProcessExit, silent = false): void => {
    if (!process.alive) return
    process.alive = false
    process.placed = false
    process.exit = exit
    if (!silent) pending.events.push({ _tag: "Exited", pane: process.identity, exit })
  }

  const write = (process: Running, text: string): void => {
    const [first = "", ...rest] = text.split("\n")
    process.lines.push(`${process.lines.pop() ?? ""}${first}`, ...rest)
    process.lines.splice(0, process.lines.length - keptLines)
  }

  const spawn = (request: SpawnRequest, now: number): PaneIdentity => {
    if (!up) panes = 0
    up = true
    const pid = ++pids
    const identity: PaneIdentity = {
      transport: "memory",
      endpoint,
      session: "reprise",
      window: `${request.team}/${request.agent}`,
      pane: `%${panes++}`,
      pid,
      startTime: startTimeOf(now, pid),
      spawn: request.spawn
    }
    const process: Running = {
      identity,
      request,
      children: [],
      alive: true,
      placed: true,
      exit: null,
      lines: [],
      title: "",
      handlers: {}
    }
    processes.push(process)
    const program = programs[basename(request.argv[0] ?? "")] ?? programs["*"] ?? echoProgram
    process.handlers = program(request, {
      pid,
      write: (text) => write(process, text),
      screen: (lines) => {
        process.lines = [...lines]
      },
      title: (text) => {
        process.title = text
      },
      exit: (exit) => end(process, typeof exit === "number" ? { code: exit, signal: null } : exit),
      after: (millis, then) => {
        pending.timers.push({ millis, run: () => process.alive ? then() : undefined })
      },
      child: () => {
        const child = ++pids
        process.children = [...process.children, child]
        return child
      }
    })
    return identity
  }

  const vanish = (survivors: ReadonlyArray<string>): void => {
    if (!up) return
    for (const process of processes) {
      if (process.placed && !survivors.includes(process.request.agent)) {
        process.children = []
        end(process, { code: null, signal: 1 }, true)
      }
      process.placed = false
    }
    foreign.clear()
    up = false
    pending.events.push({ _tag: "HomeGone", endpoint })
  }

  const takeByForeign = (process: Running): void => {
    end(process, { code: null, signal: 9 }, true)
    const { session, window, pane } = process.identity
    foreign.set(pane, { endpoint, session, window, pane, pid: ++pids, command: "foreign" })
  }

  /** Ends a process that was not started here, for who names it exactly. */
  const endForeign = ({ pane, pid }: PaneIdentity): void => {
    if (foreign.get(pane)?.pid === pid) foreign.delete(pane)
  }

  const inspect = (pane: PaneIdentity): PaneInspection => {
    const process = find(pane)
    const taken = foreign.get(pane.pane)
    if (process?.alive === true) {
      return process.placed
        ? { state: "alive", evidence: `Pane ${pane.pane} is listed with process ${pane.pid}.`, exit: null }
        : { state: "orphaned", evidence: `Process ${pane.pid} lives; its home is gone.`, exit: null }
    }
    return taken === undefined
      ? { state: "dead", evidence: `Process ${pane.pid} is gone.`, exit: process?.exit ?? null }
      : { state: "foreign", evidence: `Pane ${pane.pane} belongs to process ${taken.pid}.`, exit: process?.exit ?? null }
  }

  const listed = ({ identity, request }: Running) => ({
    identity,
    team: request.team,
    agent: request.agent,
    generation: request.generation
  })
  const list = (): PaneListing => ({
    home: up ? "up" : "absent",
    panes: processes.filter(({ placed }) => placed).map(listed),
    foreign: [...foreign.values()],
    // Nobody else may know of them: who started them can have died before it wrote them down.
    orphans: processes.filter(({ alive, placed }) => alive && !placed).map(listed)
  })

  return { processes, pending, endpoint, find, ofAgent, end, spawn, vanish, takeByForeign, endForeign, inspect, list }
}

export type World = ReturnType<typeof makeWorld>
