import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mutants, rules, simulation } from "../../sdk/testing/simulation/simulate.ts"

it("has two mutants or more for each rule", () => {
  for (const { number } of rules) expect(mutants.filter(({ rule }) => rule === number).length).toBeGreaterThanOrEqual(2)
})

// `npm run sim -- --mutants` looks for all of them, and goes on for longer.
it.live("finds a world that kills a mutant of each rule", () =>
  Effect.map(simulation, (sim) => {
    const killed = new Set<number>()
    for (const mutant of mutants) {
      if (killed.has(mutant.rule)) continue
      if (sim.kill(mutant, 200).killedBySeed !== null) killed.add(mutant.rule)
    }
    expect([...killed].toSorted((a, b) => a - b)).toEqual(rules.map(({ number }) => number))
  }), 240_000)
