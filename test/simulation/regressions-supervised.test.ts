import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, type Scenario, type SimulatedAgent, simulation, type Step } from "../../sdk/testing/simulation/simulate.ts"

// Worlds in which a promise was broken once that goes beyond one command: restarts of all or none, limits, boots.

const agent = (id: string, provider = "assigned", behaviour: SimulatedAgent["behaviour"] = {}): SimulatedAgent =>
  ({ id, provider, permissions: null, behaviour })
const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const up = run({ do: "up" })
const passes = (millis: number): Step => ({ do: "time passes", millis })
const dies = (id: string): Step => ({ do: "dies", agent: id, silently: false })
const breaks = (id: string): Step => ({ do: "cli behaves", agent: id, behaviour: { startup: "exits" } })
const supervise = (more: Partial<Extract<CommandStep, { do: "supervise" }>> = {}): CommandStep =>
  ({ do: "supervise", strategy: "oneForOne", budget: "standard", ...more })
const limit = (id: string, more: Partial<Extract<Step, { do: "limit begins" }>> = {}): Step =>
  ({ do: "limit begins", agent: id, kind: "usage_limit", forMs: 70_000, shown: false, endsNow: true, ...more })
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at)

const holds = (title: string, worlds: ReadonlyArray<Omit<Scenario, "seed">>) =>
  it.live(title, () =>
    Effect.map(simulation, (sim) => {
      for (const [seed, world] of worlds.entries()) {
        const { violations } = sim.play({ seed, ...world })
        expect({ steps: world.steps, violations }).toEqual({ steps: world.steps, violations: [] })
      }
    }), 120_000)

holds("what a fresh start left behind is given back also to an agent that has told where it is", [true, false].flatMap((spoken) =>
  (["at-once", "at-first-message"] as const).map((transcript) => ({
    agents: [agent("ada", "reported", { transcript }), agent("bob")],
    steps: [
      up,
      ...spoken ? [run({ do: "send", agent: "ada", text: "remember" })] : [],
      breaks("bob"),
      run({ do: "restart", policy: "atomicFresh" })
    ]
  }))))

holds("what is taken back is not over while some may live on by it", upTo(40).map(() => ({
  agents: [agent("ada"), agent("bob", "marked"), agent("cyd")],
  steps: [up, dies("ada"), dies("bob"), breaks("cyd"), run({ do: "restart", policy: "atomic", faults: 0.2 }), run({ do: "restart", policy: "isolated" })]
})))

holds("a limit that a person's restart met first is counted in no budget either", (["usage_limit", "auth"] as const).map((kind) => ({
  agents: [agent("ada")],
  steps: [up, limit("ada", { kind }), run({ do: "restart", policy: "isolated" }), passes(20_000), run(supervise({ budget: "tight" })), passes(120_000)]
})))

holds("who finishes the restart of a supervisor that died starts nobody before their time", upTo(10).map((at) => ({
  agents: [agent("ada"), agent("bob")],
  steps: [
    up,
    limit("ada", { endsNow: false }),
    run(supervise({ dieAt: 60 + 20 * at })),
    dies("ada"),
    dies("bob"),
    passes(6_000),
    run(supervise()),
    passes(20_000)
  ]
})))

holds("how an agent ended says more than why it was not ready before", [{ startup: "hangs" } as const, {}].map((behaviour) => ({
  agents: [agent("ada")],
  steps: [
    up,
    { do: "cli behaves", agent: "ada", behaviour } as const,
    ...behaviour.startup === undefined ? [limit("ada", { shown: true, kind: "auth" } as const)] : [],
    run({ do: "restart", policy: "isolated" }),
    passes(80_000),
    limit("ada"),
    run(supervise()),
    passes(20_000)
  ]
})))

holds("what a boot cut off goes on only where the team is to be brought back", (["hold", "ask: nobody", "ask: yes", "resume"] as const).flatMap((onBoot) =>
  upTo(8).map((at) => ({
    agents: [agent("ada"), agent("bob")],
    steps: [
      up,
      run(supervise({ onBoot, dieAt: 40 + 20 * at })),
      dies("ada"),
      passes(2_000),
      { do: "reboots" } as const,
      run(supervise({ onBoot, dieAt: 60 + 30 * at })),
      passes(6_000),
      run(supervise({ onBoot })),
      passes(6_000)
    ]
  }))))

holds("who finishes a restart gives out nothing of work that is done", upTo(16).map((at) => ({
  agents: [agent("ada"), agent("bob")],
  steps: [
    up,
    run({ do: "send", agent: "ada", text: "hello" }),
    dies("ada"),
    run({ do: "send", agent: "ada", text: "merge it" }),
    run({ do: "restart", policy: "workDone", dieAt: 60 + 12 * at }),
    run({ do: "restart", policy: "workDone" })
  ]
})))
