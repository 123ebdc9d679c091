import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Send } from "reprise"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import { makeWorld } from "./world.ts"

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
