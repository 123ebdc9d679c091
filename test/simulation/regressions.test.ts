import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, type Scenario, type SimulatedAgent, simulation, type Step } from "../../sdk/testing/simulation/simulate.ts"

// Worlds in which a rule was broken once, each by hand and at several instants: no seed has to find them again.

const agent = (id: string, provider: string, behaviour: SimulatedAgent["behaviour"] = {}): SimulatedAgent =>
  ({ id, provider, permissions: null, behaviour })
const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const up = run({ do: "up" })
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at)

const holds = (title: string, worlds: ReadonlyArray<Omit<Scenario, "seed">>) =>
  it.live(title, () =>
    Effect.map(simulation, (sim) => {
      for (const [seed, world] of worlds.entries()) {
        const { violations } = sim.play({ seed, ...world })
        expect({ steps: world.steps, violations }).toEqual({ steps: world.steps, violations: [] })
      }
    }), 120_000)

holds("a sender that was taken for dead finds that somebody else types now, and types nothing a second time", [0, 3, 7, 11].flatMap((after) =>
  [3, 4, 5, 6].map((presumedDeadAt) => ({
    agents: [agent("ada", "assigned")],
    steps: [up, run({ do: "send", agent: "ada", text: "one", presumedDeadAt }, { do: "send", agent: "ada", text: "two", startsAfter: after })]
  }))))

holds("a clock that is set back between a start and its transcript's birth does not prove that nobody spoke", ["silent", "reported", "marked"]
  .flatMap((provider) => [-5_000, -3_600_000].flatMap((millis) => [false, true].map((survives) => ({
    agents: [agent("ada", provider, { transcript: "at-first-message" })],
    steps: [
      up,
      { do: "clock jumps", millis },
      { do: "person says", agent: "ada", text: "remember" },
      { do: "time passes", millis: 1_000 },
      ...survives ? [] : [{ do: "dies", agent: "ada", silently: true } as const],
      run({ do: "restart", policy: "isolated" })
    ]
  })))))

holds("a clock that is set back makes nobody wait longer", upTo(8).map((at) => ({
  agents: [agent("ada", "marked"), agent("bob", "silent")],
  steps: [up, run(
    { do: "send", agent: "ada", text: "one", meanwhile: [{ after: 8 * at, what: { do: "clock jumps", millis: -3_600_000 } }] },
    { do: "restart", policy: "rolling" }
  )]
})))

holds("conversations that begin in the instant of a start go to nobody else", upTo(10).map(() => ({
  agents: ["ada", "bob", "cyd", "dot"].map((id) => agent(id, "silent", { transcript: "at-once" })),
  steps: [
    up,
    ...["ada", "bob", "cyd", "dot"].map((id) => ({ do: "person says", agent: id, text: `to ${id}` }) as const),
    run({ do: "restart", policy: "isolated" })
  ]
})))

holds("an agent that is spoken to while it is being ended keeps what was said", upTo(12).map((at) => ({
  agents: [agent("ada", "assigned", { ignoresStop: true, transcript: "at-first-message" })],
  steps: [up, run({
    do: "restart",
    policy: "isolated",
    meanwhile: [{ after: 6 * at, what: { do: "person says", agent: "ada", text: "wait" } }]
  })]
})))

holds("what is said while an operation is taken back is not said to a conversation that is left", upTo(6).flatMap((dieAt) =>
  [0, 4, 8, 12].map((startsAfter) => ({
    agents: [agent("ada", "assigned", { ignoresStop: true })],
    steps: [
      up,
      run({ do: "send", agent: "ada", text: "before" }),
      run({ do: "restart", policy: "fresh", dieAt: 60 + 24 * dieAt }),
      run({ do: "restart", policy: "standard", unfinished: "rollback" }, { do: "send", agent: "ada", text: "meanwhile", startsAfter })
    ]
  }))))

holds("an operation that dies while it is taken back goes on in the conversation that it gave back", upTo(15).map((at) => ({
  agents: [agent("ada", "assigned")],
  steps: [
    up,
    run({ do: "send", agent: "ada", text: "before" }),
    run({ do: "restart", policy: "fresh", dieAt: 170 }),
    run({ do: "restart", policy: "standard", unfinished: "rollback", dieAt: 10 + 10 * at }),
    run({ do: "restart", policy: "isolated", unfinished: "continue" })
  ]
})))

holds("a file of the process before is not taken for one of now because the clock was set back", ["silent", "marked", "reported"]
  .flatMap((provider) => [4, 40, 500].map((dieAt) => ({
    agents: [agent("ada", provider, { transcript: "at-once", startup: "slow" }), agent("bob", "serial")],
    steps: [
      run({ do: "up", dieAt }),
      { do: "clock jumps", millis: -3_600_000 },
      { do: "dies", agent: "ada", silently: true },
      run({ do: "restart", policy: "isolated" })
    ]
  }))))

holds("a log without the newest start of one agent lets nothing be typed into another, or the team be recorded again", [
  { names: ["ada", "bob"], between: [run({ do: "restart", policy: "rolling" })] },
  { names: ["ada"], between: [] }
].flatMap(({ between, names }) => ([
  ...names.map((name) => ({ do: "send", agent: name, text: `now ${name}` }) as const),
  { do: "up" },
  { do: "down" },
  { do: "restart", policy: "standard" }
] satisfies ReadonlyArray<CommandStep>).map((command) => ({
  agents: names.map((name) => agent(name, "assigned")),
  steps: [
    up,
    run({ do: "send", agent: "ada", text: "before" }),
    ...between,
    { do: "log rolled back", to: "before a start" } as const,
    run(command),
    { do: "log put back" } as const
  ]
}))))

holds("a down finds what agents left behind also where its log can't be written to, or a look is late", upTo(60).map(() => ({
  agents: [agent("ada", "assigned"), agent("bob", "marked")],
  steps: [
    up,
    { do: "leaves child", agent: "ada", inTerminal: false },
    { do: "leaves child", agent: "bob", inTerminal: true },
    run({ do: "down", faults: 0.2 })
  ]
})))

holds("a conversation that was begun while no observer looked comes back, or can be selected", ["assigned", "serial", "reported", "marked", "silent"]
  .flatMap((provider) => [false, true].map((shared) => ({
    agents: [agent("ada", provider), ...shared ? [agent("bob", provider)] : []],
    steps: [
      up,
      run({ do: "send", agent: "ada", text: "before" }),
      { do: "person clears", agent: "ada" },
      { do: "person says", agent: "ada", text: "after" },
      { do: "time passes", millis: 5_000 },
      { do: "home vanishes", survivors: [] },
      run({ do: "restart", policy: "isolated" })
    ]
  }))))
