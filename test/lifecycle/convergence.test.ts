import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeWorld } from "./world.ts"

describe("convergence", () => {
  it.scopedLive("brings a team back in its conversations", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const up = yield* world.up("alpha", { one: {}, two: {} })
      assert.strictEqual(up.outcome, "launched", up.message)
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["resumed", "resumed"])
    }))
})
