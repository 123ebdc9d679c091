// What is thought of a death, who is restarted for it, and after how long: pure.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schedule from "effect/Schedule"
import { nthDelay, standardBackoff } from "../../sdk/coordinator/back-off.ts"
import { readDeath } from "../../sdk/coordinator/death.ts"
import { restartedBy, shortLived } from "../../sdk/coordinator/strategy.ts"
import type { AgentFailure } from "../../sdk/domain/failure.ts"
import { noHistory, type StartRecord } from "../../sdk/domain/history.ts"
import { AgentId } from "../../sdk/domain/ids.ts"
import type { ProcessExit } from "../../sdk/domain/pane.ts"
import type { AgentState } from "../../sdk/event-log/TeamState.ts"
import type { AgentObservation } from "../../sdk/lifecycle/observe.ts"
import { makeWorld } from "../lifecycle/world.ts"

const now = Date.parse("2026-05-04T12:00:00Z")
const boot = "6f0c7c1e-0000-4000-8000-000000000001"
const at = (ms: number): string => new Date(now + ms).toISOString()

/** An agent that had been ready, as a real one is recorded. */
const anAgent = Effect.gen(function*() {
  const world = yield* makeWorld()
  yield* world.up("alpha", { one: {}, two: {}, three: { paused: true }, four: {} })
  return { team: yield* world.team(), one: yield* world.agent("one") }
})

const dead = (exit: ProcessExit | null): AgentObservation => ({ process: { state: "dead", evidence: "it is gone" }, pane: null, exit, strays: [] })
const read = (agent: AgentState, exit: ProcessExit | null, more: { readonly homeGone?: boolean } = {}) =>
  readDeath(agent, dead(exit), { homeGone: false, boot, provider: undefined, now, ...more })?.cause
const failed = (agent: AgentState, failure: Partial<AgentFailure>): AgentState => ({
  ...agent,
  phase: "failed",
  failure: { kind: "crash", reason: "It ended.", retryable: true, retryAt: null, ...failure }
})

describe("a death", () => {
  it.scopedLive("is asked for where it had been ready and ended with status 0, and nothing else is", () =>
    Effect.gen(function*() {
      const { one } = yield* anAgent
      const leave = read(one, { code: 0, signal: null })
      assert.deepStrictEqual(leave?._tag === "Leave" ? leave.code : leave, "asked_for")
      const neverReady = { ...one, phase: "spawned" as const, spawn: one.spawn === null ? null : { ...one.spawn, readyAt: null } }
      for (const cause of [
        read(one, null),
        read(one, { code: null, signal: null }),
        read(one, { code: 0, signal: 9 }),
        read(one, { code: 1, signal: null }),
        read(neverReady, { code: 0, signal: null })
      ]) assert.strictEqual(cause?._tag, "Crash")
    }))

  it.scopedLive("is none where it was stopped, is paused, or is not proved", () =>
    Effect.gen(function*() {
      const { one } = yield* anAgent
      assert.isUndefined(read({ ...one, phase: "stopped" }, { code: 1, signal: null }))
      assert.isUndefined(read({ ...one, spec: { ...one.spec, paused: true } }, { code: 1, signal: null }))
      assert.isUndefined(read({ ...one, removed: true }, { code: 1, signal: null }))
      for (const state of ["alive", "orphaned", "foreign", "unknown"] as const) {
        const seen = { ...dead(null), process: { state, evidence: "" } }
        assert.isNull(readDeath(one, seen, { homeGone: true, boot, provider: undefined, now }))
      }
      assert.isNull(readDeath(one, undefined, { homeGone: false, boot, provider: undefined, now }))
    }))

  it.scopedLive("of a limit waits until its time, never less than a minute, longer each time; without a time it is a person's", () =>
    Effect.gen(function*() {
      const { one } = yield* anAgent
      const limit = failed(one, { kind: "usage_limit", retryAt: at(3_600_000) })
      const cause = read(limit, null)
      assert.strictEqual(cause?._tag === "Limit" ? cause.until : 0, now + 3_600_000)
      const waits = [1, 2, 3, 30].map((count) => {
        const deaths = Array.from({ length: count }, (_, index) => ({ generation: -index, at: at(-1), exit: null, kind: "usage_limit" as const }))
        const again = read({ ...failed(one, { kind: "usage_limit", retryAt: at(-5) }), history: { ...noHistory, deaths } }, null)
        return again?._tag === "Limit" ? (again.until - now) / 60_000 : -1
      })
      assert.deepStrictEqual(waits, [1, 2, 4, 60])
      for (const kind of ["usage_limit", "auth"] as const) {
        const left = read(failed(one, { kind }), null)
        assert.strictEqual(left?._tag === "Leave" ? left.code : "", kind)
      }
    }))

  it.scopedLive("with the home or the boot is nobody's own; one of before the home went is", () =>
    Effect.gen(function*() {
      const { one } = yield* anAgent
      assert.strictEqual(read(one, null, { homeGone: true })?._tag, "Home")
      assert.strictEqual(read({ ...one, phase: "exited" }, null, { homeGone: true })?._tag, "Crash")
      const { spawn } = one
      const pane = spawn?.pane ?? null
      if (spawn === null || pane === null) return assert.fail("it has no process")
      const started = (startTime: string): AgentState => ({ ...one, phase: "exited", spawn: { ...spawn, pane: { ...pane, startTime } } })
      assert.strictEqual(read(started(`17@${boot}`), null)?._tag, "Crash")
      const other = read(started("17@6f0c7c1e-0000-4000-8000-000000000002"), null)
      assert.isTrue(other?._tag === "Home" && other.boot)
      // As records on disk name it: the ticks, and the beginning of the boot's id.
      assert.strictEqual(read(started("17@6f0c7c1e"), null)?._tag, "Crash")
      const short = read(started("17@deadbeef"), null)
      assert.isTrue(short?._tag === "Home" && short.boot)
      assert.strictEqual(read(started("Sun Nov 22 21:02:03 2026@ps"), null)?._tag, "Crash")
    }))
})

