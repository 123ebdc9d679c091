import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DeathPoint } from "reprise/testing"
import {
  everyone, expectMemory, expectOnce, expectWhole, expectWholeLog, launchTeam, remember, stateOf, teamFile
} from "./team.ts"
import { hasTmux, makeWorld, type World } from "./world.ts"

// The first launch and the end of a team are killed at their steps, too.

const nobody = { position: 0, agents: {} }

const named = ({ agent, phase, step, type, when }: DeathPoint): string =>
  `${when} ${type ?? `${step ?? ""} ${phase ?? ""} of ${agent ?? ""}`}`
const cases = (points: ReadonlyArray<DeathPoint>) => points.map((point) => ({ name: named(point), point }))

const sweep = process.env["REPRISE_KILL_SWEEP"] === "all"
/** One in three, unless all are asked for. */
const some = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => sweep ? all : all.filter((_, index) => index % 3 === 1)

const ofUp = cases([
  { when: "before", type: "team.recorded" },
  { when: "after", type: "team.recorded" },
  { when: "after", type: "operation.started" },
  { when: "after", step: "spawn", phase: "intent", agent: "coder-1" },
  { when: "before", step: "spawn", phase: "result", agent: "coder-1" },
  { when: "after", step: "spawn", phase: "result", agent: "coder-1" },
  { when: "before", step: "ready", phase: "result", agent: "planner" },
  { when: "before", type: "operation.finished" },
  { when: "after", type: "operation.finished" }
])

describe.skipIf(!hasTmux)("a first launch that is killed", () => {
  it.each(ofUp)("is finished by the next up: $name", async ({ point }) => {
    const world = makeWorld(teamFile())
    try {
      expect((await world.order({ verb: "up", death: point }))._tag).toBe("Killed")
      const up = await world.answer({ verb: "up" })
      const whole = point.type === "operation.finished" && point.when === "after"
      expect(up.outcome, `${up.message}`).toBe(whole ? "already_running" : "launched")
      expectOnce(world, up)
      await expectWholeLog(world, up, nobody)
    } finally {
      await world.close()
    }
  })

  it.each(some(ofUp))(
    "is finished by a restart: $name",
    async ({ point }) => {
      const world = makeWorld(teamFile())
      try {
        expect((await world.order({ verb: "up", death: point }))._tag).toBe("Killed")
        if ((await world.answer({ verb: "status" })).state === null) return
        const restarted = await world.answer({ verb: "restart" })
        expect(restarted.outcome, `${restarted.message}`).toBe("restarted")
        expectOnce(world, restarted)
        await expectWholeLog(world, restarted, nobody)
      } finally {
        await world.close()
      }
    }
  )
})

const ofDown = cases([
  { when: "before", type: "operation.started" },
  { when: "after", type: "operation.started" },
  { when: "after", type: "transport.pre_kill_audit" },
  { when: "after", step: "stop", phase: "intent", agent: "planner" },
  { when: "before", step: "stop", phase: "result", agent: "coder-1" },
  { when: "after", step: "stop", phase: "result", agent: "coder-1" },
  { when: "before", type: "operation.finished" },
  { when: "after", type: "operation.finished" }
])

describe.skipIf(!hasTmux)("a down that is killed", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it.each(ofDown)("is finished by the next down, and a restart brings all back: $name", async ({ point }) => {
    const before = remember(await stateOf(world))
    expect((await world.order({ verb: "down", death: point }))._tag).toBe("Killed")
    const down = await world.answer({ verb: "down" })
    expect(down.outcome, `${down.message}`).toBe("stopped")
    expect(world.workers()).toEqual([])
    expect(down.state?.operation).toBeNull()
    expect(down.state?.stopped).toBe(true)
    expect(down.agents.map(({ status }) => status)).toEqual(everyone.map(() => "stopped"))
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it.each(some(ofDown))("is followed by a restart that brings all back: $name", async ({ point }) => {
    const before = remember(await stateOf(world))
    expect((await world.order({ verb: "down", death: point }))._tag).toBe("Killed")
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("is taken back by --rollback", async () => {
    const before = remember(await stateOf(world))
    const death = { when: "after", step: "stop", phase: "result", agent: "coder-1" } as const
    expect((await world.order({ verb: "down", death }))._tag).toBe("Killed")
    await expectWhole(world, await world.answer({ verb: "restart", unfinished: "rollback" }), before)
  })

  it("is followed by an up that brings all back", async () => {
    const before = remember(await stateOf(world))
    const death = { when: "after", step: "stop", phase: "result", agent: "coder-1" } as const
    expect((await world.order({ verb: "down", death }))._tag).toBe("Killed")
    const up = await world.answer({ verb: "up" })
    expect(up.outcome, `${up.message}`).toBe("launched")
    expectOnce(world, up)
    await expectWholeLog(world, up, before)
    await expectMemory(world, await stateOf(world), before)
  })

  it("leaves nothing when it is the last", async () => {
    const down = await world.answer({ verb: "down" })
    expect(down.outcome, `${down.message}`).toBe("stopped")
    expect(world.workers()).toEqual([])
    expect(world.panes().filter((row) => row.includes("REPRISE_SPAWN="))).toEqual([])
  })
})
