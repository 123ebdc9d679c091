import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, type Scenario, type SimulatedAgent, simulation, type Step } from "../../sdk/testing/simulation/simulate.ts"

// What people start by hand in a world, and what becomes of it when it is adopted.

const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const byHand = (provider: string): SimulatedAgent => ({ id: `${provider}-1`, provider, permissions: "ask", byHand: true, behaviour: {} })
const begun: ReadonlyArray<Step> = [
  { do: "person starts", agent: "assigned-1", resumes: false },
  { do: "person says", agent: "assigned-1", text: "remember" },
  { do: "time passes", millis: 1_000 },
  run({ do: "adopt", team: "gamma" })
]
const restart = (more: Partial<Extract<CommandStep, { do: "restart" }>> = {}): CommandStep => ({ do: "restart", policy: "isolated", team: "gamma", ...more })

const played = (steps: ReadonlyArray<Step>, agents: ReadonlyArray<SimulatedAgent> = [byHand("assigned")]) =>
  Effect.map(simulation, (sim) => {
    const scenario: Scenario = { seed: 5, agents, steps: [...begun, ...steps] }
    const { ends, facts, violations } = sim.play(scenario)
    expect(violations).toEqual([])
    const over = ends.findIndex(({ command }) => command === "settle")
    return { ends: ends.slice(0, over).map(({ outcome }) => outcome), results: ends[over - 1]?.results ?? {}, facts }
  })

it.live("a person's process is left alone without leave, and ended with it", () =>
  Effect.gen(function*() {
    const without = yield* played([run(restart())])
    expect(without.ends).toEqual(["adopted", "failed"])
    expect(without.results).toEqual({ "assigned-1": "refused" })
    const withLeave = yield* played([run(restart({ takeover: true }))])
    expect(withLeave.ends).toEqual(["adopted", "restarted"])
    expect(withLeave.results).toEqual({ "assigned-1": "resumed" })
    expect(withLeave.facts.filter(({ kind }) => kind === "takes")).toHaveLength(1)
  }))

it.live("one whose process is gone comes back in the conversation that its person went over to", () =>
  Effect.gen(function*() {
    const { ends, results } = yield* played([
      { do: "person clears", agent: "assigned-1" },
      { do: "person says", agent: "assigned-1", text: "another" },
      { do: "time passes", millis: 1_000 },
      { do: "dies", agent: "assigned-1", silently: true },
      run(restart())
    ])
    expect(ends).toEqual(["adopted", "restarted"])
    expect(results).toEqual({ "assigned-1": "resumed" })
  }))

it.live("a conversation that a person has resumed by hand is not opened a second time", () =>
  Effect.gen(function*() {
    const { ends } = yield* played([
      { do: "dies", agent: "assigned-1", silently: true },
      { do: "person starts", agent: "assigned-1", resumes: true },
      run(restart({ takeover: true })),
      { do: "dies", agent: "assigned-1", silently: true },
      run(restart())
    ])
    expect(ends).toEqual(["adopted", "failed", "restarted"])
  }))

it.live("nothing that a person started is ended from inside it, nor where agents would go with it", () =>
  Effect.gen(function*() {
    const { ends } = yield* played([
      run(restart({ takeover: true, from: "assigned-1" })),
      run({ do: "up", from: "assigned-1" }),
      run(restart({ takeover: true })),
      run({ do: "down" }),
      run(restart({ takeover: true }))
    ], [byHand("assigned"), { id: "ada", provider: "serial", permissions: null, behaviour: {} }])
    expect(ends).toEqual(["adopted", "failed", "launched", "failed", "stopped", "restarted"])
  }))

const goesOver: ReadonlyArray<Step> = [
  { do: "person clears", agent: "assigned-1" },
  { do: "person says", agent: "assigned-1", text: "another" },
  { do: "time passes", millis: 1_000 }
]

/** A scenario of one person's agent, from as many seeds, in each of which it must hold all rules. */
const holds = (title: string, seeds: number, steps: (seed: number) => ReadonlyArray<Step>) =>
  it.live(title, () =>
    Effect.map(simulation, (sim) => {
      for (let seed = 0; seed < seeds; seed++) {
        const { violations } = sim.play({ seed, agents: [byHand("assigned")], steps: [...begun, ...steps(seed)] })
        expect({ seed, violations }).toEqual({ seed, violations: [] })
      }
    }), 120_000)

holds("where its process went can't be read for a moment, and the conversation before is not gone back to", 120, (seed) => [
  ...goesOver,
  ...seed % 2 === 0 ? [{ do: "dies", agent: "assigned-1", silently: true } as const] : [],
  run(restart({ takeover: true, faults: 0.1 }))
])

holds("what its person begins while it is restarted is not left behind", 60, (seed) => [
  run(restart({
    takeover: true,
    meanwhile: [
      { after: seed, what: { do: "person clears", agent: "assigned-1" } },
      { after: seed + 2, what: { do: "person says", agent: "assigned-1", text: "another" } }
    ]
  }))
])

holds("a conversation that a person has gone on with elsewhere is not passed over for the one before", 4, () => [
  ...goesOver,
  { do: "dies", agent: "assigned-1", silently: true },
  { do: "person starts", agent: "assigned-1", resumes: true },
  run(restart({ takeover: true }))
])
