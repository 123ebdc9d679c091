import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Fs from "node:fs"
import * as Policy from "../../sdk/policy/Policy.ts"
import { eventually, makeWorld } from "./world.ts"

describe("the session that a new process says it has", () => {
  it.scopedLive("is its own where it chose one itself", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never", reports: "its-own" })
      yield* world.up("alpha", { one: { provider: "found" } })
      const { session } = yield* world.agent("one")
      assert.deepInclude(session, { id: "its-own", capturedVia: "process_report", confidence: "high", generation: 1 })
      assert.strictEqual(session?.transcript, `${world.sessions()}/its-own.jsonl`)
    }))

  it.scopedLive("wins over the one that it was told to take, and what was said there is not lost", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never", reports: "its-own" })
      yield* world.up("alpha", { one: {} })
      assert.deepStrictEqual(
        (yield* world.plan(Policy.freshIfNeverMessaged)).agents.map(({ facts }) => facts.spoken.state),
        ["never"]
      )
      world.transcript("its-own", ["typed by hand"])
      const plan = yield* world.plan()
      assert.deepStrictEqual(plan.agents.map(({ decided: { decision }, facts }) => [decision.kind, decision.session?.id, facts.spoken.state]), [
        ["resume", "its-own", "spoken"]
      ])
    }))

  it.scopedLive("is asked for again where it surprises: a screen can be read half drawn", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { drawsSlowly: true })
      yield* world.up("alpha", { one: {} })
      const { session } = yield* world.agent("one")
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.strictEqual((yield* world.agent("one")).session?.id, session?.id)
      const asked = world.spawnsOf("one")[0]?.request.argv[2]
      assert.strictEqual(session?.id, asked)
      assert.notInclude((yield* world.events("session.captured")).map(({ captured_via }) => captured_via), "process_report")
    }))

  it.scopedLive("adds nothing where it is the one that was asked for", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: {} })
      assert.deepStrictEqual(yield* world.events("session.captured"), [])
      assert.strictEqual((yield* world.events("agent.ready"))[0]?.session_id, (yield* world.agent("one")).spawn?.sessionId)
    }))

  it.scopedLive("is waited for where its transcript comes late, and refused as not ready where it never comes", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never", reports: "its-own" })
      yield* world.up("alpha", { one: { provider: "found" } })
      yield* world.firstSend("one")
      assert.strictEqual((yield* world.restart()).outcome, "resume_not_ready")
      const restart = yield* Effect.fork(world.restart(undefined, { convergeWithin: "30 seconds" }))
      yield* eventually(Effect.map(world.events("provider.session.converging"), (events) => events.at(-1)?.deadline_ms === 30_000))
      world.transcript("its-own", ["hello"])
      const report = yield* Fiber.join(restart)
      assert.deepStrictEqual(report.agents.map(({ result, session }) => [result, session?.id]), [["resumed", "its-own"]], report.message)
    }))

  it.scopedLive("is not waited for where it was there at the start and is gone: it was taken away", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never", reports: "its-own" })
      yield* world.up("alpha", { one: { provider: "found" } })
      yield* world.firstSend("one")
      const early = yield* world.restart()
      assert.strictEqual(early.outcome, "resume_not_ready")
      assert.match(early.message, /one: the transcript of session its-own is not at .*\. No process/)
      world.transcript("its-own", ["hello"])
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      Fs.rmSync(`${world.sessions()}/its-own.jsonl`)
      const late = yield* world.restart(undefined, { convergeWithin: "10 minutes" })
      assert.strictEqual(late.outcome, "refused_resume_atomicity", late.message)
      assert.match(late.message, /one: the transcript of session its-own is not at /)
    }))

  it.scopedLive("is never taken from another agent: its own failure, and the others come up", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never", reports: "held" })
      yield* world.up("alpha", { one: { provider: "found" } })
      const held = "held"
      assert.strictEqual((yield* world.agent("one")).session?.id, held)
      world.script.set("two", { transcript: "never", reports: held })
      const up = yield* world.up("beta", { two: { provider: "found" }, three: {} })
      assert.strictEqual(up.outcome, "partial", up.message)
      const two = yield* world.agent("two", "beta")
      assert.deepStrictEqual([two.phase, two.failure?.kind, two.session], ["failed", "resume_mismatch", null])
      assert.strictEqual((yield* world.agent("three", "beta")).phase, "running")
      assert.strictEqual((yield* world.agent("one")).session?.id, held)
      assert.isUndefined(world.pidOf("two"))
    }))

  it.scopedLive("is never the one that another agent was told to take", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: {} })
      const asked = (yield* world.agent("one")).spawn?.sessionId ?? ""
      world.script.set("two", { transcript: "never", reports: asked })
      yield* world.up("beta", { two: {} })
      const two = yield* world.agent("two", "beta")
      assert.deepStrictEqual([two.phase, two.failure?.kind, two.session], ["failed", "resume_mismatch", null])
      assert.isUndefined(world.pidOf("two"))
    }))
})
