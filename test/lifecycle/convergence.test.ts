import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { eventually, makeWorld, type World } from "./world.ts"

const long = { convergeWithin: "30 seconds" } as const

/** A team whose CLI chooses its sessions and has not written any, and whose agents were spoken to. */
const speaking = (world: World, ids: ReadonlyArray<string>, options: Record<string, Record<string, string | boolean>> = {}) =>
  Effect.gen(function*() {
    for (const id of ids) world.script.set(id, { transcript: "never" })
    const up = yield* world.up("alpha", Object.fromEntries(ids.map((id) =>
      [id, { provider: "found", options: options[id] ?? {} }]
    )))
    assert.isTrue(up.ok, up.message)
    for (const id of ids) yield* world.firstSend(id)
    // Files are written later than the instant of the spawns.
    yield* Effect.sleep(5)
  })

/** Ends when the first pass of convergence is over and something is still missing. */
const firstPass = (world: World) =>
  eventually(Effect.map(world.events("provider.session.converging"), (events) => events.some((e) => e.missing.length > 0)))

describe("a transcript that comes late", () => {
  it.scopedLive("is waited for before any decision, and then continued (1, 8)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      const touched = world.touches()
      const restart = yield* Effect.fork(world.restart(undefined, long))
      yield* firstPass(world)
      assert.deepStrictEqual(yield* world.events("restart.resume_decision"), [])
      assert.strictEqual(world.touches(), touched)
      const path = world.transcript("late", ["remember this"])
      const report = yield* Fiber.join(restart)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["resumed"])
      const [decision] = yield* world.events("restart.resume_decision")
      assert.strictEqual(decision?.decision, "resume")
      assert.strictEqual(decision?.session_id, "late")
      const agent = yield* world.agent("one")
      assert.deepInclude(agent.session, { id: "late", transcript: path, capturedVia: "spawn_window", confidence: "medium" })
      assert.deepStrictEqual(world.spawnsOf("one").at(-1)?.request.argv.slice(1, 3), ["resume", "late"])
    }))

  it.scopedLive("is found though its agent was never said to have been spoken to, once it shows a user's words (10)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      yield* Effect.sleep(5)
      world.transcript("by-hand", ["typed by a person in the pane"])
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ decision, result }) => [decision, result]), [["resume", "resumed"]])
    }))

  it.scopedLive("is found when its agent has died meanwhile (1)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      world.transcript("of-a-dead-one", ["hello"])
      yield* world.kill("one")
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result, session }) => [result, session?.id]), [["resumed", "of-a-dead-one"]])
    }))
})

describe("a transcript that never comes", () => {
  it.scopedLive("refuses as not ready: no kill, no spawn, no decision, rows as before (9)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      const [before, touched, agents] = [yield* world.team(), world.touches(), world.living()]
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready")
      assert.isFalse(report.ok)
      assert.deepStrictEqual(report.details["pending_agents"], ["one"])
      assert.strictEqual(report.details["reason"], "session_capture_incomplete")
      assert.strictEqual(world.touches(), touched)
      assert.deepStrictEqual(world.living(), agents)
      assert.deepStrictEqual(yield* world.events("restart.resume_decision"), [])
      assert.deepStrictEqual(yield* world.events("operation.started").pipe(Effect.map((all) => all.length)), 1)
      assert.deepStrictEqual((yield* world.team()).agents, before.agents)
      assert.isTrue(report.next.some((command) => command.includes("--allow-fresh")))
    }))

  it.scopedLive("keeps what was captured on the way, though the restart is refused (9)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one", "two"], { two: { directory: "elsewhere" } })
      world.transcript("of-one", ["hello"])
      const touched = world.touches()
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready")
      assert.deepStrictEqual(report.details["pending_agents"], ["two"])
      assert.strictEqual((yield* world.agent("one")).session?.id, "of-one")
      assert.isNull((yield* world.agent("two")).session)
      assert.strictEqual(world.touches(), touched)
    }))

  it.scopedLive("is forced fresh with the grant, and all six members say so (11, 27)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      const report = yield* world.restart(Policy.resumeOrFresh, { convergeWithin: "120 millis" }).pipe(
        Effect.provide(Grants.discardContext("it may go"))
      )
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ decision, result }) => [decision, result]), [["fresh_start", "started"]])
      const [decision] = yield* world.events("restart.resume_decision")
      assert.strictEqual(decision?.decision, "fresh_start")
      assert.isTrue(decision?.allow_fresh)
      assert.isTrue(decision?.forced_fresh)
      assert.strictEqual(decision?.reason, "resume_not_ready")
      const { elapsed_ms = -1, ...convergence } = decision?.session_convergence ?? {}
      assert.deepStrictEqual(convergence, {
        complete: false,
        deadline_s: 0.12,
        deadline_ms: 120,
        pending_agent_ids: ["one"]
      })
      assert.isAtLeast(elapsed_ms, 0)
      const [left] = yield* world.events("restart.fresh_spawn")
      assert.strictEqual(left?.reason, "it may go")
    }))

  it.scopedLive("does not hold up an agent that was proved never to have been spoken to (10, 27)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      const report = yield* world.restart(undefined, long)
      assert.strictEqual(report.outcome, "restarted", report.message)
      const [decision] = yield* world.events("restart.resume_decision")
      assert.deepInclude(decision, { decision: "fresh_start", has_first_send_at: false, has_session_id: false, allow_fresh: false })
      assert.notProperty(decision, "forced_fresh")
    }))
})