describe("a strategy", () => {
  it.scopedLive("takes who died, all, or those after the first of them; never who is paused, stopped or given up", () =>
    Effect.gen(function*() {
      const { team } = yield* anAgent
      const ids = (...names: ReadonlyArray<string>) => names.map((name) => AgentId.make(name))
      assert.deepStrictEqual(restartedBy("oneForOne", team, ids("two")), ids("two"))
      assert.deepStrictEqual(restartedBy("oneForAll", team, ids("two")), ids("one", "two", "four"))
      assert.deepStrictEqual(restartedBy("restForOne", team, ids("two")), ids("two", "four"))
      assert.deepStrictEqual(restartedBy("oneForAll", team, ids("two"), ids("one")), ids("two", "four"))
      const givenUp = [{ agent: AgentId.make("four"), generation: 1, code: "exhausted", why: "" }]
      assert.deepStrictEqual(restartedBy("oneForAll", { ...team, supervision: { enabled: null, givenUp } }, ids("two")), ids("one", "two"))
      const stopped = { ...team, agents: team.agents.map((agent) => agent.spec.id === "one" ? { ...agent, phase: "stopped" as const } : agent) }
      assert.deepStrictEqual(restartedBy("oneForAll", stopped, ids("two")), ids("two", "four"))
    }))
})

describe("the back-off", () => {
  it("counts the starts for deaths that did not last; a person, a launch or health ends the row", () => {
    const start = (cause: StartRecord["cause"], livedMs: number | null): StartRecord => ({
      generation: 1,
      at: at(0),
      operation: null,
      cause,
      readyAt: livedMs === null ? null : at(0),
      endedAt: livedMs === null ? at(0) : at(livedMs)
    })
    const row = (...starts: ReadonlyArray<StartRecord>) => shortLived({ ...noHistory, starts }, now, 60_000)
    assert.strictEqual(row(), 0)
    assert.strictEqual(row(start("launch", 5)), 0)
    assert.strictEqual(row(start("launch", 5), start("death", 5), start("death", null)), 2)
    assert.strictEqual(row(start("death", 5), start("death", 60_000), start("death", 5)), 1)
    assert.strictEqual(row(start("death", 5), start("person", 5)), 0)
    assert.strictEqual(row(start("death", 5), start("boot", 70_000)), 0)
  })

  it.effect("is the schedule's own delay, without waiting for it; past its end the last one", () =>
    Effect.gen(function*() {
      const delays = <R>(schedule: Schedule.Schedule<unknown, unknown, R>) => Effect.forEach([1, 2, 3, 4, 9], (count) => nthDelay(schedule, count))
      assert.deepStrictEqual(yield* delays(standardBackoff), [1_000, 2_000, 4_000, 8_000, 60_000])
      assert.deepStrictEqual(yield* delays(Schedule.spaced("3 seconds")), [3_000, 3_000, 3_000, 3_000, 3_000])
      assert.deepStrictEqual(yield* delays(Schedule.exponential("1 second").pipe(Schedule.intersect(Schedule.recurs(2)))), [1_000, 2_000, 2_000, 2_000, 2_000])
      assert.deepStrictEqual(yield* delays(Schedule.exponential("1 hour")), [600_000, 600_000, 600_000, 600_000, 600_000])
    }))

  it.effect.prop("never goes back, whatever the number", { count: FastCheck.integer({ min: 1, max: 40 }) }, ({ count }) =>
    Effect.gen(function*() {
      const [one, next] = [yield* nthDelay(standardBackoff, count), yield* nthDelay(standardBackoff, count + 1)]
      assert.isTrue(one > 0 && one <= next && next <= 60_000)
    }))
})
