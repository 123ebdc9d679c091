import type { SeenProcess } from "../../session/adopt-processes.ts"
import type { MemoryProcess } from "../memory-world.ts"
import type { Note } from "./recorded.ts"

// What agents' processes start and detach from themselves: it outlives them, and no transport knows of it.

/** Agents and commands have other pids. */
const firstChildPid = 30_000

/** A process that an agent's process left. */
export interface Child {
  readonly pid: number
  readonly startTime: string
  readonly inTerminal: boolean
  readonly of: MemoryProcess
}

export interface ChildrenOptions {
  readonly startTime: () => string
  readonly ageOf: (startTime: string) => number
  readonly now: () => number
}

/** The detached children of a world's agents. */
export const makeChildren = ({ ageOf, now, startTime }: ChildrenOptions) => {
  const living = new Map<number, Child>()
  let pids = firstChildPid
  const factsOf = ({ inTerminal, of: { request: { agent, generation, team } }, pid }: Child) => ({ agent, team, generation, pid, inTerminal })
  return {
    living: (): ReadonlyArray<Child> => [...living.values()],
    leave: (process: MemoryProcess, inTerminal: boolean, note: Note): void => {
      const child: Child = { pid: ++pids, startTime: startTime(), inTerminal, of: process }
      living.set(child.pid, child)
      note({ kind: "leaves", ...factsOf(child) })
    },
    end: ({ pid }: Child, parentLives: boolean, note: Note): void => {
      const child = living.get(pid)
      if (child !== undefined && living.delete(pid)) note({ kind: "clears", ...factsOf(child), parentLives })
    },
    /** The machine goes down with all of them. */
    endAll: (): void => living.clear(),
    shown: (): ReadonlyArray<SeenProcess> =>
      [...living.values()].map(({ inTerminal, of: { request: { cwd, env } }, pid, startTime: start }) => ({
        pid,
        ppid: 1,
        startTime: start,
        argv: ["/sim/child"],
        cwd,
        env,
        startedAt: new Date(now() - ageOf(start)).toISOString(),
        ageMs: ageOf(start),
        place: inTerminal ? `tty ${pid}` : "no terminal",
        inTerminal
      }))
  }
}

export type Children = ReturnType<typeof makeChildren>
