import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { type Event, isLifecycleEvent, type LogEntry } from "../../sdk/domain/event.ts"
import { classifyFirstSend, rawTypeName } from "../../sdk/domain/first-send.ts"
import { AgentId, OperationId, SpawnToken, TeamKey } from "../../sdk/domain/ids.ts"
import { Json } from "../../sdk/domain/json.ts"
import { advancedTeam, changedAgent } from "../../sdk/event-log/changed.ts"
import { fold } from "../../sdk/event-log/fold.ts"
import { AgentState, TeamState } from "../../sdk/event-log/TeamState.ts"

const runs = { numRuns: 500 } as const
const context = {
  argv: ["cli"],
  cwd: "/w",
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  configHome: null,
  account: null,
  envNames: [],
  options: {}
}
const recorded = (team: TeamKey, agents: ReadonlyArray<AgentId>): Event => ({
  type: "team.recorded",
  team,
  workspace: "/w",
  transport: "memory",
  plugins: [],
  spec: {
    name: team,
    objective: null,
    agents: agents.map((id) => ({
      id,
      role: null,
      provider: "p",
      cwd: "/w",
      paused: false,
      model: null,
      effort: null,
      permissions: null,
      tools: [],
      prompt: null,
      env: {},
      options: {},
      mcp: {}
    }))
  }
})

const alpha = TeamKey.make("alpha")
const beta = TeamKey.make("beta")
const ids = ["one", "two", "three"].map((id) => AgentId.make(id))

const anyEvent = (teams: ReadonlyArray<TeamKey>): FastCheck.Arbitrary<Event> =>
  FastCheck.record({
    team: FastCheck.constantFrom(...teams),
    agent: FastCheck.constantFrom(...ids),
    generation: FastCheck.integer({ min: 0, max: 3 }),
    session: FastCheck.constantFrom("s-1", "s-2", "s-3"),
    operation: FastCheck.constantFrom("o-1", "o-2").map((id) => OperationId.make(id)),
    message: FastCheck.constantFrom("m-1", "m-2"),
    mode: FastCheck.constantFrom("fresh" as const, "resume" as const),
    raw: FastCheck.constantFrom<Json>(null, "", 0, false, "2026-01-02", [], {}),
    confidence: FastCheck.constantFrom("high" as const, "medium" as const, "low" as const),
    kind: FastCheck.integer({ min: 0, max: 17 }),
    some: FastCheck.subarray([...ids])
  }).map(({ agent, confidence, generation, kind, message, mode, operation, raw, session, some, team }): Event => {
    const scope = { team, agent, generation }
    const spawn = SpawnToken.make(`${agent}-${generation}`)
    const failure = { kind: "crash" as const, reason: "it ended", retryable: true, retryAt: null }
    const events: ReadonlyArray<Event> = [
      recorded(team, some),
      { type: "operation.started", team, operation, kind: "restart", agents: some, alive: some, policy: null },
      { type: "operation.step", team, operation, agent, generation, step: "spawn", phase: "intent" },
      { type: "operation.finished", team, operation, outcome: "restarted", took_ms: 1 },
      { type: "agent.spawn_intended", ...scope, spawn, mode, session_id: session, rollout_path: null, launch_context: context },
      {
        type: "agent.spawned",
        ...scope,
        spawn,
        pane: { transport: "t", endpoint: "e", session: "s", window: "w", pane: "%1", pid: 1, startTime: "1@b", spawn }
      },
      { type: "agent.spawn_failed", ...scope, spawn, failure },
      { type: "agent.ready", ...scope, evidence: "idle", session_id: null },
      { type: "agent.failed", ...scope, failure },
      { type: "agent.stopped", ...scope, evidence: "gone" },
      { type: "agent.exited", ...scope, exit: null, evidence: "gone" },
      { type: "discard.session_tombstone", ...scope, agent_id: agent, session_id: session, reason: "told so" },
      { type: "agent.first_send_recorded", ...scope, first_send_at: raw },
      {
        type: "session.captured",
        ...scope,
        agent_id: agent,
        provider: "p",
        session_id: session,
        rollout_path: null,
        captured_via: "spawn_window",
        attribution_confidence: confidence
      },
      { type: "provider.session.attribution_ambiguous", ...scope, agent_id: agent, spawn_cwd: "/w", candidates: [] },
      { type: "message.accepted", ...scope, message_id: message, from: "leader", text: "hello" },
      { type: "message.submitting", ...scope, message_id: message },
      { type: "message.submitted", ...scope, message_id: message, evidence: "seen" }
    ]
    return events[kind] ?? recorded(team, some)
  })

