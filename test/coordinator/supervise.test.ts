// What a supervisor does about deaths, on agents in memory.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { teamResource } from "../../sdk/event-log/EventLog.ts"
import { TeamKey } from "../../sdk/domain/ids.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Supervise from "../../sdk/coordinator/Supervise.ts"
import type { StartRecord } from "../../sdk/domain/history.ts"
import { usedBy } from "../../sdk/policy/Budget.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { eventually, makeWorld, type World } from "../lifecycle/world.ts"
import { superviseWorld, unbounded } from "./world.ts"

const generations = (world: World) =>
  Effect.map(world.team(), ({ agents }) => agents.map(({ generation, spec }) => `${spec.id} ${generation}`).join(", "))
const lives = (world: World, ...ids: ReadonlyArray<string>) =>
  eventually(Effect.sync(() => world.living().join() === ids.join()))
const running = (world: World, id: string, generation: number) =>
  eventually(Effect.map(world.agent(id), (agent) => agent.generation === generation && agent.phase === "running"))
const quiet = Effect.sleep("400 millis")
const three = { one: {}, three: {}, two: {} }

describe("a death", () => {
  it.scopedLive("brings the agent back in its conversation, once, and says why", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      yield* world.firstSend("one")
      const session = (yield* world.agent("one")).session?.id
      const supervisor = yield* superviseWorld(world)
      yield* eventually(Effect.sync(() => supervisor.heard("is supervised (oneForOne)")))
      yield* world.kill("one")
      yield* running(world, "one", 2)
      assert.strictEqual((yield* world.agent("one")).session?.id, session)
      yield* quiet
      assert.strictEqual(yield* generations(world), "one 2, three 1, two 1")
      assert.isTrue(supervisor.heard("alpha/one died (signal 9; It ended with code unknown). Restarted now."))
      const [restarting] = yield* world.events("supervision.restarting")
      assert.deepStrictEqual([restarting?.died, restarting?.agents, restarting?.strategy], [["one"], ["one"], "oneForOne"])
      assert.deepStrictEqual((yield* world.agent("one")).history.starts.map(({ cause }) => cause), ["launch", "death"])
      assert.strictEqual((yield* world.team()).supervision.enabled?.strategy, "oneForOne")
    }))

  it.scopedLive("is found when nobody told of it, also one of before", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      yield* world.kill("two")
      yield* superviseWorld(world)
      yield* running(world, "two", 2)
      yield* world.transport.kill(world.pidOf("one") ?? 0, { code: 1, signal: null }, { silent: true })
      yield* running(world, "one", 2)
    }))

  it.scopedLive("of many at once is one restart, and starts with one login keep their distance", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      const starts: Array<number> = []
      for (const id of Object.keys(three)) world.script.set(id, { onStart: () => starts.push(Date.now()) })
      const supervisor = yield* superviseWorld(world, unbounded(Policy.standard), { stagger: "150 millis" })
      yield* eventually(Effect.sync(() => supervisor.heard("is supervised")))
      yield* world.kill("one", "two", "three")
      yield* running(world, "one", 2)
      yield* running(world, "two", 2)
      yield* running(world, "three", 2)
      const sorted = starts.toSorted((a, b) => a - b)
      assert.isAtLeast((sorted[1] ?? 0) - (sorted[0] ?? 0), 140)
      assert.isAtLeast((sorted[2] ?? 0) - (sorted[1] ?? 0), 140)
    }))

  it.scopedLive("brings back all with oneForAll, and whoever stands after with restForOne", () =>
    Effect.gen(function*() {
      for (const [strategy, after] of [["oneForAll", "one 2, three 2, two 2"], ["restForOne", "one 1, three 2, two 2"]] as const) {
        const world = yield* makeWorld()
        yield* world.up("alpha", three)
        const supervisor = yield* superviseWorld(world, unbounded(Policy.standard), { strategy })
        yield* eventually(Effect.sync(() => supervisor.heard(`is supervised (${strategy})`)))
        yield* world.kill("three")
        yield* eventually(Effect.map(generations(world), (now) => now === after))
        yield* lives(world, "one", "three", "two")
        yield* quiet
        assert.strictEqual(yield* generations(world), after)
        yield* supervisor.end
      }
    }))
})

