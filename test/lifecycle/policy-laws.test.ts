import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as FastCheck from "effect/FastCheck"
import { AgentState } from "../../sdk/event-log/TeamState.ts"
import { type Facts, rosterEntry } from "../../sdk/policy/Facts.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { Resumability } from "../../sdk/session/resumability.ts"

const runs = { numRuns: 500 } as const

const session = FastCheck.option(FastCheck.constantFrom("s-1", "s-2").map((id) => ({
  provider: "fake",
  id,
  transcript: null,
  capturedVia: "assigned_id",
  confidence: "high",
  capturedAt: "2026-01-02T03:04:05.000Z",
  generation: 1
})))

const agent = FastCheck.record({ session, phase: FastCheck.constantFrom("running", "exited", "absent") }).map((fields) =>
  Schema.decodeUnknownSync(AgentState)({
    spec: {
      id: "one",
      role: null,
      provider: "fake",
      cwd: "/w",
      paused: false,
      model: null,
      effort: null,
      permissions: null,
      tools: [],
      prompt: null,
      env: {},
      options: {}
    },
    generation: 1,
    spawn: null,
    captures: [],
    firstSend: { _tag: "Absent" },
    exit: null,
    failure: null,
    attributionAmbiguous: false,
    ...fields
  }))

const facts: FastCheck.Arbitrary<Facts> = FastCheck.record({
  team: FastCheck.constant("alpha"),
  agent,
  process: FastCheck.constantFrom("alive" as const, "dead" as const, "orphaned" as const, "unknown" as const)
    .map((state) => ({ state, evidence: "it was looked at" })),
  resumability: FastCheck.constantFrom(
    Resumability.Resumable({ transcript: "/t" }),
    Resumability.NotResumable({ code: "missing_transcript", why: "it is gone" }),
    Resumability.NotResumable({ code: "no_persisted_session_id", why: "none is known" }),
    Resumability.Unknown({ why: "it could not be read" })
  ),
  spoken: FastCheck.constantFrom("never" as const, "spoken" as const, "unknown" as const)
    .map((state) => ({ state, evidence: "its transcript was looked at" })),
  unconverged: FastCheck.option(FastCheck.constant(
    { complete: false, deadline_s: 1, deadline_ms: 1000, elapsed_ms: 1000, pending_agent_ids: ["one"] }
  )),
  drift: FastCheck.constant([]),
  now: FastCheck.constant(Date.parse("2026-01-02T04:00:00Z")),
  life: FastCheck.constantFrom("alive" as const, "dead" as const, "unknown" as const)
}).map((fields): Facts => ({
  ...fields,
  sessionAgeMs: fields.agent.session === null ? null : 1000,
  history: fields.agent.history,
  roster: [rosterEntry(fields.agent, fields.life)],
  trigger: "person",
  boot: "b-1"
}))

type Any = Policy.AgentPolicy<unknown, unknown>

const leaf: FastCheck.Arbitrary<Any> = FastCheck.constantFrom<Any>(
  Policy.resume,
  Policy.fresh,
  Policy.freshIfNeverMessaged,
  Policy.skip("on holiday"),
  Policy.none
)
const policy: FastCheck.Arbitrary<Any> = FastCheck.array(leaf, { minLength: 1, maxLength: 4 }).map((leaves) =>
  leaves.reduce<Any>((built, next) => Policy.orElse(built, next), Policy.none))

const decide = (chosen: Any, about: Facts) => chosen.decide(about).decision

describe("orElse", () => {
  it("asks the second only where the first refuses, and keeps the reasons of both", () => {
    FastCheck.assert(FastCheck.property(policy, policy, facts, (a, b, about) => {
      const [first, second, both] = [decide(a, about), decide(b, about), decide(Policy.orElse(a, b), about)]
      if (first.kind !== "refuse") return assert.deepStrictEqual(both, first)
      assert.strictEqual(both.kind, second.kind)
      assert.deepStrictEqual(both.why, [...first.why, ...second.why])
      assert.deepStrictEqual([both.session, both.requires, both.forcedFresh], [second.session, second.requires, second.forcedFresh])
      if (second.kind === "refuse") assert.strictEqual(both.code, first.code ?? second.code)
    }), runs)
  })

  it("is associative, in its decisions and in what it requires", () => {
    FastCheck.assert(FastCheck.property(policy, policy, policy, facts, (a, b, c, about) => {
      const [left, right] = [Policy.orElse(Policy.orElse(a, b), c), Policy.orElse(a, Policy.orElse(b, c))]
      assert.deepStrictEqual(decide(left, about), decide(right, about))
      assert.deepStrictEqual(left.requires, right.requires)
    }), runs)
  })

  it("has the policy that refuses without a reason as its unit", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      assert.deepStrictEqual(decide(Policy.orElse(Policy.none, a), about), decide(a, about))
      assert.deepStrictEqual(decide(Policy.orElse(a, Policy.none), about), decide(a, about))
    }), runs)
  })

  it("never falls through a skip", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (b, about) => {
      assert.strictEqual(decide(Policy.orElse(Policy.skip("on holiday"), b), about).kind, "skip")
    }), runs)
  })
})

describe("a decision", () => {
  it("is the same for the same facts", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      assert.deepStrictEqual(decide(a, about), decide(a, structuredClone(about)))
    }), runs)
  })

  it("starts anew without the grant only who was proved never to have been spoken to", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      const made = decide(a, about)
      if (made.kind !== "fresh_start" || made.requires.includes("discard-context")) return
      assert.strictEqual(about.spoken.state, "never")
    }), runs)
  })

  it("asks only for grants that its policy declares", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      for (const grant of decide(a, about).requires) assert.include([...a.requires], grant)
    }), runs)
  })

  it("resumes only what can be resumed", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      if (decide(a, about).kind === "resume") assert.strictEqual(about.resumability._tag, "Resumable")
    }), runs)
  })
})
