import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Send } from "reprise"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import { OperationId } from "../../sdk/domain/ids.ts"
import { makeWorld, type World } from "./world.ts"

const ids = (agents: ReadonlyArray<{ readonly id: string }>) => agents.map(({ id }) => id)

describe("an agent that leaves the team file", () => {
  it.scopedLive("keeps its conversation, and has it when it is put back", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.firstSend("two")
      yield* world.run(Shutdown.down("alpha"))
      const before = yield* world.agent("two")
      yield* world.up("alpha", { one: {} })
      assert.deepStrictEqual(world.living(), ["one"])
      assert.deepInclude(yield* world.agent("two"), { removed: true, session: before.session, generation: before.generation })
      assert.deepStrictEqual(ids((yield* world.run(Status.status("alpha"))).agents), ["one"])
      // Nobody speaks to it or starts it meanwhile.
      assert.strictEqual((yield* Effect.flip(world.run(Send.send("alpha", "two", "hello"))))._tag, "AgentUnknown")
      assert.strictEqual((yield* Effect.flip(world.restart(undefined, { agents: ["two"] })))._tag, "AgentUnknown")
      assert.deepStrictEqual(ids((yield* world.restart()).agents), ["one"])
      assert.strictEqual(world.spawnsOf("two").length, 1)
      yield* world.run(Shutdown.down("alpha"))
      const back = yield* world.up("alpha", { one: {}, two: {} })
      assert.isTrue(back.ok, back.message)
      const after = yield* world.agent("two")
      assert.deepInclude(after, { removed: false, generation: before.generation + 1, firstSend: before.firstSend })
      assert.strictEqual(after.spawn?.mode, "resume")
      assert.strictEqual(after.session?.id, before.session?.id)
    }))

  it.scopedLive("is seen, and stopped by down, while its process lives; those that work are not restarted", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      yield* world.kill("three")
      const pids = [world.pidOf("one"), world.pidOf("two")]
      const changed = yield* world.up("alpha", { one: {} })
      assert.isTrue(changed.ok, changed.message)
      // Nothing of the file is dead, which is not to say that all of it is to be restarted.
      assert.deepStrictEqual([world.pidOf("one"), world.pidOf("two")], pids)
      assert.deepStrictEqual(ids((yield* world.run(Status.status("alpha"))).agents), ["one", "two"])
      const restarted = yield* world.restart()
      assert.deepStrictEqual(restarted.agents.map(({ id, result }) => `${id} ${result}`), ["one resumed", "two untouched"])
      assert.strictEqual(world.pidOf("two"), pids[1])
      assert.isTrue((yield* world.run(Shutdown.down("alpha"))).ok)
      assert.deepStrictEqual(world.living(), [])
    }))

  it.scopedLive("is forgotten where nothing was ever started in its name", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, idle: { paused: true } })
      yield* world.run(Shutdown.down("alpha"))
      yield* world.up("alpha", { one: {} })
      assert.deepStrictEqual((yield* world.team()).agents.map(({ spec }) => `${spec.id}`), ["one"])
    }))
})

describe("a restart of an empty list of agents", () => {
  it.scopedLive("is a restart of none", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const touched = world.touches()
      const report = yield* world.restart(undefined, { agents: [] })
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["untouched"])
      assert.strictEqual(world.touches(), touched)
    }))
})

/** What came of an up that is to change nothing. */
const unchanged = <A, E, R>(world: World, up: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const [touched, position] = [world.touches(), yield* world.log.position]
    const report = yield* up
    assert.deepStrictEqual([world.touches(), yield* world.log.position], [touched, position])
    return report
  })

describe("an up of a team that can't be seen", () => {
  for (const on of ["list", "inspect"] as const) {
    it.scopedLive(`is refused, and changes nothing: ${on}`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld()
        yield* world.up("alpha", { one: {}, two: {} })
        yield* world.transport.inject({ on, call: "every", fault: "unknown" })
        const report = yield* unchanged(world, world.up("alpha", { one: {}, two: {} }))
        assert.deepInclude(report, { outcome: "failed", ok: false })
        assert.strictEqual(report.details["reason"], "transport_unreachable")
        assert.match(report.message, /No process was touched\./)
      }))
  }
})

