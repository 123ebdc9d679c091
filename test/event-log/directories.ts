import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const made: Array<string> = []
process.once("exit", () => made.forEach((directory) => fs.rmSync(directory, { recursive: true, force: true })))

/** A new directory that goes with the test process. */
export const newDirectory = (): string => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "reprise-log-"))
  made.push(directory)
  return path.join(directory, ".reprise")
}

/** Polls until the condition holds. */
export const until = (what: string, condition: () => boolean, withinMs = 20_000): Effect.Effect<void> => {
  const end = Date.now() + withinMs
  const poll: Effect.Effect<void> = Effect.suspend(() =>
    condition()
      ? Effect.void
      : Date.now() > end
      ? Effect.die(new Error(`${what} did not happen within ${withinMs} ms`))
      : Effect.delay(poll, "20 millis")
  )
  return poll
}
