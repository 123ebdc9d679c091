import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { planOf } from "../../sdk/coordinator/simulate/decide.ts"
import type { Scenario } from "../../sdk/coordinator/simulate/scenario.ts"
import { settingOf } from "../../sdk/coordinator/simulate/setting.ts"
import * as Simulate from "../../sdk/coordinator/simulate/Simulate.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { house } from "./house.ts"
import { ground, key, launch, timed } from "./lifecycle.ts"
import { median, row } from "./measure.ts"
import { notMeasured, NotMeasured, progress } from "./suite.ts"
import type { Suite } from "./suite.ts"

const careful = Policy.perAgent({
  scribe: Policy.fresh,
  "coder-*": Policy.standard.pipe(Policy.withBackoff(Schedule.exponential("200 millis"), { times: 4 }))
}, { otherwise: Policy.resume }).pipe(
  Policy.withBudget({ restarts: 3, per: "10 minutes", exceeded: Policy.escalate("leader") })
)

const scenarioOf = (agents: number): Scenario => ({
  horizon: 8 * 3_600_000,
  agents: Object.fromEntries(Array.from({ length: agents }, (_, index) => [`coder-${index + 1}`, {}])),
  deaths: [{ distribution: "exponential", mean: 4 * 3_600_000 }]
})

const perSecond = (things: number, work: () => void): number => {
  const started = performance.now()
  work()
  return things / ((performance.now() - started) / 1000)
}

/** Decisions a second where each of a thousand agents is looked at among the thousand. */
const decisions: Suite = {
  names: ["policy.decide.1000"],
  measure: () =>
    Effect.sync(() => {
      const setting = settingOf(scenarioOf(1000))
      const moment = { setting, state: setting.launched, at: setting.beginsAt + 1000, boot: "boot-1", alive: () => false, lost: () => false }
      const { agents, request } = planOf(moment, { policy: Policy.toTeam(careful), agents: "all", onlyDead: false, trigger: "person", boot: null })
      const decideAll = () => { for (const { facts } of agents) request.policy.decide(facts) }
      decideAll()
      return [row("policy.decide.1000", "decisions/s", Array.from({ length: 15 }, () => perSecond(agents.length, decideAll)))]
    })
}

const seeds = 300

/** Runs a second of eight hours of a team of four, of whom each dies every four hours. */
const runs: Suite = {
  names: ["simulate.runs"],
  measure: () =>
    Effect.gen(function*() {
      const scenario = scenarioOf(4)
      const rates: Array<number> = []
      yield* Simulate.run({ policy: careful, scenario, seeds })
      for (let run = 0; run < 7; run++) {
        const took = yield* timed(Simulate.run({ policy: careful, scenario, seeds }))
        rates.push(seeds / (took / 1000))
      }
      return [row("simulate.runs", "runs/s", rates)]
    }).pipe(Effect.mapError(notMeasured))
}

/** A plan of a team that lives; floor: the transport's own list of it. */
export const plansOf = (count: number): Suite => ({
  names: [`plan.${count}`],
  measure: () =>
    Effect.gen(function*() {
      const place = yield* ground
      yield* progress(`Launching ${count} workers, to plan their restart.`)
      return yield* Effect.gen(function*() {
        yield* launch(place.workspace, count)
        const transport = yield* Effect.flatMap(PluginHost, (host) => host.transport("tmux"))
        const took: Array<number> = []
        const floors: Array<number> = []
        const plan = Restart.plan(key, careful).pipe(Effect.filterOrFail(
          ({ agents }) => agents.length === count,
          () => new NotMeasured({ reason: "The plan has not all of the agents." })
        ))
        yield* plan
        for (let run = 0; run < 9; run++) {
          floors.push(yield* timed(transport.list))
          took.push(yield* timed(plan))
        }
        return [row(`plan.${count}`, "ms", took, { floor: median(floors) })]
      }).pipe(Effect.provide(house(place.workspace, place.env)), Effect.mapError(notMeasured))
    })
})

export const policy: ReadonlyArray<Suite> = [decisions, runs, plansOf(100)]
