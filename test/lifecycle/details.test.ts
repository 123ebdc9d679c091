import * as Fs from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Either from "effect/Either"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import { findWorkspace } from "../../sdk/spec/workspace.ts"
import { eventually, makeWorld, temporaryDirectory } from "./world.ts"

describe("the decision event (32)", () => {
  it.scopedLive("has exactly its members, and three more where it was forced", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("two", { transcript: "never" })
      yield* world.up("alpha", { one: {}, two: { provider: "found" } })
      yield* world.firstSend("two")
      yield* world.restart(Policy.resumeOrFresh, { convergeWithin: 0 }).pipe(Effect.provide(Grants.discardContext("it may go")))
      const plain = ["agent", "allow_fresh", "decision", "first_send_at", "generation", "has_first_send_at", "has_session_id",
        "session_id", "team", "type", "why", "worker_id"]
      const [one, two] = (yield* world.events("restart.resume_decision")).map((event) => Object.keys(event).toSorted())
      assert.deepStrictEqual(one, plain)
      assert.deepStrictEqual(two, [...plain, "forced_fresh", "reason", "session_convergence"].toSorted())
    }))
})

describe("an agent whose provider can't resume (31)", () => {
  it.scopedLive("starts anew where nothing is lost, and else only with the grant; nobody waits for a session of it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { provider: "forgetful" } })
      assert.deepStrictEqual((yield* world.restart()).agents.map(({ result }) => result), ["started"])
      yield* world.firstSend("one")
      const refused = yield* world.restart(undefined, { convergeWithin: "30 seconds" })
      assert.strictEqual(refused.outcome, "refused_resume_atomicity", refused.message)
      assert.deepStrictEqual(yield* world.events("provider.session.converging"), [])
      const granted = yield* world.restart(Policy.resumeOrFresh).pipe(Effect.provide(Grants.discardContext("it keeps none")))
      assert.deepStrictEqual(granted.agents.map(({ result }) => result), ["started"])
    }))
})

describe("an agent that the team file moved to another provider", () => {
  it.scopedLive("is not resumed in the other's conversation", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const team = yield* world.team()
      const spec = (yield* world.agent("one")).spec
      yield* world.record({
        type: "team.recorded",
        team: team.key,
        spec: { name: team.key, objective: null, agents: [{ ...spec, provider: "serial" }] },
        workspace: team.workspace,
        transport: "memory",
        plugins: []
      })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "refused_resume_atomicity", report.message)
      assert.strictEqual(world.spawnsOf("one").length, 1)
    }))
})

describe("a provider that can't start twice at once", () => {
  it.scopedLive("starts its agents one after the other, whatever the others do", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { provider: "serial" }, two: { provider: "serial" }, free: {} })
      for (const id of ["one", "two"]) world.script.set(id, { hangs: true })
      const restart = yield* Effect.fork(world.restart())
      // Which of them comes first is nobody's promise.
      const begun = () => ["one", "two"].filter((id) => world.spawnsOf(id).length === 2)
      yield* eventually(Effect.sync(() => world.spawnsOf("free").length === 2 && begun().length > 0))
      const [first = "", ...others] = begun()
      assert.deepStrictEqual(others, [])
      const second = first === "one" ? "two" : "one"
      world.script.delete(second)
      yield* world.kill(first)
      const report = yield* Fiber.join(restart)
      const results = new Map(report.agents.map(({ id, result }): readonly [string, string] => [id, result]))
      assert.deepStrictEqual([results.get(first), results.get(second), results.get("free")], ["failed", "resumed", "resumed"])
    }))
})

describe("a plan", () => {
  it.scopedLive("that was overtaken is refused, and touches nothing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const plan = yield* world.plan()
      assert.strictEqual((yield* world.run(Restart.execute(plan))).outcome, "restarted")
      // What it would continue is gone, and what was said there can't be told any more.
      Fs.rmSync((yield* world.agent("one")).session?.transcript ?? "")
      const touched = world.touches()
      const late = yield* world.run(Restart.execute(plan))
      assert.strictEqual(late.outcome, "refused_resume_atomicity", late.message)
      assert.strictEqual(world.touches(), touched)
    }))

  it.scopedLive("explains each agent in a line, and what is spared", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, idle: { paused: true } })
      const text = Restart.explain(yield* world.plan())
      assert.match(text, /one\s+assigned, alive\s+resume\s+continues session/)
      assert.match(text, /idle\s+assigned, absent\s+leave\s+it is paused/)
    }))
})

describe("what is called before acting", () => {
  it.scopedLive("leaves everything untouched when it says no", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const touched = world.touches()
      const answer = yield* Effect.either(world.restart(undefined, { beforeActing: () => Effect.fail("no") }))
      assert.deepStrictEqual(answer, Either.left("no"))
      assert.strictEqual(world.touches(), touched)
      assert.isNull((yield* world.team()).operation)
    }))
})

describe("a workspace by another path (3, 85)", () => {
  it.scopedLive("is the same workspace: a link to it, not a sibling with a longer name", () =>
    Effect.gen(function*() {
      const base = yield* temporaryDirectory
      Fs.mkdirSync(join(base, "work", ".reprise"), { recursive: true })
      Fs.mkdirSync(join(base, "work-too"))
      Fs.symlinkSync(join(base, "work"), join(base, "link"))
      const find = (asked: string) => Effect.map(findWorkspace({ asked, from: base }), ({ root }) => root)
      assert.strictEqual(yield* find("link"), yield* find("work"))
      assert.notStrictEqual(yield* find("work-too"), yield* find("work"))
      const within = yield* findWorkspace({ asked: undefined, from: join(base, "work-too") })
      assert.notStrictEqual(within.root, join(base, "work"))
    }).pipe(Effect.provide(NodeContext.layer)))
})
