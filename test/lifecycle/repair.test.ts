import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { EventOf } from "../../sdk/domain/event.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { makeWorld, type World } from "./world.ts"

/**
 * An agent whose session is in the log and not in its state: it was never spoken to, was started anew for that, and the
 * new process never came to a conversation of its own. Answers with the session that the log remembers.
 */
const forgotten = (world: World, more: Record<string, Record<string, string>> = {}) =>
  Effect.gen(function*() {
    yield* world.up("alpha", { one: {}, ...more })
    const session = (yield* world.agent("one")).session
    assert.isNotNull(session)
    world.script.set("one", { exits: 1 })
    yield* world.restart(Policy.freshIfNeverMessaged, { agents: ["one"] })
    world.script.delete("one")
    assert.isNull((yield* world.agent("one")).session)
    return { id: session?.id ?? "", path: session?.transcript ?? "" }
  })

const capturedBy = (world: World, id: string, session: string, generation: number): EventOf<"session.captured"> => ({
  type: "session.captured",
  ...world.scope(id, generation),
  agent_id: world.scope(id, generation).agent,
  provider: "assigned",
  session_id: session,
  rollout_path: world.transcript(session),
  captured_via: "identity_marker",
  attribution_confidence: "high"
})

describe("a session that only the log remembers", () => {
  it.scopedLive("is given back before anything is decided, and continued (20)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { id, path } = yield* forgotten(world)
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result, session }) => [result, session?.id]), [["resumed", id]])
      const [repaired] = yield* world.events("resume.session_repaired")
      assert.deepInclude(repaired, {
        old_session_id: null,
        session_id: id,
        rollout_path: path,
        captured_via: "event_log_repair",
        attribution_confidence: "high"
      })
      const decision = (yield* world.events("restart.resume_decision")).at(-1)
      assert.deepInclude(decision, { decision: "resume", session_id: id, has_session_id: true })
      assert.deepInclude((yield* world.agent("one")).session, { id, capturedVia: "event_log_repair", confidence: "high" })
    }))

  it.scopedLive("is not given back after a tombstone (21)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { id } = yield* forgotten(world)
      const { generation } = yield* world.agent("one")
      yield* world.record({
        type: "discard.session_tombstone",
        ...world.scope("one", generation),
        agent_id: world.scope("one", generation).agent,
        session_id: id,
        reason: "let go by its user"
      })
      yield* world.firstSend("one")
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "refused_resume_atomicity", report.message)
      assert.isNull((yield* world.agent("one")).session)
      assert.deepStrictEqual(yield* world.events("resume.session_repaired"), [])
    }))

  it.scopedLive("is not given back where its transcript is gone", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { path } = yield* forgotten(world)
      Fs.rmSync(path)
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["started"])
      assert.deepStrictEqual(yield* world.events("resume.session_repaired"), [])
    }))

  it.scopedLive("is the newest that can be continued, and never one that another agent holds", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      for (const session of ["s-older", "s-others", "s-newer", "s-newest"]) {
        yield* Effect.orDie(world.log.append([capturedBy(world, "one", session, 1)]))
      }
      yield* Effect.orDie(world.log.append([capturedBy(world, "two", "s-others", 1)]))
      world.script.set("one", { exits: 1 })
      yield* world.restart(Policy.freshIfNeverMessaged, { agents: ["one"] })
      Fs.rmSync(`${world.sessions()}/s-newest.jsonl`)
      world.script.delete("one")
      const first = yield* world.restart()
      assert.deepStrictEqual(first.agents.map(({ session }) => session?.id), ["s-newer", "s-others"])

      // The same again, and the newer one is gone too: the one between is the other agent's by now.
      world.script.set("one", { exits: 1 })
      yield* world.restart(Policy.freshIfNeverMessaged, { agents: ["one"] })
      Fs.rmSync(`${world.sessions()}/s-newer.jsonl`)
      world.script.delete("one")
      const second = yield* world.restart()
      assert.deepStrictEqual(second.agents.map(({ session }) => session?.id), ["s-older", "s-others"])
    }))

  it.scopedLive("is kept though the restart is refused for another's sake", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { id } = yield* forgotten(world, { two: {} })
      yield* world.firstSend("two")
      Fs.rmSync((yield* world.agent("two")).session?.transcript ?? "")
      const touched = world.touches()
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "refused_resume_atomicity", report.message)
      assert.strictEqual((yield* world.agent("one")).session?.id, id)
      assert.strictEqual(world.touches(), touched)
    }))

  it.scopedLive("does not take the place of a newer conversation that was spoken in and can't be found", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { transcript: "never" })
      yield* world.restart(Policy.freshIfNeverMessaged)
      yield* world.firstSend("one")
      yield* world.kill("one")
      const touched = world.touches()
      const report = yield* world.restart()
      assert.isFalse(report.ok, report.message)
      assert.strictEqual(world.touches(), touched)
      assert.deepStrictEqual(yield* world.events("resume.session_repaired"), [])
    }))
})
