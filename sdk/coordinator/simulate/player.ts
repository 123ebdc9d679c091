import * as Effect from "effect/Effect"
import { toTeam } from "../../policy/Policy.ts"
import { NothingRecorded, type ScenarioInvalid } from "./errors.ts"
import { scenarioOfLog } from "./from-log.ts"
import { play, policiesOf } from "./play.ts"
import type { Scenario, ScenarioInput } from "./scenario.ts"
import { decodeScenario } from "./scenario-file.ts"
import { type Setting, settingOf } from "./setting.ts"
import type { SimulateOptions, SimulateReport } from "./Simulate.ts"
import { summaryOf } from "./summary.ts"

const isRead = (scenario: ScenarioInput | Scenario): scenario is Scenario => typeof scenario.horizon === "number"

const settingFor = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<Setting, ScenarioInvalid | NothingRecorded> =>
  Effect.gen(function*() {
    const { supervise } = options
    const asAsked = (scenario: Scenario): Scenario => supervise === undefined ? scenario : { ...scenario, supervise }
    if (options.scenario !== undefined) {
      return settingOf(asAsked(isRead(options.scenario) ? options.scenario : yield* decodeScenario(options.scenario)))
    }
    const recorded = scenarioOfLog(options.log)
    return recorded === null ? yield* new NothingRecorded() : settingOf(asAsked(recorded.scenario), recorded.beginsAt)
  })

/** Plays all runs and sums them up. */
export const runAll = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<SimulateReport, ScenarioInvalid | NothingRecorded> =>
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
