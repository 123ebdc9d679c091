import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { type EndedTree, endProcessTree, type ProcessRef, type ProcessRow, processState, processTable } from "../plugin/process-table.ts"
import { markedProcesses, ownProcesses, type SeenProcess } from "./adopt-processes.ts"

/** The processes of the machine that no transport knows: what people started. A simulated machine has its own. */
export interface Processes {
  /** The pid of this command. */
  readonly self: number
  /** All that the machine shows; null where it could not be asked. */
  readonly table: Effect.Effect<ReadonlyArray<ProcessRow> | null>
  /** Those of this user, with all that is shown of them; null where it could not be asked. */
  readonly own: Effect.Effect<ReadonlyArray<SeenProcess> | null>
  /** The pids of those whose environment holds all of these; null where it could not be asked. */
  readonly marked: (marks: Readonly<Record<string, string>>) => Effect.Effect<ReadonlyArray<number> | null>
  /** By pid and start time, so never of another one. */
  readonly state: (process: ProcessRef) => Effect.Effect<"alive" | "dead" | "unknown">
  /** Ends a process and all that descends from it. */
  readonly endTree: (root: ProcessRef, graceMs: number) => Effect.Effect<EndedTree>
}

const ofThisHost: Processes = {
  self: process.pid,
  table: processTable,
  own: Effect.flatMap(Clock.currentTimeMillis, ownProcesses),
  marked: markedProcesses,
  state: processState,
  endTree: (root, graceMs) => endProcessTree(root, graceMs)
}

export class HostProcesses extends Context.Reference<HostProcesses>()("reprise/HostProcesses", {
  defaultValue: (): Processes => ofThisHost
}) {}
