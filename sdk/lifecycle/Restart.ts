import * as Effect from "effect/Effect"
import type { AnyPolicy } from "../policy/Policy.ts"
import { overtaken } from "./apply.ts"
import { demandCurrentLog } from "./current-log.ts"
import type { RestartPlan } from "./plan.ts"
import { prepare } from "./prepare.ts"
import type { RestartReport } from "./restart-act.ts"
import { NothingUnfinished, requestOf, type RestartError, type RestartOptions, type RestartServices } from "./restart-request.ts"
import { demandInterrupted, grantsGiven, settle, underLease } from "./restart-run.ts"
import { beginWith } from "./roll-back.ts"
import { teamState } from "./team.ts"
import { finishingWhatIsUndone, takenBackInstead } from "./undo.ts"

export { apply, type ApplyOptions, PlanNotPortable } from "./apply.ts"
export { clearBudget } from "./clear-budget.ts"
export { explain, table } from "./explain.ts"
export { type AgentAtWork, atWorkWords, interruptedIn } from "./interruption.ts"
export { documentOf, encodeDocument, parseDocument, PlanDocument, PlanInvalid, textOfDocument } from "./plan-document.ts"
export type { PlanDifference } from "./plan-facts.ts"
export { leftoverWarnings } from "./leftovers.ts"
export { type PlanStep, stepsOf } from "./plan-steps.ts"
export { type Unfinished, unfinishedOf } from "./unfinished.ts"
export type { RestartReport } from "./restart-act.ts"
export {
  AgentUnknown,
  NothingUnfinished,
  type RestartError,
  type RestartOptions,
  type RestartServices
} from "./restart-request.ts"

/**
 * Observes and decides, and changes nothing: no lease, no event, no process. One pass of convergence, unless
 * `convergeWithin` says to wait.
 *
 * @example
 * ```ts
 * run(Effect.map(Restart.plan("alpha", Policy.fresh), Restart.explain))
 * ```
 */
export const plan = <E, R>(
  team: string | undefined,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<unknown, unknown> = {}
): Effect.Effect<RestartPlan<E, R>, RestartError, RestartServices> =>
  Effect.gen(function*() {
    yield* demandCurrentLog
    const state = yield* teamState(team)
    // One that is still being carried out is not continued by anybody else, so that there is nothing to plan.
    if (state.operation !== null) yield* demandInterrupted(state)
    if (options.unfinished !== undefined && state.operation === null) {
      return yield* new NothingUnfinished({ team: state.key })
    }
    const recording = { _tag: "DryRun" as const }
    const prepared = yield* prepare({
      ...yield* beginWith(state, policy, finishingWhatIsUndone({ convergeWithin: 0, ...options }, state), recording),
      recording,
      granted: null,
      continuing: state.operation !== null,
      keepsPromises: true,
      basedOn: state.lifecycleVersion
    })
    return prepared.plan
  })

/**
 * Brings a team back by a policy: the whole order of a restart, under the team's lease. Refusals are reports with
 * `ok: false`, and then no process was touched. An interrupted operation that is found is continued.
 *
 * Fails with `LeaseHeld` while another command changes the team.
 *
 * @example
 * ```ts
 * run(Restart.restart("alpha", Policy.resume))
 * ```
 */
export const restart = <E, R, E2 = never, R2 = never>(
  team: string | undefined,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<E2, R2> = {}
): Effect.Effect<RestartReport, RestartError | E | E2, RestartServices | R | R2> =>
  Effect.gen(function*() {
    const found = yield* teamState(team)
    yield* requestOf(found, policy, options)
    return yield* underLease(found, "restart", (lease, state) =>
      Effect.gen(function*() {
        if (options.unfinished !== undefined && state.operation === null) {
          return yield* new NothingUnfinished({ team: state.key })
        }
        const recording = { _tag: "Log" as const, lease }
        const asked = finishingWhatIsUndone(options, state)
        const prepared = yield* prepare({
          ...yield* beginWith(state, policy, asked, recording),
          recording,
          granted: yield* grantsGiven,
          continuing: state.operation !== null,
      keepsPromises: true,
          basedOn: state.lifecycleVersion
        })
        const report = yield* settle(prepared, lease, options.beforeActing)
        return asked === options ? report : takenBackInstead(report)
      }))
  })

/**
 * Carries out a plan that was made before. It is made again under the lease, and refused as `refused_plan_stale` where a
 * decision would now be another.
 */
export const execute = <E, R>(
  made: RestartPlan<E, R>
): Effect.Effect<RestartReport, RestartError | E, RestartServices | R> =>
  Effect.gen(function*() {
    const found = yield* teamState(made.team.key)
    return yield* underLease(found, "restart", (lease, state) =>
      Effect.gen(function*() {
        const recording = { _tag: "Log" as const, lease }
        const prepared = yield* prepare({
          ...made.request.unfinished === "rollback"
            ? yield* beginWith(state, made.request.policy, { unfinished: "rollback" }, recording)
            : { team: state },
          request: made.request,
          recording,
          granted: yield* grantsGiven,
          continuing: state.operation !== null,
      keepsPromises: true,
          basedOn: state.lifecycleVersion
        })
        return overtaken(made, prepared.plan) ?? (yield* settle<E, R, never, never>(prepared, lease, undefined))
      }))
  })
