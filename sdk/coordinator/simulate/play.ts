import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import { isolated, resumeOrFresh, type TeamPolicy } from "../../policy/Policy.ts"
import { refusedTogether } from "../../policy/TeamPolicy.ts"
import { nthDelay, standardBackoff } from "../back-off.ts"
import { bounded } from "../bounded.ts"
import { foretell } from "./fate.ts"
import type { Setting } from "./setting.ts"
import { actors } from "./supervisor.ts"
import { makeWorld, type Policies, type Tally, type World } from "./world.ts"

/** What came of one run. */
export interface Run extends Readonly<Tally> {
  readonly seed: number
  /** From the first disturbance until all were at work for good; null where they were not when the time was over. */
  readonly timeToStableMs: number | null
  /** Whether it was given up because too much happened. */
  readonly endless: boolean
}

/** More than this happens in no run that makes sense: something begins anew all the time. */
const happensAtMost = 200_000

/**
 * Always so, or else noticed: a schedule asks for services only where its author made it do so, and one that does dies
 * for want of them, for which the standard distance is taken instead.
 */
const needsNothing = (_schedule: Schedule.Schedule<unknown, unknown, unknown>): _schedule is Schedule.Schedule<unknown> => true

const delayOf = (schedule: Schedule.Schedule<unknown, unknown, unknown>, count: number): Effect.Effect<number> =>
  Effect.catchAllDefect(
    nthDelay(needsNothing(schedule) ? schedule : standardBackoff, count),
    () => nthDelay(standardBackoff, count)
  )

const outcomeOf = (world: World, endless: boolean): Run => {
  const { down, firstDown, horizon, seed, tally, wholeSince } = world
  const still = world.agents.reduce((sum, { downSince, up }, index) =>
    up || world.setting.fates[index]?.paused === true ? sum : sum + horizon - downSince, 0)
  return {
    ...tally,
    seed,
    downtimeMs: tally.downtimeMs + still,
    longestOutageMs: down > 0 ? Math.max(tally.longestOutageMs, horizon - wholeSince) : tally.longestOutageMs,
    timeToStableMs: down > 0 ? null : firstDown === null ? 0 : wholeSince - firstDown,
    endless
  }
}

/** Who decides in a scenario whose team has a policy. */
export const policiesOf = (policy: TeamPolicy<unknown, unknown>, { scenario: { supervise = "oneForOne" } }: Setting): Policies => ({
  person: policy,
  supervisor: supervise === "oneForOne" ? isolated(bounded(policy)) : refusedTogether(bounded(policy)),
  answer: isolated(resumeOrFresh)
})

/** Plays one run. The same setting, policy and seed give the same. */
export const play = (setting: Setting, policies: Policies, seed: number): Effect.Effect<Run> =>
  Effect.gen(function*() {
    const world = makeWorld(setting, policies, seed)
    const acting = actors(world)
    foretell(world, acting)
    acting.begin()
    for (let count = 0; count < happensAtMost; count++) {
      const entry = world.next()
      if (entry === null) return outcomeOf(world, false)
      world.now = entry.at
      entry.run()
      for (let need = world.needs.shift(); need !== undefined; need = world.needs.shift()) {
        need.resolve(yield* delayOf(need.schedule, need.count))
      }
    }
    return outcomeOf(world, true)
  }).pipe(Effect.withRandom(Random.make(seed)))