const entries = (events: ReadonlyArray<Event>): ReadonlyArray<LogEntry> =>
  events.map((event, index) => ({
    _tag: "Event",
    position: index + 1,
    at: new Date(Date.UTC(2026, 0, 1) + index).toISOString(),
    event
  }))
const foldAll = (log: ReadonlyArray<LogEntry>, from?: TeamState): TeamState | undefined =>
  log.reduce<TeamState | undefined>((state, entry) => fold(state, entry), from)
/** A log of one team that begins as logs do. */
const ownLog = FastCheck.array(anyEvent([alpha]), { maxLength: 30 }).map((events) => [recorded(alpha, ids), ...events])
const isState = Schema.is(TeamState)

describe("the fold", () => {
  it("makes of any log, and of any beginning of it, a whole state", () => {
    FastCheck.assert(FastCheck.property(FastCheck.array(anyEvent([alpha, beta]), { maxLength: 40 }), (events) => {
      let state: TeamState | undefined
      for (const entry of entries(events)) {
        state = fold(state, entry)
        if (state !== undefined) assert.isTrue(isState(state))
      }
    }), runs)
  })

  it("goes on from a snapshot of any beginning as if it had read all", () => {
    FastCheck.assert(FastCheck.property(ownLog, FastCheck.nat(), (events, cut) => {
      const log = entries(events)
      const at = 1 + cut % log.length
      const snapshot = Schema.decodeUnknownSync(TeamState)(JSON.parse(JSON.stringify(foldAll(log.slice(0, at)))))
      assert.deepStrictEqual(foldAll(log.slice(at), snapshot), foldAll(log))
    }), runs)
  })

  it("is not changed by other teams' events", () => {
    FastCheck.assert(FastCheck.property(ownLog, FastCheck.array(anyEvent([beta]), { maxLength: 20 }), FastCheck.nat(), (own, others, seed) => {
      const mixed = own.flatMap((event, index) => {
        const other = others[(index * 7 + seed) % Math.max(1, others.length)]
        return index === 0 || other === undefined ? [event] : [other, event]
      })
      // The same instants and positions, so that only the events differ.
      const log = entries(mixed)
      assert.deepStrictEqual(
        foldAll(log),
        foldAll(log.filter((entry) => entry._tag === "Event" && entry.event.team === alpha))
      )
    }), runs)
  })

  it("passes over rows that nobody can read, and names them", () => {
    FastCheck.assert(FastCheck.property(ownLog, FastCheck.nat(), FastCheck.constantFrom("alpha", "beta", null), (events, where, team) => {
      const log = entries(events)
      const at = 1 + where % log.length
      const row: LogEntry = { _tag: "Unreadable", position: 900, at: "2026-01-01T00:00:00.000Z", team, raw: "{", problem: "torn" }
      const [whole, holed] = [foldAll(log), foldAll([...log.slice(0, at), row, ...log.slice(at)])]
      assert.deepStrictEqual(holed?.unreadable, team === "alpha" ? [{ position: 900, problem: "torn" }] : [])
      assert.deepStrictEqual(
        { ...holed, unreadable: [], position: 0 },
        { ...whole, unreadable: [], position: 0 }
      )
    }), runs)
  })

  it("takes no observation of another generation for one of this", () => {
    FastCheck.assert(FastCheck.property(ownLog, anyEvent([alpha]), (events, event) => {
      const state = foldAll(entries(events))
      const bound: ReadonlySet<string> = new Set(["session.captured", "agent.exited", "agent.ready", "message.submitted",
        "startup_prompt_handled", "provider.session.attribution_ambiguous"])
      if (state === undefined || isLifecycleEvent(event) && event.type !== "agent.ready" || !bound.has(event.type)) return
      if (!("agent" in event) || event.agent === undefined || !("generation" in event)) return
      const before = state.agents.find(({ spec }) => spec.id === event.agent)
      if (before === undefined || before.generation === event.generation) return
      const after = fold(state, { _tag: "Event", position: 99, at: "2026-02-01T00:00:00.000Z", event })
      assert.deepStrictEqual(after?.agents, state.agents)
    }), runs)
  })

  it("keeps a session of a new conversation apart from those before it", () => {
    FastCheck.assert(FastCheck.property(ownLog, (events) => {
      const state = foldAll(entries(events))
      const fresh = fold(state, {
        _tag: "Event",
        position: 99,
        at: "2026-02-01T00:00:00.000Z",
        event: {
          type: "agent.spawn_intended",
          team: alpha,
          agent: AgentId.make("one"),
          generation: 9,
          spawn: SpawnToken.make("new"),
          mode: "fresh",
          session_id: null,
          rollout_path: null,
          launch_context: context
        }
      })
      const agent = fresh?.agents.find(({ spec }) => spec.id === "one")
      if (agent === undefined) return
      assert.isNull(agent.session)
      assert.strictEqual(agent.firstSend._tag, "Absent")
      assert.deepStrictEqual(agent.spawn?.promptsAnswered, [])
    }), runs)
  })
})

