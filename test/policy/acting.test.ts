// What policies say of how, when and in what order, carried out on agents in memory.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Approvals from "../../sdk/policy/Approvals.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import { HostBoot } from "../../sdk/lifecycle/boot.ts"
import { eventually, makeWorld, type World } from "../lifecycle/world.ts"

const results = (report: { readonly agents: ReadonlyArray<{ readonly id: string; readonly result: string }> }) =>
  report.agents.map(({ id, result }) => `${id} ${result}`)

/** Has an agent end at so many of its starts. */
const endsAtFirst = (world: World, id: string, times: number): void => {
  let left = times
  world.script.set(id, {
    exits: 1,
    onStart: () => {
      left -= 1
      if (left === 0) world.script.delete(id)
    }
  })
}

describe("a start that is tried again", () => {
  const backoff = Policy.withBackoff(Schedule.spaced("5 millis"), { times: 3 })

  it.scopedLive("comes back in its conversation once it can, and each try is a generation", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const session = (yield* world.agent("one")).session?.id
      endsAtFirst(world, "one", 2)
      const report = yield* world.restart(Policy.resume.pipe(backoff))
      assert.strictEqual(report.outcome, "restarted", report.message)
      const after = yield* world.agent("one")
      assert.deepStrictEqual([after.generation, after.session?.id], [4, session])
      assert.strictEqual(world.living().length, 1)
      assert.deepStrictEqual(after.history.deaths.map(({ generation, kind }) => [generation, kind]), [[2, "crash"], [3, "crash"]])
    }))

  it.scopedLive("is given up after so many, and what is left behind by a fresh one is written down once", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      world.script.set("one", { exits: 1 })
      const report = yield* world.restart(Policy.fresh.pipe(backoff)).pipe(Effect.provide(Grants.discardContext("a new day")))
      assert.deepStrictEqual(results(report), ["one failed"])
      assert.strictEqual(world.spawnsOf("one").length, 5)
      assert.strictEqual((yield* world.events("restart.fresh_spawn")).length, 1)
    }))

  it.scopedLive("is not, where that can't help yet: a limit that says when it ends", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      world.script.set("one", { exits: 9 })
      const report = yield* world.restart(Policy.resume.pipe(backoff))
      assert.strictEqual(report.agents[0]?.failure?.kind, "usage_limit")
      assert.strictEqual(world.spawnsOf("one").length, 2)
    }))

  it.scopedLive("ends what did not get ready before it starts another", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { hangs: true })
      const report = yield* world.restart(Policy.resume.pipe(
        Policy.readyWithin("100 millis"),
        Policy.withBackoff(Schedule.spaced("5 millis"), { times: 1 })
      ))
      assert.strictEqual(report.agents[0]?.failure?.kind, "not_ready")
      assert.strictEqual(world.spawnsOf("one").filter(({ alive }) => alive).length, 1)
      assert.strictEqual((yield* world.agent("one")).generation, 3)
    }))
})

describe("a check of an agent that is ready", () => {
  it.scopedLive("that fails makes it a failed one, and leaves its process", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const policy = Policy.perAgent({
        one: Policy.resume.pipe(Policy.verify(Effect.fail("it does not answer"), "answers"))
      }, { otherwise: Policy.resume.pipe(Policy.verify(Effect.succeed("fine"))) })
      const report = yield* world.restart(policy)
      assert.deepStrictEqual(results(report), ["one failed", "two resumed"])
      assert.deepStrictEqual(
        [report.agents[0]?.failure?.kind, report.agents[0]?.failure?.reason],
        ["verify_failed", "It is ready, and \"answers\" says no: it does not answer. Its process was left alone."]
      )
      assert.deepStrictEqual(world.living(), ["one", "two"])
      assert.strictEqual((yield* world.agent("one")).phase, "failed")
    }))
})

