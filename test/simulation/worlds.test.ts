import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { simulation } from "../../sdk/testing/simulation/simulate.ts"

const worlds = 150
// The same each time; `npm run sim -- --worlds N --from SEED` plays others, and `--replay SEED` shows one.
const from = 1

it.live(`worlds ${from} to ${from + worlds - 1} hold the seven rules`, () =>
  Effect.map(simulation, (sim) => {
    for (let seed = from; seed < from + worlds; seed++) {
      const failure = sim.check(seed)
      const shown = failure === null
        ? ""
        : `Seed ${seed} breaks rule ${failure.rule}: ${failure.message}\n${failure.scenario.join("\n")}\n\n${failure.trace.slice(-30).join("\n")}`
      expect(shown).toBe("")
    }
  }), 240_000)
