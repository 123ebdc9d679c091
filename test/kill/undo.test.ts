import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { DeathPoint } from "reprise/testing"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import type { Answer } from "./orders.ts"
import { type Before, expectMemory, expectOnce, expectWhole, expectWholeLog, launchTeam, logLines, remember, stateOf } from "./team.ts"
import { eventually, hasTmux, type World } from "./world.ts"

// A restart of all or none, of whom one never comes back, is killed while it brings agents back and while it is taken back.
// Whoever finishes it: those who lived live on in their conversations, and the one that did not is stopped.

const all = process.env["REPRISE_KILL_SWEEP"] === "all"

describe.skipIf(!hasTmux)("a restart of all or none, of whom one does not come back", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  const pids = (): Readonly<Record<string, number>> => Object.fromEntries(world.workers().map(({ agent, pid }) => [agent, pid]))

  /** The idler dies, so that a restart begins with one who does not live. */
  const idlerDies = async (): Promise<Before> => {
    const pid = pids()["idler"]
    if (pid === undefined) throw new Error("The idler does not live.")
    await world.kill(pid)
    await eventually("the idler's death", () => pids()["idler"] === undefined ? true : null)
    return remember(await stateOf(world))
  }

  /** It is as it was before: the idler does not live, the last one was never touched, and all others live once. */
  const expectTakenBack = async (answer: Answer, before: Before, untouched: number | undefined): Promise<void> => {
    const state = await stateOf(world)
    expectOnce(world, { ...answer, state }, ["planner", "coder-1", "coder-2"])
    await expectWholeLog(world, { ...answer, state }, before)
    for (const id of ["planner", "coder-1", "coder-2"]) {
      expect(agentOf(state, id)?.session?.id, `${id}'s session`).toBe(before.agents[id]?.session)
    }
    expect(pids()["coder-2"], "the process of who was not reached").toBe(untouched)
    expect(["stopped", "exited"]).toContain(agentOf(state, "idler")?.phase)
  }

  /** Another restart is another wish: all come back, with their memory. */
  const expectAllBack = async (before: Before): Promise<void> => {
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  }

  it("is none when nobody kills it", async () => {
    const before = await idlerDies()
    const untouched = pids()["coder-2"]
    const answer = await world.answer({ verb: "restart", policy: "undone" })
    expect(answer.outcome, `${answer.message}`).toBe("failed")
    expect(answer.message).toContain("idler was stopped again")
    expect(answer.message).toContain("coder-2 was not touched")
    await expectTakenBack(answer, before, untouched)
    const lines = logLines(world, before.position)
    const undo = lines.filter(({ step }) => step === "undo")
    expect(undo.map(({ phase }) => phase)).toEqual(["intent", "result", "result"])
    await expectAllBack(before)
  })

  const points: ReadonlyArray<DeathPoint> = [
    { when: "before", step: "undo", phase: "intent" },
    { when: "after", step: "undo", phase: "intent" },
    { when: "before", step: "undo", phase: "result" },
    { when: "after", step: "undo", phase: "result" },
    { when: "after", step: "stop", phase: "intent", agent: "idler" },
    { when: "before", type: "operation.finished" }
  ]
  const more: ReadonlyArray<DeathPoint> = (["before", "after"] as const).flatMap((when) =>
    (["intent", "result"] as const).flatMap((phase) => [
      { when, step: "batch/2", phase },
      ...["stop", "spawn", "ready"].flatMap((step) => ["planner", "coder-1"].map((agent) => ({ when, step, phase, agent })))
    ]))

  const cases = (all ? [...points, ...more] : points).map((point) =>
    ({ point, name: `${point.when} ${point.step ?? point.type ?? ""} ${point.phase ?? ""} ${point.agent ?? ""}` }))

  it.each(cases)("is taken back by whoever finishes it: $name", async ({ point }) => {
    const before = await idlerDies()
    const untouched = pids()["coder-2"]
    expect((await world.order({ verb: "restart", policy: "undone", death: point }))._tag).toBe("Killed")
    await expectTakenBack(await world.answer({ verb: "restart", policy: "undone" }), before, untouched)
    await expectAllBack(before)
  })

  const anew: ReadonlyArray<DeathPoint | null> = [
    null,
    { when: "after", step: "ready", phase: "result", agent: "planner" },
    { when: "after", step: "undo", phase: "intent" },
    { when: "after", type: "resume.session_repaired" },
    { when: "after", step: "stop", phase: "result", agent: "planner" }
  ]
  it.each(anew.map((point) => ({ point, name: point === null ? "nobody kills it" : `${point.when} ${point.step ?? point.type ?? ""}` })))(
    "gives a conversation back that a fresh start had left behind, though its process says where it is: $name",
    async ({ point }) => {
      const before = remember(await stateOf(world))
      const ended = await world.order({ verb: "restart", policy: "undoneAnew", ...point === null ? {} : { death: point } })
      const answer = ended._tag === "Answered" ? ended.answer : await world.answer({ verb: "restart", unfinished: "rollback" })
      expect(ended._tag).toBe(point === null ? "Answered" : "Killed")
      const state = await stateOf(world)
      expectOnce(world, { ...answer, state })
      await expectMemory(world, state, before)
      await expectAllBack(before)
    }
  )

  it("knows where one is that is stopped again, though its user went over to another conversation", async () => {
    const before = await idlerDies()
    const death: DeathPoint = { when: "before", step: "verify", phase: "result", agent: "coder-1" }
    expect((await world.order({ verb: "restart", policy: "undone", death }))._tag).toBe("Killed")
    const pane = agentOf(await stateOf(world), "idler")?.spawn?.pane?.pane ?? ""
    const begun = new Set(readdirSync(world.sessions))
    for (const text of ["the first word", "/clear", "the word after it"]) world.type(pane, text)
    await eventually("what its user said", () =>
      readdirSync(world.sessions).some((file) => file.endsWith(".jsonl") && !begun.has(file) && readFileSync(join(world.sessions, file), "utf8").includes("the word after it")) ? true : null)
    const taken = await world.answer({ verb: "restart", unfinished: "rollback" })
    expect(taken.message).toContain("stopped again: idler")
    expect(pids()["idler"]).toBeUndefined()
    const back = await world.answer({ verb: "restart" })
    expect(back.outcome, `${back.message}`).toBe("restarted")
    const transcript = agentOf(await stateOf(world), "idler")?.session?.transcript ?? ""
    expect(readFileSync(transcript, "utf8")).toContain("the word after it")
    expect(before.agents["idler"]?.session).not.toBe(agentOf(await stateOf(world), "idler")?.session?.id)
  })

  it("is taken back with --rollback too, though its finisher is killed as well", async () => {
    const before = await idlerDies()
    const untouched = pids()["coder-2"]
    expect((await world.order({ verb: "restart", policy: "undone", death: { when: "after", step: "undo", phase: "intent" } }))._tag).toBe("Killed")
    const death: DeathPoint = { when: "after", step: "stop", phase: "intent", agent: "idler" }
    expect((await world.order({ verb: "restart", unfinished: "rollback", death }))._tag).toBe("Killed")
    const answer = await world.answer({ verb: "restart", unfinished: "rollback" })
    await expectTakenBack(answer, before, untouched)
    await expectAllBack(before)
  })
})
