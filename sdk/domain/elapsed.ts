import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds by a clock that nobody sets, for how long something takes or may take: the clock on the wall can be set back
 * by an hour, and whoever waits by it then waits an hour longer. Says nothing about when something happened.
 */
export const elapsedMillis: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))
