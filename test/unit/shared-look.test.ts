import { describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import { expect } from "vitest"
import { sharedLook } from "reprise/plugin"
import { inOneLook, onceALook } from "../../sdk/session/one-look.ts"

const counted = () => {
  let count = 0
  return { next: Effect.sync(() => ++count), count: () => count }
}

describe("a shared look", () => {
  it.effect("is taken once for all who ask at one time, and anew for who asks later", () =>
    Effect.gen(function*() {
      const looks = counted()
      const ask = sharedLook((_place: string) => looks.next)
      expect(yield* Effect.all([ask("a"), ask("a"), ask("a")], { concurrency: 3 })).toEqual([1, 1, 1])
      expect(yield* ask("a")).toBe(2)
      yield* Effect.all([ask("a"), ask("b")], { concurrency: 2 })
      expect(looks.count()).toBe(4)
    }))

  it.effect("is joined by nobody once it has begun: no answer is older than its question", () =>
    Effect.gen(function*() {
      const looks = counted()
      const [begun, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const ask = sharedLook((_place: string) =>
        Effect.tap(looks.next, (count) => count > 1 ? Effect.void : Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(goOn))))
      const first = yield* Effect.fork(ask("a"))
      yield* Deferred.await(begun)
      expect(yield* ask("a")).toBe(2)
      yield* Deferred.succeed(goOn, undefined)
      expect(yield* Fiber.join(first)).toBe(1)
    }))

  it.effect("that fails has failed for all who asked, and says nothing of the next", () =>
    Effect.gen(function*() {
      const looks = counted()
      const ask = sharedLook((_place: string) =>
        Effect.flatMap(looks.next, (count) => count === 1 ? Effect.fail("unreadable") : Effect.succeed(count)))
      const answers = yield* Effect.all([Effect.either(ask("a")), Effect.either(ask("a"))], { concurrency: 2 })
      expect(answers.map(Either.isLeft)).toEqual([true, true])
      expect(yield* ask("a")).toBe(2)
    }))

  it.live("is begun for whoever comes after, wherever the one who asked first is interrupted", () =>
    Effect.gen(function*() {
      const ask = sharedLook((_place: string) => Effect.succeed("seen"))
      for (let turns = 0; turns < 400; turns++) {
        // A fiber gives way after so many operations: at one of these distances it does so inside the asking.
        const steps = Array.from({ length: 1_700 + turns }, () => Effect.void)
        const first = yield* Effect.fork(Effect.zipRight(Effect.forEach(steps, (step) => step, { discard: true }), ask("a")))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(first)
        expect(yield* Effect.timeoutOption(ask("a"), "5 seconds").pipe(Effect.map(({ _tag }) => _tag))).toBe("Some")
      }
    }))

  it.effect("answers the others when the one who asked first is interrupted", () =>
    Effect.gen(function*() {
      const [begun, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const ask = sharedLook((_place: string) =>
        Effect.zipRight(Deferred.succeed(begun, undefined), Effect.as(Deferred.await(goOn), "seen")))
      const first = yield* Effect.fork(ask("a"))
      const second = yield* Effect.fork(ask("a"))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(goOn, undefined)
      expect(yield* Fiber.join(second)).toBe("seen")
    }))
})

describe("one look", () => {
  it.effect("reads each place once, the next look reads it anew, and outside of one nothing is kept", () =>
    Effect.gen(function*() {
      const reads = counted()
      const read = onceALook((_place: string) => reads.next, (place) => place)
      const twice = Effect.all([read("a"), read("a"), read("b")], { concurrency: 3 })
      expect(yield* inOneLook(twice)).toEqual([1, 1, 2])
      expect(yield* inOneLook(twice)).toEqual([3, 3, 4])
      expect(yield* twice).toEqual([5, 6, 7])
    }))
})
