// A rollout in the journal: its batches, what was tried again, and what an interruption leaves to say.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FC from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { AgentId, OperationId } from "../../sdk/domain/ids.ts"
import type { OperationState } from "../../sdk/event-log/TeamState.ts"
import { endedBy, orderOf } from "../../sdk/lifecycle/interrupted.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"
import { eventually, makeWorld, type World } from "./world.ts"

const results = (report: { readonly agents: ReadonlyArray<{ readonly id: string; readonly result: string }> }) =>
  report.agents.map(({ id, result }) => `${id} ${result}`)

/** The batches of the newest operation, as the journal has them. */
const journal = (world: World) =>
  Effect.gen(function*() {
    const started = (yield* world.events("operation.started")).at(-1)
    const steps = (yield* world.events("operation.step")).filter(({ operation }) => operation === started?.operation)
    return {
      order: started?.batches?.map(({ agents }) => agents.join(" ")),
      steps: steps.filter(({ step }) => step.startsWith("batch/")).map(({ failed, phase, step }) =>
        `${step} ${phase}${failed === undefined ? "" : `: ${failed.map(({ agent }) => agent).join(" ") || "well"}`}`)
    }
  })

describe("the batches of a rollout", () => {
  it.scopedLive("are steps, each with its verdict; those that are not reached are none", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {}, four: {} })
      world.script.set("three", { exits: 1 })
      const report = yield* world.restart(Policy.standard.pipe(Policy.rollout(Rollout.sequence(["two", ["one", "three"]]))))
      assert.deepStrictEqual(results(report), ["one resumed", "two resumed", "three failed", "four untouched"])
      assert.strictEqual(report.outcome, "partial", report.message)
      assert.deepStrictEqual(yield* journal(world), {
        order: ["two", "one three", "four"],
        steps: ["batch/1 intent", "batch/1 result: well", "batch/2 intent", "batch/2 result: three"]
      })
    }))

  it.scopedLive("follow the team's tasks: nobody comes back before those on whose work its own builds", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { scribe: {}, coder: {}, planner: {}, idler: {} }, {
        tasks: { plan: { assignee: "planner" }, code: { assignee: "coder", deps: ["plan"] }, guide: { assignee: "scribe", deps: ["code"] } }
      })
      const byTasks = Policy.standard.pipe(Policy.rollout(Rollout.dependencyOrder()))
      const report = yield* world.restart(byTasks)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual((yield* journal(world)).order, ["planner idler", "coder", "scribe"])
      world.script.set("coder", { exits: 1 })
      const failed = yield* world.restart(byTasks)
      assert.deepStrictEqual(results(failed), ["scribe untouched", "coder failed", "planner resumed", "idler resumed"])
    }))

  it.scopedLive("are none where all go at once", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      yield* world.restart()
      assert.deepStrictEqual(yield* journal(world), { order: undefined, steps: [] })
    }))
})

describe("a start that is tried again", () => {
  it.scopedLive("is a step with its number and what it follows", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { exits: 1 })
      yield* world.restart(Policy.standard.pipe(Policy.withBackoff(Schedule.spaced("5 millis"), { times: 2 })))
      const tries = (yield* world.events("operation.step")).filter(({ step }) => step === "retry")
      assert.deepStrictEqual(tries.map(({ phase }) => phase), ["intent", "result", "intent", "result"])
      assert.deepInclude(tries[3]?.detail, { try: 2, of: 2 })
    }))
})

