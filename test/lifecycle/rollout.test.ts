import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { SpawnToken } from "../../sdk/domain/ids.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import { eventually, makeWorld, type World } from "./world.ts"

const results = (report: { readonly agents: ReadonlyArray<{ readonly id: string; readonly result: string }> }) =>
  report.agents.map(({ id, result }) => `${id} ${result}`)

describe("what is restarted", () => {
  it.scopedLive("is the whole team, in its own conversations, one process each (17)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: { provider: "serial" }, three: { provider: "found", options: { marker: true } } })
      const before = yield* world.team()
      const pids = ["one", "two", "three"].map(world.pidOf)
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(results(report), ["one resumed", "two resumed", "three resumed"])
      for (const [index, agent] of before.agents.entries()) {
        const id = agent.spec.id
        const spawns = world.spawnsOf(id)
        // The recorded id is what the plan says and what the command gets.
        assert.strictEqual(report.plan.agents[index]?.decided.decision.session?.id, agent.session?.id)
        assert.deepStrictEqual(spawns.at(-1)?.request.argv.slice(1, 3), ["resume", agent.session?.id])
        assert.strictEqual(spawns.filter(({ alive }) => alive).length, 1)
        assert.strictEqual((yield* world.agent(id)).generation, 2)
        const before = report.agents[index]?.before
        assert.deepStrictEqual([before?.generation, before?.pid, before?.session], [1, pids[index], agent.session?.id])
      }
      assert.deepStrictEqual(world.living(), ["one", "three", "two"])
    }))

  it.scopedLive("is what was named", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const kept = world.pidOf("one")
      const report = yield* world.restart(undefined, { agents: ["two"] })
      assert.deepStrictEqual(results(report), ["one untouched", "two resumed"])
      assert.strictEqual(world.pidOf("one"), kept)
      assert.deepStrictEqual((yield* world.events("restart.resume_decision")).map(({ agent }) => `${agent}`), ["two"])
      const unknown = yield* Effect.flip(world.restart(undefined, { agents: ["tow"] }))
      assert.strictEqual(unknown._tag, "AgentUnknown")
    }))

  it.scopedLive("is who is proved dead", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const kept = world.pidOf("one")
      yield* world.kill("two")
      const report = yield* world.restart(undefined, { onlyDead: true })
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(results(report), ["one untouched", "two resumed"])
      assert.strictEqual(world.pidOf("one"), kept)
    }))

  it.scopedLive("is nothing where all are paused, and that is a restart too, without a decision (30)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { paused: true }, two: { paused: true } })
      const touched = world.touches()
      const report = yield* world.restart(Policy.resume)
      assert.strictEqual(report.outcome, "restarted")
      assert.deepStrictEqual(results(report), ["one skipped", "two skipped"])
      assert.deepStrictEqual(yield* world.events("restart.resume_decision"), [])
      assert.strictEqual(world.touches(), touched)
    }))

  it.scopedLive("leaves a paused agent out, and a team of nobody is whole (30)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, idle: { paused: true } })
      const report = yield* world.restart()
      assert.deepStrictEqual(results(report), ["one resumed", "idle skipped"])
      assert.deepStrictEqual((yield* world.events("restart.resume_decision")).map(({ agent }) => `${agent}`), ["one"])
      const { key, workspace } = yield* world.team()
      yield* world.record({
        type: "team.recorded",
        team: key,
        spec: { name: key, objective: null, agents: [] },
        workspace,
        transport: "memory",
        plugins: []
      })
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
    }))
})

describe("a dry run", () => {
  it.scopedLive("appends nothing, takes no lease and touches nothing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" }, two: {} })
      yield* world.firstSend("one")
      yield* Effect.sleep(5)
      world.transcript("late", ["hello"])
      const [position, touched] = [yield* world.log.position, world.touches()]
      // In the middle of somebody else's change.
      const plan = yield* Effect.scoped(
        Effect.zipRight(world.log.lease(`team/alpha`, "test"), world.plan())
      )
      assert.deepStrictEqual(plan.agents.map(({ decided }) => decided.decision.kind), ["resume", "resume"])
      assert.strictEqual(yield* world.log.position, position)
      assert.strictEqual(world.touches(), touched)
    }))
})

