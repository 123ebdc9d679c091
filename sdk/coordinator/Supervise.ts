import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { EventType } from "../domain/event.ts"
import type { TeamKey } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { HostEnvironment } from "../lifecycle/operation.ts"
import { makePace } from "../lifecycle/pace.ts"
import { loadProviders, providerNames } from "../lifecycle/plugins-of.ts"
import { demandRank, type TeamOwnerMismatch } from "../lifecycle/rank.ts"
import { teamState } from "../lifecycle/team.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import type { AnyPolicy } from "../policy/Policy.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { bounded } from "./bounded.ts"
import { pass, stateOf } from "./pass.ts"
import { append, nothingRemembered, sayOnce, type SuperviseOptions, type Supervision } from "./supervision.ts"

export type { Say, SuperviseOptions } from "./supervision.ts"

/** What supervision needs besides what its policy asks for. */
export type SuperviseServices = EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment

/** How supervision can fail. What keeps a single restart from being made is said, and is no failure. */
export type SuperviseError =
  | AppendError
  | EventLogError
  | LeaseHeld
  | PluginMissing
  | TeamTargetAmbiguous
  | TeamTargetUnresolved
  | TeamOwnerMismatch

/** How it came to its end: it was switched off. */
export interface SuperviseReport {
  readonly team: TeamKey
  readonly outcome: "disabled"
  readonly ok: true
  readonly message: string
}

/** What in the log is a reason to look, besides what the transport tells. */
const telling: ReadonlyArray<EventType> = [
  "operation.finished",
  "supervision.enabled",
  "supervision.disabled",
  "budget.cleared",
  "team.recorded",
  "agent.adopted"
]

const nobodySays = () => Effect.void

/**
 * Brings agents back that die, by the same policy that a person would restart them by, until it is switched off. This
 * switches it on for the team. Whoever starts it twice for one team fails with `LeaseHeld`.
 *
 * All that it remembers is in the log: it may be killed at any instant, and the next one goes on.
 *
 * @example
 * ```ts
 * run(Supervise.supervise("alpha", Policy.standard, { strategy: "oneForOne" }))
 * ```
 */
export const supervise = <E, R>(
  team: string | undefined,
  policy: AnyPolicy<E, R>,
  options: SuperviseOptions = {}
): Effect.Effect<SuperviseReport, SuperviseError, SuperviseServices | R> =>
  Effect.scoped(Effect.gen(function*() {
    const { observe = false, say = nobodySays, strategy = "oneForOne" } = options
    const log = yield* EventLog
    const host = yield* PluginHost
    const found = yield* teamState(team)
    yield* demandRank(found)
    yield* log.lease(`${observe ? "observe" : "supervise"}/${found.key}`, observe ? "supervise --observe" : "supervise")
    const providers = yield* loadProviders(providerNames([found]))
    // Without its provider an agent's death can't be read, nor the agent be started again.
    const missing = providers.missing.find(({ name }) =>
      found.agents.some(({ removed, spec }) => !removed && !spec.paused && spec.provider === name))
    if (missing !== undefined && !observe) return yield* missing
    const supervision: Supervision<E, R> = {
      team: found.key,
      policy: bounded(policy),
      strategy,
      observe,
      stableMs: Duration.toMillis(options.stableFor ?? "1 minute"),
      readyWithin: options.readyWithin ?? null,
      transport: yield* host.transport(found.transport),
      providers,
      pace: yield* makePace(Duration.toMillis(options.stagger ?? "1 second")),
      say,
      memory: nothingRemembered()
    }
    if (!observe) {
      yield* append([{ type: "supervision.enabled", team: found.key, strategy, policy: supervision.policy.description }])
    }
    yield* say(
      observe
        ? `Team ${found.key} is watched (${strategy}): what would be done is said and logged, and nothing is done. Ctrl-C ends it.`
        : `Team ${found.key} is supervised (${strategy}): ${supervision.policy.description}. Ctrl-C ends this; it is off for good ` +
          `with: reprise supervise --disable --team ${found.key}`
    )

    // Whatever happens is a reason to look, and only what is seen counts. Reasons that nobody took yet are one.
    const reasons = yield* Queue.sliding<void>(1)
    const wake = Queue.offer(reasons, undefined)
    yield* supervision.transport.events.pipe(
      Stream.runForEach(() => wake),
      Effect.ignore,
      Effect.zipRight(wake),
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )
    yield* log.follow({ team: found.key, types: telling, after: yield* log.position }).pipe(
      Stream.runForEach(() => wake),
      Effect.ignore,
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )

    const lookEveryMs = Duration.toMillis(options.lookEvery ?? "5 seconds")
    const round = Effect.gen(function*() {
      const state = yield* stateOf(supervision)
      if (!observe && (state === null || state.supervision.enabled === null)) return true
      if (state?.stopped === true) {
        yield* sayOnce(supervision, "stopped", `Team ${found.key} is stopped, and stays so until somebody starts it.`)
      } else supervision.memory.said.delete("stopped")
      const next = yield* pass(supervision).pipe(
        // A log that is in use is no reason to end; one that can't be used is.
        Effect.catchTag("EventLogError", (error) => error.retryable ? Effect.succeed(null) : Effect.fail(error))
      )
      const now = yield* Clock.currentTimeMillis
      const pauseMs = Math.max(0, Math.min(lookEveryMs, (next ?? Number.POSITIVE_INFINITY) - now))
      yield* Effect.timeoutOption(Queue.take(reasons), Duration.millis(pauseMs))
      return false
    })
    yield* Effect.repeat(round, { until: (over) => over })
    const message = `Supervision of team ${found.key} was switched off; its agents go on as they are.`
    return { team: found.key, outcome: "disabled" as const, ok: true as const, message }
  }))

/**
 * Switches the supervision of a team off, for whoever supervises it now and for later. It waits for nobody: what is being
 * restarted just then is brought to its end.
 */
export const disable = (
  team: string | undefined,
  reason: string
): Effect.Effect<
  TeamKey,
  AppendError | EventLogError | TeamTargetAmbiguous | TeamTargetUnresolved | TeamOwnerMismatch,
  EventLog | HostEnvironment
> =>
  Effect.gen(function*() {
    const found = yield* teamState(team)
    yield* demandRank(found)
    yield* append([{ type: "supervision.disabled", team: found.key, reason }])
    return found.key
  })
