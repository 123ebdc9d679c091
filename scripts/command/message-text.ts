import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { longestText } from "../../sdk/index.ts"
import { WrongUsage } from "./policy-file.ts"

// The text of a message: from the command line, a file or standard input. What can't be one is wrong usage, found before
// anything is touched.

/** A final line end, of two bytes at most, ends the last line and is no part of the text. */
const mostBytes = longestText + 2

const wrong = (detail: string) => new WrongUsage({ detail })

const textOf = (bytes: Uint8Array, source: string): Effect.Effect<string, WrongUsage> =>
  Effect.try({
    // A byte order mark is a character of the text.
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, ""),
    catch: () => wrong(`${source} is not valid UTF-8, and a message is text.`)
  })

const tooLong = (source: string) => wrong(`${source} is longer than ${longestText} bytes, the most that can be sent.`)

const collect = (chunks: Stream.Stream<Uint8Array, WrongUsage>, source: string): Effect.Effect<Uint8Array, WrongUsage> =>
  Stream.runFoldEffect(chunks, { parts: new Array<Uint8Array>(), size: 0 }, ({ parts, size }, chunk) =>
    size + chunk.length > mostBytes ? tooLong(source) : Effect.succeed({ parts: [...parts, chunk], size: size + chunk.length })
  ).pipe(Effect.map(({ parts }) => Buffer.concat(parts)))

const ofStandardInput: Effect.Effect<string, WrongUsage> = Effect.suspend(() => {
  const source = "Standard input"
  if (process.stdin.isTTY === true) {
    return wrong(`${source} is a terminal, and "-" reads the text from it. Pipe the text in, or use --file FILE.`)
  }
  const chunks = NodeStream.fromReadable<WrongUsage, Uint8Array>(
    () => process.stdin,
    (error) => wrong(`${source} could not be read (${error instanceof Error ? error.message : String(error)}).`)
  )
  return Effect.flatMap(collect(chunks, source), (bytes) => textOf(bytes, source))
})

const ofFile = (path: string): Effect.Effect<string, WrongUsage, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const source = `The file ${path}`
    const unreadable = (error: { readonly message: string }) => wrong(`${source} could not be read (${error.message}).`)
    const info = yield* files.stat(path).pipe(
      Effect.mapError((error) => error._tag === "SystemError" && error.reason === "NotFound" ? wrong(`${source} does not exist.`) : unreadable(error))
    )
    if (info.type === "Directory") return yield* wrong(`${path} is a directory, and --file names a file.`)
    // A pipe would be waited for.
    if (info.type !== "File") return yield* wrong(`${path} is not a regular file. To send what a program writes, pipe it into reprise send AGENT -.`)
    if (Number(info.size) > mostBytes) return yield* tooLong(source)
    return yield* textOf(yield* collect(files.stream(path).pipe(Stream.mapError(unreadable)), source), source)
  })

/** The text of a message, wherever it is given. */
export const messageText = (given: {
  readonly text: Option.Option<string>
  readonly file: Option.Option<string>
}): Effect.Effect<string, WrongUsage, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const word = Option.getOrUndefined(given.text)
    const path = Option.getOrUndefined(given.file)
    if (word !== undefined && path !== undefined) {
      return yield* wrong("There is a text and a --file, and a message has one text.")
    }
    if (word === undefined && path === undefined) {
      return yield* wrong("There is no text to send. Write it after the agent's name, or use --file FILE or - for standard input.")
    }
    const text = path !== undefined ? yield* ofFile(path) : word === "-" ? yield* ofStandardInput : word ?? ""
    return text.trim() === "" ? yield* wrong("There is no text to send.") : text
  })
