import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Event, LogEntry } from "../../sdk/domain/event.ts"
import { isLifecycleEvent } from "../../sdk/domain/event.ts"
import type { TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import type { EventLogError } from "../../sdk/event-log/errors.ts"
import { fold } from "../../sdk/event-log/fold.ts"
import { logLine } from "../../sdk/event-log/log-line.ts"
import type { TeamState } from "../../sdk/event-log/TeamState.ts"
import { accepted, captured, consumed, intended, recorded, step, team, tombstone } from "./samples.ts"

const alpha = team("alpha")

/** Appends under the team's lease, which is given back afterwards. */
export const record = (events: ReadonlyArray<Event>, key: TeamKey = alpha) =>
  Effect.scoped(Effect.gen(function*() {
    const log = yield* EventLog
    const lease = yield* log.lease(teamResource(key), "test")
    return yield* log.append(events, { lease })
  }))

export const all = Effect.gen(function*() {
  const log = yield* EventLog
  return Chunk.toReadonlyArray(yield* Stream.runCollect(log.read()))
})

export const folded = (entries: ReadonlyArray<LogEntry>): TeamState | undefined =>
  entries.reduce<TeamState | undefined>(fold, undefined)

const positions = (entries: Iterable<LogEntry>) => [...entries].map((entry) => entry.position)

const samples: ReadonlyArray<(index: number) => Event> = [
  (index) => recorded("alpha", index % 2 === 0 ? ["coder-1"] : ["coder-1", "coder-2"]),
  (index) => intended("alpha", "coder-1", index),
  (index) => captured("alpha", "coder-1", `s-${index}`, index),
  (index) => accepted("alpha", "coder-1", `m-${index}`, `text ${index}`),
  (index) => ({ ...consumed("alpha", "coder-1", `m-${index}`), type: "message.submitted" }),
  (index) => ({
    type: "agent.first_send_recorded",
    team: alpha,
    agent: consumed("alpha", "coder-1", "x").agent,
    generation: index,
    first_send_at: index % 2 === 0 ? { nested: [null, index] } : "2026-01-01T00:00:00Z"
  }),
  (index) => step("alpha", `step-${index % 3}`),
  () => tombstone("alpha", "coder-1", "s"),
  (index) => accepted("beta", "coder-1", `b-${index}`)
]

/** What every layer of the log has to hold. The layer is built anew for each test. */
export const eventLogSuite = (name: string, layer: () => Layer.Layer<EventLog, EventLogError>) => {
  const test = <E>(title: string, body: () => Effect.Effect<void, E, EventLog | Scope.Scope>) =>
    it.scopedLive(title, () => Effect.provide(body(), layer()))

  describe(name, () => {
    test("an empty log has no teams, no state and position 0", () => Effect.gen(function*() {
      const log = yield* EventLog
      assert.strictEqual(yield* log.position, 0)
      assert.deepStrictEqual(yield* log.teams, [])
      assert.isTrue(Option.isNone(yield* log.state(alpha)))
      assert.deepStrictEqual(yield* all, [])
      assert.strictEqual(yield* log.append([]), 0)
    }))

    test("appends answer with the position of their last event and are read back in order", () => Effect.gen(function*() {
      const log = yield* EventLog
      const batch = [accepted("alpha", "coder-1", "m-1"), consumed("alpha", "coder-1", "m-1")]
      assert.strictEqual(yield* log.append(batch), 2)
      assert.strictEqual(yield* log.append([accepted("beta", "coder-2", "m-2")]), 3)
      const entries = yield* all
      assert.deepStrictEqual(positions(entries), [1, 2, 3])
      assert.deepStrictEqual(entries.map((entry) => entry._tag === "Event" ? entry.event : entry), [
        ...batch,
        accepted("beta", "coder-2", "m-2")
      ])
      assert.deepStrictEqual(yield* log.teams, [team("alpha"), team("beta")])
    }))

    test("reads page by team, agent, type and position", () => Effect.gen(function*() {
      const log = yield* EventLog
      const pairs = Array.from({ length: 100 }, (_, index) => [
        accepted("alpha", "coder-1", `m-${index}`),
        consumed("beta", "coder-2", `m-${index}`)
      ])
      for (let round = 0; round < 7; round += 1) yield* log.append(pairs.flat())
      const read = (options: Parameters<typeof log.read>[0]) =>
        Effect.map(Stream.runCollect(log.read(options)), positions)
      assert.strictEqual((yield* read({})).length, 1400)
      assert.strictEqual((yield* read({ team: alpha })).length, 700)
      assert.deepStrictEqual(yield* read({ types: ["message.consumed"], after: 1396 }), [1398, 1400])
      assert.deepStrictEqual(yield* read({ agent: consumed("beta", "coder-2", "").agent, after: 1398 }), [1400])
      assert.deepStrictEqual(yield* read({ team: alpha, types: ["message.consumed"] }), [])
    }))

    test("a lifecycle event needs the lease of its own team", () => Effect.gen(function*() {
      const log = yield* EventLog
      const bare = yield* Effect.flip(log.append([recorded("alpha")]))
      assert.strictEqual(bare._tag, "AppendRefused")
      const beta = yield* log.lease(teamResource(team("beta")), "test")
      const foreign = yield* Effect.flip(log.append([recorded("alpha")], { lease: beta }))
      assert.strictEqual(foreign._tag, "AppendRefused")
      assert.strictEqual(yield* log.position, 0)
      assert.strictEqual(yield* record([recorded("alpha")]), 1)
    }))

    test("a lease is held by one, given back at scope close, and its token grows", () => Effect.gen(function*() {
      const log = yield* EventLog
      const scope = yield* Scope.make()
      const first = yield* Scope.extend(log.lease("team/alpha", "restart alpha"), scope)
      const held = yield* Effect.flip(log.lease("team/alpha", "other"))
      assert.strictEqual(held._tag, "LeaseHeld")
      if (held._tag === "LeaseHeld") {
        assert.strictEqual(held.holder.command, "restart alpha")
        assert.strictEqual(held.holder.pid, process.pid)
      }
      yield* log.lease("team/beta", "other")
      yield* Scope.close(scope, Exit.void)
      const stale = yield* Effect.flip(log.append([recorded("alpha")], { lease: first }))
      assert.strictEqual(stale._tag, "LeaseLost")
      const second = yield* log.lease("team/alpha", "again")
      assert.isAbove(second.token, first.token)
      const old = yield* Effect.flip(log.append([recorded("alpha")], { lease: first }))
      assert.strictEqual(old._tag, "LeaseLost")
      assert.strictEqual(yield* log.append([recorded("alpha")], { lease: second }), 1)
    }))

    test("an expected version that moved on refuses the whole batch", () => Effect.gen(function*() {
      const log = yield* EventLog
      const lease = yield* log.lease(teamResource(alpha), "test")
      yield* log.append([recorded("alpha")], { lease, expectedVersion: 0 })
      yield* log.append([accepted("alpha", "coder-1", "m-1")])
      yield* log.append([intended("alpha", "coder-1", 1)], { lease, expectedVersion: 1 })
      const state = Option.getOrThrow(yield* log.state(alpha))
      assert.strictEqual(state.lifecycleVersion, 3)
      for (const expectedVersion of [0, 1, 2, 4]) {
        const refused = yield* Effect.flip(log.append([intended("alpha", "coder-1", 2)], { lease, expectedVersion }))
        assert.strictEqual(refused._tag, "AppendRefused")
      }
      assert.strictEqual(yield* log.position, 3)
      assert.strictEqual(yield* log.append([intended("alpha", "coder-1", 2)], { lease, expectedVersion: 3 }), 4)
    }))

    test("a key makes a batch idempotent", () => Effect.gen(function*() {
      const log = yield* EventLog
      const batch = [accepted("alpha", "coder-1", "m-1"), accepted("alpha", "coder-1", "m-2")]
      assert.strictEqual(yield* log.append(batch, { key: "k" }), 2)
      assert.strictEqual(yield* log.append([accepted("alpha", "coder-1", "m-3")]), 3)
      assert.strictEqual(yield* log.append(batch, { key: "k" }), 2)
      const many = yield* Effect.all(
        Array.from({ length: 20 }, () => log.append([consumed("alpha", "coder-1", "m-1")], { key: "c" })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(many), new Set([4]))
      assert.strictEqual(yield* log.position, 4)
    }))

    test("a session belongs to one agent of the workspace at a time", () => Effect.gen(function*() {
      const log = yield* EventLog
      yield* log.append([captured("alpha", "coder-1", "s-1")])
      yield* log.append([captured("alpha", "coder-1", "s-1", 2)])
      const refused = yield* Effect.flip(
        log.append([accepted("beta", "coder-2", "m-1"), captured("beta", "coder-2", "s-1")])
      )
      assert.strictEqual(refused._tag, "SessionClaimed")
      if (refused._tag === "SessionClaimed") assert.strictEqual(`${refused.team}/${refused.agent}`, "alpha/coder-1")
      assert.strictEqual(yield* log.position, 2)
      // Within one batch too, and without a trace of the part that would have gone.
      yield* Effect.flip(log.append([captured("beta", "coder-1", "s-2"), captured("beta", "coder-2", "s-2")]))
      yield* log.append([captured("alpha", "coder-2", "s-2")])
      // Given up by a tombstone or by another capture, it is free again.
      yield* record([tombstone("alpha", "coder-1", "s-1")])
      yield* log.append([captured("beta", "coder-2", "s-1")])
      yield* log.append([captured("alpha", "coder-2", "s-3")])
      yield* log.append([captured("beta", "coder-1", "s-2")])
    }))

    test("a refused batch leaves its neighbours alone", () => Effect.gen(function*() {
      const log = yield* EventLog
      const results = yield* Effect.all(
        Array.from({ length: 60 }, (_, index) =>
          Effect.either(log.append(
            index % 3 === 0
              ? [accepted("alpha", "coder-1", `m-${index}`), captured("alpha", `coder-${index}`, "s-1")]
              : [accepted("alpha", "coder-1", `m-${index}`), consumed("alpha", "coder-1", `m-${index}`)]
          ))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter((result) => result._tag === "Left").length, 19)
      const entries = yield* all
      assert.strictEqual(entries.length, 82)
      assert.deepStrictEqual(positions(entries), Array.from({ length: 82 }, (_, index) => index + 1))
    }))

    test("what could not be read back is not written", () => Effect.gen(function*() {
      const log = yield* EventLog
      const refused = yield* Effect.flip(
        log.append([{ ...consumed("alpha", "coder-1", "m"), generation: Number.NaN }])
      )
      assert.strictEqual(refused._tag, "EventLogError")
      assert.include(refused.message, "generation")
      assert.strictEqual(yield* log.position, 0)
    }))

    test("secrets are scrubbed; a message is kept as it was said, and scrubbed where it is shown", () =>
      Effect.gen(function*() {
        const log = yield* EventLog
        const secret = `sk-${"a".repeat(30)}`
        yield* log.append([
          accepted("alpha", "coder-1", "m-1", `use ${secret} please`),
          { ...consumed("alpha", "coder-1", "m-1"), evidence: `it said ${secret} twice` }
        ])
        const [message, other] = yield* all
        if (message === undefined) return yield* Effect.dieMessage("the message is not in the log")
        assert.include(JSON.stringify(message), `use ${secret} please`)
        assert.include(logLine(message), "use [redacted] please")
        assert.include(JSON.stringify(other), "it said [redacted] twice")
      }))

    test("following loses nothing and doubles nothing at the seam", () => Effect.gen(function*() {
      const log = yield* EventLog
      const appends = (from: number, count: number) =>
        Effect.forEach(
          Array.from({ length: count }, (_, index) => from + index),
          (index) => log.append([accepted(index % 2 === 0 ? "alpha" : "beta", "coder-1", `m-${index}`)]),
          { discard: true }
        )
      yield* appends(0, 100)
      const follow = (options: Parameters<typeof log.follow>[0], count: number) =>
        log.follow(options).pipe(Stream.take(count), Stream.runCollect, Effect.map(positions), Effect.fork)
      const everything = yield* follow({}, 400)
      const late = yield* follow({ after: 50 }, 350)
      yield* Effect.fork(appends(100, 150))
      const mine = yield* follow({ team: alpha, types: ["message.accepted"] }, 200)
      yield* appends(1000, 150)
      const count = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1)
      assert.deepStrictEqual(yield* Fiber.join(everything), count(0, 400))
      assert.deepStrictEqual(yield* Fiber.join(late), count(50, 400))
      const own = yield* Fiber.join(mine)
      assert.strictEqual(new Set(own).size, 200)
      assert.deepStrictEqual(own, [...own].sort((a, b) => a - b))
    }))

    test("a long run is folded to the same state as its events, one by one", () => Effect.gen(function*() {
      const log = yield* EventLog
      yield* record([recorded("alpha")])
      for (let index = 0; index < 150; index += 1) {
        yield* log.append(Array.from({ length: 20 }, (_, each): Event =>
          each % 2 === 0
            ? accepted("alpha", "coder-1", `m-${index}-${each}`)
            : { ...consumed("alpha", "coder-1", `m-${index}-${each - 1}`), type: "message.submitted" }))
        if (index % 40 === 0) {
          assert.deepStrictEqual(Option.getOrUndefined(yield* log.state(alpha)), folded(yield* all))
        }
      }
      assert.deepStrictEqual(Option.getOrUndefined(yield* log.state(alpha)), folded(yield* all))
    }))

    it.live("state is the fold of the events, whatever they are", () =>
      Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.array(FastCheck.tuple(FastCheck.nat(samples.length - 1), FastCheck.nat(9)), { maxLength: 40 }),
            FastCheck.array(FastCheck.nat(59), { maxLength: 3 }),
            async (picks, looks) => {
              await Effect.runPromise(
                Effect.gen(function*() {
                  const log = yield* EventLog
                  const lease = yield* log.lease(teamResource(alpha), "test")
                  for (const [at, [kind, index]] of picks.entries()) {
                    const event = samples[kind]?.(index)
                    if (event === undefined) continue
                    yield* log.append([event], isLifecycleEvent(event) ? { lease } : {})
                    if (looks.includes(at)) yield* log.state(alpha)
                  }
                  const entries = (yield* all).filter((entry) => entry._tag === "Event" && entry.event.team === "alpha")
                  assert.deepStrictEqual(Option.getOrUndefined(yield* log.state(alpha)), folded(entries))
                }).pipe(Effect.scoped, Effect.provide(layer()))
              )
            }
          ),
          { numRuns: 15 }
        )
      ))
  })
}