describe("a rollout that is interrupted", () => {
  const interrupt = (world: World, policy: Policy.AnyPolicy<never, never>, id: string) =>
    Effect.gen(function*() {
      const starts = world.spawnsOf(id).length
      world.script.set(id, { hangs: true })
      const first = yield* Effect.fork(world.restart(policy))
      yield* eventually(Effect.sync(() => world.spawnsOf(id).length > starts))
      yield* Fiber.interrupt(first)
      world.script.delete(id)
    })

  it.scopedLive("keeps its order, whatever the policy of the restart that continues it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      yield* interrupt(world, Policy.standard.pipe(Policy.rollout(Rollout.canary("two").then(Rollout.rolling({ batch: 1 })))), "two")
      const plan = yield* world.plan()
      assert.include(Restart.explain(plan), "order: two; then one; then three (as the interrupted rollout had it)")
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual((yield* journal(world)).order, ["two", "one", "three"])
    }))

  it.scopedLive("sees again whether who was back lives long enough", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const policy = (healthyFor: "1 hour" | "20 millis") =>
        Policy.standard.pipe(Policy.rollout(Rollout.canary("two", { healthyFor }).then(Rollout.allAtOnce)))
      const watches = Effect.map(world.events("operation.step"), (steps) => steps.filter(({ step }) => step === "healthy").length)
      const watched = (more: number) => eventually(Effect.map(watches, (count) => count === more))
      const first = yield* Effect.fork(world.restart(policy("1 hour")))
      yield* watched(1)
      yield* Fiber.interrupt(first)
      const [one, two] = [world.pidOf("one"), world.pidOf("two")]
      const explained = Restart.explain(yield* world.plan(policy("20 millis")))
      assert.match(explained, /1\. two\n +two:\n +healthy +sees it live for 1h before anybody else is touched\n +2\. one\n/)
      const second = yield* Effect.fork(world.restart(policy("20 millis")))
      yield* watched(2)
      assert.deepStrictEqual([world.pidOf("one"), world.pidOf("two")], [one, two])
      yield* world.kill("two")
      const report = yield* Fiber.join(second)
      assert.deepStrictEqual(results(report), ["one untouched", "two failed"])
      assert.strictEqual(world.pidOf("one"), one)
    }))

  it.scopedLive("says what is still to be seen of who is back, in a batch or in none", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const policy = Policy.standard.pipe(Policy.verify(() => Effect.never, "answers"))
      const checking = eventually(Effect.map(world.events("operation.step"), (steps) =>
        steps.filter(({ phase, step }) => step === "verify" && phase === "intent").length === 2))
      const first = yield* Effect.fork(world.restart(policy))
      yield* checking
      yield* Fiber.interrupt(first)
      const plan = yield* world.plan(policy)
      assert.deepStrictEqual(plan.agents.map((entry) => [entry.alreadyBack, Restart.stepsOf(plan, entry).map(({ name }) => name)]), [
        [true, ["verify"]],
        [true, ["verify"]]
      ])
      assert.include(Restart.explain(plan), "one: verify  checks: answers")
    }))

  it.scopedLive("is tried again where its policy tries again, for it had not failed for good", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      world.script.set("two", { exits: 1 })
      const policy = Policy.standard.pipe(
        Policy.withBackoff(Schedule.spaced("1 hour"), { times: 3 }),
        Policy.rollout(Rollout.canary("two").then(Rollout.allAtOnce))
      )
      const first = yield* Effect.fork(world.restart(policy))
      yield* eventually(Effect.map(world.events("agent.failed"), (failures) => failures.length > 0))
      yield* Fiber.interrupt(first)
      world.script.delete("two")
      const report = yield* world.restart(policy)
      assert.deepStrictEqual(results(report), ["one resumed", "two resumed"], report.message)
    }))
})

describe("an interrupted operation", () => {
  const ids = ["a", "b", "c", "d"].map((id) => AgentId.make(id))
  const failure = { kind: "crash", reason: "It ended.", retryable: true, retryAt: null } as const
  const operation: FC.Arbitrary<OperationState> = FC.record({
    cuts: FC.array(FC.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    verdicts: FC.array(FC.constantFrom(null, "well", "failed"), { minLength: 4, maxLength: 4 }),
    failing: FC.subarray(ids)
  }).map(({ cuts, failing, verdicts }) => {
    const bounds = [0, ...new Set(cuts.toSorted((a, b) => a - b)), ids.length]
    return {
      id: OperationId.make("op"),
      kind: "restart" as const,
      agents: ids,
      alive: ids,
      policy: null,
      trigger: "person" as const,
      allOrNone: false,
      continues: [],
      startedAt: "2026-01-02T03:04:05Z",
      steps: {},
      failures: failing.map((agent) => ({ agent, failure })),
      batches: bounds.slice(1).map((end, index) => {
        const agents = ids.slice(bounds[index], end)
        const verdict = verdicts[index] ?? null
        return { agents, healthyForMs: 0, failed: verdict === null ? null : verdict === "well" ? [] : agents.map((agent) => ({ agent, failure })) }
      })
    }
  })

  it.prop("that is ended by a failure leaves exactly those after it", [operation, FC.boolean()], ([state, forGood]) => {
    const ended = endedBy(state, () => forGood)
    const at = state.batches.findIndex(({ agents, failed }, index) => index < state.batches.length - 1 &&
      (failed === null ? forGood && state.failures.some(({ agent }) => agents.includes(agent)) : failed.length > 0))
    assert.deepStrictEqual(ended?.rest ?? null, at === -1 ? null : state.batches.slice(at + 1).flatMap(({ agents }) => agents))
  })

  it.prop("keeps its order for whoever is meant, each once", [operation, FC.subarray(ids)], ([state, meant]) => {
    assert.deepStrictEqual(orderOf(state, meant).flatMap(({ agents }) => agents), ids.filter((id) => meant.includes(id)))
  })
})