describe("a gate", () => {
  it.scopedLive("that closes fails the restart as it says, and nothing is touched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const touched = world.touches()
      const closed = Policy.resume.pipe(Policy.withGate("the build is green", Effect.fail("red" as const)))
      const exit = yield* Effect.exit(world.restart(Policy.perAgent({ two: closed }, { otherwise: Policy.resume })))
      assert.deepStrictEqual(exit, Exit.fail("red"))
      assert.strictEqual(world.touches(), touched)
      assert.deepStrictEqual(yield* world.events("restart.gate_passed"), [])
    }))

  it.scopedLive("that opens says so in the log", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.restart(Policy.resume.pipe(Policy.withGate("the build is green", Effect.succeed("build 7"))))
      assert.deepStrictEqual((yield* world.events("restart.gate_passed")).map(({ agent, gate, said }) => [agent, gate, said]), [
        ["one", "the build is green", "build 7"]
      ])
    }))
})

describe("an approval", () => {
  const policy = Policy.resume.pipe(Policy.withApproval("restart the whole team?"))

  it.scopedLive("that is denied leaves everything untouched, in a dry run nobody is asked", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const touched = world.touches()
      const plan = yield* world.plan(policy)
      assert.include(Restart.explain(plan), "asks first: restart the whole team?")
      const denied = yield* world.restart(policy).pipe(Effect.provide(Approvals.never), Effect.flip)
      assert.strictEqual(denied._tag, "ApprovalDenied")
      assert.strictEqual(world.touches(), touched)
      const report = yield* world.restart(policy).pipe(Effect.provide(Approvals.always))
      assert.strictEqual(report.outcome, "restarted")
    }))

  it.scopedLive("is not asked for where nobody is touched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { paused: true } })
      const report = yield* world.restart(policy).pipe(Effect.provide(Approvals.never))
      assert.strictEqual(report.outcome, "restarted")
    }))
})

describe("a budget", () => {
  const budgeted = Policy.standard.pipe(
    Policy.isolated,
    Policy.withBudget({ restarts: 2, per: "1 hour", exceeded: Policy.escalate("leader") })
  )

  it.scopedLive("is spent by restarts, says so once, and is cleared by name", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      for (const outcome of ["restarted", "restarted"]) {
        assert.strictEqual((yield* world.restart(budgeted, { agents: ["one"] })).outcome, outcome)
      }
      const kept = world.pidOf("one")
      const spent = yield* world.restart(budgeted)
      assert.deepStrictEqual(results(spent), ["one refused", "two resumed"])
      assert.strictEqual(spent.outcome, "partial")
      assert.include(spent.message, "its budget of 2 restarts in 1h is spent (2 so far); it is for leader to decide.")
      assert.deepStrictEqual(spent.details["failures"], [{ agent: "one", result: "refused", failure: null, escalatedTo: "leader" }])
      assert.strictEqual(world.pidOf("one"), kept)
      yield* world.restart(budgeted, { agents: ["one"] })
      assert.deepStrictEqual((yield* world.events("budget.exceeded")).map(({ agent, used }) => `${agent} ${used}`), ["one 2"])
      assert.strictEqual((yield* world.events("restart.escalated")).length, 2)
      assert.deepStrictEqual(yield* world.run(Restart.clearBudget("alpha", "the network is back", ["one"])), ["one"])
      assert.strictEqual((yield* world.restart(budgeted, { agents: ["one"] })).outcome, "restarted")
    }))

  it.scopedLive("is forgotten by who works long enough", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const short = Policy.standard.pipe(
        Policy.withBudget({ restarts: 1, per: "1 hour", healthyFor: "40 millis", exceeded: Policy.escalate("leader") })
      )
      for (let times = 0; times < 3; times++) {
        assert.strictEqual((yield* world.restart(short)).outcome, "restarted")
        yield* Effect.sleep("60 millis")
      }
    }))
})

