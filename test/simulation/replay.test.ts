import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mutants, simulation } from "../../sdk/testing/simulation/simulate.ts"

// What a failure says of itself is what playing its seed again shows.

it.live("a world that breaks a rule is played again to the same small trace, and the same hash", () =>
  Effect.map(simulation, (sim) => {
    const mutant = mutants.find(({ name }) => name === "a stop's intent is not written")
    if (mutant === undefined) throw new Error("There is no such mutant any more.")
    const seed = sim.kill(mutant, 500).killedBySeed ?? 0
    const failure = sim.check(seed, mutant.wrap)
    const { scenario, trace, traceHash, wholeTraceHash, ...again } = sim.replay(seed, mutant.wrap)
    expect(failure).not.toBeNull()
    expect(again.failure).toEqual(failure)
    expect({ scenario, trace, traceHash }).toEqual({ scenario: failure?.scenario, trace: failure?.trace, traceHash: failure?.traceHash })
    // It was made small, and cut where the rule broke.
    expect(wholeTraceHash).not.toBe(traceHash)
  }), 120_000)

it.live("a world that holds all rules is played again as a whole", () =>
  Effect.map(simulation, (sim) => {
    for (const seed of [3, 17, 21, 53]) {
      const { failure, traceHash, wholeTraceHash } = sim.replay(seed)
      expect({ failure, traceHash }).toEqual({ failure: null, traceHash: wholeTraceHash })
      expect(sim.replay(seed).traceHash).toBe(traceHash)
    }
  }), 60_000)
