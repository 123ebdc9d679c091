import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Send from "../../sdk/lifecycle/Send.ts"
import { saidLine } from "./scripted-cli.ts"
import { makeWorld, type World } from "./world.ts"

const pressed = (world: World) => world.transport.trace().filter(({ operation }) => operation === "press").length

describe("Enter", () => {
  for (const afterPaste of ["awaiting_approval", "unreadable", "gibberish"] as const) {
    it.scopedLive(`is not pressed where the screen is ${afterPaste} after the paste`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld()
        yield* world.up("alpha", { one: {} })
        world.script.set("one", { afterPaste })
        yield* world.restart()
        const sent = yield* world.run(Send.send("alpha", "one", "hello"))
        assert.isNull(sent.submitted, sent.message)
        assert.strictEqual(pressed(world), 0)
        const [failed] = yield* world.events("message.failed")
        assert.strictEqual(failed?.code, "unverified")
        assert.match(failed?.reason ?? "", /Enter was not pressed/)
      }))
  }
})

describe("a message whose sender ended while typing it", () => {
  /** Two messages of the same words: the first was taken, of the second only the beginning is known. */
  const interrupted = (world: World) =>
    Effect.gen(function*() {
      yield* world.up("alpha", { one: {} })
      const first = yield* world.run(Send.send("alpha", "one", "again"))
      assert.isNotNull(first.consumed, first.message)
      const path = (yield* world.agent("one")).session?.transcript ?? ""
      const scope = world.scope("one", 1)
      yield* Effect.orDie(world.log.append([
        { type: "message.accepted", ...scope, message_id: "second", from: "leader", text: "again" },
        {
          type: "message.submitting",
          ...scope,
          message_id: "second",
          rollout_path: path,
          rollout_size: Fs.statSync(path).size
        }
      ]))
      return path
    })
  const outcomes = (world: World) =>
    Effect.gen(function*() {
      yield* world.run(Send.send("alpha", "one", "something else"))
      const submitted = yield* world.events("message.submitted")
      const failed = yield* world.events("message.failed")
      return {
        submitted: submitted.some(({ message_id }) => message_id === "second"),
        failed: failed.some(({ message_id }) => message_id === "second")
      }
    })

  it.scopedLive("is not taken for an earlier one of the same words", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* interrupted(world)
      assert.deepStrictEqual(yield* outcomes(world), { submitted: false, failed: true })
    }))

  it.scopedLive("is settled by what was written since its first key", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const path = yield* interrupted(world)
      Fs.appendFileSync(path, saidLine("user", "again"))
      assert.deepStrictEqual(yield* outcomes(world), { submitted: true, failed: false })
    }))

  it.scopedLive("leaves behind how long the transcript was before its first key", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const path = (yield* world.agent("one")).session?.transcript ?? ""
      const size = Fs.statSync(path).size
      yield* world.run(Send.send("alpha", "one", "hello"))
      const [began] = yield* world.events("message.submitting")
      assert.deepInclude(began, { rollout_path: path, rollout_size: size })
    }))
})
