import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, mutants, type Scenario, type SimulatedAgent, simulation, type Step, type Wrap } from "../../sdk/testing/simulation/simulate.ts"

// What happened to people, with other programs: each a world of its own. The numbers name where it was told.

const agent = (id: string, provider = "assigned", behaviour: SimulatedAgent["behaviour"] = {}): SimulatedAgent => ({
  id,
  provider,
  permissions: null,
  behaviour
})
const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const up = run({ do: "up" })
const restart = run({ do: "restart", policy: "isolated" })
const say = (to: string, text: string): Step => run({ do: "send", agent: to, text })
const world = (agents: ReadonlyArray<SimulatedAgent>, ...steps: ReadonlyArray<Step>): Scenario => ({ seed: 11, agents, steps })

const passes = (millis: number): Step => ({ do: "time passes", millis })
const supervise = (more: Partial<Extract<CommandStep, { do: "supervise" }>> = {}): Step =>
  run({ do: "supervise", strategy: "oneForOne", budget: "standard", ...more })

const mutant = (name: string): Wrap => {
  const found = mutants.find((one) => one.name.startsWith(name))
  if (found === undefined) throw new Error(`There is no mutant ${name}.`)
  return found.wrap
}

/** How often supervisors started an agent, whatever rule that breaks, where `wrap` has the bug that the case is named by. */
const startsWith = (scenario: Scenario, wrap: Wrap, id: string) =>
  Effect.map(simulation, (sim) => {
    const { facts, violations } = sim.play(scenario, wrap)
    expect(violations.length).toBeGreaterThan(0)
    return facts.filter((fact) => fact.kind === "spawns" && fact.agent === id && fact.by.startsWith("supervise")).length
  })

const played = (scenario: Scenario) =>
  Effect.map(simulation, (sim) => {
    const { ends, facts, violations } = sim.play(scenario)
    expect(violations).toEqual([])
    return {
      ends,
      facts,
      /** When supervisors started an agent. */
      supervised: (id: string) =>
        facts.flatMap((fact) => fact.kind === "spawns" && fact.agent === id && fact.by.startsWith("supervise") ? fact.at : []),
      spawns: (id: string) => facts.filter((fact) => fact.kind === "spawns" && fact.agent === id).length,
      sessions: (id: string) => facts.flatMap((fact) => fact.kind === "starts" && fact.agent === id ? fact.session : []),
      outcomes: (command: string) => ends.flatMap((end) => end.command === command ? end.outcome : [])
    }
  })

/** An agent whose CLI comes up each time and does not last, under supervisors of which one follows the other. */
const restless = (behaviour: SimulatedAgent["behaviour"], supervisors: number, dieAt: number): Scenario =>
  world(
    [agent("ada")],
    up,
    say("ada", "hello"),
    { do: "cli behaves", agent: "ada", behaviour },
    { do: "dies", agent: "ada", silently: false },
    ...Array.from({ length: supervisors }, () => [supervise({ dieAt }), passes(60_000)]).flat(),
    supervise(),
    passes(3_600_000)
  )

it.live("that a start came up resets no count: at most as many as its budget, however long it goes on (hive#6578)", () =>
  Effect.gen(function*() {
    const scenario = restless({ livesMs: 20_000 }, 0, 0)
    const { facts, supervised } = yield* played(scenario)
    expect(supervised("ada")).toHaveLength(3)
    // Each of them was ready, and so was seen to be well.
    expect(facts.filter((fact) => fact.kind === "writes" && fact.by.startsWith("supervise") && fact.event.type === "agent.ready")).toHaveLength(3)
    expect(facts.filter((fact) => fact.kind === "writes" && fact.event.type === "supervision.exhausted")).toHaveLength(1)
    expect(yield* startsWith(scenario, mutant("a start that came up begins a new count"), "ada")).toBeGreaterThan(3)
  }), 60_000)