describe("a team moves to another transport", () => {
  it.scopedLive("not while anything of it lives, whatever was asked of it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const operation = OperationId.make("o")
      const scope = { team: (yield* world.team()).key, operation }
      // A down that was interrupted before its first stop: the team counts as stopped.
      yield* world.record(
        { type: "operation.started", ...scope, kind: "shutdown", agents: [], alive: [], policy: null },
        { type: "operation.finished", ...scope, outcome: "ended", took_ms: 1 }
      )
      assert.isTrue((yield* world.team()).stopped)
      yield* world.kill("one")
      const report = yield* unchanged(world, world.up("alpha", { one: {}, two: {} }, {}, "elsewhere"))
      assert.deepInclude(report, { outcome: "failed", ok: false })
      assert.deepInclude(report.details, { reason: "lives_elsewhere", living: ["two"] })
      assert.deepStrictEqual(report.agents.map(({ status }) => status), ["dead", "idle"])
      assert.deepStrictEqual(world.elsewhere.processes(), [])
    }))

  it.scopedLive("once all of it is proved dead, stopped or not", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.kill("one")
      const report = yield* world.up("alpha", { one: {} }, {}, "elsewhere")
      assert.strictEqual(report.outcome, "launched", report.message)
      assert.deepStrictEqual([world.living(), world.elsewhere.processes().length], [[], 1])
    }))
})

describe("an up after an interrupted operation", () => {
  it.scopedLive("restarts whom it touched and did not bring back, and leaves the others at work", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      const { key } = yield* world.team()
      const operation = OperationId.make("o")
      const one = (yield* world.agent("one")).spec.id
      yield* world.record(
        { type: "operation.started", team: key, operation, kind: "restart", agents: [one], alive: [one], policy: null },
        { type: "operation.step", team: key, operation, agent: one, generation: 1, step: "stop", phase: "intent" }
      )
      yield* world.kill("three")
      const pids = ["one", "two", "three"].map(world.pidOf)
      const report = yield* world.up("alpha", { one: {}, two: {}, three: {} })
      assert.strictEqual(report.outcome, "launched", report.message)
      assert.deepStrictEqual(["one", "two", "three"].map((id, at) => world.pidOf(id) === pids[at]), [false, true, false])
      assert.isNull((yield* world.team()).operation)
    }))
})

describe("something like a secret in the team file", () => {
  const model = "sk-abcdefghijklmnopqrstuv"
  it.scopedLive("reaches the agent at up, and a restart, which has not got it, touches nothing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { model }, two: {} })
      assert.include(world.spawnsOf("one")[0]?.request.argv ?? [], model)
      assert.notInclude(JSON.stringify(yield* world.team()), model)
      const touched = world.touches()
      const refused = yield* world.restart()
      assert.strictEqual(refused.outcome, "refused_resume_atomicity", refused.message)
      assert.match(JSON.stringify(refused.details), /secret_redacted/)
      assert.include(refused.next, "reprise up FILE")
      assert.strictEqual(world.touches(), touched)
      yield* world.run(Shutdown.down("alpha"))
      const up = yield* world.up("alpha", { one: { model }, two: {} })
      assert.strictEqual(up.outcome, "launched", up.message)
      assert.include(world.spawnsOf("one")[1]?.request.argv ?? [], model)
      assert.strictEqual((yield* world.agent("one")).spawn?.mode, "resume")
    }))
})

describe("a down of a team that can't be seen", () => {
  it.scopedLive("ends whom it can prove ended by the recorded pane", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.transport.inject({ on: "list", call: "every", fault: "unknown" })
      const report = yield* world.run(Shutdown.down("alpha"))
      assert.deepInclude(report, { outcome: "stopped", survivors: [] })
      assert.deepStrictEqual(world.living(), [])
    }))

  it.scopedLive("says of nobody that it ended who could not be looked for, in its record too", () =>
    Effect.gen(function*() {
      // The spawn of the second happens, and its answer is lost.
      const world = yield* makeWorld({ faults: [{ on: "spawn", call: 2, fault: "answer_lost" }] })
      yield* world.up("alpha", { one: {}, two: {} })
      const lost = (yield* world.team()).agents.flatMap(({ spawn, spec }) => spawn?.pane === null ? `${spec.id}` : [])
      assert.strictEqual(lost.length, 1)
      yield* world.transport.inject({ on: "list", call: "every", fault: "unknown" })
      const report = yield* world.run(Shutdown.down("alpha"))
      assert.deepInclude(report, { outcome: "partial", ok: false })
      assert.deepStrictEqual(report.survivors, lost)
      assert.deepStrictEqual(world.living(), lost)
      assert.deepStrictEqual((yield* world.events("lifecycle.shutdown")).map(({ survivors }) => survivors.map(String)), [lost])
      assert.strictEqual((yield* world.events("operation.finished")).at(-1)?.outcome, "partial")
    }))
})
