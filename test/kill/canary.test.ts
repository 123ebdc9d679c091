import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DeathPoint } from "reprise/testing"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import type { Answer, Order } from "./orders.ts"
import { type Before, everyone, expectWhole, launchTeam, logLines, remember, stateOf } from "./team.ts"
import { eventually, hasTmux, type World } from "./world.ts"

// A rollout whose first agent failed is killed. Whoever finishes it knows of the verdict: nobody else is touched, unless
// somebody asks for another restart.

const all = process.env["REPRISE_KILL_SWEEP"] === "all"
const rest = everyone.filter((id) => id !== "coder-1")

describe.skipIf(!hasTmux)("a rollout whose canary failed", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  const pids = (): Readonly<Record<string, number>> => Object.fromEntries(world.workers().map(({ agent, pid }) => [agent, pid]))

  /** The failure is told, and nobody of the rest was touched since. */
  const expectStopped = (answer: Answer, before: Before, living: Readonly<Record<string, number>>, why: RegExp): void => {
    expect(["failed", "partial"], `${answer.message}`).toContain(answer.outcome)
    expect(answer.message).toMatch(why)
    expect(answer.message).toContain(`these were not touched: ${rest.join(", ")}.`)
    expect(answer.state?.operation).toBeNull()
    for (const id of rest) {
      expect(answer.state === null ? null : agentOf(answer.state, id)?.generation).toBe(before.agents[id]?.generation)
      expect(pids()[id], `${id}'s process`).toBe(living[id])
    }
  }

  /** Another restart is another wish: all come back. */
  const expectAskedFor = async (before: Before): Promise<void> => {
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  }

  const points: ReadonlyArray<DeathPoint> = [
    { when: "after", step: "verify", phase: "result", agent: "coder-1" },
    { when: "before", step: "batch/1", phase: "result" },
    { when: "after", step: "batch/1", phase: "result" },
    { when: "before", type: "operation.finished" }
  ]
  const cases = points.flatMap((point, index) =>
    (["standard", "refusedCanary"] as const).flatMap((policy, other) =>
      all || index % 2 === other ? [{ point, policy, name: `${point.when} ${point.step ?? point.type ?? ""} ${point.phase ?? ""}, then ${policy}` }] : []))

  it.each(cases)("is ended by the next restart, which touches nobody else: $name", async ({ point, policy }) => {
    const before = remember(await stateOf(world))
    const living = pids()
    expect((await world.order({ verb: "restart", policy: "refusedCanary", death: point }))._tag).toBe("Killed")
    const explained = await world.answer({ verb: "explain", policy })
    for (const id of rest) expect(explained.message).toMatch(new RegExp(`^  ${id} .*leave .*had failed with coder-1 before it was reached`, "m"))
    const killed = remember(await stateOf(world))
    expectStopped(await world.answer({ verb: "restart", policy }), before, living, /coder-1: It is ready, and "answers" says no/)
    // Nor is the one with which it failed tried again.
    expect(remember(await stateOf(world)).agents["coder-1"]).toEqual(killed.agents["coder-1"])
    await expectAskedFor(before)
  })

  it("is ended by the next restart, even where the first to end it was killed too", async () => {
    const before = remember(await stateOf(world))
    const living = pids()
    const death = { when: "before", type: "operation.finished" } as const
    for (const policy of ["refusedCanary", "standard"] as const) {
      expect((await world.order({ verb: "restart", policy, death }))._tag).toBe("Killed")
    }
    expectStopped(await world.answer({ verb: "restart" }), before, living, /says no/)
    await expectAskedFor(before)
  })

  it("goes on with whom a restart names, and is taken back with --rollback", async () => {
    const before = remember(await stateOf(world))
    const order: Order = { verb: "restart", policy: "refusedCanary", death: { when: "after", step: "batch/1", phase: "result" } }
    expect((await world.order(order))._tag).toBe("Killed")
    const living = pids()
    const named = await world.answer({ verb: "restart", agents: ["coder-1", "planner"] })
    expect(named.outcome, `${named.message}`).toBe("restarted")
    expect([pids()["coder-2"], pids()["idler"]]).toEqual([living["coder-2"], living["idler"]])
    await expectAskedFor(before)

    const again = remember(await stateOf(world))
    expect((await world.order(order))._tag).toBe("Killed")
    const untouched = pids()
    await expectWhole(world, await world.answer({ verb: "restart", unfinished: "rollback" }), again)
    for (const id of rest) expect(pids()[id], `${id}'s process`).toBe(untouched[id])
  })

  /** Restarts, and kills the canary while it is watched. */
  const dieWatched = async (before: Before, death: DeathPoint | null) => {
    const living = pids()
    const ended = await world.order({ verb: "restart", policy: "watchedCanary", ...death === null ? {} : { death } }, async () => {
      await eventually("the watch over coder-1", () =>
        logLines(world, before.position).some(({ agent, phase, step }) => step === "healthy" && phase === "intent" && agent === "coder-1"))
      const pid = pids()["coder-1"]
      if (pid === undefined) throw new Error("coder-1 does not live.")
      await world.kill(pid)
    })
    expect(ended._tag).toBe(death === null ? "Answered" : "Killed")
    for (const id of rest) expect(pids()[id], `${id}'s process`).toBe(living[id])
    // One that was killed is asked again.
    return { living, answer: ended._tag === "Answered" ? ended.answer : await world.answer({ verb: "restart", policy: "watchedCanary" }) }
  }

  it("by a death while it was watched, leaves the rest alone", async () => {
    const before = remember(await stateOf(world))
    const { answer, living } = await dieWatched(before, null)
    expectStopped(answer, before, living, /coder-1: It was ready and did not live for 5s/)
    await expectAskedFor(before)
  })

  it("by a death while it was watched, leaves the rest alone when the restart is killed right after", async () => {
    const before = remember(await stateOf(world))
    const { answer, living } = await dieWatched(before, { when: "after", step: "healthy", phase: "result", agent: "coder-1" })
    expectStopped(answer, before, living, /coder-1: It ended again/)
    await expectAskedFor(before)
  })

  it("by a death that nobody could write down, is tried again and watched before anybody else is touched", async () => {
    const before = remember(await stateOf(world))
    const { answer } = await dieWatched(before, { when: "before", step: "healthy", phase: "result", agent: "coder-1" })
    const lines = logLines(world, before.position)
    const healthy = lines.find(({ phase, step }) => step === "healthy" && phase === "result")
    const stopped = lines.filter(({ agent, phase, step }) => step === "stop" && phase === "intent" && rest.includes(agent ?? ""))
    expect(stopped.length).toBe(rest.length)
    for (const { position } of stopped) expect(position).toBeGreaterThan(healthy?.position ?? Number.POSITIVE_INFINITY)
    await expectWhole(world, answer, before)
  })
})