it.live("nor does another supervisor: what was counted is in the log (AoE#1945)", () =>
  Effect.gen(function*() {
    for (const dieAt of [300, 500, 700]) {
      const scenario = restless({ startup: "exits" }, 8, dieAt)
      const { ends, supervised } = yield* played(scenario)
      expect(ends.filter(({ command, outcome }) => command === "supervise" && outcome === "died").length).toBeGreaterThan(2)
      expect(supervised("ada").length).toBeLessThanOrEqual(3)
      expect(yield* startsWith(scenario, mutant("how often an agent was brought back"), "ada")).toBeGreaterThan(3)
    }
  }), 60_000)

it.live("a CLI that dies at each start is started once a restart, and no more", () =>
  Effect.gen(function*() {
    const steps = [up, say("ada", "hello"), { do: "cli behaves", agent: "ada", behaviour: { startup: "exits" } } as const]
    const { outcomes, spawns } = yield* played(world([agent("ada")], ...steps, ...Array.from({ length: 6 }, () => restart)))
    // One of the launch, one of each restart that was asked for, and the last, when it is well again.
    expect(spawns("ada")).toBe(8)
    expect(outcomes("restart").slice(0, 6)).toEqual(Array.from({ length: 6 }, () => "failed"))
  }))

it.live("agents that choose their own sessions in one directory are never given one another's (AoE#2708)", () =>
  Effect.gen(function*() {
    const team = ["ada", "bob", "cyd", "dot"].map((id) => agent(id, "silent"))
    const speak = team.map(({ id }): Step => ({ do: "person says", agent: id, text: `to ${id}` }))
    const { facts } = yield* played(world(team, up, ...speak, restart, run({ do: "down" }), restart))
    const owners = new Map<string, string>()
    for (const fact of facts) {
      if (fact.kind === "writes" && fact.event.type === "session.captured") owners.set(fact.event.session_id, fact.event.agent)
    }
    for (const [session, owner] of owners) expect(session).toContain(`chosen-${owner}-`)
  }))

it.live("a resume that comes up blank is a failure, and the conversation waits for the next (agent-deck#2269)", () =>
  Effect.gen(function*() {
    const { outcomes, sessions } = yield* played(world(
      [agent("ada")],
      up,
      say("ada", "remember"),
      { do: "cli behaves", agent: "ada", behaviour: { resumes: "elsewhere" } },
      restart
    ))
    expect(outcomes("restart").at(0)).toBe("failed")
    // The last start, when the CLI is well again, is in the first conversation.
    expect(sessions("ada").at(-1)).toBe(sessions("ada").at(0))
  }))

it.live("two restarts at once race for a name, and one process of it lives (gascity#6417)", () =>
  Effect.gen(function*() {
    const both: CommandStep = { do: "restart", policy: "isolated" }
    const { outcomes, spawns } = yield* played(world([agent("ada")], up, say("ada", "once"), run(both, both)))
    expect(outcomes("restart").slice(0, 2).toSorted()).toEqual(["LeaseHeld", "restarted"])
    expect(spawns("ada")).toBe(3)
  }))

it.live("what waits for an agent is not given out where its work is not open any more (gastown#4698)", () =>
  Effect.gen(function*() {
    const told = (policy: "workDone" | "workOpen") =>
      Effect.map(
        played(world(
          [agent("ada")],
          up,
          say("ada", "hello"),
          { do: "dies", agent: "ada", silently: false },
          say("ada", "merge it"),
          run({ do: "restart", policy }),
          run({ do: "restart", policy })
        )),
        ({ facts, outcomes }) => {
          expect(outcomes("restart").slice(0, 2)).toEqual(["restarted", "restarted"])
          const over = facts.findIndex((fact) => fact.kind === "begins" && fact.command.command === "restart" && !["restart-4", "restart-5"].includes(fact.by))
          const before = facts.slice(0, over)
          return {
            typed: before.filter((fact) => fact.kind === "types" && fact.text === "merge it").length,
            heldBack: before.filter((fact) => fact.kind === "writes" && fact.event.type === "restart.held_back").length
          }
        }
      )
    expect(yield* told("workDone")).toEqual({ typed: 0, heldBack: 2 })
    expect(yield* told("workOpen")).toEqual({ typed: 1, heldBack: 0 })
  }))