describe("first_send_at (28)", () => {
  const json = FastCheck.jsonValue().map((value) => Schema.decodeUnknownSync(Json)(value))

  it("is absent only for null, valid only for an ISO text, and else damaged with its raw value and type", () => {
    FastCheck.assert(FastCheck.property(json, (raw) => {
      const judged = classifyFirstSend(raw)
      if (raw === null) return assert.strictEqual(judged._tag, "Absent")
      if (judged._tag === "Valid") return assert.isTrue(typeof raw === "string" && /^\d{4}/.test(raw))
      assert.deepStrictEqual(judged, { _tag: "Corrupt", raw, rawType: rawTypeName(raw) })
    }), runs)
  })

  it("takes every instant as it is written, and none with a day that does not exist", () => {
    FastCheck.assert(FastCheck.property(FastCheck.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
      const text = date.toISOString()
      for (const form of [text, text.slice(0, 19), text.slice(0, 10), text.replace("Z", "+05:30"), text.replace("T", " ")]) {
        assert.strictEqual(classifyFirstSend(form)._tag, "Valid", form)
      }
      assert.strictEqual(classifyFirstSend(`${text.slice(0, 8)}32${text.slice(10)}`)._tag, "Corrupt")
      assert.strictEqual(classifyFirstSend(` ${text}`)._tag, "Corrupt")
    }), runs)
  })

  for (const [raw, type] of [["", "str"], [0, "int"], [false, "bool"], ["null", "str"], [123, "int"], [0.5, "float"], [[], "list"], [{}, "dict"]] as const) {
    it(`names ${JSON.stringify(raw)} as ${type}`, () => {
      assert.deepStrictEqual(classifyFirstSend(raw), { _tag: "Corrupt", raw, rawType: type })
    })
  }
})

describe("a state with members changed", () => {
  it("keeps each member that a state has: they are named one by one, and none may be forgotten", () => {
    const team = fold(undefined, { _tag: "Event", position: 1, at: "2026-01-02T03:04:05Z", event: recorded(alpha, ids) })
    assert.isDefined(team)
    const agent = team?.agents[0]
    if (team === undefined || agent === undefined) return
    assert.sameMembers(Object.keys(changedAgent(agent, {})), Object.keys(AgentState.fields))
    assert.deepStrictEqual(changedAgent(agent, {}), agent)
    assert.sameMembers(Object.keys(advancedTeam(team, team)), Object.keys(TeamState.fields))
    assert.deepStrictEqual(advancedTeam(team, team), team)
  })
})
