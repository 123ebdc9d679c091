import { expect, it } from "@effect/vitest"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bin, node, temporary } from "./clone.ts"
import { root } from "./sources.ts"

it("Effect's rules bite, deep imports or not", async () => {
  const box = temporary("rules")
  mkdirSync(join(box, "sdk"))
  writeFileSync(join(box, "sdk/wrong.ts"), `import * as Effect from "effect/Effect"
export const floats = () => { Effect.log("never said") }
export const falls = Effect.gen(function*() {
  yield* Effect.fail("and on it goes")
  return 1
})
export const nests = Effect.gen(function*() {
  return Effect.runSync(yield* Effect.succeed(Effect.succeed(1)))
})
`)
  const { code, out } = await node(root, [bin("tsx"), "scripts/build/effect-rules.ts", box])
  rmSync(box, { recursive: true, force: true })
  expect(code).toBe(1)
  expect([...out.matchAll(/^(.+?\(\d+),.*effect\((\w+)\)/gm)].map(([, at, rule]) => `${at}) ${rule}`)).toEqual([
    "sdk/wrong.ts(2) floatingEffect",
    "sdk/wrong.ts(4) missingReturnYieldStar",
    "sdk/wrong.ts(8) runEffectInsideEffect"
  ])
}, 120_000)