it.live("what was said once is not said again after a restart", () =>
  Effect.gen(function*() {
    const { facts } = yield* played(world(
      [agent("ada")],
      up,
      run({ do: "send", agent: "ada", text: "merge it", dieAt: 60 }),
      restart,
      restart
    ))
    expect(facts.filter((fact) => fact.kind === "hears" && fact.text.includes("merge it")).length).toBeLessThanOrEqual(1)
    expect(facts.filter((fact) => fact.kind === "types" && fact.text === "merge it").length).toBeLessThanOrEqual(1)
  }))

it.live("a server that is gone is a fact and no passing fault: one restart brings all back (AO#4712)", () =>
  Effect.gen(function*() {
    const team = [agent("ada"), agent("bob")]
    const { outcomes, sessions, spawns } = yield* played(world(
      team,
      up,
      say("ada", "one"),
      say("bob", "two"),
      { do: "home vanishes", survivors: [] },
      restart
    ))
    expect(outcomes("restart").at(0)).toBe("restarted")
    for (const { id } of team) {
      expect(new Set(sessions(id)).size).toBe(1)
      // The launch, the restart, and the one that ends every world.
      expect(spawns(id)).toBe(3)
    }
  }))

it.live("after a usage limit nobody is started before it ends, by no supervisor, and once then (claude-code#94012)", () =>
  Effect.gen(function*() {
    const hour = 3_600_000
    const scenario = world(
      [agent("ada")],
      up,
      say("ada", "work"),
      { do: "limit begins", agent: "ada", kind: "usage_limit", forMs: hour, shown: false, endsNow: true },
      ...[200, 400, 600].flatMap((dieAt) => [supervise({ dieAt }), passes(60_000)]),
      supervise(),
      passes(hour)
    )
    const { facts, supervised } = yield* played(scenario)
    const until = facts.flatMap((fact) => fact.kind === "limited" ? fact.until ?? 0 : [])
    expect(until).toHaveLength(1)
    expect(supervised("ada")).toHaveLength(1)
    expect(supervised("ada")[0]).toBeGreaterThanOrEqual(until[0] ?? Infinity)
    // It was no crash, and counts for nothing.
    expect(facts.filter((fact) => fact.kind === "writes" && fact.event.type === "budget.exceeded")).toEqual([])
    expect(yield* startsWith(scenario, mutant("a usage limit is a crash"), "ada")).toBeGreaterThan(0)
    expect(yield* startsWith(scenario, mutant("when a limit ends is not looked at"), "ada")).toBeGreaterThan(0)
  }), 60_000)

it.live("an agent that is not ready in time is left alone, and not started again and again", () =>
  Effect.gen(function*() {
    const { outcomes, spawns } = yield* played(world(
      [agent("ada")],
      up,
      say("ada", "work"),
      { do: "cli behaves", agent: "ada", behaviour: { startup: "hangs" } },
      restart,
      { do: "time passes", millis: 3_600_000 }
    ))
    expect(outcomes("restart").at(0)).toBe("failed")
    expect(spawns("ada")).toBe(3)
  }))

it.live("a stranger that takes a pane for a while wipes nothing that is known of the agent (herdr#1647)", () =>
  Effect.gen(function*() {
    const { facts, outcomes } = yield* played(world(
      [agent("ada")],
      up,
      say("ada", "mine"),
      { do: "stranger takes pane", agent: "ada" },
      restart
    ))
    expect(outcomes("restart").at(0)).toBe("refused_dirty_topology")
    expect(facts.filter((fact) => fact.kind === "writes" && fact.event.type === "discard.session_tombstone")).toEqual([])
  }))
