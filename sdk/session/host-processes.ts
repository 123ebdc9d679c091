import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import {
  type EndedTree,
  endProcessTree,
  type ProcessRef,
  type ProcessRow,
  processState,
  processTable
} from "../plugin/process-table.ts"
import { type Suspension, suspensionOf } from "../plugin/suspension.ts"
import { markedProcesses, ownProcesses, type SeenProcess } from "./adopt-processes.ts"
import { lostDirectoryOf } from "./lost-directory.ts"

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
  /** What keeps exactly this process from running; null where nothing is known to. */
  readonly suspension: (process: ProcessRef) => Effect.Effect<Suspension | null>
  /**
   * Why a process that was started in a directory can't work there any more, as the end of a sentence; null where nothing
   * is known to be wrong. `startedAt`: milliseconds of the epoch.
   */
  readonly lostDirectory: (process: ProcessRef, directory: string, startedAt: number) => Effect.Effect<string | null>
  /** Ends a process and all that descends from it. */
  readonly endTree: (root: ProcessRef, graceMs: number) => Effect.Effect<EndedTree>
}

const ofThisHost: Processes = {
  self: process.pid,
  table: processTable,
  own: Effect.flatMap(Clock.currentTimeMillis, ownProcesses),
  marked: markedProcesses,
  state: processState,
  suspension: suspensionOf,
  lostDirectory: (process, directory, startedAt) => Effect.sync(() => lostDirectoryOf(process.pid, directory, startedAt)),
  endTree: (root, graceMs) => endProcessTree(root, graceMs)
}

export class HostProcesses extends Context.Reference<HostProcesses>()("reprise/HostProcesses", {
  defaultValue: (): Processes => ofThisHost
}) {}
