import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type CommandStep, type Scenario, type SimulatedAgent, simulation, type Step } from "../../sdk/testing/simulation/simulate.ts"

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

const played = (scenario: Scenario) =>
  Effect.map(simulation, (sim) => {
    const { ends, facts, violations } = sim.play(scenario)
    expect(violations).toEqual([])
    return {
      ends,
      facts,
      spawns: (id: string) => facts.filter((fact) => fact.kind === "spawns" && fact.agent === id).length,
      sessions: (id: string) => facts.flatMap((fact) => fact.kind === "starts" && fact.agent === id ? fact.session : []),
      outcomes: (command: string) => ends.flatMap((end) => end.command === command ? end.outcome : [])
    }
  })

it.live("a CLI that dies at each start is started once a restart, and no more (hive#6578, AoE#1945)", () =>
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

it.live("what was said once is not done again after a restart (gastown#4698)", () =>
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

it.live("an agent that is not ready in time is left alone, and not started again and again (claude-code#94012)", () =>
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
