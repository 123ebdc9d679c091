import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import type { Json } from "../../sdk/domain/json.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import type { RestartReport } from "../../sdk/lifecycle/restart-act.ts"
import { eventually, makeWorld, type World } from "./world.ts"

/** Runs a restart that is to be refused, and checks that it changed nothing but the log's account of it. */
const refused = <E, R>(world: World, outcome: RestartReport["outcome"], restart: Effect.Effect<RestartReport, E, R>) =>
  Effect.gen(function*() {
    const [before, touched, living] = [yield* world.team(), world.touches(), world.living()]
    const operations = (yield* world.events("operation.started")).length
    const report = yield* restart
    assert.strictEqual(report.outcome, outcome, report.message)
    assert.isFalse(report.ok)
    assert.match(report.message, /No process was touched\./)
    assert.isNotEmpty(report.next, "a refusal names no next action")
    assert.strictEqual(world.touches(), touched, "a process was touched")
    assert.deepStrictEqual(world.living(), living)
    assert.strictEqual((yield* world.events("operation.started")).length, operations)
    const after = yield* world.team()
    assert.deepStrictEqual(
      after.agents.map(({ generation, session, spawn }) => ({ generation, session, spawn })),
      before.agents.map(({ generation, session, spawn }) => ({ generation, session, spawn }))
    )
    assert.isTrue(report.agents.every(({ result }) => result === "refused" || result === "untouched"))
    return report
  })

const corrupt: ReadonlyArray<readonly [Json, string]> = [
  ["", "str"],
  ["null", "str"],
  ["yesterday", "str"],
  ["2026-02-30T00:00:00Z", "str"],
  [0, "int"],
  [123, "int"],
  [1.5, "float"],
  [false, "bool"],
  [true, "bool"],
  [[], "list"],
  [{}, "dict"]
]

describe("a damaged first_send_at (28, 29)", () => {
  for (const [raw, type] of corrupt) {
    it.scopedLive(`that is ${JSON.stringify(raw)} refuses the whole restart and is named as ${type}`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld()
        yield* world.up("alpha", { one: {}, two: {} })
        yield* world.firstSend("two", raw)
        const report = yield* refused(world, "refused_invalid_first_send_at", world.restart())
        const invalid = [{ worker_id: "two", raw_first_send_at: raw, raw_first_send_at_type: type }]
        assert.deepStrictEqual(report.details, { invalid })
        assert.deepStrictEqual((yield* world.events("restart.first_send_at_invalid")).map((event) => event.invalid), [invalid])
        assert.include(report.message, type)
      }))
  }

  it.scopedLive("is looked at before atomicity, grants and topology", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      yield* world.firstSend("one", "")
      yield* world.firstSend("two")
      Fs.rmSync((yield* world.agent("two")).session?.transcript ?? "")
      const listed = world.transport.trace().filter(({ operation }) => operation === "list").length
      yield* world.transport.inject({ on: "list", call: listed + 1, fault: "foreign_takes", agent: "three" })
      yield* world.transport.driver.list
      yield* refused(world, "refused_invalid_first_send_at", world.restart(Policy.resumeOrFresh).pipe(Effect.provide(Grants.notGiven)))
      yield* refused(world, "refused_invalid_first_send_at", world.restart(Policy.resume))
    }))

  it.scopedLive("of a paused agent, or of one that was not named, is in nobody's way", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, idle: { paused: true } })
      yield* world.firstSend("idle", 0)
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      yield* world.firstSend("two", 0)
      assert.strictEqual((yield* world.restart(undefined, { agents: ["one"] })).outcome, "restarted")
    }))

  it.scopedLive("in an ISO form, with a zone or without, is none", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      yield* world.firstSend("one", "2026-01-02T03:04:05")
      yield* world.firstSend("two", "2026-01-02T03:04:05.678+02:00")
      yield* world.firstSend("three", null)
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
    }))
})

