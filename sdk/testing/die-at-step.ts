import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Event, EventType, StepPhase } from "../domain/event.ts"
import { EventLog } from "../event-log/EventLog.ts"

/** The append at which a process is to die: the first that has all of what is named here. */
export interface DeathPoint {
  /** Right before the append, so that nothing of it is in the log, or right after it is on disk. */
  readonly when: "before" | "after"
  /** The number of the append, counted from 1 over all that this layer has seen. */
  readonly append?: number
  /** The append holds an event of this type. */
  readonly type?: EventType
  /** The append holds an `operation.step` of this name. */
  readonly step?: string
  /** The phase of that step. */
  readonly phase?: StepPhase
  /** The agent of that step or event. */
  readonly agent?: string
}

const isAt = (event: Event, { agent, phase, step, type }: DeathPoint): boolean =>
  (type === undefined || event.type === type) &&
  (agent === undefined || ("agent" in event && event.agent === agent)) &&
  ((step === undefined && phase === undefined) || (event.type === "operation.step" &&
    (step === undefined || event.step === step) && (phase === undefined || event.phase === phase)))

/** Whether this append, the `count`-th, is the one at which to die. */
export const isDeathPoint = (events: ReadonlyArray<Event>, count: number, point: DeathPoint): boolean =>
  (point.append === undefined || point.append === count) && events.some((event) => isAt(event, point))

/** Ends this process as a power cut would: nothing of it runs any more, no finalizer and no release of a lease. */
const die: Effect.Effect<never> = Effect.zipRight(
  Effect.sync(() => process.kill(process.pid, "SIGKILL")),
  Effect.never
)

/**
 * An event log whose process kills itself with SIGKILL at one append. For tests of what is left then: compose it with
 * the pieces of the SDK in a child process, and look from outside.
 *
 * @example
 * ```ts
 * const log = dieAtStep({ when: "after", step: "stop", phase: "intent", agent: "coder-1" }).pipe(
 *   Layer.provide(EventLogSqlite.layer({ directory }))
 * )
 * ```
 */
export const dieAtStep = (point: DeathPoint): Layer.Layer<EventLog, never, EventLog> =>
  Layer.effect(EventLog, Effect.map(EventLog, (log) => {
    let count = 0
    return EventLog.of({
      ...log,
      append: (events, options) =>
        Effect.suspend(() => {
          count += 1
          if (!isDeathPoint(events, count, point)) return log.append(events, options)
          return point.when === "before" ? die : Effect.zipRight(log.append(events, options), die)
        })
    })
  }))