describe("what is no death", () => {
  it.scopedLive("an exit that was asked for: status 0 of one that was ready; said once", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      const supervisor = yield* superviseWorld(world, unbounded(Policy.standard), { strategy: "oneForAll" })
      yield* world.transport.kill(world.pidOf("one") ?? 0, { code: 0, signal: null })
      yield* eventually(Effect.sync(() => supervisor.heard("alpha/one ended and is left as it is")))
      yield* quiet
      assert.strictEqual(yield* generations(world), "one 1, three 1, two 1")
      assert.deepStrictEqual((yield* world.events("supervision.left")).map(({ agent, code }) => `${agent} ${code}`), ["one asked_for"])
      // It stays out of what is done for others, and is watched again once a person has started it.
      yield* world.kill("two")
      yield* running(world, "two", 2)
      assert.strictEqual(yield* generations(world), "one 1, three 2, two 2")
      yield* world.restart(Policy.standard, { agents: ["one"] })
      assert.deepStrictEqual((yield* world.team()).supervision.givenUp, [])
    }))

  it.scopedLive("a team that its user stopped, and a person's restart", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      yield* superviseWorld(world)
      yield* world.restart()
      yield* quiet
      assert.strictEqual(yield* generations(world), "one 2, three 2, two 2")
      yield* world.run(Shutdown.down("alpha"))
      yield* quiet
      assert.deepStrictEqual(world.living(), [])
      assert.deepStrictEqual(yield* world.events("supervision.restarting"), [])
    }))

  it.scopedLive("a process of which nothing is known", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      yield* world.transport.inject({ on: "inspect", call: "every", fault: "unknown" })
      yield* superviseWorld(world)
      yield* world.kill("one")
      yield* quiet
      assert.deepStrictEqual(yield* world.events("supervision.restarting"), [])
    }))

  it.scopedLive("a usage limit: it waits until its time, and counts in no budget", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const supervisor = yield* superviseWorld(world)
      world.script.set("one", { exits: 9 })
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("It is restarted at 2030-01-01T00:00:00.000Z: then its limit ends.")))
      yield* quiet
      const { generation, history } = yield* world.agent("one")
      assert.strictEqual(generation, 2)
      // The start that follows is for the limit's end; only the one before it was made by a crash.
      const at = new Date().toISOString()
      const next: StartRecord = { generation: 3, at, operation: null, cause: "death", readyAt: null, endedAt: null }
      const window = { now: Date.now() + 1, perMs: 3_600_000, healthyForMs: 3_600_000 }
      assert.strictEqual(usedBy({ ...history, starts: [...history.starts, next] }, "dead", window).restarts, 1)
      assert.deepStrictEqual((yield* world.events("supervision.waiting")).map(({ until }) => until), ["2030-01-01T00:00:00.000Z"])
    }))
})

describe("what has an end", () => {
  const twice = Policy.standard.pipe(Policy.withBudget({ restarts: 2, per: "1 hour", exceeded: Policy.escalate("leader") }))

  it.scopedLive("a budget: spent, it stops, says so once, and goes on when it was cleared by name", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { exits: 1 })
      const supervisor = yield* superviseWorld(world, twice)
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("Supervision of it ends here.")))
      yield* quiet
      assert.strictEqual((yield* world.agent("one")).generation, 3)
      const spent = yield* world.events("supervision.exhausted")
      assert.deepStrictEqual(spent.map(({ agent, restarts, used }) => ({ agent, restarts, used })), [{ agent: "one", restarts: 2, used: 2 }])
      assert.isTrue(supervisor.heard("reprise supervise --clear one --team alpha"))
      assert.strictEqual(supervisor.said.filter((sentence) => sentence.includes("is spent")).length, 1)
      // The next supervisor knows it too.
      yield* supervisor.end
      const next = yield* superviseWorld(world, twice)
      yield* quiet
      assert.strictEqual((yield* world.agent("one")).generation, 3)
      assert.isFalse(next.heard("ends here"))
      world.script.delete("one")
      yield* world.run(Restart.clearBudget("alpha", "it was mended", ["one"]))
      yield* running(world, "one", 4)
    }))

  it.scopedLive("a budget whose end starts it again: that is done once, said truly, and then it stops", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { exits: 1 })
      const onAndOn = Policy.standard.pipe(Policy.withBudget({ restarts: 2, per: "1 hour", exceeded: Policy.resume }))
      const supervisor = yield* superviseWorld(world, onAndOn)
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("Supervision of it ends here.")))
      yield* quiet
      assert.strictEqual((yield* world.agent("one")).generation, 4)
      assert.strictEqual((yield* world.events("supervision.exhausted")).length, 1)
      world.script.delete("one")
      yield* world.run(Restart.clearBudget("alpha", "it was mended", ["one"]))
      yield* running(world, "one", 5)
    }))

  it.scopedLive("a policy without a budget has one all the same", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { exits: 1 })
      const supervisor = yield* superviseWorld(world, Policy.standard)
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("Supervision of it ends here.")))
      assert.strictEqual((yield* world.agent("one")).generation, 4)
    }))

  it.scopedLive("a back-off: the first restart follows at once, the next ones as the policy says", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      let died = 0
      world.script.set("one", { exits: 1, onStart: () => { if (++died === 2) world.script.delete("one") } })
      const slow = unbounded(Policy.standard.pipe(Policy.withBackoff(Schedule.spaced("30 seconds"), { times: 0 })))
      const supervisor = yield* superviseWorld(world, slow, { stableFor: "1 minute" })
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("it did not live long since it was started last")))
      yield* quiet
      assert.strictEqual((yield* world.agent("one")).generation, 2)
      const [waiting] = yield* world.events("supervision.waiting")
      const diedAt = (yield* world.agent("one")).history.deaths.at(-1)?.at ?? ""
      assert.strictEqual(Date.parse(waiting?.until ?? "") - Date.parse(diedAt), 30_000)
    }))

  it.scopedLive("what another start can't mend is left, and said", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { exits: 3 })
      const supervisor = yield* superviseWorld(world)
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("another start can't mend it: No such conversation")))
      yield* quiet
      assert.strictEqual((yield* world.agent("one")).generation, 2)
    }))
})

