import * as Effect from "effect/Effect"

/** How a program of ours came to its end. */
export type Ending =
  | { readonly _tag: "Done" }
  /** `released`: all that it held was let go in time. */
  | { readonly _tag: "Signalled"; readonly exitCode: number; readonly released: boolean }
  /** Nothing was left that could have gone on with it. */
  | { readonly _tag: "RanEmpty" }

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Together with the answer that follows, within the second in which a person expects an end. */
const releaseWithinMs = 500

/**
 * Runs to the end, or until a signal asks to stop: then everything that is held is released first, for half a second at
 * most, and the answer is the exit code for that. What takes longer is left as a kill would leave it, which every operation
 * survives. A second signal does not wait. So it is, too, when the process would end by itself because nothing it waits for
 * can happen: Node would call that a success.
 */
export const untilEnded = (program: Effect.Effect<void>): Promise<Ending> => {
  const fiber = Effect.runFork(program)
  const interrupt = () => fiber.unsafeInterruptAsFork(fiber.id())
  return new Promise((resolve) => {
    let ending: Ending = { _tag: "Done" }
    let toldToLetGo = false
    const stop = (signal: NodeJS.Signals) => {
      const exitCode = signal === "SIGINT" ? 130 : 143
      ending = { _tag: "Signalled", exitCode, released: true }
      interrupt()
      for (const again of signals) process.once(again, () => process.exit(exitCode))
      setTimeout(() => {
        process.removeListener("beforeExit", ranEmpty)
        resolve({ _tag: "Signalled", exitCode, released: false })
      }, releaseWithinMs).unref()
    }
    const ranEmpty = () => {
      if (ending._tag === "Done") ending = { _tag: "RanEmpty" }
      if (toldToLetGo) return end()
      toldToLetGo = true
      interrupt()
      setImmediate(() => undefined)
    }
    const end = () => {
      for (const signal of signals) process.removeListener(signal, stop)
      process.removeListener("beforeExit", ranEmpty)
      resolve(ending)
    }
    for (const signal of signals) process.once(signal, stop)
    process.on("beforeExit", ranEmpty)
    fiber.addObserver(end)
  })
}
