import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Provider } from "../plugin/PluginHost.ts"
import { timesOf } from "../session/transcript.ts"

// Whether a conversation's own record shows a message: the one proof that it was taken.

/** How long a file is; nothing where there is none, null where that can't be told. */
export const sizeOf = (path: string): Effect.Effect<number | null, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    files.stat(path).pipe(
      Effect.map((info): number | null => Number(info.size)),
      Effect.catchAll((error) => Effect.succeed(error._tag === "SystemError" && error.reason === "NotFound" ? 0 : null))
    ))

const decoder = new TextDecoder()

/** What was written to a transcript after a position; bounded. */
const writtenSince = (path: string, from: number, most: number) =>
  Effect.scoped(Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const file = yield* files.open(path, { flag: "r" })
    yield* file.seek(FileSystem.Size(from), "start")
    return Option.match(yield* file.readAlloc(most), { onNone: () => "", onSome: (bytes) => decoder.decode(bytes) })
  })).pipe(Effect.catchAll(() => Effect.succeed("")))

/** What a transcript came to hold after it had a certain size; bounded. */
export interface Recorded {
  /** Whether the message is in it, word for word. */
  readonly found: boolean
  /** Where it is not: the newest thing that a user is recorded to have said since; null for nothing. */
  readonly other: string | null
}

export const nothingRecorded: Recorded = { found: false, other: null }

export const recordedSince = (
  provider: Provider,
  path: string,
  from: number,
  text: string
): Effect.Effect<Recorded, never, FileSystem.FileSystem> =>
  Effect.map(writtenSince(path, from, text.length * 6 + 524_288), (tail) =>
    provider.holdsUserMessage(tail, text)
      ? { found: true, other: null }
      : { found: false, other: provider.userMessages?.(tail).at(-1) ?? null })

/** Whether a file was born after a moment, in milliseconds of the epoch. A host's coarse clock may lag a little. */
export const bornSince = (path: string, momentMs: number): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.map(timesOf(path), ({ bornAt }) => bornAt !== null && bornAt >= momentMs - 20)