describe("an agent that is not to be restarted", () => {
  it.scopedLive("is not waited for: alive where only the dead are meant, or not named", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" }, two: {} })
      yield* world.firstSend("one")
      yield* world.kill("two")
      const dead = yield* world.restart(undefined, { ...long, onlyDead: true })
      assert.deepStrictEqual(dead.agents.map(({ result }) => result), ["untouched", "resumed"])
      const named = yield* world.restart(undefined, { ...long, agents: ["two"] })
      assert.deepStrictEqual(named.agents.map(({ result }) => result), ["untouched", "resumed"])
      assert.deepStrictEqual(yield* world.events("provider.session.converging"), [])
    }))
})

describe("progress", () => {
  it.scopedLive("is written with the first pass, with what changed, and at the end (12)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one", "two"], { two: { directory: "elsewhere" } })
      const restart = yield* Effect.fork(world.restart(undefined, long))
      yield* firstPass(world)
      world.transcript("of-one", ["hello"])
      yield* eventually(Effect.map(world.events("provider.session.converging"), (events) => events.length >= 2))
      world.transcript("of-two", ["hello"], { directory: "elsewhere" })
      yield* Fiber.join(restart)
      const told = yield* world.events("provider.session.converging")
      assert.deepStrictEqual(told.map(({ assigned, required_missing }) => (
        { assigned: assigned.join(" "), required_missing: required_missing.join(" ") }
      )), [
        { assigned: "", required_missing: "one two" },
        { assigned: "one", required_missing: "two" },
        { assigned: "two", required_missing: "" }
      ])
      for (const event of told) {
        assert.strictEqual(event.deadline_ms, 30_000)
        assert.strictEqual(event.remaining_ms, Math.max(0, 30_000 - event.elapsed_ms))
        assert.deepStrictEqual(event.pending, event.pending_agent_ids)
        assert.isTrue(event.changed)
      }
      const iterations = told.map(({ iteration }) => iteration)
      assert.deepStrictEqual(iterations, [...new Set(iterations)].toSorted((a, b) => a - b))
    }))

  it.scopedLive("ends at the deadline and says so (12, 13)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ env: { REPRISE_SESSION_CONVERGE_DEADLINE_MS: "150" } })
      yield* speaking(world, ["one"])
      yield* world.restart()
      const last = (yield* world.events("provider.session.converging")).at(-1)
      assert.deepStrictEqual(last?.required_missing.join(), "one")
      assert.deepStrictEqual([last?.deadline_ms, last?.remaining_ms], [150, 0])
    }))
})

describe("the deadline (13)", () => {
  it.scopedLive("comes from the option before the environment", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ env: { REPRISE_SESSION_CONVERGE_DEADLINE_MS: "600000" } })
      yield* speaking(world, ["one"])
      const report = yield* world.restart(undefined, { convergeWithin: "90 millis" })
      assert.strictEqual(report.outcome, "resume_not_ready")
      assert.strictEqual(report.plan.convergence.deadline_ms, 90)
    }))

  it.scopedLive("is twelve seconds where nobody says otherwise", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ env: { REPRISE_SESSION_CONVERGE_DEADLINE_MS: "12000" } })
      yield* world.up("alpha", { one: {} })
      assert.strictEqual((yield* world.restart()).plan.request.convergeWithinMs, 12_000)
    }))

  it.scopedLive("of nothing still makes one pass", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      world.transcript("there", ["hello"])
      const report = yield* world.restart(undefined, { convergeWithin: 0 })
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["resumed"])
    }))

  for (const value of ["", "12s", "-1", "1e3", "NaN", "12.5"]) {
    it.scopedLive(`that does not parse (${JSON.stringify(value)}) is refused before anything`, () =>
      Effect.gen(function*() {
        const good = yield* makeWorld()
        yield* good.up("alpha", { one: {} })
        const world = yield* makeWorld({ env: { REPRISE_SESSION_CONVERGE_DEADLINE_MS: value } })
        yield* world.record({
          type: "team.recorded",
          team: (yield* good.team()).key,
          spec: { name: (yield* good.team()).key, objective: null, agents: (yield* good.team()).agents.map(({ spec }) => spec) },
          workspace: world.workspace,
          transport: "memory",
          plugins: []
        })
        const position = yield* world.log.position
        const answer = yield* Effect.either(world.restart())
        assert.isTrue(Either.isLeft(answer))
        if (Either.isLeft(answer)) assert.strictEqual(answer.left._tag, "InvalidSetting")
        assert.strictEqual(yield* world.log.position, position)
        assert.strictEqual(world.touches(), 0)
      }))
  }
})

