import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { type ProcessRef, type ProcessRow, readProcess } from "./process-table.ts"

// Whether a process that lives can do anything: one that was stopped by a signal shows what it showed last.

/** Whether a control group was frozen (`docker pause`, `systemctl freeze`); null where there is none or it can't be read. */
const frozenGroupOf = (pid: number): string | null => {
  try {
    const group = /^0::(\/.+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1]
    if (group === undefined) return null
    return /^frozen 1$/m.test(readFileSync(`/sys/fs/cgroup${group}/cgroup.events`, "utf8")) ? group : null
  } catch {
    return null
  }
}

/** What keeps a live process from running. */
export interface Suspension {
  /** The process that has to be continued; null where a signal does not continue it. */
  readonly pid: number | null
  /** A sentence without its full stop. */
  readonly why: string
}

const stoppedRow = (row: ProcessRow): Suspension => ({
  pid: row.pid,
  why: `process ${row.pid} is stopped (by SIGSTOP, Ctrl-Z or a debugger); kill -CONT ${row.pid} lets it run on`
})

/**
 * What keeps exactly this process from running; null where nothing does, or where it does not live. It does not run either
 * where the leader of its process group is stopped: a shell that a terminal stopped holds all of its job.
 */
export const suspensionOf = (process: ProcessRef): Effect.Effect<Suspension | null> =>
  Effect.gen(function*() {
    const reading = yield* readProcess(process.pid)
    if (reading.state !== "alive" || reading.startTime !== process.startTime) return null
    if (reading.stopped === true) return stoppedRow(reading)
    if (reading.group !== undefined && reading.group !== reading.pid) {
      const leader = yield* readProcess(reading.group)
      if (leader.state === "alive" && leader.stopped === true) return stoppedRow(leader)
    }
    const frozen = frozenGroupOf(process.pid)
    return frozen === null ? null : { pid: null, why: `process ${process.pid} is frozen with its control group ${frozen}` }
  })
