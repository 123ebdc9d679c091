// A supervisor that is killed leaves nothing broken: the next one goes on where it was.
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type DeathPoint, isDeathPoint } from "reprise/testing"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import * as Supervise from "../../sdk/coordinator/Supervise.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { eventually, makeWorld, type World } from "../lifecycle/world.ts"
import { superviseWorld, unbounded } from "./world.ts"

/** What a process of its own runs on that stands still for ever at an append, and when it does. */
const processKilledAt = (world: World, point: DeathPoint) =>
  Effect.gen(function*() {
    const reached = yield* Deferred.make<void>()
    const context = yield* world.contextFor("killed")
    const log = Context.get(context, EventLog)
    let count = 0
    const dying = EventLog.of({
      ...log,
      append: (events, options) =>
        Effect.suspend(() => {
          count += 1
          if (!isDeathPoint(events, count, point)) return log.append(events, options)
          const die = Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
          return point.when === "before" ? die : Effect.zipRight(log.append(events, options), die)
        })
    })
    return { context: Context.add(context, EventLog, dying), reached }
  })

/** A supervisor in a process of its own, which stands still for ever at an append and is dead for the log from then on. */
const killedAt = (world: World, point: DeathPoint, strategy: "oneForOne" | "oneForAll") =>
  Effect.gen(function*() {
    const { context, reached } = yield* processKilledAt(world, point)
    yield* Supervise.supervise("alpha", unbounded(Policy.standard), { strategy, stagger: 0, lookEvery: "50 millis" }).pipe(
      Effect.provide(context),
      Effect.forkScoped
    )
    yield* eventually(Effect.map(world.team(), ({ supervision }) => supervision.enabled !== null))
    yield* world.kill("two")
    yield* Deferred.await(reached).pipe(Effect.timeout("20 seconds"), Effect.orDie)
    yield* world.endProcess("killed")
  })

const points: ReadonlyArray<DeathPoint> = [
  { when: "after", type: "agent.exited" },
  { when: "before", type: "supervision.restarting" },
  { when: "after", type: "supervision.restarting" },
  { when: "after", type: "operation.started" },
  { when: "before", step: "spawn", phase: "intent", agent: "two" },
  { when: "after", step: "spawn", phase: "intent", agent: "two" },
  { when: "before", step: "spawn", phase: "result", agent: "two" },
  { when: "after", step: "spawn", phase: "result", agent: "two" },
  { when: "before", step: "ready", phase: "result", agent: "two" },
  { when: "before", type: "operation.finished" }
]

const cases = (["oneForOne", "oneForAll"] as const).flatMap((strategy) => points.map((point) => ({ strategy, point })))

describe("a supervisor that was killed", () => {
  it.scopedLive.each(cases)("leaves what the next one finishes: $strategy, $point", ({ point, strategy }) =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.firstSend("two")
      const session = (yield* world.agent("two")).session?.id
      yield* killedAt(world, point, strategy)
      yield* superviseWorld(world, undefined, { strategy })
      yield* eventually(Effect.gen(function*() {
        const { agents, operation } = yield* world.team()
        return operation === null && agents.every(({ phase }) => phase === "running") && world.living().join() === "one,two"
      }))
      assert.strictEqual((yield* world.agent("two")).session?.id, session)
      // No more than the one start that was lost with the killed one, and nobody twice.
      assert.isAtMost((yield* world.agent("two")).generation, 3)
    }))
})

describe("a person's restart that was killed", () => {
  it.scopedLive("waits for a person; then supervision goes on", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const { context, reached } = yield* processKilledAt(world, { when: "after", step: "stop", phase: "result", agent: "two" })
      yield* Restart.restart("alpha", Policy.standard, { concurrency: 1 }).pipe(Effect.provide(context), Effect.forkScoped)
      yield* Deferred.await(reached).pipe(Effect.timeout("20 seconds"), Effect.orDie)
      yield* world.endProcess("killed")
      const supervisor = yield* superviseWorld(world)
      yield* eventually(Effect.sync(() => supervisor.heard("was interrupted, and waits for a person")))
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(world.living(), ["one"])
      assert.strictEqual((yield* world.restart(Policy.standard, { unfinished: "continue" })).outcome, "restarted")
      const { generation } = yield* world.agent("two")
      yield* world.kill("two")
      yield* eventually(Effect.map(world.agent("two"), (two) => two.generation === generation + 1 && two.phase === "running"))
    }))
})
