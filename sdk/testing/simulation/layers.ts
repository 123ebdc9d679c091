import type * as FileSystem from "@effect/platform/FileSystem"
import type { EventLog } from "../../event-log/EventLog.ts"
import type { Provider, Transport } from "../../plugin/PluginHost.ts"
import type { Processes } from "../../session/host-processes.ts"
import type { LogVerdict } from "../../domain/log-verdict.ts"
import type * as Context from "effect/Context"

/** The id of a boot of a simulated world's machine, by its number. */
export const bootOf = (number: number): string => `${number.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`

/** What a Reprise process of a simulated world runs on. */
export interface ProcessServices {
  readonly log: Context.Tag.Service<typeof EventLog>
  /** Whether the log is the current state of its workspace: one that is not can only be read. */
  readonly verdict: LogVerdict
  readonly transport: Transport
  readonly providers: ReadonlyMap<string, Provider>
  readonly files: FileSystem.FileSystem
  /** The machine on which people start processes, too. */
  readonly processes: Processes
  readonly env: Readonly<Record<string, string>>
  /** The id of the boot that it lives in: no process outlives one. */
  readonly boot: string
  /** Since the world's machine came up, by the clock that nobody sets. */
  readonly sinceBoot: () => number
}

/**
 * Puts something between a process and what it runs on. One that breaks a rule on purpose is a mutant: the product knows
 * nothing of it.
 */
export type Wrap = (
  services: ProcessServices,
  world: {
    readonly process: string
    /** The team that its command is about; null where none was named. */
    readonly team: string | null
    readonly shared: Map<string, number>
  }
) => ProcessServices
