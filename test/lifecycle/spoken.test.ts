import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Policy from "../../sdk/policy/Policy.ts"
import { saidLine } from "./scripted-cli.ts"
import { makeWorld, type World } from "./world.ts"

const decided = (world: World) =>
  Effect.map(world.plan(Policy.freshIfNeverMessaged), (plan) =>
    plan.agents.map(({ decided: { decision }, facts }) => `${facts.agent.spec.id} ${decision.kind} ${facts.spoken.state}`))

describe("never spoken to is a proved fact (rule 4)", () => {
  it.scopedLive("an agent with an empty transcript at its address was not spoken to", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      assert.deepStrictEqual(yield* decided(world), ["one fresh_start never"])
    }))

  it.scopedLive("a user's record at its address: it was, whatever the log says", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      Fs.appendFileSync((yield* world.agent("one")).session?.transcript ?? "", saidLine("user", "typed by hand"))
      assert.deepStrictEqual(yield* decided(world), ["one refuse spoken"])
    }))

  it.scopedLive("a transcript that was seen and is gone: whoever typed there, nothing tells it any more", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: {} })
      assert.deepStrictEqual(yield* decided(world), ["one fresh_start never"])
      const path = world.transcript((yield* world.agent("one")).spawn?.sessionId ?? "", ["typed by hand"])
      assert.deepStrictEqual(yield* decided(world), ["one refuse spoken"])
      yield* world.kill("one")
      yield* world.restart(Policy.skip("it is only looked at"))
      assert.deepInclude((yield* world.agent("one")).session, { transcript: path, capturedVia: "assigned_id" })
      Fs.rmSync(path)
      assert.deepStrictEqual(yield* decided(world), ["one refuse unknown"])
      const refused = yield* world.restart()
      assert.strictEqual(refused.outcome, "refused_resume_atomicity", refused.message)
      assert.strictEqual(world.spawnsOf("one").length, 1)
    }))

  it.scopedLive("a first send without any transcript: it was", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      assert.deepStrictEqual(yield* decided(world), ["one refuse spoken"])
    }))

  it.scopedLive("a user's record in a file born since its start: it may have been", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      world.script.set("two", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" }, two: { provider: "found" } })
      assert.deepStrictEqual(yield* decided(world), ["one fresh_start never", "two fresh_start never"])
      world.transcript("whose", ["hello"])
      assert.deepStrictEqual(yield* decided(world), ["one refuse spoken", "two refuse spoken"])
    }))

  it.scopedLive("an agent whose team file names another provider now: what its CLI before was told is not in the new one's places", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      world.transcript("whose", ["typed by hand"])
      const { agents, key, objective, workspace } = yield* world.team()
      yield* world.record({
        type: "team.recorded",
        team: key,
        spec: { name: key, objective, agents: agents.map(({ spec }) => ({ ...spec, provider: "assigned", options: { directory: "elsewhere" } })) },
        workspace,
        transport: "memory",
        plugins: []
      })
      assert.deepStrictEqual(yield* decided(world), ["one refuse unknown"])
    }))

  it.scopedLive("a file that is another agent's by its marker, its address or its owner says nothing of this one", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      for (const id of ["one", "two"]) world.script.set(id, { transcript: "never" })
      yield* world.up("alpha", {
        one: { provider: "found" },
        two: { provider: "found" },
        held: { provider: "found", options: { directory: "held" } },
        assigned: {}
      })
      yield* Effect.sleep(5)
      world.transcript("of-two", ["hello"], { marker: "alpha/two" })
      assert.deepStrictEqual((yield* decided(world)).filter((line) => line.startsWith("one")), ["one fresh_start never"])
    }))

  it.scopedLive("a file that came since its start and is at nobody's address: not known, unless it says whose it is", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("late", { transcript: "never" })
      world.transcript("older", ["said before any of them started"])
      yield* Effect.sleep(50)
      yield* world.up("alpha", { late: {}, written: {} })
      yield* Effect.sleep(5)
      assert.deepStrictEqual(yield* decided(world), ["late fresh_start never", "written fresh_start never"])
      world.transcript("of-another", ["hello"], { marker: "beta/one" })
      world.transcript("empty")
      assert.deepStrictEqual(yield* decided(world), ["late fresh_start never", "written fresh_start never"])
      world.transcript("of-late", ["hello"], { marker: "alpha/late" })
      assert.deepStrictEqual(yield* decided(world), ["late refuse spoken", "written fresh_start never"])
      world.transcript("whose", ["hello"])
      assert.deepStrictEqual(yield* decided(world), ["late refuse spoken", "written refuse unknown"])
    }))

  it.scopedLive("what others said at their own addresses says nothing of an agent that knows its own", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      world.script.set("two", { transcript: "never" })
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      yield* Effect.sleep(5)
      world.transcript((yield* world.agent("two")).spawn?.sessionId ?? "", ["hello"])
      Fs.appendFileSync((yield* world.agent("three")).session?.transcript ?? "", saidLine("user", "typed by hand"))
      assert.deepStrictEqual(yield* decided(world), ["one fresh_start never", "two refuse spoken", "three refuse spoken"])
    }))

  it.scopedLive("a torn file born since its start may hold its conversation: not known", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      Fs.mkdirSync(world.sessions())
      Fs.writeFileSync(`${world.sessions()}/before.jsonl`, "not a transcript, and older than the agent")
      yield* Effect.sleep(5)
      yield* world.up("alpha", { one: { provider: "found" } })
      assert.deepStrictEqual(yield* decided(world), ["one fresh_start never"])
      Fs.writeFileSync(`${world.sessions()}/since.jsonl`, "{\"sessio")
      assert.deepStrictEqual(yield* decided(world), ["one refuse unknown"])
    }))

  it.scopedLive("a directory that can't be listed, a file that can't be read: not known", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      world.script.set("two", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found", options: { directory: "loop" } }, two: {} })
      Fs.symlinkSync(world.sessions("loop"), world.sessions("loop"))
      const asked = (yield* world.agent("two")).spawn?.transcript ?? ""
      Fs.mkdirSync(world.sessions(), { recursive: true })
      Fs.symlinkSync(asked, asked)
      assert.deepStrictEqual(yield* decided(world), ["one refuse unknown", "two refuse unknown"])
    }))

  it.scopedLive("a message that was being typed when its sender ended: not known", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const scope = world.scope("one", 1)
      yield* Effect.orDie(world.log.append([
        { type: "message.accepted", ...scope, message_id: "m", from: "leader", text: "hello" },
        { type: "message.submitting", ...scope, message_id: "m" }
      ]))
      assert.deepStrictEqual(yield* decided(world), ["one refuse unknown"])
      // Settled as a failure it was typed all the same.
      yield* Effect.orDie(world.log.append([
        { type: "message.failed", ...scope, message_id: "m", code: "unverified", reason: "no transcript shows it" }
      ]))
      assert.deepStrictEqual(yield* decided(world), ["one refuse unknown"])
    }))

  it.scopedLive("an agent that was never started has nothing to lose", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: { paused: true } })
      const team = yield* world.team()
      const spec = (yield* world.agent("one")).spec
      yield* world.record({
        type: "team.recorded",
        team: team.key,
        spec: { name: team.key, objective: null, agents: [{ ...spec, paused: false }] },
        workspace: team.workspace,
        transport: "memory",
        plugins: []
      })
      assert.deepStrictEqual(yield* decided(world), ["one fresh_start never"])
    }))
})
