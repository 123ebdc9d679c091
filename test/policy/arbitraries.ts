// Facts and policies as they come, for the laws that hold for all of them.
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { AgentState } from "../../sdk/event-log/TeamState.ts"
import { type Facts, rosterEntry } from "../../sdk/policy/Facts.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { Resumability } from "../../sdk/session/resumability.ts"

export const now = Date.parse("2026-01-02T04:00:00Z")

const session = FastCheck.option(FastCheck.constantFrom("s-1", "s-2").map((id) => ({
  provider: "fake",
  id,
  transcript: null,
  capturedVia: "assigned_id",
  confidence: "high",
  capturedAt: "2026-01-02T03:04:05.000Z",
  generation: 1
})))

const minutesAgo = (minutes: number): string => new Date(now - minutes * 60_000).toISOString()

const start = FastCheck.record({
  generation: FastCheck.integer({ min: 1, max: 9 }),
  at: FastCheck.integer({ min: 0, max: 30 }).map(minutesAgo),
  operation: FastCheck.constantFrom("o-1", "o-2", null),
  cause: FastCheck.constantFrom("launch" as const, "person" as const, "death" as const),
  readyAt: FastCheck.option(FastCheck.integer({ min: 0, max: 30 }).map(minutesAgo)),
  endedAt: FastCheck.option(FastCheck.integer({ min: 0, max: 30 }).map(minutesAgo))
})

export const history = FastCheck.record({
  starts: FastCheck.array(start, { maxLength: 6 }),
  deaths: FastCheck.constant([]),
  budgetExceededAt: FastCheck.option(FastCheck.integer({ min: 0, max: 30 }).map(minutesAgo)),
  budgetClearedAt: FastCheck.option(FastCheck.integer({ min: 0, max: 30 }).map(minutesAgo))
})

const agent = FastCheck.record({
  session,
  history,
  id: FastCheck.constantFrom("one", "coder-1", "scribe"),
  role: FastCheck.constantFrom(null, "Leader", "Scribe"),
  provider: FastCheck.constantFrom("fake", "other"),
  phase: FastCheck.constantFrom("running", "exited", "absent")
}).map(({ history, id, phase, provider, role, session }) =>
  Schema.decodeUnknownSync(AgentState)({
    spec: {
      id,
      role,
      provider,
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
    session,
    history,
    phase
  }))

const life = FastCheck.constantFrom("alive" as const, "dead" as const, "unknown" as const)

export const facts: FastCheck.Arbitrary<Facts> = FastCheck.record({
  agent,
  others: FastCheck.array(FastCheck.record({ agent, life }), { maxLength: 2 }),
  elsewhere: FastCheck.array(agent, { maxLength: 2 }),
  process: FastCheck.constantFrom("alive" as const, "dead" as const, "orphaned" as const, "unknown" as const)
    .map((state) => ({ state, evidence: "it was looked at" })),
  life,
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
  ))
}).map(({ elsewhere, others, ...fields }): Facts => ({
  ...fields,
  team: "alpha",
  drift: [],
  sessionAgeMs: fields.agent.session === null ? null : 1000,
  history: fields.agent.history,
  roster: [
    rosterEntry(fields.agent, fields.life),
    ...others.map((other, index) => ({ ...rosterEntry(other.agent, other.life), id: `other-${index}` }))
  ],
  otherTeams: elsewhere.map((other) => rosterEntry(other, "unknown")),
  trigger: "person",
  boot: "b-1",
  now
}))

export type Any = Policy.AgentPolicy<unknown, unknown>

const leaf: FastCheck.Arbitrary<Any> = FastCheck.constantFrom<Any>(
  Policy.resume,
  Policy.fresh,
  Policy.freshIfNeverMessaged,
  Policy.skip("on holiday"),
  Policy.refuse("closed", "it is closed today"),
  Policy.escalate("leader"),
  Policy.none
)

const alive = ({ life }: Facts): boolean => life === "alive"

/** Policies of some depth, with everything that a policy of one agent can be made of. */
export const policy: FastCheck.Arbitrary<Any> = FastCheck.letrec<{ readonly any: Any }>((tie) => ({
  any: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    FastCheck.tuple(tie("any"), tie("any")).map(([a, b]) => Policy.orElse(a, b)),
    FastCheck.tuple(tie("any"), tie("any")).map(([a, b]) => a.pipe(Policy.when(alive, b, "it is alive"))),
    FastCheck.tuple(tie("any"), tie("any")).map(([a, b]) => Policy.byProvider({ fake: a }, { otherwise: b })),
    FastCheck.tuple(tie("any"), tie("any")).map(([a, b]) => Policy.byRole({ leader: a }, { otherwise: b })),
    tie("any").map((a) => a.pipe(Policy.withGrace("1 second"), Policy.withBackoff(Schedule.spaced("1 second"), { times: 2 }))),
    tie("any").map((a) => a.pipe(Policy.withGate("a gate", Effect.succeed("open")), Policy.verify(Effect.void)))
  )
})).any

export const decide = (chosen: Policy.AnyPolicy<unknown, unknown>, about: Facts) => chosen.decide(about).decision
