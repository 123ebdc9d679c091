import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { expectWhole, launchTeam, logLines, remember, stateOf } from "./team.ts"
import { eventually, hasTmux, type World } from "./world.ts"

// Killed from outside, between steps and within them: wherever it is so many milliseconds after it had said something.

const sweep = process.env["REPRISE_KILL_SWEEP"] === "all"
const moments = sweep ? Array.from({ length: 40 }, (_, index) => index * 5) : [0, 4, 11, 25, 60, 120]

describe.skipIf(!hasTmux)("a restart that is killed from outside", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it.each(moments)("%i ms after its first start was intended", async (ms) => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart" }, async (pid) => {
      await eventually("the first intent of a start", () =>
        logLines(world, before.position).some(({ type }) => type === "agent.spawn_intended"))
      await new Promise((done) => setTimeout(done, ms))
      process.kill(pid, "SIGKILL")
    })
    // A quick one may have answered before: then this is a restart of a restart.
    expect(["Killed", "Answered"]).toContain(ended._tag)
    await world.gone()
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it.each(sweep ? moments : [0, 15, 50])("%i ms after its first start was intended, and the tmux server with it", async (ms) => {
    const before = remember(await stateOf(world))
    await world.order({ verb: "restart" }, async (pid) => {
      await eventually("the first intent of a start", () =>
        logLines(world, before.position).some(({ type }) => type === "agent.spawn_intended"))
      await new Promise((done) => setTimeout(done, ms))
      process.kill(pid, "SIGKILL")
      await world.killServer()
    })
    await world.gone()
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })
})
