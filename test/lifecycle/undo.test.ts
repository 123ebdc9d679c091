// All of them or none: what becomes of a team whose policy is atomic, when one does not come back.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { AgentId, OperationId } from "../../sdk/domain/ids.ts"
import { isBeingUndone } from "../../sdk/lifecycle/going-back.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"
import { eventually, makeWorld, type World } from "./world.ts"

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

  it.scopedLive("touches nobody whom it was not to bring back, however that one is", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      // One that lives and never got ready, and whose user may be at work.
      const four = yield* world.agent("four")
      yield* world.record({
        type: "agent.failed",
        ...world.scope("four", four.generation),
        failure: { kind: "not_ready", reason: "It was slow.", retryable: true, retryAt: null }
      })
      const pid = world.pidOf("four")
      fails(world, "three", 1)
      const report = yield* world.restart(atomic, { agents: ["three"] })
      assert.strictEqual(report.details["reason"], "undone", report.message)
      assert.strictEqual(world.pidOf("four"), pid)
      assert.deepStrictEqual(world.living(), ["four", "one", "three"])
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

  it.scopedLive("and by one of some, of the dead, or with a takeover: for that one is for the next", () =>
    Effect.gen(function*() {
      for (const options of [{ onlyDead: true }, { agents: ["one"], takeover: true }] satisfies ReadonlyArray<Restart.RestartOptions>) {
        const world = yield* cutOff
        // It had stopped one that lived before.
        yield* world.record({ type: "agent.stopped", ...world.scope("one", (yield* world.agent("one")).generation), evidence: "gone" })
        yield* world.kill("one")
        const report = yield* world.restart(undefined, options)
        assert.strictEqual(report.outcome, "failed", report.message)
        assert.deepStrictEqual(world.living(), ["four", "one", "three"])
      }
    }))

  it.scopedLive("gives back what an operation before the one that was cut off had left behind", () =>
    Effect.gen(function*() {
      const world = yield* halfATeam
      const before = yield* sessions(world)
      const policy = Policy.perAgent({ one: Policy.fresh }, { otherwise: Policy.standard })
        .pipe(Policy.rollout(Rollout.sequence(["one", "three"])), Policy.atomic)
      // The first one is cut off when it had started one anew.
      world.script.set("three", { hangs: true })
      const first = yield* Effect.fork(Effect.provide(world.restart(policy), Grants.discardContext("it keeps no state")))
      yield* eventually(Effect.map(world.events("operation.step"), (steps) =>
        steps.some(({ agent, phase, step }) => agent === "three" && step === "spawn" && phase === "result")))
      yield* Fiber.interrupt(first)
      fails(world, "three", 1)
      const report = yield* Effect.provide(world.restart(policy), Grants.discardContext("it keeps no state"))
      assert.strictEqual(report.details["reason"], "undone", report.message)
      assert.deepStrictEqual(yield* sessions(world), before)
    }))

  it.scopedLive("is no promise of an up that goes on with it", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      yield* world.up("alpha", { one: {}, two: {}, three: {}, four: {} })
      assert.deepStrictEqual(world.living(), ["four", "one", "three", "two"])
      assert.isUndefined((yield* world.events("operation.started")).at(-1)?.all_or_none)
    }))

  it.scopedLive("is tried again as a whole by --continue, also where its batches had a verdict", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      const team = (yield* world.team()).key
      const operation = (yield* world.team()).operation
      assert.isNotNull(operation)
      if (operation === null) return
      const failure = { kind: "crash", reason: "It ended.", retryable: true, retryAt: null } as const
      yield* world.record({
        type: "operation.step",
        team,
        operation: operation.id,
        step: "batch/2",
        phase: "result",
        failed: [{ agent: AgentId.make("three"), failure }]
      })
      const report = yield* world.restart(undefined, { unfinished: "continue" })
      assert.isTrue(report.ok, report.message)
      assert.deepStrictEqual(world.living(), ["four", "one", "three", "two"])
    }))

  it.scopedLive("is not taken back to its end while it is unknown whether one lives who is to be stopped", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      const pid = world.pidOf("two")
      yield* world.transport.inject({ on: "inspect", call: "every", fault: "unknown" })
      const report = yield* world.restart(undefined, { unfinished: "rollback" })
      assert.isFalse(report.ok)
      assert.strictEqual(report.details["reason"], "not_undone", report.message)
      assert.strictEqual(world.pidOf("two"), pid)
      assert.isNotNull((yield* world.team()).operation)
    }))

  it.scopedLive("is not taken back to its end while one lives who could not be stopped", () =>
    Effect.gen(function*() {
      const world = yield* cutOff
      yield* world.transport.inject({ on: "stop", call: "every", fault: "survives" })
      const report = yield* world.restart(undefined, { unfinished: "rollback" })
      assert.isFalse(report.ok)
      assert.match(report.message, /^two could not be stopped again, so that it is not taken back to its end\. /)
      assert.deepStrictEqual(report.next, ["reprise restart --team alpha --rollback", "reprise restart --team alpha --continue"])
      assert.isNotNull((yield* world.team()).operation)
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
