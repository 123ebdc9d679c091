import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import * as EventLogMemory from "../../sdk/event-log/EventLogMemory.ts"
import { recorded, team } from "./samples.ts"
import { all, eventLogSuite, record } from "./suite.ts"

eventLogSuite("EventLogMemory", () => EventLogMemory.layer)

it.effect("simulated processes share a log, and a dead one's lease is taken over", () =>
  Effect.gen(function*() {
    const memory = yield* EventLogMemory.make
    const scope = yield* Scope.make()
    const take = Effect.flatMap(EventLog, (log) => log.lease(teamResource(team("alpha")), "restart"))
    const first = yield* Effect.provide(take, memory.layerFor("one")).pipe(Scope.extend(scope))
    const held = yield* Effect.flip(Effect.scoped(Effect.provide(take, memory.layerFor("two"))))
    assert.strictEqual(held._tag, "LeaseHeld")
    yield* memory.end("one")
    yield* Effect.scoped(Effect.gen(function*() {
      const second = yield* take
      assert.isAbove(second.token, first.token)
      const log = yield* EventLog
      assert.strictEqual((yield* Effect.flip(log.append([recorded("alpha")], { lease: first })))._tag, "LeaseLost")
      // What the dead one would still give back is not its own any more.
      yield* Scope.close(scope, Exit.void)
      yield* log.append([recorded("alpha")], { lease: second })
    })).pipe(Effect.provide(memory.layerFor("two")))
  }))

it.effect("a row that can't be read is named and passed over", () =>
  Effect.gen(function*() {
    const memory = yield* EventLogMemory.make
    yield* Effect.gen(function*() {
      yield* record([recorded("alpha")])
      yield* memory.putRow({
        at: "2026-01-01T00:00:00.000Z",
        team: "alpha",
        agent: null,
        type: "later.invention",
        generation: null,
        operation: null,
        body: "{}"
      })
      const [, entry] = yield* all
      assert.strictEqual(entry?._tag, "Unreadable")
      const log = yield* EventLog
      const state = Option.getOrThrow(yield* log.state(team("alpha")))
      assert.deepStrictEqual(state.unreadable.map(({ position }) => position), [2])
    }).pipe(Effect.provide(memory.layerFor("one")))
  }))
