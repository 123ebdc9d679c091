import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { PluginServices } from "../plugin/definePlugin.ts"
import { processState, readProcess } from "../plugin/process-table.ts"
import type { TransportDriver } from "../plugin/transport-driver.ts"
import { makeMemoryTransport, type MemoryTransport } from "./memory-transport.ts"
import { workerProgram, workerScript } from "./transport-worker.ts"

/** Where the processes of a transport live, seen from outside of it: how a check knows the truth. */
export interface TransportWorld {
  /** The program that the checks run, as the beginning of an argv. */
  readonly worker: (directory: string) => Effect.Effect<ReadonlyArray<string>>
  readonly read: (path: string) => Effect.Effect<string | null>
  readonly startTime: (pid: number) => Effect.Effect<string | null>
  readonly state: (process: {
    readonly pid: number
    readonly startTime: string
  }) => Effect.Effect<"alive" | "dead" | "unknown">
  readonly kill: (pid: number, signal: 9 | 15) => Effect.Effect<void>
}

/** The processes of this machine. */
export const machineWorld = (fs: FileSystem.FileSystem): TransportWorld => ({
  worker: (directory) =>
    fs.writeFileString(`${directory}/worker.cjs`, workerScript).pipe(
      Effect.orDie,
      Effect.as([process.execPath, `${directory}/worker.cjs`])
    ),
  read: (path) => fs.readFileString(path).pipe(Effect.catchAll(() => Effect.succeed(null))),
  startTime: (pid) =>
    Effect.map(readProcess(pid), (reading) => reading.state === "alive" ? reading.startTime : null),
  state: processState,
  kill: (pid, signal) =>
    Effect.sync(() => {
      process.kill(pid, signal)
    })
})

/** A memory transport for the suite, with the world to see it by. */
export const memoryUnderTest = (): {
  readonly make: Effect.Effect<TransportDriver, never, PluginServices>
  readonly world: TransportWorld
  /** The transport that was made last, to strike it with faults. */
  readonly latest: () => MemoryTransport | null
} => {
  const files = new Map<string, string>()
  let latest: MemoryTransport | null = null
  const alive = (pid: number): string | null => {
    for (const { alive: lives, children, identity } of latest?.processes() ?? []) {
      if (identity.pid === pid && lives) return identity.startTime
      if (children.includes(pid)) return `child-of-${identity.startTime}`
    }
    return null
  }
  return {
    make: makeMemoryTransport({
      programs: { worker: workerProgram(files) },
      capabilities: { survivesCaller: false }
    }).pipe(Effect.map((made) => {
      latest = made
      return made.driver
    })),
    world: {
      worker: () => Effect.succeed(["worker"]),
      read: (path) => Effect.sync(() => files.get(path) ?? null),
      startTime: (pid) => Effect.sync(() => alive(pid)),
      state: ({ pid, startTime }) => Effect.sync(() => alive(pid) === startTime ? "alive" : "dead"),
      kill: (pid, signal) => Effect.suspend(() => latest?.kill(pid, { code: null, signal }) ?? Effect.void)
    },
    latest: () => latest
  }
}