describe("the order", () => {
  it.scopedLive("is: decide, begin, audit, stop, intend, spawn, ready, end; each written before the next", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const seen: Array<string> = []
      world.script.set("one", {
        onStart: () => {
          seen.push(...world.living())
        }
      })
      const from = yield* world.log.position
      yield* world.restart()
      assert.deepStrictEqual(yield* world.order(from), [
        "restart.resume_decision",
        "operation.started",
        "transport.pre_kill_audit",
        "operation.step stop intent",
        "operation.step stop result",
        "agent.stopped",
        "operation.step spawn intent",
        "agent.spawn_intended",
        "operation.step spawn result",
        "agent.spawned",
        "operation.step ready intent",
        "operation.step ready result",
        "agent.ready",
        "operation.finished"
      ])
      // When the new process started the old one was gone.
      assert.deepStrictEqual(seen, ["one"])
      assert.strictEqual(world.spawnsOf("one").filter(({ alive }) => alive).length, 1)
    }))
})

describe("what a spawn is made of", () => {
  it.scopedLive("comes back: role, tools, model, permissions, directory (24, 34)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      Fs.mkdirSync(`${world.workspace}/packages/core`, { recursive: true })
      yield* world.up("alpha", {
        one: {
          role: "Backend engineer",
          tools: ["read", "write"],
          model: "large",
          permissions: "ask",
          cwd: "packages/core",
          options: { directory: "kept" },
          env: { COLOUR: "blue" }
        }
      })
      yield* world.restart()
      const [first, second] = world.spawnsOf("one")
      assert.deepStrictEqual(second?.request.argv.slice(3), first?.request.argv.slice(3))
      assert.includeMembers([...second?.request.argv ?? []], ["--role", "Backend engineer", "--tool", "read", "write", "--model", "large", "--permissions", "ask"])
      assert.strictEqual(second?.request.cwd, `${world.workspace}/packages/core`)
      assert.strictEqual(second?.request.cwd, first?.request.cwd)
      assert.strictEqual(second?.request.env["COLOUR"], "blue")
      assert.strictEqual(second?.request.env["REPRISE_GENERATION"], "2")
    }))

  it.scopedLive("is what the last spawn had, and what the team file says otherwise is shown as drift", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { model: "large" } })
      const team = yield* world.team()
      const spec = (yield* world.agent("one")).spec
      yield* world.record({
        type: "team.recorded",
        team: team.key,
        spec: { name: team.key, objective: null, agents: [{ ...spec, model: "small" }] },
        workspace: team.workspace,
        transport: "memory",
        plugins: []
      })
      const kept = yield* world.restart()
      assert.deepStrictEqual(kept.plan.agents[0]?.facts.drift, [
        "model was \"large\" at its last start and is \"small\" in the team file"
      ])
      assert.include([...world.spawnsOf("one").at(-1)?.request.argv ?? []], "large")
      yield* world.restart(undefined, { onDrift: "adopt" })
      assert.include([...world.spawnsOf("one").at(-1)?.request.argv ?? []], "small")
    }))

  it.scopedLive("answers a start-up question once a generation, and in the next one again (25)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { trust: true })
      yield* world.up("alpha", { one: {} })
      const asked = () => Effect.map(world.events("startup_prompt_handled"), (all) => all.map(({ generation, prompt }) => `${generation} ${prompt}`))
      assert.deepStrictEqual(yield* asked(), ["1 trust"])
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      assert.deepStrictEqual(yield* asked(), ["1 trust", "2 trust"])
      assert.deepStrictEqual((yield* world.agent("one")).spawn?.promptsAnswered, ["trust"])
    }))

  it.scopedLive("forgets of the conversation before it when it is a new one", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const before = (yield* world.agent("one")).session
      const report = yield* world.restart(Policy.fresh).pipe(Effect.provide(Grants.discardContext("a new day")))
      assert.deepStrictEqual(results(report), ["one started"])
      const after = yield* world.agent("one")
      assert.strictEqual(after.firstSend._tag, "Absent")
      assert.notStrictEqual(after.session?.id, before?.id)
      assert.isFalse(after.captures.some(({ id }) => id === before?.id))
      const [tombstone] = yield* world.events("discard.session_tombstone")
      assert.deepStrictEqual([tombstone?.session_id, tombstone?.reason], [before?.id, "a new day"])
    }))
})

