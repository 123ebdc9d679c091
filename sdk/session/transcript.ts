import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { onceALook } from "./one-look.ts"

/** How much of a transcript is read from either end. */
export const boundedBytes = 128 * 1024

/** What lies at a transcript's address. `Unreadable` is unknown, never absent. */
export type TranscriptFile =
  | {
    readonly _tag: "Present"
    readonly head: string
    readonly tail: string
    readonly truncated: boolean
    /** Milliseconds of the epoch; null where the file system does not tell. */
    readonly bornAt: number | null
    /** When it was last written, likewise. */
    readonly writtenAt: number | null
  }
  | { readonly _tag: "Missing" }
  /** A directory, a pipe: something else lies there. */
  | { readonly _tag: "NotAFile" }
  | { readonly _tag: "Unreadable"; readonly detail: string }

const decoder = new TextDecoder()

/** Reads the two ends of a transcript, bounded, whatever its size. */
export const readTranscriptFile = (path: string): Effect.Effect<TranscriptFile, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const info = yield* files.stat(path)
    if (info.type !== "File") return { _tag: "NotAFile" as const }
    const size = Number(info.size)
    const file = yield* files.open(path, { flag: "r" })
    const read = (from: number) =>
      file.seek(FileSystem.Size(from), "start").pipe(
        Effect.zipRight(file.readAlloc(Math.min(boundedBytes, size))),
        Effect.map(Option.match({ onNone: () => "", onSome: (bytes) => decoder.decode(bytes) }))
      )
    const head = size === 0 ? "" : yield* read(0)
    const truncated = size > boundedBytes
    const tail = truncated ? yield* read(size - boundedBytes) : head
    return { _tag: "Present" as const, head, tail, truncated, ...timesIn(info) }
  }).pipe(
    Effect.scoped,
    Effect.catchAll((error): Effect.Effect<TranscriptFile> =>
      Effect.succeed(
        error._tag === "SystemError" && error.reason === "NotFound"
          ? { _tag: "Missing" }
          : { _tag: "Unreadable", detail: error.message }
      )
    )
  )

/** When a file was born and last written, in milliseconds of the epoch; null where that can't be told. */
export interface FileTimes {
  readonly bornAt: number | null
  readonly writtenAt: number | null
}

const unknownTimes: FileTimes = { bornAt: null, writtenAt: null }

const timesIn = ({ birthtime, mtime }: FileSystem.File.Info): FileTimes => ({
  bornAt: Option.getOrNull(Option.map(birthtime, (date) => date.getTime())),
  writtenAt: Option.getOrNull(Option.map(mtime, (date) => date.getTime()))
})

export const timesOf = (path: string): Effect.Effect<FileTimes, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.stat(path)).pipe(
    Effect.map(timesIn),
    Effect.catchAll(() => Effect.succeed(unknownTimes))
  )

/** When a file was changed last, in milliseconds of the epoch; null where that can't be told. */
export const changedAt = (path: string): Effect.Effect<number | null, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.stat(path)).pipe(
    Effect.map((info) => Option.match(info.mtime, { onNone: () => null, onSome: (date) => date.getTime() })),
    Effect.catchAll(() => Effect.succeed(null))
  )

/** The names in a directory of transcripts; an absent directory has none, one that can't be read is unknown (null). */
export const listTranscripts = onceALook(
  (directory: string): Effect.Effect<ReadonlyArray<string> | null, never, FileSystem.FileSystem> =>
    Effect.flatMap(FileSystem.FileSystem, (files) => files.readDirectory(directory)).pipe(
      Effect.catchAll((error) =>
        Effect.succeed(error._tag === "SystemError" && error.reason === "NotFound" ? [] : null)
      )
    ),
  (directory) => directory
)
