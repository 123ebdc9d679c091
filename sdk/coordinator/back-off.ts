import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Intervals from "effect/ScheduleIntervals"

/** What is waited where a policy says nothing of it: a second, then twice as long each time, up to a minute. */
export const standardBackoff: Schedule.Schedule<unknown> = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("1 minute"))
)

const longestMs = 10 * 60_000

/**
 * The delay that a schedule puts before its `count`-th repetition (from 1), in milliseconds, without waiting for it. Past
 * its end the last delay holds; never more than ten minutes.
 */
export const nthDelay = <R>(schedule: Schedule.Schedule<unknown, unknown, R>, count: number): Effect.Effect<number, never, R> =>
  Effect.gen(function*() {
    let state: unknown = schedule.initial
    let now = 0
    let delay = 0
    for (let step = 0; step < count; step++) {
      const [next, , decision] = yield* schedule.step(now, undefined, state)
      if (decision._tag === "Done") break
      state = next
      delay = Math.max(0, Intervals.start(decision.intervals) - now)
      now += delay
    }
    return Math.min(delay, longestMs)
  })
