import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { dirname, resolve } from "node:path"

/** The page of a simulation has no place where it was to be. */
export class PageFailed extends Schema.TaggedError<PageFailed>("reprise/PageFailed")("PageFailed", {
  file: Schema.String,
  detail: Schema.String,
  played: Schema.Boolean
}) {
  override get message(): string {
    return `The page ${this.file} can't be written: ${this.detail}. ${this.played ? "The policies were played." : "Nothing was played."}`
  }
}

const because = (file: string, error: PlatformError): string => {
  const reason = error._tag === "SystemError" ? error.reason : "Unknown"
  switch (reason) {
    case "NotFound":
      return `there is no directory ${dirname(resolve(file))}`
    case "PermissionDenied":
      return "this user may not write there"
    default:
      return error.message.replace(/\.*$/, "")
  }
}

/** Looks whether a page could be written there, before what it would show is worked out. Leaves nothing behind. */
export const demandPlaceFor = (file: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const failed = (detail: string) => new PageFailed({ file, detail, played: false })
    const directory = dirname(resolve(file))
    const kindOf = (path: string) => Effect.option(Effect.map(files.stat(path), ({ type }) => type))
    const there = Option.getOrNull(yield* kindOf(file))
    if (Option.getOrNull(yield* kindOf(directory)) !== "Directory") return yield* failed(`there is no directory ${directory}`)
    if (there === "Directory") return yield* failed("it is a directory")
    yield* Effect.mapError(files.access(there !== null ? file : directory, { writable: true }), (error) => failed(because(file, error)))
  })

export const writePage = (file: string, text: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    yield* Effect.mapError(files.writeFileString(file, text), (error) =>
      new PageFailed({ file, detail: because(file, error), played: true }))
  })
