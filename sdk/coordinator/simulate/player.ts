import * as Effect from "effect/Effect"
import { toTeam } from "../../policy/Policy.ts"
import { NothingRecorded, type ScenarioInvalid, SeedsInvalid } from "./errors.ts"
import { scenarioOfLog } from "./from-log.ts"
import { play, policiesOf } from "./play.ts"
import { decodeScenario } from "./scenario-file.ts"
import { type Setting, settingOf } from "./setting.ts"
import { seedsAtMost } from "./seeds.ts"
import type { SimulateError, SimulateOptions, SimulateReport } from "./Simulate.ts"
import { summaryOf } from "./summary.ts"

const settingFor = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<Setting, ScenarioInvalid | NothingRecorded> =>
  Effect.gen(function*() {
    const { supervise } = options
    const asked = supervise === undefined ? {} : { supervise }
    if (options.scenario !== undefined) return settingOf(yield* decodeScenario({ ...options.scenario, ...asked }))
    const recorded = scenarioOfLog(options.log)
    return recorded === null ? yield* new NothingRecorded() : settingOf({ ...recorded.scenario, ...asked }, recorded.beginsAt)
  })

const seedsOf = (seeds: number | ReadonlyArray<number>): Effect.Effect<ReadonlyArray<number>, SeedsInvalid> => {
  if (typeof seeds === "number") {
    return Number.isInteger(seeds) && seeds >= 1 && seeds <= seedsAtMost
      ? Effect.succeed(Array.from({ length: seeds }, (_, index) => index + 1))
      : new SeedsInvalid({ detail: `The number of seeds is a whole number from 1 to ${seedsAtMost}, and ${seeds} is none.` })
  }
  if (seeds.length === 0) return new SeedsInvalid({ detail: "The list of seeds is empty." })
  const wrong = seeds.find((seed) => !Number.isSafeInteger(seed))
  return wrong === undefined
    ? Effect.succeed(seeds)
    : new SeedsInvalid({ detail: `A seed is a whole number, and ${wrong} is none.` })
}

/** Plays all runs and sums them up. */
export const runAll = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<SimulateReport, SimulateError> =>
  Effect.gen(function*() {
    const seeds = yield* seedsOf(options.seeds ?? 1)
    const setting = yield* settingFor(options)
    const policy = toTeam(options.policy)
    const policies = policiesOf(policy, setting)
    const runs = yield* Effect.forEach(seeds, (seed) => play(setting, policies, seed))
    return {
      policy: policy.description,
      scenario: setting.scenario.name ?? "a scenario",
      horizonMs: setting.scenario.horizon,
      summary: summaryOf(runs),
      runs
    }
  })
