import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, mutants, type Scenario, type SimulatedAgent, simulation, type Step } from "../../sdk/testing/simulation/simulate.ts"

// Texts that the CLI of a world interprets or changes: what is told of them is true, and none keeps the next one waiting.

const agent: SimulatedAgent = { id: "assigned-1", provider: "assigned", permissions: "ask", behaviour: {} }
const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const send = (text: string): Step => run({ do: "send", agent: agent.id, text })
const scenario = (...texts: ReadonlyArray<string>): Scenario => ({ seed: 5, agents: [agent], steps: [run({ do: "up" }), ...texts.map(send)] })

const outcomes = (...texts: ReadonlyArray<string>) =>
  Effect.map(simulation, (sim) => {
    const { ends, violations } = sim.play(scenario(...texts))
    expect(violations).toEqual([])
    return ends.slice(1, 1 + texts.length).map(({ outcome }) => outcome)
  })

it.live("a text that is a command is refused, and the next one goes out", () =>
  Effect.map(outcomes("hello", "/compact", "!ls", "and more"), (ends) =>
    expect(ends).toEqual(["submitted", "text_refused", "text_refused", "submitted"])))

it.live("a text that arrived changed is reported as altered, and the next one goes out", () =>
  Effect.map(outcomes("hello", "blanks at its end  ", "and more"), (ends) => expect(ends).toEqual(["submitted", "altered", "submitted"])))

it.live("a world in which no text is refused breaks the first rule", () =>
  Effect.map(simulation, (sim) => {
    const mutant = mutants.find(({ name }) => name === "no text is refused before it is typed")
    const { violations } = sim.play(scenario("/compact"), mutant?.wrap)
    expect(violations[0]?.rule).toBe(1)
  }))

it.live("a world in which no change is noticed breaks the first rule", () =>
  Effect.map(simulation, (sim) => {
    const { violations } = sim.play(scenario("hello", "blanks at its end  "), (services) => ({
      ...services,
      providers: new Map([...services.providers].map(([name, { userMessages: _, ...provider }]) => [name, provider]))
    }))
    expect(violations[0]?.rule).toBe(1)
  }))