describe("a rollout", () => {
  const careful = (rest: Rollout.Rollout) => Policy.resume.pipe(Policy.rollout(Rollout.canary("two").then(rest)))

  it.scopedLive("whose canary fails leaves the rest untouched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      const kept = [world.pidOf("one"), world.pidOf("three")]
      world.script.set("two", { exits: 1 })
      const report = yield* world.restart(careful(Rollout.allAtOnce))
      assert.deepStrictEqual(results(report), ["one untouched", "two failed", "three untouched"])
      assert.strictEqual(report.outcome, "failed")
      assert.deepStrictEqual([world.pidOf("one"), world.pidOf("three")], kept)
      assert.deepStrictEqual(report.details["notReached"], ["one", "three"])
      assert.deepStrictEqual(report.next, ["reprise restart two one three --team alpha"])
    }))

  it.scopedLive("goes batch after batch", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {}, four: {} })
      const plan = yield* world.plan(careful(Rollout.rolling({ batch: 2 })))
      assert.notInclude(Restart.explain(plan), "means nobody")
      const misspelt = Policy.perAgent({ fore: Policy.skip("it rests"), "t*": Policy.resume }, { otherwise: Policy.resume })
      assert.include(Restart.explain(yield* world.plan(misspelt)), "the policy means nobody here by: fore")
      assert.include(Restart.explain(plan), "order: two; then one, three; then four (two first, then 2 at a time)")
      const report = yield* world.restart(careful(Rollout.rolling({ batch: 2 })))
      assert.strictEqual(report.outcome, "restarted")
      const steps = (yield* world.events("operation.step")).filter(({ operation }) => operation === report.operation?.id)
      const began = (id: string) => steps.findIndex(({ agent, phase, step }) => agent === id && step === "stop" && phase === "intent")
      const ready = (id: string) => steps.findIndex(({ agent, phase, step }) => agent === id && step === "ready" && phase === "result")
      assert.isBelow(ready("two"), began("one"))
      assert.isBelow(ready("two"), began("three"))
      assert.isBelow(Math.max(ready("one"), ready("three")), began("four"))
    }))

  it.scopedLive("waits until a batch was healthy for so long, and one that dies meanwhile ends it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const before = world.pidOf("two")
      const restarting = yield* Effect.fork(
        world.restart(Policy.resume.pipe(Policy.rollout(Rollout.canary("two", { healthyFor: "1 hour" }).then(Rollout.allAtOnce))))
      )
      const watched = Effect.map(world.events("operation.step"), (steps) => steps.some(({ step }) => step === "healthy"))
      yield* eventually(watched)
      assert.notStrictEqual(world.pidOf("two"), before)
      yield* world.kill("two")
      const report = yield* restarting
      assert.deepStrictEqual(results(report), ["one untouched", "two failed"])
      assert.match(report.agents[1]?.failure?.reason ?? "", /did not live for 1h/)
      assert.strictEqual((yield* world.agent("two")).phase, "exited")
    }))

  it.scopedLive("without the canary that it names is refused", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const touched = world.touches()
      const report = yield* world.restart(careful(Rollout.allAtOnce))
      assert.deepStrictEqual([report.outcome, report.details["reason"]], ["failed", "canary_unknown"])
      assert.strictEqual(world.touches(), touched)
    }))
})

describe("a rollout that is interrupted", () => {
  it.scopedLive("goes on where it was: who was back stays back, and nobody is doubled", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      const policy = Policy.resume.pipe(Policy.rollout(Rollout.rolling({ batch: 1 })))
      world.script.set("two", { hangs: true })
      const first = yield* Effect.fork(world.restart(policy))
      yield* eventually(Effect.sync(() => world.spawnsOf("two").length === 2))
      yield* Fiber.interrupt(first)
      world.script.delete("two")
      const [one, three] = [world.pidOf("one"), world.pidOf("three")]
      assert.deepStrictEqual((yield* world.team()).operation?.kind, "restart")
      const report = yield* world.restart(policy)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(results(report), ["one resumed", "two resumed", "three resumed"])
      assert.strictEqual(world.pidOf("one"), one)
      assert.notStrictEqual(world.pidOf("three"), three)
      assert.deepStrictEqual(world.living(), ["one", "three", "two"])
    }))
})

