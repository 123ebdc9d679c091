import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { type SpawnRequest, SpawnToken } from "reprise/plugin"
import { makeMemoryTransport, type MemoryFault } from "reprise/testing"

const request = (agent: string, generation = 1): SpawnRequest => ({
  team: "alpha",
  agent,
  generation,
  spawn: SpawnToken.make(`${agent}-${generation}`),
  argv: ["agent"],
  cwd: "/work",
  env: {}
})

const world = (...faults: ReadonlyArray<MemoryFault>) => makeMemoryTransport({ faults })

it.scoped("an answer that is lost leaves the process there", () =>
  Effect.gen(function*() {
    const { driver, processes } = yield* world({ on: "spawn", call: 2, fault: "answer_lost" })
    yield* driver.spawn(request("one"))
    const lost = yield* Effect.flip(driver.spawn(request("two")))
    expect(lost.reason).toBe("Unreachable")
    expect(processes()).toHaveLength(2)
    expect((yield* driver.list).panes.map(({ agent }) => agent)).toEqual(["one", "two"])
  }), 20_000)

it.scoped("a home that vanishes takes its agents along, and the next gives out their ids again", () =>
  Effect.gen(function*() {
    const { driver } = yield* world({ on: "list", call: 1, fault: "home_vanishes", survivors: ["two"] })
    const one = yield* driver.spawn(request("one"))
    const two = yield* driver.spawn(request("two"))
    const { orphans, ...rest } = yield* driver.list
    expect(rest).toEqual({ home: "absent", panes: [], foreign: [] })
    expect(orphans?.map(({ identity }) => identity)).toEqual([two])
    expect((yield* driver.inspect(one)).state).toBe("dead")
    expect((yield* driver.inspect(two)).state).toBe("orphaned")
    const next = yield* driver.spawn(request("one", 2))
    expect(next.pane).toBe(one.pane)
    expect((yield* driver.inspect(one)).state).toBe("dead")
    expect((yield* Effect.flip(driver.paste(one, "hello"))).reason).toBe("Gone")
  }), 20_000)

it.scoped("what takes a pane's id is foreign, and is not typed into", () =>
  Effect.gen(function*() {
    const { driver } = yield* world({ on: "list", call: 1, fault: "foreign_takes", agent: "one" })
    const one = yield* driver.spawn(request("one"))
    const { foreign, panes } = yield* driver.list
    expect([panes.length, foreign.map(({ pane }) => pane)]).toEqual([0, [one.pane]])
    expect((yield* driver.inspect(one)).state).toBe("foreign")
    expect((yield* Effect.flip(driver.paste(one, "hello"))).reason).toBe("Foreign")
  }), 20_000)

it.scoped("events are lost and doubled on demand", () =>
  Effect.gen(function*() {
    const { driver, kill } = yield* world(
      { on: "event", call: 1, fault: "lose" },
      { on: "event", call: 2, fault: "duplicate" }
    )
    const events = yield* Effect.fork(Stream.runCollect(Stream.take(driver.events, 3)))
    // Until the stream has subscribed: nothing here waits for a clock.
    yield* Effect.repeatN(Effect.yieldNow(), 100)
    const panes = yield* Effect.forEach(["one", "two", "three"], (agent) => driver.spawn(request(agent)))
    for (const { pid } of panes) yield* kill(pid)
    const seen = [...yield* Fiber.join(events)]
    expect(seen.map((event) => event._tag === "Exited" ? event.pane.window : event._tag)).toEqual([
      "alpha/two",
      "alpha/two",
      "alpha/three"
    ])
  }), 20_000)

it.scoped("a failed look is unknown, and the same run twice gives the same trace", () => {
  const run = Effect.scoped(Effect.gen(function*() {
    const { driver, trace } = yield* world(
      { on: "inspect", call: 1, fault: "unknown" },
      { on: "list", call: 1, fault: "fail" },
      { on: "capture", call: 1, fault: "slow", millis: 5000 },
      { on: "stop", call: 1, fault: "survives" }
    )
    const pane = yield* driver.spawn(request("one"))
    expect((yield* driver.inspect(pane)).state).toBe("unknown")
    expect((yield* driver.inspect(pane)).state).toBe("alive")
    expect((yield* Effect.flip(driver.list)).reason).toBe("Unreachable")
    yield* driver.paste(pane, "hello")
    yield* driver.press(pane, ["Enter"])
    const capture = yield* Effect.fork(driver.capture(pane))
    yield* TestClock.adjust("5 seconds")
    expect((yield* Fiber.join(capture)).lines).toEqual(["ready> hello", "echo: hello", "ready>"])
    expect((yield* driver.stop(pane, { graceMs: 0 })).survivors).toEqual([pane.pid])
    expect((yield* driver.stop(pane, { graceMs: 0 })).gone).toBe(true)
    return trace().map(({ call, operation, subject }) => `${operation} ${call} ${subject}`)
  }))
  return Effect.gen(function*() {
    expect(yield* run).toEqual(yield* run)
  })
})
