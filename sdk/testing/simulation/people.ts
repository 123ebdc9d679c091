import * as Effect from "effect/Effect"
import { SpawnToken } from "../../domain/ids.ts"
import { type ProcessRef, type ProcessRow, treeOf } from "../../plugin/process-table.ts"
import type { TransportFailure } from "../../plugin/transport-driver.ts"
import type { SeenProcess } from "../../session/adopt-processes.ts"
import type { Processes } from "../../session/host-processes.ts"
import type { MemoryTransport } from "../memory-transport.ts"
import type { MemoryProcess } from "../memory-world.ts"
import { makeChildren } from "./children.ts"
import type { Conversations } from "./conversations.ts"
import type { Note } from "./recorded.ts"
import type { ProcessRecords } from "./simulated-records.ts"
import type { SimulatedProcess, VirtualTime } from "./VirtualTime.ts"

// What people start by hand in terminals of their own: no transport knows of it, and only the machine shows it.

/** Pids of one machine: agents have smaller ones. */
const firstCommandPid = 50_000
export const firstPersonPid = 100_000

/** An agent that was made of a process which a person had started. */
export interface Adopted {
  readonly team: string
  readonly agent: string
  readonly generation: number
}

interface Command {
  readonly pid: number
  readonly process: SimulatedProcess
  readonly startTime: string
}

export interface PeopleOptions {
  readonly time: VirtualTime
  readonly startTime: () => string
  readonly sinceBoot: () => number
  /** Where people start things. */
  readonly terminals: MemoryTransport
  /** Where Reprise does. */
  readonly transport: MemoryTransport
  readonly ignoresStop: (agent: string) => boolean
}

const sameAs = (ref: ProcessRef) => ({ identity }: MemoryProcess): boolean => identity.pid === ref.pid && identity.startTime === ref.startTime

const isPersons = (pid: number): boolean => pid >= firstPersonPid

