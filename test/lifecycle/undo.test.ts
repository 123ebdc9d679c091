// All of them or none: what becomes of a team whose policy is atomic, when one does not come back.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AgentId, OperationId } from "../../sdk/domain/ids.ts"
import { isBeingUndone } from "../../sdk/lifecycle/interrupted.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"
import { makeWorld, type World } from "./world.ts"

const results = (report: Restart.RestartReport) => report.agents.map(({ id, result }) => `${id} ${result}`)
const atomic = Policy.standard.pipe(Policy.rollout(Rollout.sequence([["one", "two"], "three", "four"])), Policy.atomic)

/** Four agents that were spoken to; the second one is dead. */
const halfATeam = Effect.gen(function*() {
  const world = yield* makeWorld()
  yield* world.up("alpha", { one: {}, two: {}, three: {}, four: {} })
  for (const id of ["one", "two", "three", "four"]) yield* world.firstSend(id)
  yield* world.kill("two")
  return world
})

/** Ends at once where it is started, so often. */
const fails = (world: World, id: string, times: number) => {
  let left = times
  world.script.set(id, {
    exits: 1,
    onStart: () => {
      left -= 1
      if (left <= 0) world.script.delete(id)
    }
  })
}

const sessions = (world: World) =>
  Effect.map(world.team(), ({ agents }) => agents.map(({ session, spec }) => `${spec.id} ${session?.id ?? "none"}`))

describe("a restart of all or none, of whom one does not come back", () => {
  it.scopedLive("is taken back: who lived lives on in its conversation, who did not is stopped again, the rest is not touched", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      const before = yield* sessions(world)
      const untouched = world.pidOf("four")
      fails(world, "three", 1)
      const report = yield* world.restart(atomic)
      assert.deepStrictEqual(results(report), ["one resumed", "two stopped", "three resumed", "four untouched"])
      assert.strictEqual(report.outcome, "failed")
      assert.isFalse(report.ok)
      assert.match(
        report.message,
        /^Not all of team alpha came back\. three: .+\. It was to be all or none, so what was done was taken back: one, three live on in their conversations; two was stopped again; four was not touched\.$/
      )
      assert.deepInclude(report.details, { reason: "undone", stopped: ["two"], notReached: ["four"], notBack: [] })
      assert.deepStrictEqual(report.next, ["reprise restart --team alpha"])
      assert.deepStrictEqual(world.living(), ["four", "one", "three"])
      assert.strictEqual(world.pidOf("four"), untouched)
      assert.deepStrictEqual(yield* sessions(world), before)
      assert.isNull((yield* world.team()).operation)
      // And the next one brings all of them back.
      const next = yield* world.restart(atomic)
      assert.deepStrictEqual(results(next), ["one resumed", "two resumed", "three resumed", "four resumed"])
      assert.deepStrictEqual(yield* sessions(world), before)
    }))

  it.scopedLive("says who lived before and is not to be brought back", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      fails(world, "three", 2)
      const report = yield* world.restart(atomic)
      assert.deepStrictEqual(results(report), ["one resumed", "two stopped", "three failed", "four untouched"])
      assert.match(report.message, /; three lived before and could not be brought back\.$/)
      assert.deepInclude(report.details, { notBack: ["three"] })
      assert.deepStrictEqual(world.living(), ["four", "one"])
    }))

  it.scopedLive("gives a conversation back that a fresh start had left behind", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      const before = yield* sessions(world)
      fails(world, "three", 1)
      const policy = Policy.perAgent({ one: Policy.fresh, two: Policy.fresh }, { otherwise: Policy.standard })
        .pipe(Policy.rollout(Rollout.sequence([["one", "two"], "three"])), Policy.atomic)
      const report = yield* Effect.provide(world.restart(policy), Grants.discardContext("they keep no state"))
      assert.deepStrictEqual(results(report), ["one resumed", "two stopped", "three resumed", "four untouched"])
      assert.deepStrictEqual(yield* sessions(world), before)
    }))

  it.scopedLive("is as it was where only dead ones were to come back", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      const touched = [world.pidOf("one"), world.pidOf("four")]
      yield* world.kill("three")
      fails(world, "three", 1)
      const report = yield* world.restart(atomic, { onlyDead: true })
      assert.deepStrictEqual(results(report), ["one untouched", "two stopped", "three failed", "four untouched"])
      assert.deepStrictEqual([world.pidOf("one"), world.pidOf("four")], touched)
      assert.deepStrictEqual(world.living(), ["four", "one"])
    }))

  it.scopedLive("without the word is each agent's own failure", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      fails(world, "three", 1)
      const report = yield* world.restart()
      assert.deepStrictEqual(results(report), ["one resumed", "two resumed", "three failed", "four resumed"])
      assert.strictEqual(report.outcome, "partial")
    }))

  it.scopedLive("is explained before", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      const plan = yield* world.plan(atomic)
      assert.match(Restart.explain(plan), /, all or none\n/)
      assert.match(Restart.explain(plan), /\n {2}One that fails has it all taken back: /)
    }))
})

