import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { makeVirtualTime } from "../../sdk/testing/simulation/VirtualTime.ts"

it("a process that dies runs no finalizer, and what is on its way to it never arrives", () => {
  const time = makeVirtualTime(1)
  const dies = time.process("dies", { dieAt: 3 })
  const lives = time.process("lives")
  const said: Array<string> = []
  const work = (name: string) =>
    Effect.sync(() => void said.push(`${name} began`)).pipe(
      Effect.zipRight(Effect.sleep(10)),
      Effect.zipRight(Effect.sleep(10)),
      Effect.ensuring(Effect.sync(() => void said.push(`${name} tidied up`)))
    )
  const ended: Array<string> = []
  time.fork(dies, work("dies"), () => ended.push("dies"))
  time.fork(lives, work("lives"), () => ended.push("lives"))
  time.run(() => ended.includes("lives"), 1_000)
  time.run(() => false, 1_000)
  expect(said.toSorted()).toEqual(["dies began", "lives began", "lives tidied up"])
  expect(ended).toEqual(["lives"])
  expect(dies.alive).toBe(false)
})

it("a year passes in no time, and the clock can jump", () => {
  const time = makeVirtualTime(1)
  const process = time.process("sleeper")
  let slept = 0
  time.fork(process, Effect.zipRight(Effect.sleep("365 days"), Clock.currentTimeMillis), () => {
    slept += 1
  })
  const before = time.now()
  time.run(() => slept === 1, 1_000)
  expect(time.now() - before).toBe(365 * 86_400_000)
  time.jump(-1_000)
  expect(time.now() - before).toBe(365 * 86_400_000 - 1_000)
})

it("equal seeds give equal orders, and different ones differ", () => {
  const order = (seed: number): string => {
    const time = makeVirtualTime(seed)
    const process = time.process("one")
    const said: Array<number> = []
    let open = 8
    for (let name = 0; name < 8; name++) {
      time.fork(process, Effect.repeatN(Effect.zipRight(Effect.yieldNow(), Effect.sync(() => void said.push(name))), 2), () => {
        open -= 1
      })
    }
    time.run(() => open === 0, 10_000)
    return said.join()
  }
  expect(order(5)).toBe(order(5))
  expect(new Set([1, 2, 3, 4, 5].map(order)).size).toBeGreaterThan(1)
})
