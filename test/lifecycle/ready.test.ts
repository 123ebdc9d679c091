import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { AgentFailure, ProcessEvidence, ProviderDriver } from "reprise/plugin"
import { ProviderFailure } from "reprise/plugin"
import { scriptedProvider } from "./scripted-cli.ts"
import { makeWorld } from "./world.ts"

const plain = scriptedProvider({ preassigned: true })

const makeReady = (more: Partial<ProviderDriver>) => makeWorld({ providers: { cli: { ...plain, ...more } } })

const evidence = (fields: Partial<ProcessEvidence>) => (): Effect.Effect<ProcessEvidence> =>
  Effect.succeed({ sessionId: null, transcript: null, state: null, evidence: "its file says so", ...fields })

/** An agent that never gets ready would keep a test for this long, in milliseconds. */
const impatient = { REPRISE_READY_DEADLINE_MS: "600" }

describe("an agent that lives and can't work", () => {
  const troubled = (trouble: AgentFailure, more: Partial<ProviderDriver> = {}) =>
    Effect.gen(function*() {
      const world = yield* makeReady({ trouble: () => trouble, ...more })
      const up = yield* world.up("alpha", { one: { provider: "cli" } })
      return { up, one: yield* world.agent("one"), pid: world.pidOf("one"), world }
    })

  it.scopedLive("for a login fails at once, with its kind, and is left for a person to see", () =>
    Effect.gen(function*() {
      const { one, pid, up, world } = yield* troubled({ kind: "auth", reason: "It asks for a login.", retryable: false, retryAt: null })
      assert.deepStrictEqual([up.outcome, one.phase, one.failure?.kind], ["failed", "failed", "auth"], up.message)
      assert.match(one.failure?.reason ?? "", /It asks for a login\. Its process was left alone\./)
      assert.isDefined(pid)
      const step = (yield* world.events("operation.step")).find(({ phase, step }) => step === "ready" && phase === "result")
      assert.deepStrictEqual(step?.detail, { failed: "It asks for a login. Its process was left alone." })
    }))

  it.scopedLive("for a usage limit fails with the time at which it can go on", () =>
    Effect.gen(function*() {
      const retryAt = new Date(Date.now() + 3_600_000).toISOString()
      const { one } = yield* troubled({ kind: "usage_limit", reason: "Its limit is reached.", retryable: true, retryAt })
      assert.deepInclude(one.failure, { kind: "usage_limit", retryable: true, retryAt })
    }))

  it.scopedLive("does not fail for a limit that is over, or that only its old conversation still shows", () =>
    Effect.gen(function*() {
      for (const retryAt of ["2020-01-01T00:00:00Z", null]) {
        const { one } = yield* troubled({ kind: "usage_limit", reason: "Its limit is reached.", retryable: true, retryAt })
        assert.strictEqual(one.phase, "running", retryAt ?? "no time")
      }
    }))

  it.scopedLive("fails for what else is wrong, where it does not wait for input as if nothing was", () =>
    Effect.gen(function*() {
      const broken: AgentFailure = { kind: "unknown", reason: "No model is there.", retryable: true, retryAt: null }
      assert.strictEqual((yield* troubled(broken)).one.phase, "running")
      const stuck = yield* troubled(broken, { classify: () => "error" })
      assert.deepStrictEqual([stuck.one.phase, stuck.one.failure?.kind], ["failed", "unknown"])
    }))
})

describe("whether an agent is ready", () => {
  it.scopedLive("is told by its own records before its screen", () =>
    Effect.gen(function*() {
      const world = yield* makeReady({ classify: () => "unknown", processEvidence: evidence({ state: "idle" }) })
      yield* world.up("alpha", { one: { provider: "cli" } })
      assert.match((yield* world.events("agent.ready"))[0]?.evidence ?? "", /its file says so/)
    }))

  it.scopedLive("is not while a question of its start is on its screen, whatever its records say", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ providers: { cli: { ...plain, processEvidence: evidence({ state: "idle" }) } } })
      world.script.set("one", { trust: true })
      yield* world.up("alpha", { one: { provider: "cli" } })
      assert.deepStrictEqual((yield* world.events("startup_prompt_handled")).map(({ prompt }) => prompt), ["trust"])
    }))

  it.scopedLive("is not known where its records can't be read", () =>
    Effect.gen(function*() {
      const torn = () => Effect.fail(new ProviderFailure({ provider: "cli", operation: "processEvidence", detail: "It is torn." }))
      const world = yield* makeWorld({ providers: { cli: { ...plain, processEvidence: torn } }, env: impatient })
      const up = yield* world.up("alpha", { one: { provider: "cli" } })
      assert.strictEqual((yield* world.agent("one")).failure?.kind, "not_ready", up.message)
    }))
})

describe("the session that a new process's own records tell", () => {
  it.scopedLive("goes before what its screen shows", () =>
    Effect.gen(function*() {
      const world = yield* makeReady({ processEvidence: evidence({ sessionId: "own" }) })
      world.script.set("one", { transcript: "never", reports: "another" })
      yield* world.up("alpha", { one: { provider: "cli" } })
      const [captured] = yield* world.events("session.captured")
      assert.deepInclude(captured, { session_id: "own", captured_via: "process_report", reason: "its file says so" })
      assert.strictEqual(captured?.old_session_id, (yield* world.agent("one")).spawn?.sessionId)
    }))

  it.scopedLive("is a failure where it is not the one that was to be continued", () =>
    Effect.gen(function*() {
      let own: string | null = null
      const world = yield* makeReady({
        processEvidence: () => Effect.suspend(evidence({ sessionId: own }))
      })
      yield* world.up("alpha", { one: { provider: "cli" } })
      const report = yield* world.restart(undefined, { beforeActing: () => Effect.sync(() => own = "another") })
      assert.strictEqual(report.agents[0]?.failure?.kind, "resume_mismatch", report.message)
      assert.isUndefined(world.pidOf("one"))
    }))
})