describe("what takes it back and is cut off", () => {
  /** An operation that was being taken back when its process died: two is up by it, three is not. */
  const cutOff = Effect.gen(function*() {
    const world = yield* halfATeam
    const { operation } = yield* Effect.gen(function*() {
      world.script.set("three", { exits: 1 })
      const partly = yield* world.restart(Policy.standard.pipe(Policy.rollout(Rollout.sequence([["one", "two"], "three", "four"]))))
      assert.strictEqual(partly.outcome, "partial")
      world.script.delete("three")
      return { operation: (yield* world.events("operation.started")).at(-1) }
    })
    assert.isDefined(operation)
    if (operation === undefined) return world
    // The same, as it stands in a log that ends before the operation does.
    const team = operation.team
    yield* world.record(
      { ...operation, all_or_none: true, alive: [AgentId.make("one"), AgentId.make("three"), AgentId.make("four")] },
      { type: "operation.step", team, operation: operation.operation, agent: AgentId.make("one"), step: "ready", phase: "result" },
      { type: "operation.step", team, operation: operation.operation, agent: AgentId.make("two"), step: "ready", phase: "result" },
      { type: "operation.step", team, operation: operation.operation, step: "undo", phase: "intent" }
    )
    assert.isTrue(isBeingUndone((yield* world.team()).operation))
    return world
  })

  it.scopedLive("is finished by --rollback, which says so before", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      const plan = yield* world.plan(undefined, { unfinished: "rollback" })
      assert.match(Restart.explain(plan), /\n {2}two +assigned, alive +leave +it did not live before the restart that is taken back: it is stopped again\n/)
      const report = yield* world.restart(undefined, { unfinished: "rollback" })
      assert.deepStrictEqual(results(report), ["one resumed", "two stopped", "three resumed", "four untouched"])
      assert.match(report.message, /; stopped again: two\.$/)
      assert.deepStrictEqual(world.living(), ["four", "one", "three"])
    }))

  it.scopedLive("and by any other restart, which says so, and that it takes one more", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      const report = yield* world.restart()
      assert.deepStrictEqual(results(report), ["one resumed", "two stopped", "three resumed", "four untouched"])
      assert.strictEqual(report.outcome, "failed")
      assert.isFalse(report.ok)
      assert.match(report.message, /^The interrupted restart was to be all or none, and not all had come back: that it is taken back is done now\. /)
      assert.deepInclude(report.details, { reason: "undone", stopped: ["two"] })
      assert.deepStrictEqual(report.next, ["reprise restart --team alpha"])
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      assert.deepStrictEqual(world.living(), ["four", "one", "three", "two"])
    }))

  it.scopedLive("is taken back to its end also where that was cut off in turn", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      // Its successor began, and did nothing yet.
      const team = (yield* world.team()).key
      const first = (yield* world.team()).operation
      assert.isNotNull(first)
      if (first === null) return
      const next = OperationId.make("taking-it-back")
      yield* world.record(
        { type: "operation.finished", team, operation: first.id, outcome: `continued_by ${next}`, took_ms: 0 },
        { type: "operation.started", team, operation: next, kind: "restart", agents: first.agents, alive: first.alive, policy: null, all_or_none: true },
        { type: "operation.step", team, operation: next, step: "undo", phase: "result" }
      )
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "failed")
      assert.deepStrictEqual(world.living(), ["four", "one", "three"])
    }))

  it.scopedLive("keeps its promise where a restart by another policy goes on with it", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      const { key } = yield* world.team()
      const ids = ["one", "two", "three", "four"].map((id) => AgentId.make(id))
      yield* world.record({
        type: "operation.started",
        team: key,
        operation: OperationId.make("cut-off-early"),
        kind: "restart",
        agents: ids,
        alive: ids.filter((id) => id !== "two"),
        policy: null,
        all_or_none: true
      })
      fails(world, "three", 1)
      const report = yield* world.restart(Policy.isolated(Policy.standard))
      assert.strictEqual(report.details["reason"], "undone", report.message)
      assert.deepStrictEqual(world.living(), ["four", "one", "three"])
    }))

  it.scopedLive("or by --continue, which brings back all of them", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      const report = yield* world.restart(undefined, { unfinished: "continue" })
      assert.isTrue(report.ok, report.message)
      assert.deepStrictEqual(world.living(), ["four", "one", "three", "two"])
      assert.isNull((yield* world.team()).operation)
    }))
})
