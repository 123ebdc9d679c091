import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Send from "../../sdk/lifecycle/Send.ts"
import { type Opens, typeInto } from "./dialog-cli.ts"
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
        assert.strictEqual(failed?.code, "unconfirmed")
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

describe("an approval dialog", () => {
  const opens = FastCheck.oneof(FastCheck.constantFrom<Opens>("before", "before the paste", "at the paste"), FastCheck.integer({ min: 1, max: 3 }))
  const shows = FastCheck.constantFrom("screen" as const, "records" as const, "both" as const)

  it.scopedLive.prop(
    "is never answered by a message, whenever it opens and whichever side shows it",
    [opens, shows, FastCheck.integer({ min: 0, max: 2 }), FastCheck.constantFrom("at-start" as const, "at-first-message" as const)],
    ([opens, shows, loses, transcript]) =>
      Effect.gen(function*() {
        const { approved, enters, pasted, taken, typed } = yield* typeInto({ opens, shows, loses, transcript }, "rm -rf build")
        assert.isFalse(approved, `${typed._tag} after ${enters} Enter`)
        if (opens === "before") assert.deepStrictEqual([typed._tag, pasted], ["NotTyped", false])
        if (opens === "before the paste") assert.deepStrictEqual([typed._tag, pasted], ["Unknown", false])
        if (opens === "at the paste") assert.deepStrictEqual([typed._tag, enters], ["Unknown", 0])
        // What is called submitted was taken.
        if (typed._tag === "Submitted") assert.deepStrictEqual(taken, ["rm -rf build"])
      }),
    { fastCheck: { numRuns: 40 } }
  )

  it.scopedLive("that opens while a paste settles is seen before Enter", () =>
    Effect.gen(function*() {
      const seen = yield* typeInto({ opens: 1, shows: "screen", settles: 50 }, "hello", { pasteSettleMs: 80 })
      assert.deepStrictEqual([seen.typed._tag, seen.enters, seen.approved], ["Unknown", 0, false])
    }))
})

describe("a message", () => {
  it.scopedLive("waits as long as its CLI needs after a paste before Enter is pressed", () =>
    Effect.gen(function*() {
      const early = yield* typeInto({ settles: 250 }, "hello", { pasteSettleMs: 300 })
      assert.deepStrictEqual([early.typed._tag, early.enters], ["Submitted", 1])
    }))

  it.scopedLive("of which an Enter was lost is entered again, and typed once", () =>
    Effect.gen(function*() {
      const { enters, taken, typed } = yield* typeInto({ loses: 2 }, "hello")
      assert.deepStrictEqual([typed._tag, enters, taken], ["Submitted", 3, ["hello"]])
      const given = yield* typeInto({ loses: 9 }, "hello")
      assert.deepStrictEqual([given.typed._tag, given.enters, given.taken], ["Unknown", 3, []])
    }))

  it.scopedLive("is consumed when it stands in a conversation that begins with it", () =>
    Effect.gen(function*() {
      const { typed } = yield* typeInto({ transcript: "at-first-message" }, "hello")
      assert.deepInclude(typed, { _tag: "Submitted", consumed: true })
    }))

  it.scopedLive("of which only the placeholder was sent is not called consumed", () =>
    Effect.gen(function*() {
      const long = "line\n".repeat(400)
      const placeholder = "[Pasted Content 2000 chars]"
      const whole = yield* typeInto({ placeholder }, long)
      assert.deepInclude(whole.typed, { _tag: "Submitted", consumed: true })
      const cut = yield* typeInto({ placeholder, submitsPlaceholder: true }, long)
      assert.deepInclude(cut.typed, { _tag: "Submitted", consumed: false })
    }))

  it.scopedLive("is not typed over what somebody has typed, or a placeholder of it", () =>
    Effect.gen(function*() {
      for (const draft of ["half a sente", "[Pasted text #1 +40 lines]"]) {
        const { pasted, typed } = yield* typeInto({ draft }, "hello")
        assert.deepInclude(typed, { _tag: "NotTyped", code: "draft" })
        assert.isFalse(pasted)
      }
    }))

  for (const says of ["busy", "starting", "error", "awaiting_approval", "broken"] as const) {
    it.scopedLive(`is not typed where the screen is idle and the records say ${says}`, () =>
      Effect.gen(function*() {
        const { pasted, typed } = yield* typeInto({ says }, "hello")
        assert.deepStrictEqual([typed._tag, pasted], ["NotTyped", false])
      }))
  }

  for (const says of ["unknown", "nothing"] as const) {
    it.scopedLive(`is typed by what the screen shows where the records say ${says}`, () =>
      Effect.gen(function*() {
        const { typed } = yield* typeInto({ says }, "hello")
        assert.deepInclude(typed, { _tag: "Submitted", consumed: true })
      }))
  }

  it.scopedLive("is not typed into a screen that nobody recognises, whatever the records say", () =>
    Effect.gen(function*() {
      const { pasted, typed } = yield* typeInto({}, "hello", { classify: () => "unknown" })
      assert.deepStrictEqual([typed._tag, pasted], ["NotTyped", false])
    }))
})
