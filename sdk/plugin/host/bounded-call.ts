import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ParseResult from "effect/ParseResult"

// A plugin's code runs behind these guards: it may throw, hang, ignore interruption or answer nonsense, and the caller
// still gets an answer of its own type in bounded time.

/** How long an interrupted call may still tidy up before its caller goes on without it. */
const tidyMs = 1_000

/**
 * Runs `effect` for at most `ms`, also where it or its caller can't be interrupted. What does not end when told to is
 * left behind.
 */
export const bounded = <A, E, R, B, E2>(
  effect: Effect.Effect<A, E, R>,
  ms: number,
  onTimeout: () => Effect.Effect<B, E2>
): Effect.Effect<A | B, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<A | B, E | E2>()
      const ended = yield* Deferred.make<void>()
      const work = yield* Effect.forkDaemon(
        Effect.exit(Effect.interruptible(effect)).pipe(
          Effect.flatMap((exit) => Deferred.done(answer, exit)),
          Effect.zipRight(Deferred.succeed(ended, undefined))
        )
      )
      const timer = yield* Effect.forkDaemon(
        Effect.interruptible(Effect.sleep(ms)).pipe(
          Effect.zipRight(Effect.suspend(() => Deferred.completeWith(answer, onTimeout())))
        )
      )
      const leave = Fiber.interruptFork(work).pipe(
        Effect.zipRight(
          Effect.forkDaemon(
            Effect.interruptible(Effect.sleep(tidyMs)).pipe(Effect.zipRight(Deferred.succeed(ended, undefined)))
          )
        ),
        Effect.flatMap((tidy) => Deferred.await(ended).pipe(Effect.zipRight(Fiber.interruptFork(tidy))))
      )
      return yield* restore(Deferred.await(answer)).pipe(
        Effect.onExit((exit) =>
          Exit.isInterrupted(exit) ? leave : Fiber.interruptFork(work)
        ),
        Effect.ensuring(Fiber.interruptFork(timer))
      )
    })
  )

const messageOf = (value: unknown): string => {
  if (typeof value === "string") return value
  if (typeof value === "object" && value !== null) {
    const message = "message" in value && typeof value.message === "string" ? value.message : ""
    const name = "_tag" in value && typeof value._tag === "string"
      ? value._tag
      : "name" in value && typeof value.name === "string"
      ? value.name
      : ""
    if (message !== "") {
      return name === "" || name === "Error" || message.startsWith(name) ? message : `${name}: ${message}`
    }
    try {
      return JSON.stringify(value) ?? String(value)
    } catch {
      return name === "" ? "a value that can't be shown" : name
    }
  }
  return String(value)
}

/** A thrown or rejected value of any make, as words. */
export const describeThrown = (value: unknown): string => {
  try {
    return messageOf(value)
  } catch {
    return "a value that can't be shown"
  }
}

/**
 * What is wrong with a value that a Schema refused, as words, without the value: it may be a secret or a screen.
 */
export const describeProblem = (problem: ParseResult.ParseError): string =>
  ParseResult.ArrayFormatter.formatErrorSync(problem).map(({ message, path }) => {
    const place = path.map(String).join(".")
    const why = message.replace(/,? actual [^]*$/, "")
    return place === "" ? why : `${place}: ${why}`
  }).join("; ")

/** What went wrong, as words: the first failure, else the first defect, else that it was interrupted. */
export const describeCause = (cause: Cause.Cause<unknown>): string => {
  const squashed = Cause.isInterruptedOnly(cause) ? "it interrupted itself" : Cause.squash(cause)
  return describeThrown(squashed)
}
