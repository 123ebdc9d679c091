import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import { everyone, expectWhole, launchTeam, logLines, remember, stateOf } from "./team.ts"
import { eventually, hasTmux, type World } from "./world.ts"

// Agents, the server and the restart itself are killed, alone and together; one more restart mends it.

describe.skipIf(!hasTmux)("a team of which something was killed", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  const pidOf = (agent: string): number => {
    const worker = world.workers().find((each) => each.agent === agent)
    if (worker === undefined) throw new Error(`${agent} does not live.`)
    return worker.pid
  }

  it("one agent: --dead brings back that one and touches no other", async () => {
    const before = remember(await stateOf(world))
    await world.kill(pidOf("coder-1"))
    const state = await expectWhole(world, await world.answer({ verb: "restart", onlyDead: true }), before)
    for (const id of everyone) {
      expect(agentOf(state, id)?.generation, `the generation of ${id}`).toBe((before.agents[id]?.generation ?? 0) + (id === "coder-1" ? 1 : 0))
    }
  })

  it("all agents", async () => {
    const before = remember(await stateOf(world))
    for (const { pid } of world.workers()) await world.kill(pid)
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("the tmux server", async () => {
    const before = remember(await stateOf(world))
    await world.killServer()
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("the tmux server and all agents, before a restart that is killed in its turn", async () => {
    const before = remember(await stateOf(world))
    await world.killServer()
    const ended = await world.order({ verb: "restart", death: { when: "before", step: "spawn", phase: "result", agent: "planner" } })
    expect(ended._tag).toBe("Killed")
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it.each(["stop", "spawn", "ready"])("the restart at a %s, and then the tmux server", async (step) => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart", death: { when: "before", step, phase: "result", agent: "coder-2" } })
    expect(ended._tag).toBe("Killed")
    await world.killServer()
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("the restart, twice, at different steps", async () => {
    const before = remember(await stateOf(world))
    for (const [agent, step] of [["planner", "spawn"], ["coder-2", "ready"]] as const) {
      const ended = await world.order({ verb: "restart", death: { when: "before", step, phase: "result", agent } })
      expect(ended._tag).toBe("Killed")
    }
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it.each(["agent.stopped", "agent.spawned"])("the tmux server, while a restart is under way: after the first %s", async (type) => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart" }, async () => {
      await eventually(type, () => logLines(world, before.position).some((line) => line.type === type))
      await world.killServer()
    })
    if (ended._tag === "Killed") throw new Error("The restart was not to be killed.")
    const { answer } = ended
    // A failure is no success.
    expect(answer.ok ? ["restarted"] : ["partial", "failed"], `${answer.message}`).toContain(answer.outcome)
    const again = answer.ok ? await world.answer({ verb: "restart", onlyDead: true }) : await world.answer({ verb: "restart" })
    await expectWhole(world, again, before)
  })

  it("the restart, and its rerun says --continue", async () => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart", death: { when: "after", step: "spawn", phase: "result", agent: "planner" } })
    expect(ended._tag).toBe("Killed")
    await expectWhole(world, await world.answer({ verb: "restart", unfinished: "continue" }), before)
    const nothing = await world.answer({ verb: "restart", unfinished: "continue" })
    expect(nothing.outcome).toBe("NothingUnfinished")
  })

  it.each(["stop", "spawn", "ready"])("the restart at a %s, and its rerun says --rollback", async (step) => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart", death: { when: "after", step, phase: "intent", agent: "coder-1" } })
    expect(ended._tag).toBe("Killed")
    await expectWhole(world, await world.answer({ verb: "restart", unfinished: "rollback" }), before)
  })

  it("a roll back brings back who lived before, and nobody else", async () => {
    const before = remember(await stateOf(world))
    await world.kill(pidOf("planner"))
    await world.kill(pidOf("idler"))
    const ended = await world.order({ verb: "restart", death: { when: "after", type: "operation.started" } })
    expect(ended._tag).toBe("Killed")
    const back = await world.answer({ verb: "restart", unfinished: "rollback" })
    expect(back.outcome, `${back.message}`).toBe("restarted")
    expect(world.workers().map(({ agent }) => agent).toSorted()).toEqual(["coder-1", "coder-2"])
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("a roll back of a restart that found nobody alive starts nobody", async () => {
    const before = remember(await stateOf(world))
    for (const { pid } of world.workers()) await world.kill(pid)
    const ended = await world.order({ verb: "restart", death: { when: "after", type: "operation.started" } })
    expect(ended._tag).toBe("Killed")
    const back = await world.answer({ verb: "restart", unfinished: "rollback" })
    expect(back.ok, `${back.message}`).toBe(true)
    expect(back.state?.operation).toBeNull()
    expect(world.workers()).toEqual([])
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("one agent by name after a restart that was killed", async () => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart", death: { when: "before", step: "spawn", phase: "intent", agent: "coder-2" } })
    expect(ended._tag).toBe("Killed")
    const one = await world.answer({ verb: "restart", agents: ["planner"] })
    expect(one.ok, `${one.message}`).toBe(true)
    const lost = one.state?.agents.filter(({ phase }) => phase !== "running").map(({ spec }) => spec.id) ?? []
    expect(lost).not.toContain("planner")
    // The others are not forgotten: a restart of the whole team still brings all of them back.
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })
})