/** The machine on which people and Reprise start processes. */
export const makePeople = ({ ignoresStop, sinceBoot, startTime, terminals, time, transport }: PeopleOptions) => {
  const commands: Array<Command> = []
  const ended = new Set<number>()
  /** Processes that were stopped by a signal and live. */
  const suspended = new Set<number>()
  const parents = new Map<number, number>()
  const adopted = new Map<number, Adopted>()
  let spawns = 0

  const everything = (): ReadonlyArray<MemoryProcess> => [...transport.processes(), ...terminals.processes()]
  const living = (): ReadonlyArray<MemoryProcess> => everything().filter(({ alive }) => alive)
  const running = (): ReadonlyArray<Command> => commands.filter(({ pid, process }) => process.alive && !ended.has(pid))
  const ageOf = (start: string): number => Math.max(0, sinceBoot() - 10 * Number(start.split("@")[0]))
  const children = makeChildren({ startTime, ageOf, now: time.now })
  const isLiving = (pid: number): boolean =>
    living().some(({ identity }) => identity.pid === pid) || running().some((command) => command.pid === pid)
  const parentOf = (pid: number): number => {
    const parent = parents.get(pid)
    return parent !== undefined && isLiving(parent) ? parent : 1
  }
  const rowOf = (pid: number, start: string): ProcessRow => ({ pid, startTime: start, ppid: parentOf(pid), session: null, zombie: false })
  const rows = (): ReadonlyArray<ProcessRow> => [
    ...living().map(({ identity }) => rowOf(identity.pid, identity.startTime)),
    ...running().map(({ pid, startTime: start }) => rowOf(pid, start)),
    ...children.living().map(({ pid, startTime: start }) => rowOf(pid, start))
  ]
  const personOf = (agent: string): MemoryProcess | undefined =>
    terminals.processes().findLast(({ alive, request }) => alive && request.agent === agent)
  const below = (root: ProcessRef): ReadonlyArray<number> => treeOf(rows(), [root]).flatMap(({ pid }) => pid === root.pid ? [] : pid)
  const shown = (): ReadonlyArray<SeenProcess> => [
    ...children.shown(),
    ...living().map(({ identity: { pane, pid, startTime: start }, request: { argv, cwd, env } }) => ({
      pid,
      ppid: parentOf(pid),
      startTime: start,
      argv,
      cwd,
      env,
      startedAt: new Date(time.now() - ageOf(start)).toISOString(),
      ageMs: ageOf(start),
      place: pid < firstPersonPid ? "no terminal" : `tty ${pane}`,
      inTerminal: pid >= firstPersonPid
    }))
  ]

  /** Ends what is there, and says of which agents it was. */
  const end = (pids: ReadonlyArray<number>): Effect.Effect<void> =>
    Effect.forEach(pids, (pid) => {
      for (const command of running()) if (command.pid === pid) time.kill(command.process)
      return Effect.zipRight(terminals.kill(pid), transport.kill(pid))
    }, { discard: true })

  /** The machine as one command knows it, with what it ends written down. */
  const hostOf = (self: number, note: Note): Processes => {
    // What came after its last look, it could not know of.
    let looked: ReadonlySet<number> | null = null
    return {
      self,
      table: Effect.sync(rows),
      own: Effect.sync(() => {
        looked = new Set(rows().map(({ pid }) => pid))
        return shown()
      }),
      marked: (marks) =>
        Effect.sync(() => shown().flatMap(({ env, pid }) => Object.entries(marks).every(([name, value]) => env[name] === value) ? pid : [])),
      state: (ref) => Effect.sync(() => living().some(sameAs(ref)) ? "alive" : "dead"),
      suspension: ({ pid }) =>
        Effect.sync(() => suspended.has(pid) ? { pid, why: `process ${pid} is stopped; kill -CONT ${pid} lets it run on` } : null),
      lostDirectory: () => Effect.succeed(null),
      endTree: (root, graceMs) =>
        Effect.gen(function*() {
          const child = children.living().find(({ pid, startTime: start }) => pid === root.pid && start === root.startTime)
          if (child !== undefined) {
            children.end(child, living().some(({ identity }) => identity.pid === child.of.identity.pid), note)
            return { gone: true, survivors: [], evidence: `Process ${root.pid} is gone.` }
          }
          const process = living().find(sameAs(root))
          if (process === undefined) return { gone: true, survivors: [], evidence: `Process ${root.pid} was gone already.` }
          const { agent } = process.request
          const pids = [root.pid, ...below(root)]
          note({
            kind: "takes",
            agent,
            pid: root.pid,
            below: transport.processes().flatMap(({ identity, request }) =>
              pids.includes(identity.pid) && looked?.has(identity.pid) !== false ? `${request.team}/${request.agent}` : [])
          })
          if (ignoresStop(agent)) yield* Effect.sleep(graceMs)
          yield* end(pids)
          return { gone: true, survivors: [], evidence: `Process ${root.pid} and its children are gone.` }
        })
    }
  }

  return {
    adopted,
    children,
    suspended,
    everything,
    personOf,
    hostOf,
    isPersons,
    isAgents: (pid: number): boolean => !isPersons(pid) || adopted.has(pid),
    agentOf: (pid: number): string => everything().find(({ identity }) => identity.pid === pid)?.request.agent ?? "?",
    /** The newest process of an agent that lives, whoever started it. */
    livingOf: (agent: string): MemoryProcess | undefined => living().findLast(({ request }) => request.agent === agent),
    /** Gives a command its pid; `parent`: the process from which it was started. */
    command: (process: SimulatedProcess, parent: number | null): number => {
      const pid = firstCommandPid + commands.length
      commands.push({ pid, process, startTime: startTime() })
      if (parent !== null) parents.set(pid, parent)
      return pid
    },
    commandEnds: (pid: number): void => void ended.add(pid),
    /** Whether a person's process that is no agent is in a conversation. */
    hasOpen: (session: string, { byPid }: Conversations): boolean =>
      terminals.processes().some(({ alive, identity: { pid } }) => alive && !adopted.has(pid) && byPid.get(pid) === session),
    /** What a command starts stays in the terminal that it was started from. */
    startedBy: (command: number, pid: number): void => {
      const parent = parents.get(command)
      if (parent !== undefined) parents.set(pid, parent)
    },
    /** A person starts a CLI. */
    start: (agent: string, argv: ReadonlyArray<string>, cwd: string): Effect.Effect<number, TransportFailure> =>
      Effect.map(
        terminals.driver.spawn({ team: "", agent, generation: 0, spawn: SpawnToken.make(`by-hand-${++spawns}`), argv, cwd, env: {} }),
        ({ pid }) => pid
      ),
    /**
     * Whom a person would have adopted where some of what they started goes on in the place of an agent: it would get that
     * one's name in another team, and whose is whose could not be told in this world. Null where there is none of these.
     */
    adoptable: (): ReadonlyArray<number> | null => {
      const names = new Set([...adopted.values()].map(({ agent }) => agent))
      const own = terminals.processes().filter(({ alive, identity }) => alive && !adopted.has(identity.pid))
      return own.some(({ request }) => names.has(request.agent))
        ? own.flatMap(({ identity, request }) => names.has(request.agent) ? [] : identity.pid)
        : null
    },
    /** Processes of people that are no agents, or have something below them: nobody may end them for a restart. */
    inTheWay: (): ReadonlyArray<number> =>
      terminals.processes().flatMap(({ alive, identity }) =>
        alive && (!adopted.has(identity.pid) || below(identity).length > 0) ? identity.pid : []),
    end,
    records: (sessionOf: (pid: number) => string | undefined, pathOf: (session: string) => string | null): ProcessRecords => ({
      of: (ref) => {
        const session = everything().some(sameAs(ref)) ? sessionOf(ref.pid) : undefined
        return session === undefined ? null : { session, transcript: pathOf(session) }
      },
      holders: (session) =>
        living().flatMap(({ identity: { pid, startTime: start } }) => sessionOf(pid) === session ? { pid, startTime: start } : [])
    })
  }
}

export type People = ReturnType<typeof makePeople>