describe("a foreign pane at a recorded address", () => {
  it.scopedLive("refuses before any touch, and stays", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const listed = world.transport.trace().filter(({ operation }) => operation === "list").length
      yield* world.transport.inject({ on: "list", call: listed + 1, fault: "foreign_takes", agent: "two" })
      const [touched, generation] = [world.touches(), (yield* world.agent("one")).generation]
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "refused_dirty_topology", report.message)
      assert.strictEqual(world.touches(), touched)
      assert.deepStrictEqual(world.living(), ["one"])
      assert.strictEqual((yield* world.agent("one")).generation, generation)
      assert.deepStrictEqual(report.plan.foreign.map(({ command }) => command), ["foreign"])
      assert.strictEqual((yield* world.run(world.transport.driver.list)).foreign.length, 1)
      assert.isAbove(report.next.length, 0)
      // Those that it does not concern can come back.
      assert.strictEqual((yield* world.restart(undefined, { agents: ["one"] })).outcome, "restarted")
    }))

  it.scopedLive("of a paused agent is in nobody's way, and stays too", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const { spec } = yield* world.agent("two")
      const { spec: first } = yield* world.agent("one")
      const team = yield* world.team()
      yield* world.record({
        type: "team.recorded",
        team: team.key,
        spec: { name: team.key, objective: null, agents: [first, { ...spec, paused: true }] },
        workspace: team.workspace,
        transport: "memory",
        plugins: []
      })
      const listed = world.transport.trace().filter(({ operation }) => operation === "list").length
      yield* world.transport.inject({ on: "list", call: listed + 1, fault: "foreign_takes", agent: "two" })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.strictEqual((yield* world.run(world.transport.driver.list)).foreign.length, 1)
    }))
})

describe("a grant that nobody gave", () => {
  it.scopedLive("is missed at run time, before anything, and its flag is named", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const report = yield* refused(world, "grant_missing", world.restart(Policy.fresh).pipe(Effect.provide(Grants.notGiven)))
      assert.deepStrictEqual(report.details, { missing: ["discard-context"] })
      assert.include(report.next[0], "--grant discard-context=")
      // Even where this time nothing would be lost.
      yield* refused(world, "grant_missing", world.restart(Policy.resumeOrFresh).pipe(Effect.provide(Grants.notGiven)))
    }))

  it.scopedLive("is not asked for by a plan", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const plan = yield* world.plan(Policy.fresh)
      assert.isNull(plan.refusal)
      assert.strictEqual(plan.agents[0]?.decided.decision.kind, "fresh_start")
    }))
})

describe("an agent that can't come back", () => {
  /** Two agents that were spoken to, of which the second has lost its transcript. */
  const halfLost = (world: World) =>
    Effect.gen(function*() {
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.firstSend("one")
      yield* world.firstSend("two")
      Fs.rmSync((yield* world.agent("two")).session?.transcript ?? "")
    })

  it.scopedLive("refuses all under an atomic policy (27)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* halfLost(world)
      const report = yield* refused(world, "refused_resume_atomicity", world.restart())
      const [unresumable] = (yield* world.events("restart.atomic_refusal")).map((event) => event.unresumable)
      assert.deepInclude(unresumable?.[0], { agent_id: "two", reason: "missing_transcript" })
      assert.strictEqual(unresumable?.length, 1)
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["untouched", "refused"])
      // Each that is not paused has its decision, the refused one too.
      const decisions = yield* world.events("restart.resume_decision")
      assert.deepStrictEqual(decisions.map(({ agent, decision }) => `${agent} ${decision}`), ["one resume", "two refuse"])
    }))

  it.scopedLive("is its own matter under an isolated one: partial, with a report for each", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* halfLost(world)
      const lost = world.pidOf("two")
      const report = yield* world.restart(Policy.isolated(Policy.standard))
      assert.strictEqual(report.outcome, "partial", report.message)
      assert.isFalse(report.ok)
      assert.deepStrictEqual(report.agents.map(({ decision, result }) => [decision, result]), [
        ["resume", "resumed"],
        ["refuse", "refused"]
      ])
      assert.strictEqual(world.pidOf("two"), lost)
    }))

  it.scopedLive("starts anew with the grant, and is not among the unresumable (27)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* halfLost(world)
      const session = (yield* world.agent("two")).session
      const report = yield* world.restart(Policy.resumeOrFresh).pipe(Effect.provide(Grants.discardContext("it was lost")))
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["resumed", "started"])
      const [left] = yield* world.events("restart.fresh_spawn")
      assert.deepStrictEqual([left?.agent_id, left?.left_behind?.id, left?.reason], ["two", session?.id, "it was lost"])
      const decisions = yield* world.events("restart.resume_decision")
      // Its session was known, so nothing was forced by the deadline.
      assert.isTrue(decisions.every((decision) => !("forced_fresh" in decision)))
    }))

  it.scopedLive("whose transcript is another's is a mismatch, never a fresh start", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const session = (yield* world.agent("one")).session
      Fs.writeFileSync(session?.transcript ?? "", `${JSON.stringify({ sessionId: "other" })}\n{"role":"user","text":"hi"}\n`)
      yield* refused(world, "refused_session_identity_mismatch", world.restart())
    }))

  it.scopedLive("whose transcript was moved is back after the command that the refusal names", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const { id, transcript } = (yield* world.agent("one")).session ?? { id: "", transcript: "" }
      Fs.renameSync(transcript ?? "", `${transcript}.kept`)
      const report = yield* refused(world, "refused_resume_atomicity", world.restart())
      const [putBack = "false", again] = report.next
      assert.strictEqual(again, "reprise restart --team alpha")
      execFileSync("sh", ["-c", putBack])
      assert.isTrue(Fs.existsSync(`${transcript}.kept`), "the file that was found is gone")
      const back = yield* world.restart()
      assert.deepStrictEqual(back.agents.map(({ result, session }) => [result, session?.id]), [["resumed", id]], back.message)
    }))

  it.scopedLive("of whose transcript several files could be it is not started anew, and no command chooses one", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const transcript = (yield* world.agent("one")).session?.transcript ?? ""
      Fs.copyFileSync(transcript, `${transcript}.1`)
      Fs.renameSync(transcript, `${transcript}.2`)
      const report = yield* refused(world, "refused_resume_atomicity", world.restart())
      for (const path of [`${transcript}.1`, `${transcript}.2`]) assert.include(report.message, path)
      assert.deepStrictEqual(report.next, ["reprise status --team alpha"])
    }))

  it.scopedLive("whose transcript can't be read any more is not one that was never spoken to", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      Fs.writeFileSync((yield* world.agent("one")).session?.transcript ?? "", "\0\0\0 torn")
      yield* refused(world, "refused_resume_atomicity", world.restart())
    }))
})

