import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, mutants, type Scenario, type SimulatedAgent, simulation, type Step } from "../../sdk/testing/simulation/simulate.ts"

// A supervisor that dies, and what the next one knows.

const agent = (id: string): SimulatedAgent => ({ id, provider: "assigned", permissions: null, behaviour: {} })
const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const up = run({ do: "up" })
const supervise = { do: "supervise", strategy: "oneForOne", budget: "standard" } as const
const dies: Step = { do: "dies", agent: "ada", silently: false }
const passes = (millis: number): Step => ({ do: "time passes", millis })

/** An agent that dies again and again, under supervisors that live about so long. */
const daemons = (dieAt: number): Scenario => ({
  seed: 7,
  agents: [agent("ada"), agent("bob")],
  steps: [
    up,
    ...Array.from({ length: 8 }, () => [run({ ...supervise, dieAt }), dies, passes(20_000)]).flat(),
    run(supervise),
    dies,
    passes(120_000)
  ]
})

it.live("a supervisor that dies at any instant leaves a team that the next one goes on with, within one budget", () =>
  Effect.map(simulation, (sim) => {
    let restarted = 0
    let died = 0
    for (let dieAt = 20; dieAt <= 1_220; dieAt += 80) {
      const { ends, facts, violations } = sim.play(daemons(dieAt))
      expect({ dieAt, violations }).toEqual({ dieAt, violations: [] })
      died += ends.filter(({ command, outcome }) => command === "supervise" && outcome === "died").length
      const operations = new Set(facts.flatMap((fact) =>
        fact.kind === "writes" && fact.by.startsWith("supervise") && fact.event.type === "agent.spawn_intended" ? fact.event.operation : []))
      expect(operations.size).toBeLessThanOrEqual(3)
      restarted += operations.size
    }
    expect(restarted).toBeGreaterThan(15)
    expect(died).toBeGreaterThan(25)
  }), 120_000)

it.live("one that counted in its own memory would be noticed", () =>
  Effect.map(simulation, (sim) => {
    const forgets = mutants.find(({ name }) => name.startsWith("how often an agent was brought back"))
    const noticed = [300, 500, 700].some((dieAt) =>
      sim.play(daemons(dieAt), forgets?.wrap).violations.some(({ rule }) => rule === forgets?.rule))
    expect(noticed).toBe(true)
  }), 120_000)

it.live("nobody waits for the next start until a clock that was set back is where it was", () =>
  Effect.map(simulation, (sim) => {
    const { facts, violations } = sim.play({
      seed: 3,
      agents: [agent("ada")],
      steps: [up, run(supervise), dies, passes(6_000), { do: "clock jumps", millis: -3_600_000 }, dies, passes(20_000)]
    })
    expect(violations).toEqual([])
    expect(facts.filter((fact) => fact.kind === "spawns" && fact.by.startsWith("supervise")).length).toBe(2)
  }), 60_000)

it.live("nor until then for a back-off, or for a death that is written as of later", () =>
  Effect.map(simulation, (sim) => {
    const back: Step = { do: "clock jumps", millis: -3_600_000 }
    const waits = [run(supervise), dies, passes(6_000), dies, passes(300)]
    for (const steps of [[...waits, back], [...waits, run({ do: "unsupervise" }), passes(6_000), back, run(supervise)]]) {
      const { facts, violations } = sim.play({ seed: 3, agents: [agent("ada")], steps: [up, ...steps, passes(40_000)] })
      expect(violations).toEqual([])
      expect(facts.filter((fact) => fact.kind === "spawns" && fact.by.startsWith("supervise")).length).toBe(2)
    }
  }), 60_000)

it.live("a budget bounds the restarts also where the clock is set forward and back", () =>
  Effect.map(simulation, (sim) => {
    const jump = (millis: number): Step => ({ do: "clock jumps", millis })
    const { facts, violations } = sim.play({
      seed: 3,
      agents: [agent("ada")],
      steps: [
        up,
        run(supervise),
        passes(1_000),
        jump(3_600_000),
        ...Array.from({ length: 1 }, () => [dies, passes(20_000)]).flat(),
        jump(-3_600_000),
        ...Array.from({ length: 8 }, () => [dies, passes(20_000)]).flat(),
        passes(120_000)
      ]
    })
    expect(violations).toEqual([])
    expect(facts.filter((fact) => fact.kind === "spawns" && fact.by.startsWith("supervise")).length).toBe(3)
  }), 60_000)