describe("whose file it is", () => {
  it.scopedLive("is settled for two agents in one directory by what marks their files (5, 6)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one", "two"])
      // By name and by age the files stand the other way round.
      world.transcript("a-first", ["hello"], { marker: "alpha/two" })
      world.transcript("b-second", ["hello"], { marker: "alpha/one" })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ id, result, session }) => [id, result, session?.id, session?.confidence]), [
        ["one", "resumed", "b-second", "high"],
        ["two", "resumed", "a-first", "high"]
      ])
      assert.strictEqual((yield* world.agent("one")).session?.capturedVia, "identity_marker")
    }))

  it.scopedLive("is nobody's where one unmarked file could be either's (7)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one", "two"])
      const path = world.transcript("whose", ["hello"])
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready")
      assert.deepStrictEqual(report.details["pending_agents"], ["one", "two"])
      assert.deepStrictEqual((yield* world.events("session.captured")).length, 0)
      const told = yield* world.events("provider.session.attribution_ambiguous")
      assert.deepStrictEqual(told.map(({ agent, candidates }) => `${agent} ${candidates.join()}`), [`one ${path}`, `two ${path}`])
      for (const id of ["one", "two"]) assert.isTrue((yield* world.agent(id)).attributionAmbiguous)
      // Asked again, it is said once only.
      yield* world.restart()
      assert.strictEqual((yield* world.events("provider.session.attribution_ambiguous")).length, 2)
    }))

  it.scopedLive("is judged at the end of the window only: what came to be known meanwhile counts (14)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one", "two"])
      world.transcript("unmarked", ["hello"])
      const restart = yield* Effect.fork(world.restart(undefined, long))
      yield* firstPass(world)
      assert.isFalse((yield* world.agent("one")).attributionAmbiguous)
      world.transcript("marked", ["hello"], { marker: "alpha/two" })
      const report = yield* Fiber.join(restart)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ session }) => session?.id), ["unmarked", "marked"])
      assert.deepStrictEqual(yield* world.events("provider.session.attribution_ambiguous"), [])
    }))

  it.scopedLive("is not an agent's that was born before it, or lies elsewhere, or is marked as another's (4)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.transcript("older", ["hello"])
      yield* Effect.sleep(5)
      yield* speaking(world, ["one"])
      world.transcript("foreign", ["hello"], { marker: "beta/one" })
      world.transcript("elsewhere", ["hello"], { directory: "another" })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready")
      assert.isNull((yield* world.agent("one")).session)
    }))

  it.scopedLive("is never our own event log (38)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"], { one: { directory: ".reprise" } })
      world.transcript("events", ["hello"], { directory: ".reprise" })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready")
      assert.isNull((yield* world.agent("one")).session)
    }))

  it.scopedLive("is nobody's where an agent of another team could have written it (4, 89)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      world.script.set("uno", { transcript: "never" })
      yield* world.up("beta", { uno: { provider: "found" } })
      yield* Effect.sleep(5)
      world.transcript("whose", ["hello"])
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready")
    }))

  it.scopedLive("is the address's where we chose the id: another file is never taken for it (36)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      yield* Effect.sleep(5)
      world.transcript("another", ["hello"])
      const refused = yield* world.restart()
      assert.strictEqual(refused.outcome, "resume_not_ready")
      const asked = (yield* world.agent("one")).spawn?.sessionId ?? ""
      world.transcript(asked, ["hello"])
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result, session }) => [result, session?.id]), [["resumed", asked]])
      assert.strictEqual((yield* world.agent("one")).session?.capturedVia, "assigned_id")
    }))

  it.scopedLive("is still found where the directory holds other things than transcripts", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      Fs.mkdirSync(join(world.sessions(), "a-directory"), { recursive: true })
      // Never spoken to, and that can be told in spite of the directory.
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ decision }) => decision), ["fresh_start"])
    }))
})

describe("a transcript that comes after the agent's death", () => {
  it.scopedLive("is somebody else's, though it lies where the agent's would", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      yield* world.kill("one")
      const before = yield* world.restart()
      assert.isFalse(before.ok)
      // The death is on record now.
      assert.isNotNull((yield* world.agent("one")).endedAt)
      yield* Effect.sleep(5)
      world.transcript("later", ["another's words"])
      const report = yield* world.restart()
      assert.isFalse(report.ok, report.message)
      assert.deepStrictEqual(yield* world.events("session.captured"), [])
    }))

  it.scopedLive("is the agent's own where it was written before the death was seen", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* speaking(world, ["one"])
      world.transcript("own", ["remember this"])
      yield* Effect.sleep(5)
      yield* world.kill("one")
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["resumed"], report.message)
      assert.strictEqual((yield* world.agent("one")).session?.id, "own")
    }))
})
