// A recorded log is a scenario: what befell the team then befalls it again, under another policy.
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Event } from "../../sdk/domain/event.ts"
import type { AgentFailure } from "../../sdk/domain/failure.ts"
import { OperationId } from "../../sdk/domain/ids.ts"
import { scenarioOfLog } from "../../sdk/coordinator/simulate/from-log.ts"
import * as Simulate from "../../sdk/coordinator/simulate/Simulate.ts"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import * as EventLogMemory from "../../sdk/event-log/EventLogMemory.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { agent, intended, recorded, team } from "../event-log/samples.ts"

const minute = 60_000
const key = team("alpha")
const id = agent("coder-1")

const scope = (generation: number) => ({ team: key, agent: id, generation })
const ready = (generation: number): Event => ({ type: "agent.ready", ...scope(generation), evidence: "idle", session_id: null })
const exited = (generation: number, code: number | null): Event =>
  ({ type: "agent.exited", ...scope(generation), exit: { code, signal: null }, evidence: "it ended" })
const failed = (generation: number, failure: Partial<AgentFailure>): Event =>
  ({ type: "agent.failed", ...scope(generation), failure: { kind: "crash", reason: "it ended", retryable: true, retryAt: null, ...failure } })
const operation = (name: string, kind: "launch" | "restart"): ReadonlyArray<Event> => [
  { type: "operation.started", team: key, operation: OperationId.make(name), kind, agents: [id], alive: [], policy: null }
]
const finished = (name: string): Event =>
  ({ type: "operation.finished", team: key, operation: OperationId.make(name), outcome: "restarted", took_ms: 1 })

/** A log of the events, each at its minute. */
const logOf = (entries: ReadonlyArray<readonly [number, ReadonlyArray<Event>]>) =>
  Effect.scoped(Effect.gen(function*() {
    const log = yield* EventLog
    const lease = yield* log.lease(teamResource(key), "test")
    let now = 0
    for (const [at, events] of entries) {
      yield* TestClock.adjust((at - now) * minute)
      now = at
      yield* log.append(events, { lease })
    }
    return [...yield* Stream.runCollect(log.read({ team: key }))]
  })).pipe(Effect.provide(EventLogMemory.layer))

/** Died twice; a person brought it back each time, the second time late; then a limit; last it was ended by hand. */
const story = logOf([
  [0, [recorded("alpha", ["coder-1"]), ...operation("l", "launch"), intended("alpha", "coder-1", 1)]],
  [1, [ready(1), finished("l")]],
  [2, [{ type: "agent.first_send_recorded", ...scope(1), first_send_at: "1970-01-01T00:02:00.000Z" }]],
  [11, [exited(1, 1)]],
  [21, [...operation("r1", "restart"), intended("alpha", "coder-1", 2)]],
  [22, [ready(2), finished("r1")]],
  [31, [exited(2, 1)]],
  [91, [...operation("r2", "restart"), intended("alpha", "coder-1", 3)]],
  [92, [failed(3, { kind: "usage_limit", retryAt: "1970-01-01T02:01:00.000Z" }), finished("r2")]],
  [151, [...operation("r3", "restart"), intended("alpha", "coder-1", 4)]],
  [152, [ready(4), finished("r3")]],
  [181, [exited(4, 0)]]
])

it.scoped("what befell a team is read from its log", () =>
  Effect.gen(function*() {
    const scenario = scenarioOfLog(yield* story)
    expect(scenario).toMatchObject({
      beginsAt: minute,
      scenario: {
        horizon: 180 * minute,
        supervise: "off",
        agents: { "coder-1": { provider: "fake", spoken: minute } },
        deaths: [
          { agents: "coder-1", distribution: "at", times: [10 * minute], how: "crash" },
          { times: [30 * minute], how: "crash" },
          { times: [180 * minute], how: "ended" }
        ],
        restarts: [{ at: 20 * minute, agents: ["coder-1"], dead: true }, { at: 90 * minute }, { at: 150 * minute }],
        outages: [{ provider: "fake", kind: "usage_limit", from: 90 * minute, until: 120 * minute, saysUntil: true, ends: false }],
        starts: [{ agents: "coder-1", takes: [minute, minute] }]
      }
    })
  }))

it.scoped("it is played again, under this policy and that, supervised or not", () =>
  Effect.gen(function*() {
    const log = yield* story
    const patient = Policy.standard.pipe(Policy.readyWithin("2 minutes"))
    const { runs: [again] } = yield* Simulate.run({ policy: patient, log })
    // 10 to 21, 30 to 151, and the end by hand with the last minute: as it was.
    expect(again).toMatchObject({ deaths: 3, restarts: 2, kept: 2, dropped: 0, downtimeMs: (11 + 121) * minute, starts: 3 })
    const { runs: [fresh] } = yield* Simulate.run({ policy: Policy.fresh.pipe(Policy.readyWithin("2 minutes")), log })
    expect(fresh).toMatchObject({ restarts: 2, kept: 0, dropped: 2 })
    const { runs: [supervised] } = yield* Simulate.run({ policy: patient, log, supervise: "oneForOne" })
    expect(supervised?.downtimeMs).toBe(2 * minute)
  }))

it.scoped("an agent whose conversation was there before anybody spoke to it comes back in it, as it did", () =>
  Effect.gen(function*() {
    const captured: Event = {
      type: "session.captured",
      ...scope(1),
      agent_id: id,
      provider: "fake",
      session_id: "s-1",
      rollout_path: "/s-1.jsonl",
      captured_via: "assigned_id",
      attribution_confidence: "high"
    }
    const silent = (more: ReadonlyArray<Event>) => logOf([
      [0, [recorded("alpha", ["coder-1"]), ...operation("l", "launch"), intended("alpha", "coder-1", 1)]],
      [1, [ready(1), ...more, finished("l")]],
      [11, [exited(1, 1)]],
      [21, [...operation("r1", "restart"), intended("alpha", "coder-1", 2)]],
      [22, [ready(2), finished("r1")]]
    ])
    const patient = Policy.resume.pipe(Policy.readyWithin("2 minutes"))
    const { runs: [kept] } = yield* Simulate.run({ policy: patient, log: yield* silent([captured]) })
    expect(kept).toMatchObject({ kept: 1, refused: 0 })
    const { runs: [refused] } = yield* Simulate.run({ policy: patient, log: yield* silent([]) })
    expect(refused).toMatchObject({ kept: 0, refused: 1 })
  }))

it.effect("a log without a team is nothing to play", () =>
  Effect.gen(function*() {
    expect(Option.getOrNull(yield* Effect.option(Simulate.run({ policy: Policy.resume, log: [] })))).toBeNull()
  }))