describe("after a boot of the machine", () => {
  const booted = (id: string) => Effect.provideService(HostBoot, id)

  it.scopedLive("nobody is brought back unless the policy or somebody says so, once for each boot", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.kill("one")
      const boot = <E, R>(policy: Policy.AnyPolicy<E, R>, id: string) => world.restart(policy, { trigger: "boot" }).pipe(booted(id))
      assert.deepStrictEqual(results(yield* boot(Policy.standard, "b-1")), ["one skipped"])
      assert.deepStrictEqual(yield* world.events("boot.decided"), [])
      assert.deepStrictEqual(results(yield* boot(Policy.standard.pipe(Policy.onBoot("hold")), "b-1")), ["one skipped"])
      // It was decided: another policy does not decide it again.
      assert.deepStrictEqual(results(yield* boot(Policy.standard.pipe(Policy.onBoot("resume")), "b-1")), ["one skipped"])
      assert.deepStrictEqual(results(yield* boot(Policy.standard.pipe(Policy.onBoot("resume")), "b-2")), ["one resumed"])
      assert.deepStrictEqual((yield* world.events("boot.decided")).map(({ boot_id, decision }) => `${boot_id} ${decision}`), [
        "b-1 hold",
        "b-2 resume"
      ])
      assert.strictEqual((yield* world.agent("one")).history.starts.at(-1)?.cause, "boot")
    }))

  it.scopedLive("a no is kept for that boot, and a person may restart all the same", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.kill("one")
      const asks = Policy.standard.pipe(Policy.onBoot("ask"))
      const boot = world.restart(asks, { trigger: "boot" }).pipe(booted("b-1"))
      assert.strictEqual((yield* Effect.flip(boot.pipe(Effect.provide(Approvals.never))))._tag, "ApprovalDenied")
      assert.deepStrictEqual(results(yield* boot.pipe(Effect.provide(Approvals.always))), ["one skipped"])
      const report = yield* world.restart(asks).pipe(booted("b-1"), Effect.provide(Approvals.never))
      assert.deepStrictEqual(results(report), ["one resumed"])
    }))
})

describe("the launch context", () => {
  it.scopedLive("that is not as the team file has it is refused where the policy says so", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { model: "large" } })
      const team = yield* world.team()
      yield* world.record({
        type: "team.recorded",
        team: team.key,
        spec: { name: team.key, objective: null, agents: [{ ...(yield* world.agent("one")).spec, model: "small" }] },
        workspace: team.workspace,
        transport: "memory",
        plugins: []
      })
      const refused = yield* world.restart(Policy.resume.pipe(Policy.onDrift("refuse")))
      assert.strictEqual(refused.outcome, "refused_resume_atomicity")
      assert.include(refused.message, "it would not come back as its team file has it")
      yield* world.restart(Policy.resume.pipe(Policy.onDrift("adopt")))
      assert.include([...world.spawnsOf("one").at(-1)?.request.argv ?? []], "small")
    }))
})

describe("what waits for an agent", () => {
  it.scopedLive("goes on waiting where its work is not open any more, or that can't be told", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      for (const id of ["one", "two"]) {
        const { generation } = yield* world.agent(id)
        yield* world.log.append([{ type: "message.accepted", ...world.scope(id, generation), message_id: `m-${id}`, from: "me", text: "go on" }])
      }
      const policy = Policy.perAgent({
        one: Policy.resume.pipe(Policy.workStillOpen(Effect.fail("the tracker does not answer")))
      }, { otherwise: Policy.resume.pipe(Policy.workStillOpen(Effect.succeed(true))) })
      const report = yield* world.restart(policy)
      assert.deepStrictEqual(report.agents.map(({ heldBack }) => heldBack ?? null), ["the tracker does not answer", null])
      assert.deepStrictEqual((yield* world.team()).pendingMessages.map(({ id }) => id), ["m-one"])
      assert.deepStrictEqual((yield* world.events("restart.held_back")).map(({ agent }) => `${agent}`), ["one"])
    }))
})
