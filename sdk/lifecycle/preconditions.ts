import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentSpec } from "../domain/team.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { findExecutable } from "../plugin/executable.ts"
import { HostEnvironment } from "./operation.ts"

/** Something that an agent needs and that is not there: found before anything is touched. */
export interface Lack {
  readonly agent: string
  readonly kind: "missing_binary" | "missing_directory"
  readonly reason: string
}

/** What these agents lack on this machine to be started at all. */
export const findLacks = (
  specs: ReadonlyArray<AgentSpec>,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<ReadonlyArray<Lack>, never, FileSystem.FileSystem | HostEnvironment> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const host = yield* HostEnvironment
    const lacks: Array<Lack> = []
    for (const spec of specs) {
      for (const program of findProvider(spec.provider)?.executables ?? []) {
        if (findExecutable(program, spec.cwd, spec.env["PATH"] ?? host["PATH"]) !== null) continue
        lacks.push({
          agent: spec.id,
          kind: "missing_binary",
          reason: `${spec.id} needs the program ${program} (provider ${spec.provider}), which is not on the PATH`
        })
      }
      const isDirectory = yield* files.stat(spec.cwd).pipe(
        Effect.map((info) => info.type === "Directory"),
        Effect.catchAll((error) => Effect.succeed(error._tag !== "SystemError" || error.reason !== "NotFound"))
      )
      if (!isDirectory) {
        lacks.push({
          agent: spec.id,
          kind: "missing_directory",
          reason: `${spec.id} is to work in ${spec.cwd}, which is not a directory`
        })
      }
    }
    return lacks
  })
