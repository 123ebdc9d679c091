import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LogEntry } from "../../domain/event.ts"
import { type AnyPolicy, toTeam } from "../../policy/Policy.ts"
import { scenarioOfLog } from "./from-log.ts"
import { play, policiesOf, type Run } from "./play.ts"
import type { Scenario, ScenarioInput } from "./scenario.ts"
import { decodeScenario, type ScenarioInvalid } from "./scenario-file.ts"
import { type Setting, settingOf } from "./setting.ts"
import { type Summary, summaryOf } from "./summary.ts"

export { scenarioOfLog } from "./from-log.ts"
export type { Run } from "./play.ts"
export { Scenario, type ScenarioInput } from "./scenario.ts"
export { parseScenario, readScenario, ScenarioInvalid, ScenarioUnreadable } from "./scenario-file.ts"
export type { Figure, FigureName, Summary } from "./summary.ts"

/** A log in which no team was recorded: there is nothing to play. */
export class NothingRecorded extends Data.TaggedError("NothingRecorded") {
  override get message(): string {
    return "The log has no team, so there is nothing to play a policy against. Nothing was played."
  }
}

/** A policy, and what it is played in: a described scenario, or what befell a team by its recorded log. */
export type SimulateOptions<E, R> = {
  readonly policy: AnyPolicy<E, R>
  /** How many runs, seeded 1, 2, 3 and so on; or the seeds themselves. @default 1 */
  readonly seeds?: number | ReadonlyArray<number>
} & (
  | { readonly scenario: ScenarioInput | Scenario; readonly log?: never }
  | { readonly log: ReadonlyArray<LogEntry>; readonly scenario?: never }
)

/** What a policy came to. */
export interface SimulateReport {
  /** The policy in words. */
  readonly policy: string
  readonly scenario: string
  readonly horizonMs: number
  readonly summary: Summary
  readonly runs: ReadonlyArray<Run>
}

const isRead = (scenario: ScenarioInput | Scenario): scenario is Scenario => typeof scenario.horizon === "number"

const settingFor = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<Setting, ScenarioInvalid | NothingRecorded> =>
  Effect.gen(function*() {
    if (options.scenario !== undefined) {
      return settingOf(isRead(options.scenario) ? options.scenario : yield* decodeScenario(options.scenario))
    }
    const recorded = scenarioOfLog(options.log)
    return recorded === null ? yield* new NothingRecorded() : settingOf(recorded.scenario, recorded.beginsAt)
  })

/**
 * Plays a policy in virtual time and counts what comes of it: restarts, conversations kept and dropped, downtime,
 * escalations, the time until all is well again. Nothing is touched, and nothing that acting needs is needed: gates and
 * approvals are taken as passed, and counted.
 *
 * Equal seeds give equal runs, and two policies meet the same fate under one seed.
 *
 * @example
 * ```ts
 * run(Effect.map(
 *   Simulate.run({
 *     policy: Policy.standard,
 *     scenario: {
 *       horizon: "8 hours",
 *       agents: { planner: {}, "coder-1": {} },
 *       deaths: [{ distribution: "exponential", mean: "2 hours" }]
 *     },
 *     seeds: 1000
 *   }),
 *   ({ summary }) => `${summary.downtimeMs.p50} ms without an agent`
 * ))
 * ```
 */
export const run = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<SimulateReport, ScenarioInvalid | NothingRecorded> =>
  Effect.gen(function*() {
    const setting = yield* settingFor(options)
    const policy = toTeam(options.policy)
    const policies = policiesOf(policy, setting)
    const { seeds = 1 } = options
    const runs = yield* Effect.forEach(
      typeof seeds === "number" ? Array.from({ length: seeds }, (_, index) => index + 1) : seeds,
      (seed) => play(setting, policies, seed)
    )
    return {
      policy: policy.description,
      scenario: setting.scenario.name ?? "a scenario",
      horizonMs: setting.scenario.horizon,
      summary: summaryOf(runs),
      runs
    }
  })
