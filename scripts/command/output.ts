import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { Console } from "node:console"

/** Nobody reads any more: no mistake, and nobody to tell it to. */
export class ReaderGone extends Data.TaggedError("ReaderGone") {}

/** What was to be shown could not be written. */
export class OutputFailed extends Data.TaggedError("OutputFailed")<{ readonly detail: string }> {
  override get message(): string {
    return `The answer could not be written to standard output (${this.detail}).`
  }
}

const gone = new Set(["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED"])
const isGone = (error: Error): boolean => "code" in error && typeof error.code === "string" && gone.has(error.code)

const writers = {
  stdout: process.stdout.write.bind(process.stdout),
  stderr: process.stderr.write.bind(process.stderr)
}

/** Writes to a standard stream, and waits until it is written. */
export const write = (stream: "stdout" | "stderr", text: string) =>
  Effect.async<void, ReaderGone | OutputFailed>((resume) => {
    writers[stream](text, "utf8", (error) =>
      resume(
        error === null || error === undefined
          ? Effect.void
          : Effect.fail(isGone(error) ? new ReaderGone() : new OutputFailed({ detail: error.message }))
      ))
  })

/** From now on only `write` reaches standard output, whatever a plugin or a policy prints when it is loaded or run. */
export const keepForTheAnswer = (): void => {
  Object.defineProperty(process.stdout, "write", { value: process.stderr.write.bind(process.stderr), configurable: true, writable: true })
  globalThis.console = new Console(process.stderr)
}
