import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import { Send } from "reprise"
import { standard } from "../../sdk/policy/Policy.ts"
import { makeWorld } from "./world.ts"

describe("several teams in a workspace (76, 83, 89)", () => {
  it.scopedLive("are never guessed between", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.up("beta", { one: {} })
      const touched = world.touches()
      const unnamed = yield* Effect.flip(world.run(Restart.restart(undefined, standard)))
      assert.strictEqual(unnamed._tag, "TeamTargetAmbiguous")
      const unknown = yield* Effect.flip(world.run(Restart.restart("alph", standard)))
      assert.strictEqual(unknown._tag, "TeamTargetUnresolved")
      assert.include(unknown.message, "\"alpha\"")
      assert.strictEqual((yield* Effect.flip(world.run(Status.status()))) ._tag, "TeamTargetAmbiguous")
      assert.strictEqual((yield* Effect.flip(world.run(Shutdown.down()))) ._tag, "TeamTargetAmbiguous")
      assert.strictEqual(world.touches(), touched)
    }))

  it.scopedLive("a restart of one leaves the other as it is, agents of the same name too", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.up("beta", { one: {} })
      const [before, beta] = [world.spawnsOf("one").map(({ identity }) => identity.pid), yield* world.team("beta")]
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["resumed"])
      const living = world.spawnsOf("one").filter(({ alive }) => alive)
      assert.deepStrictEqual(living.map(({ request }) => request.team).toSorted(), ["alpha", "beta"])
      assert.include(before, living.find(({ request }) => request.team === "beta")?.identity.pid)
      assert.deepStrictEqual(yield* world.team("beta"), beta)
    }))

  it.scopedLive("a shutdown of one spares the other and says so", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.up("beta", { uno: {} })
      const report = yield* world.run(Shutdown.down("alpha"))
      assert.isTrue(report.ok)
      assert.deepStrictEqual(world.living(), ["uno"])
      assert.deepStrictEqual(report.spared, ["beta/uno"])
      assert.strictEqual((yield* world.restart(undefined, { team: "beta" })).outcome, "restarted")
      // Again, and without anything left to stop.
      assert.isTrue((yield* world.run(Shutdown.down("alpha"))).ok)
    }))
})

describe("a launch", () => {
  it.scopedLive("records each agent's own start, address and process (19, 44, 45)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const report = yield* world.up("alpha", { one: {}, two: {} })
      const team = yield* world.team()
      for (const agent of team.agents) {
        const process = world.spawnsOf(agent.spec.id)[0]
        assert.deepStrictEqual(agent.spawn?.pane, process?.identity)
        assert.isNotNull(agent.spawn?.spawnedAt)
        assert.strictEqual(agent.phase, "running")
      }
      assert.strictEqual(new Set(report.agents.map(({ pid }) => pid)).size, 2)
    }))

  it.scopedLive("says of nobody that it runs who did not get up (43, 44)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("two", { exits: 1 })
      const report = yield* world.up("alpha", { one: {}, two: {} })
      assert.isFalse(report.ok)
      assert.strictEqual(report.outcome, "partial")
      assert.match(report.message, /^1 agent of team alpha is up; 1 agent is not\. two: /)
      assert.deepStrictEqual(report.agents.map(({ pid, status }) => [status, pid !== null]), [["idle", true], ["dead", false]])
      assert.strictEqual((yield* world.agent("two")).phase, "failed")
    }))

  it.scopedLive("of a team that runs changes nothing (95)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const [touched, position] = [world.touches(), yield* world.log.position]
      const again = yield* world.up("alpha", { one: {} })
      assert.strictEqual(again.outcome, "already_running")
      assert.deepStrictEqual([world.touches(), yield* world.log.position], [touched, position])
    }))

  it.scopedLive("does not start a paused agent, and writes nothing of it but that it is there (46)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, idle: { paused: true } })
      assert.deepInclude(yield* world.agent("idle"), { generation: 0, phase: "absent", spawn: null, session: null })
      const status = yield* world.run(Status.status("alpha"))
      assert.deepStrictEqual(status.agents.map(({ status: shown }) => shown), ["idle", "paused"])
    }))

  it.scopedLive("that nobody can be asked about shows unknown, never dead or idle", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.transport.inject({ on: "list", call: "every", fault: "unknown" })
      yield* world.transport.inject({ on: "inspect", call: "every", fault: "unknown" })
      const status = yield* world.run(Status.status("alpha"))
      assert.deepStrictEqual(status.agents.map(({ pid, status: shown }) => [shown, pid !== null]), [["unknown", true]])
    }))
})

describe("a message", () => {
  it.scopedLive("marks its agent as spoken to, and is known to the agent that comes back (17, 27)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const sent = yield* world.run(Send.send("alpha", "one", "remember the lilac"))
      assert.strictEqual(sent.outcome, "submitted", sent.message)
      assert.isNotNull(sent.consumed)
      assert.deepStrictEqual((yield* world.team()).agents.map(({ firstSend }) => firstSend._tag), ["Valid", "Absent"])
      const at = (yield* world.agent("one")).firstSend
      yield* world.restart()
      assert.deepStrictEqual((yield* world.agent("one")).firstSend, at)
      const [decision] = yield* world.events("restart.resume_decision")
      assert.isTrue(decision?.has_first_send_at)
    }))

  it.scopedLive("to an agent that is dead waits, and goes out with the restart that brings it back", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.kill("one")
      const sent = yield* world.run(Send.send("alpha", "one", "while you were away"))
      assert.strictEqual(sent.outcome, "accepted", sent.message)
      assert.isNull(sent.submitted)
      yield* world.restart()
      assert.strictEqual((yield* world.team()).pendingMessages.length, 0)
      assert.strictEqual((yield* world.events("message.submitted")).length, 1)
      assert.strictEqual((yield* world.agent("one")).firstSend._tag, "Valid")
    }))
})