describe("a home that went away", () => {
  it.scopedLive("is one question about the team; without an answer nobody is started", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      const supervisor = yield* superviseWorld(world)
      yield* world.transport.vanish()
      yield* eventually(Effect.sync(() => supervisor.heard("whether that was meant is unknown, and nobody was asked")))
      yield* quiet
      assert.deepStrictEqual(world.living(), [])
      assert.deepStrictEqual((yield* world.events("supervision.held")).map(({ agents }) => agents.join()), ["one,three,two"])
      // Whoever a person brings back is supervised; the others stay as they are.
      yield* world.restart(Policy.standard, { agents: ["two"] })
      yield* world.kill("two")
      yield* running(world, "two", 3)
      yield* quiet
      assert.deepStrictEqual(world.living(), ["two"])
    }))

  it.scopedLive("is answered by the policy's word on boots, with one restart", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      yield* superviseWorld(world, unbounded(Policy.standard).pipe(Policy.onBoot("resume")))
      yield* world.transport.vanish()
      yield* lives(world, "one", "three", "two")
      yield* quiet
      assert.strictEqual((yield* world.events("supervision.restarting")).length, 1)
      assert.strictEqual(yield* generations(world), "one 2, three 2, two 2")
    }))
})

describe("several at once", () => {
  it.scopedLive("a second supervisor is told that one runs", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const first = yield* superviseWorld(world)
      yield* eventually(Effect.sync(() => first.heard("is supervised")))
      const second = yield* Effect.flip(world.run(Supervise.supervise("alpha", Policy.standard)))
      assert.strictEqual(second._tag, "LeaseHeld")
      assert.include(second.message, "supervise/alpha is in the hands of process")
    }))

  it.scopedLive("another command goes first; what it leaves is looked at after it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const supervisor = yield* superviseWorld(world)
      yield* eventually(Effect.sync(() => supervisor.heard("is supervised")))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* world.log.lease(teamResource(TeamKey.make("alpha")), "a person's restart")
        yield* world.kill("one")
        yield* eventually(Effect.sync(() => supervisor.heard("(a person's restart) changes team alpha; it goes first")))
        yield* quiet
        assert.strictEqual((yield* world.agent("one")).generation, 1)
        assert.strictEqual((yield* world.events("supervision.yielded")).length, 1)
      }))
      yield* running(world, "one", 2)
    }))

  it.scopedLive("switched off, it ends and does nothing more", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const supervisor = yield* superviseWorld(world)
      yield* eventually(Effect.sync(() => supervisor.heard("is supervised")))
      yield* world.run(Supervise.disable("alpha", "enough"))
      const exit = yield* Fiber.await(supervisor.fiber)
      assert.isTrue(Exit.isSuccess(exit) && exit.value.outcome === "disabled")
      assert.isNull((yield* world.team()).supervision.enabled)
      yield* world.kill("one")
      yield* quiet
      assert.deepStrictEqual(world.living(), [])
    }))
})

describe("one that only watches", () => {
  it.scopedLive("says what it would do, and does nothing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", three)
      const touches = world.touches()
      const supervisor = yield* superviseWorld(world, undefined, { observe: true, strategy: "oneForAll" })
      yield* eventually(Effect.sync(() => supervisor.heard("is watched (oneForAll)")))
      yield* world.transport.kill(world.pidOf("two") ?? 0, { code: 0, signal: null })
      yield* eventually(Effect.sync(() => supervisor.heard("alpha/two ended and is left")))
      yield* world.kill("one")
      yield* eventually(Effect.sync(() => supervisor.heard("alpha/one died")))
      yield* quiet
      assert.strictEqual(world.touches(), touches)
      assert.deepStrictEqual(
        (yield* world.events("supervision.observed")).map(({ agents, would }) => `${would} ${agents.join()}`).toSorted(),
        ["leave two", "restart one,three"]
      )
      assert.isNull((yield* world.team()).supervision.enabled)
    }))
})