describe("what is not known", () => {
  it.scopedLive("about one process authorises nothing, under any policy", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.transport.inject({ on: "inspect", call: "every", fault: "unknown" })
      yield* refused(world, "refused_resume_atomicity", world.restart())
      const forced = world.restart(Policy.fresh).pipe(Effect.provide(Grants.discardContext("whatever it is")))
      yield* refused(world, "refused_resume_atomicity", forced)
      const isolated = yield* world.restart(Policy.isolated(Policy.standard))
      assert.deepStrictEqual(isolated.agents.map(({ result }) => result), ["refused", "refused"])
      assert.isFalse(isolated.ok)
    }))

  it.scopedLive("about the whole home authorises no spawn, though the recorded processes are proved dead", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.kill("one", "two")
      yield* world.transport.inject({ on: "list", call: "every", fault: "unknown" })
      const report = yield* refused(world, "failed", world.restart())
      assert.strictEqual(report.details["reason"], "transport_unreachable")
      const dead = yield* world.restart(Policy.isolated(Policy.standard), { onlyDead: true })
      assert.isFalse(dead.ok)
      assert.deepStrictEqual(world.living(), [])
    }))

  it.scopedLive("about a transcript is not that it is missing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const path = (yield* world.agent("one")).session?.transcript ?? ""
      Fs.rmSync(path)
      // A loop: what lies there can't be told.
      Fs.symlinkSync(path, path)
      const report = yield* refused(world, "refused_resume_atomicity", world.restart())
      assert.include(report.agents[0]?.why.join(), "could not be read")
      assert.strictEqual(report.agents[0]?.decision, "refuse")
    }))

  it.scopedLive("whether an old process ended lets no new one start", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const stops = world.transport.trace().filter(({ operation }) => operation === "stop").length
      yield* world.transport.inject({ on: "stop", call: stops + 1, fault: "survives" })
      const before = world.pidOf("one")
      const report = yield* world.restart(undefined, { concurrency: 1 })
      assert.strictEqual(report.outcome, "partial", report.message)
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["failed", "resumed"])
      assert.strictEqual(world.spawnsOf("one").length, 1)
      assert.strictEqual(world.pidOf("one"), before)
      assert.include(report.agents[0]?.failure?.reason, "still there")
    }))
})

describe("one change at a time", () => {
  it.scopedLive("the second of two restarts is told who holds the team, and does nothing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      yield* world.firstSend("one")
      const first = yield* Effect.fork(world.restart(undefined, { convergeWithin: "30 seconds" }))
      yield* eventually(Effect.map(world.events("provider.session.converging"), (events) => events.length > 0))
      const touched = world.touches()
      const second = yield* Effect.either(world.restart())
      assert.isTrue(Either.isLeft(second))
      if (Either.isLeft(second)) assert.strictEqual(second.left._tag, "LeaseHeld")
      assert.strictEqual(world.touches(), touched)
      yield* Fiber.interrupt(first)
      // The right is free again.
      assert.strictEqual((yield* world.restart()).outcome, "resume_not_ready")
    }))
})