describe("what goes wrong on the way", () => {
  it.scopedLive("a home that vanishes after the first spawn: nothing more is spawned, and after whom is said (22, 23)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      // Only the second spawn asks whether the home is there: the first has nobody before it.
      world.script.set("one", {})
      const lists = world.transport.trace().filter(({ operation }) => operation === "list").length
      yield* world.transport.inject({ on: "list", call: lists + 2, fault: "home_vanishes" })
      const report = yield* world.restart(undefined, { concurrency: 1 })
      assert.strictEqual(report.outcome, "partial", report.message)
      assert.strictEqual(report.details["reason"], "session_disappeared_after_spawn")
      assert.deepStrictEqual(report.details["after"], ["one"])
      assert.deepStrictEqual(["one", "two", "three"].map((id) => world.spawnsOf(id).length), [2, 1, 1])
      assert.deepStrictEqual(world.living(), [])
      // Nobody is said to run who does not.
      assert.deepStrictEqual(report.agents.map(({ pane, pid }) => [pid, pane]), [[null, null], [null, null], [null, null]])
      assert.isTrue(report.agents.every(({ status }) => status === "dead" || status === "stopped"))
      // And the next restart brings all back.
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      assert.deepStrictEqual(world.living(), ["one", "three", "two"])
    }))

  it.scopedLive("names who was spawned since the home was last seen, ready or not (22)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      const lists = world.transport.trace().filter(({ operation }) => operation === "list").length
      // The home is seen before the second spawn, and gone before the third.
      yield* world.transport.inject({ on: "list", call: lists + 3, fault: "home_vanishes" })
      const report = yield* world.restart(undefined, { concurrency: 1 })
      assert.deepStrictEqual(report.details["after"], ["two"])
      assert.deepStrictEqual(["one", "two", "three"].map((id) => world.spawnsOf(id).length), [2, 2, 1])
    }))

  const failing = (world: World) => world.up("alpha", { one: {}, two: {} })

  it.scopedLive("one agent that ends at its start: its own failure, of a kind, and the other is back", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* failing(world)
      world.script.set("one", { exits: 9 })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "partial")
      assert.deepStrictEqual(results(report), ["one failed", "two resumed"])
      assert.deepStrictEqual(report.agents[0]?.failure, {
        kind: "usage_limit",
        reason: "The limit is reached.",
        retryable: true,
        retryAt: "2030-01-01T00:00:00Z"
      })
      assert.strictEqual(report.agents[1]?.failure, null)
      // Its conversation is kept for the next time.
      world.script.delete("one")
      const session = (yield* world.agent("one")).session?.id
      const again = yield* world.restart(undefined, { onlyDead: true })
      assert.deepStrictEqual(again.agents.map(({ result, session: held }) => [result, held?.id])[0], ["resumed", session])
    }))

  it.scopedLive("all of them: failed", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* failing(world)
      for (const id of ["one", "two"]) world.script.set(id, { exits: 1 })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "failed")
      assert.isFalse(report.ok)
      assert.deepStrictEqual(report.agents.map(({ failure }) => failure?.kind), ["crash", "crash"])
    }))

  it.scopedLive("an agent that never gets ready is not ready, and left alone for a person to see", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* failing(world)
      world.script.set("one", { hangs: true })
      const report = yield* world.restart(undefined, { readyWithin: "200 millis" })
      assert.deepStrictEqual(report.agents.map(({ failure }) => failure?.kind ?? null), ["not_ready", null])
      assert.isDefined(world.pidOf("one"))
      // The next restart ends it before it starts another.
      world.script.delete("one")
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      assert.strictEqual(world.spawnsOf("one").filter(({ alive }) => alive).length, 1)
    }))

  it.scopedLive("a process that says it is in another conversation: a mismatch, stopped, its own session kept", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* failing(world)
      const session = (yield* world.agent("one")).session
      world.script.set("one", { reports: "another" })
      const report = yield* world.restart()
      assert.deepStrictEqual(results(report), ["one failed", "two resumed"])
      assert.strictEqual(report.agents[0]?.failure?.kind, "resume_mismatch")
      assert.isUndefined(world.pidOf("one"))
      assert.strictEqual((yield* world.agent("one")).session?.id, session?.id)
      assert.deepStrictEqual((yield* world.events("agent.ready")).filter(({ agent, generation }) => agent === "one" && generation === 2), [])
    }))

  it.scopedLive("a process that outlives its home is ended before its agent starts again", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* failing(world)
      const orphan = world.pidOf("one")
      yield* world.transport.vanish(["one"])
      assert.strictEqual(world.pidOf("one"), orphan)
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(world.living(), ["one", "two"])
      assert.notStrictEqual(world.pidOf("one"), orphan)
    }))

  it.scopedLive("a process in its agent's name that nobody recorded is ended, one of another name is spared", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* failing(world)
      const request = world.spawnsOf("one")[0]?.request
      assert.isDefined(request)
      if (request === undefined) return
      yield* world.transport.driver.spawn({ ...request, spawn: SpawnToken.make("forgotten") })
      yield* world.transport.driver.spawn({ ...request, agent: "stranger", spawn: SpawnToken.make("stranger") })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(world.living(), ["one", "stranger", "two"])
      const [audit] = yield* world.events("transport.pre_kill_audit")
      assert.strictEqual(audit?.kill.length, 3)
    }))

  it.scopedLive("a process of ours that the log knows nothing of: it is not ended, and nothing is started beside it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const request = world.spawnsOf("one")[0]?.request
      if (request === undefined) return yield* Effect.dieMessage("one was not started")
      // As after a log that was lost: the team is named by its file again, and its agent lives.
      yield* world.transport.driver.spawn({ ...request, team: "beta", agent: "two", spawn: SpawnToken.make("before-the-loss") })
      const touched = world.touches()
      const refusal = yield* Effect.flip(world.up("beta", { two: {} }))
      assert.include(refusal.message, "The log of this workspace is older")
      assert.strictEqual(world.touches(), touched)
      assert.deepStrictEqual(world.living(), ["one", "two"])
    }))

  it.scopedLive("a working directory that went away: refused before anything is touched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      Fs.mkdirSync(`${world.workspace}/core`)
      yield* world.up("alpha", { one: { cwd: "core" }, two: {} })
      Fs.rmdirSync(`${world.workspace}/core`)
      const touched = world.touches()
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "failed")
      assert.include(report.message, "core, which is not a directory")
      assert.strictEqual(world.touches(), touched)
    }))

  it.scopedLive("a caller that is interrupted half-way: the next restart finishes, nobody lost or doubled", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      const sessions = (yield* world.team()).agents.map(({ session }) => session?.id)
      world.script.set("two", { hangs: true })
      const first = yield* Effect.fork(world.restart(undefined, { concurrency: 1 }))
      yield* eventually(Effect.sync(() => world.spawnsOf("two").length === 2))
      yield* Fiber.interrupt(first)
      assert.strictEqual((yield* world.team()).operation?.kind, "restart")
      world.script.delete("two")
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.isNull((yield* world.team()).operation)
      assert.deepStrictEqual(world.living(), ["one", "three", "two"])
      assert.deepStrictEqual((yield* world.team()).agents.map(({ session }) => session?.id), sessions)
      // The first had come back already.
      assert.strictEqual(world.spawnsOf("one").length, 2)
    }))

  it.scopedLive("an interruption of its continuation: who was back stays back", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      for (const slow of ["two", "three"]) {
        world.script.set(slow, { hangs: true })
        const spawned = world.spawnsOf(slow).length
        const restart = yield* Effect.fork(world.restart(undefined, { concurrency: 1 }))
        yield* eventually(Effect.sync(() => world.spawnsOf(slow).length > spawned))
        yield* Fiber.interrupt(restart)
        world.script.delete(slow)
      }
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.strictEqual(world.spawnsOf("one").length, 2)
    }))

  it.scopedLive("a fresh start that is taken back: the conversation that it left is continued", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const sessions = (yield* world.team()).agents.map(({ session }) => session?.id)
      world.script.set("two", { hangs: true })
      const grant = Grants.discardContext("a rehearsal")
      const fresh = Effect.provide(world.restart(Policy.fresh, { concurrency: 1 }), grant)
      const first = yield* Effect.fork(fresh)
      yield* eventually(Effect.sync(() => world.spawnsOf("two").length === 2))
      yield* Fiber.interrupt(first)
      world.script.delete("two")
      const report = yield* world.restart(undefined, { unfinished: "rollback" })
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual((yield* world.team()).agents.map(({ session }) => session?.id), sessions)
      assert.deepStrictEqual(world.living(), ["one", "two"])
    }))

  it.scopedLive("a gate that closes: nothing is written of an operation, and nothing is touched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const touched = world.touches()
      const closed: Policy.AgentPolicy<string> = {
        ...Policy.resume,
        decide: (facts) => ({
          ...Policy.resume.decide(facts),
          gates: [{ name: "closed", pass: () => Effect.fail("not today") }]
        })
      }
      assert.strictEqual(yield* Effect.flip(world.restart(closed)), "not today")
      assert.isNull((yield* world.team()).operation)
      assert.strictEqual(world.touches(), touched)
    }))
})

describe("after a shutdown", () => {
  it.scopedLive("the sessions that were missing are known, and the team comes back with them (16)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      yield* Effect.sleep(5)
      world.transcript("late", ["hello"])
      const stopped = yield* world.run(Shutdown.down("alpha"))
      assert.strictEqual(stopped.outcome, "stopped", stopped.message)
      assert.strictEqual((yield* world.agent("one")).session?.id, "late")
      assert.deepStrictEqual(world.living(), [])
      const report = yield* world.restart()
      assert.deepStrictEqual(results(report), ["one resumed"])
    }))
})
