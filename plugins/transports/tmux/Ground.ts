import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import {
  type PaneIdentity,
  type ProcessExit,
  type ProcessRef,
  type ProcessRow,
  processState,
  processTable,
  readProcess,
  SpawnToken,
  type TransportFailure
} from "reprise/plugin"
import type { HomeDoor } from "./Home.ts"
import { failure, type Unanswered } from "./failures.ts"
import { listCommand, oncePerPane, type PaneOwner, type PaneRow, parseRow } from "./panes.ts"
import type { SpawnRecords } from "./records.ts"

/** What all operations of the transport stand on. */
export interface Ground {
  readonly home: HomeDoor
  readonly records: SpawnRecords
}

/** A pane of ours. */
export type OwnRow = PaneRow & { readonly owner: PaneOwner }

export const isOwn = (row: PaneRow): row is OwnRow => row.owner !== null

/** Nothing came back: a failure from which nothing follows. */
export const unreachable = (operation: string) => (error: Unanswered): TransportFailure =>
  failure(operation, "Unreachable", `tmux could not be asked (${operation}): ${error.detail}. Nothing is known of its panes.`)

/** The rows that tmux lists, of all panes or of one window; null when there is no such window. */
export const listRows = Effect.fn("tmux.listRows")(function*(ground: Ground, window: string | null) {
  const outputs = yield* ground.home.ask({ commands: [listCommand(window)] })
  return outputs._tag === "Done" ? oncePerPane((outputs.lines[0] ?? []).flatMap((line) => parseRow(line) ?? [])) : null
})

/** The agent's process, as it was recorded. */
const pidsOf = Effect.fnUntraced(function*(ground: Ground, row: OwnRow) {
  const recorded = yield* ground.records.pids(row.owner.spawn)
  if (recorded !== null) {
    if (recorded.agent.startTime !== null) return { pid: recorded.agent.pid, startTime: recorded.agent.startTime }
    const reading = yield* readProcess(recorded.agent.pid)
    return { pid: recorded.agent.pid, startTime: reading.state === "alive" ? reading.startTime : "ended" }
  }
  return null
})

const onlyChild = (table: ReadonlyArray<ProcessRow>, pid: number): ProcessRow | null => {
  const children = table.filter((process) => process.ppid === pid && !process.zombie)
  return children.length === 1 ? children[0] ?? null : null
}

/** The leader's only child is the recorder, and that one's the agent. */
const agentBelow = Effect.fnUntraced(function*(row: OwnRow) {
  const table = (yield* processTable) ?? []
  const recorder = onlyChild(table, row.pid)
  return recorder === null ? null : onlyChild(table, recorder.pid)
})

/** The identity of a pane's agent; null while it has no process yet, or when it never had one. */
export const identify = Effect.fnUntraced(function*(ground: Ground, row: OwnRow) {
  const agent = yield* pidsOf(ground, row)
  return agent === null ? null : identityOf(ground, row, agent)
})

/** The identity of an agent in its place. */
export const identityOf = (
  ground: Ground,
  row: Pick<OwnRow, "session" | "window" | "pane" | "owner">,
  agent: ProcessRef
): PaneIdentity => ({
  transport: "tmux",
  endpoint: ground.home.socket(),
  session: row.session,
  window: row.window,
  pane: row.pane,
  pid: agent.pid,
  startTime: agent.startTime,
  spawn: SpawnToken.make(row.owner.spawn)
})

/**
 * Waits until the pane's agent has a process. `ended`: the pane's first process is proved gone and never had one. `late`: it can't be
 * told within the limit.
 */
export const awaitAgent = Effect.fn("tmux.awaitAgent")(function*(ground: Ground, row: OwnRow, limitMs: number) {
  const deadline = (yield* Clock.currentTimeMillis) + limitMs
  for (let pause = 2;; pause = Math.min(pause + 1, 20)) {
    const identity = yield* identify(ground, row)
    if (identity !== null) return identity
    const leader = yield* readProcess(row.pid)
    if (leader.state === "dead") return (yield* identify(ground, row)) ?? ("ended" as const)
    if ((yield* Clock.currentTimeMillis) >= deadline) {
      // Its record was taken away: the process table still knows.
      const agent = yield* agentBelow(row)
      return agent === null ? ("late" as const) : identityOf(ground, row, agent)
    }
    yield* Effect.sleep(pause)
  }
})

/** How a process that is proved gone ended; waits for a recorder that is about to write it. Null is unknown. */
export const readExit = Effect.fn("tmux.readExit")(function*(ground: Ground, spawn: string) {
  const deadline = (yield* Clock.currentTimeMillis) + 1000
  for (;;) {
    // Looked at before the record: a recorder that is gone by then has written all that it will.
    const recorder = (yield* ground.records.pids(spawn))?.recorder ?? null
    const state = recorder === null ? "dead" : yield* processState(recorder)
    const exit: ProcessExit | null = yield* ground.records.exit(spawn)
    if (exit !== null || state !== "alive" || (yield* Clock.currentTimeMillis) >= deadline) return exit
    yield* Effect.sleep(2)
  }
})
