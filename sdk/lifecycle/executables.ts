import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { delimiter, isAbsolute, join } from "node:path"

/** Whether a program can be found: as a path, or on the PATH. A file that can't be looked at counts as found. */
export const isExecutable = (
  program: string,
  searchPath: string | undefined
): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const places = isAbsolute(program) || program.includes("/")
      ? [program]
      : (searchPath ?? "").split(delimiter).filter((directory) => directory !== "").map((directory) => join(directory, program))
    return yield* Effect.exists(places, (place) =>
      files.stat(place).pipe(
        Effect.map((info) => info.type === "File" && (info.mode & 0o111) !== 0),
        Effect.catchAll(() => Effect.succeed(false))
      ))
  })
