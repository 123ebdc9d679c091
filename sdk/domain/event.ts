import * as Schema from "effect/Schema"
import { DecisionKind, SessionConvergence } from "./decision.ts"
import { AgentFailure, FailureKind } from "./failure.ts"
import { BudgetScope, Trigger } from "./history.ts"
import { AgentId, Generation, OperationId, SpawnToken, TeamKey } from "./ids.ts"
import { Json } from "./json.ts"
import { PaneIdentity, ProcessExit } from "./pane.ts"
import { CapturedVia, Confidence, SessionRef } from "./session.ts"
import { LaunchContext, TeamSpec } from "./team.ts"

// Wire names and payload members are snake_case, as the log's readers know them.

const teamScope = { team: TeamKey, operation: Schema.optional(OperationId) }
const agentScope = { ...teamScope, agent: AgentId, generation: Generation }

const teamEvent = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), ...teamScope, ...fields })
const operationEvent = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), team: TeamKey, operation: OperationId, ...fields })
const agentEvent = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), ...agentScope, ...fields })

export const OperationKind = Schema.Literal("launch", "restart", "shutdown")
export type OperationKind = typeof OperationKind.Type

/** What a spawn starts: a new conversation, an old one, or a copy of one. */
export const SpawnMode = Schema.Literal("fresh", "resume", "fork")
export type SpawnMode = typeof SpawnMode.Type

/** What follows a boot of the machine. */
export const BootDecision = Schema.Literal("resume", "hold")
export type BootDecision = typeof BootDecision.Type

export const StepPhase = Schema.Literal("intent", "result")
export type StepPhase = typeof StepPhase.Type

/** Events that change a team's life: appended under its lease only. */
export const LifecycleEvent = Schema.Union(
  teamEvent("team.recorded", {
    spec: TeamSpec,
    workspace: Schema.String,
    transport: Schema.String,
    plugins: Schema.Array(Schema.String),
    /** Written by older versions, and believed no more: a workspace may come from others. Consents are the user's own. */
    consents: Schema.optional(Schema.Array(Schema.String))
  }),
  operationEvent("operation.started", {
    kind: OperationKind,
    agents: Schema.Array(AgentId),
    /** The agents that were proved alive then: what a roll back brings back. */
    alive: Schema.Array(AgentId),
    policy: Schema.NullOr(Schema.String),
    trigger: Schema.optional(Trigger),
    /** Whether it is to bring back all of them or none. */
    all_or_none: Schema.optional(Schema.Literal(true)),
    /** The interrupted operations that it goes on with or takes back, the oldest first. */
    continues: Schema.optional(Schema.Array(OperationId)),
    /** In which order, where it is not all at once: the batches that follow each other. */
    batches: Schema.optional(Schema.Array(Schema.Struct({ agents: Schema.Array(AgentId), healthy_for_ms: Schema.Number })))
  }),
  operationEvent("operation.step", {
    agent: Schema.optional(AgentId),
    generation: Schema.optional(Generation),
    step: Schema.String,
    phase: StepPhase,
    /** Of the result of a batch: who did not come back, so that the next one is not touched. */
    failed: Schema.optional(Schema.Array(Schema.Struct({ agent: AgentId, failure: AgentFailure }))),
    detail: Schema.optional(Json)
  }),
  operationEvent("operation.finished", {
    outcome: Schema.String,
    took_ms: Schema.Number
  }),
  agentEvent("agent.spawn_intended", {
    spawn: SpawnToken,
    mode: SpawnMode,
    session_id: Schema.NullOr(Schema.String),
    rollout_path: Schema.NullOr(Schema.String),
    launch_context: LaunchContext
  }),
  agentEvent("agent.spawned", { spawn: SpawnToken, pane: PaneIdentity }),
  agentEvent("agent.spawn_failed", { spawn: SpawnToken, failure: AgentFailure }),
  agentEvent("agent.ready", { evidence: Schema.String, session_id: Schema.NullOr(Schema.String) }),
  agentEvent("agent.failed", { failure: AgentFailure }),
  agentEvent("agent.stopped", { evidence: Schema.String }),
  /** Processes that ended generations of the agent had left behind, as sentences: ended, left alone, not proved ended. */
  agentEvent("agent.leftovers", {
    stopped: Schema.Array(Schema.String),
    spared: Schema.Array(Schema.String),
    survivors: Schema.Array(Schema.String)
  }),
  /** A process that a person had started became an agent: watched from here, and never touched without leave. */
  agentEvent("agent.adopted", {
    pid: Schema.Int,
    start_time: Schema.String,
    /** Where it lives, for people: a place in somebody's tmux, a terminal. */
    place: Schema.String,
    started_at: Schema.NullOr(Schema.String),
    /** Whether a transcript of its conversation lay there: where none did and none does, nothing was said in it. */
    transcript: Schema.optional(Schema.Literal("present", "absent")),
    evidence: Schema.String
  }),
  /** The agent's conversation is to begin as a copy of another's. */
  agentEvent("agent.forked", { source_agent: AgentId, source_session_id: Schema.NonEmptyString }),
  agentEvent("discard.session_tombstone", {
    agent_id: AgentId,
    session_id: Schema.NullOr(Schema.String),
    reason: Schema.String
  }),
  agentEvent("resume.session_repaired", {
    agent_id: AgentId,
    provider: Schema.String,
    old_session_id: Schema.NullOr(Schema.String),
    session_id: Schema.NonEmptyString,
    rollout_path: Schema.NullOr(Schema.String),
    captured_via: CapturedVia,
    attribution_confidence: Confidence
  }),
  agentEvent("restart.resume_decision", {
    worker_id: AgentId,
    has_first_send_at: Schema.Boolean,
    has_session_id: Schema.Boolean,
    allow_fresh: Schema.Boolean,
    decision: DecisionKind,
    first_send_at: Schema.NullOr(Schema.String),
    session_id: Schema.NullOr(Schema.String),
    why: Schema.Array(Schema.String),
    forced_fresh: Schema.optional(Schema.Literal(true)),
    reason: Schema.optional(Schema.String),
    session_convergence: Schema.optional(SessionConvergence)
  }),
  agentEvent("restart.fresh_spawn", {
    agent_id: AgentId,
    left_behind: Schema.NullOr(SessionRef),
    reason: Schema.String
  }),
  /** A policy handed the decision to somebody else. */
  agentEvent("restart.escalated", { to: Schema.String, why: Schema.Array(Schema.String) }),
  /** A gate of the policy was passed; of one agent, or of the whole team. */
  teamEvent("restart.gate_passed", { agent: Schema.optional(AgentId), gate: Schema.String, said: Schema.String }),
  /** What waits for a resumed agent was not given to it. */
  agentEvent("restart.held_back", { why: Schema.String }),
  agentEvent("budget.exceeded", {
    restarts: Schema.NonNegativeInt,
    per_ms: Schema.Number,
    used: Schema.NonNegativeInt,
    scope: BudgetScope
  }),
  agentEvent("budget.cleared", { reason: Schema.String }),
  /** What is done after a boot of the machine: decided once for each. */
  teamEvent("boot.decided", { boot_id: Schema.String, decision: BootDecision, why: Schema.String }),
  teamEvent("restart.atomic_refusal", { unresumable: Schema.Array(Json) }),
  teamEvent("restart.first_send_at_invalid", { invalid: Schema.Array(Json) }),
  teamEvent("lifecycle.shutdown.started", { reason: Schema.String }),
  teamEvent("lifecycle.shutdown", {
    stopped: Schema.Array(AgentId),
    spared: Schema.Array(Schema.String),
    survivors: Schema.Array(AgentId)
  }),
  teamEvent("transport.pre_kill_audit", { kill: Schema.Array(Json), spare: Schema.Array(Json) })
)
export type LifecycleEvent = typeof LifecycleEvent.Type

/** What a supervisor does when somebody dies, by the strategy of its team. */
export const Strategy = Schema.Literal("oneForOne", "oneForAll", "restForOne")
export type Strategy = typeof Strategy.Type

/**
 * What a supervisor said. None of it needs the team's lease: to be told to stop must not wait for whoever holds it, and
 * what it does is written down by the restart that it makes.
 */
const supervisionEvents = [
  teamEvent("supervision.enabled", { strategy: Strategy, policy: Schema.String }),
  teamEvent("supervision.disabled", { reason: Schema.String }),
  /** Agents are about to be restarted, because some of them died. */
  teamEvent("supervision.restarting", {
    died: Schema.Array(AgentId),
    agents: Schema.Array(AgentId),
    strategy: Strategy,
    why: Schema.Array(Schema.String)
  }),
  /** A death is known, and its restart waits until then. */
  agentEvent("supervision.waiting", { until: Schema.String, why: Schema.String }),
  /** A death that a supervisor does nothing about; said once. */
  agentEvent("supervision.left", { code: Schema.String, why: Schema.String }),
  /** The budget is spent: nothing more is done about this agent until the budget is cleared or a person starts it. Said once. */
  agentEvent("supervision.exhausted", {
    restarts: Schema.NonNegativeInt,
    per_ms: Schema.Number,
    used: Schema.NonNegativeInt,
    scope: BudgetScope,
    why: Schema.String
  }),
  /** The home of the team went away, and whether that was meant is unknown: nobody is started until a person says so. */
  teamEvent("supervision.held", { agents: Schema.Array(AgentId), why: Schema.String }),
  /** Another command changes the team; it goes first. */
  teamEvent("supervision.yielded", { holder: Schema.Int, command: Schema.String }),
  /** What an observing supervisor would have done. */
  teamEvent("supervision.observed", {
    would: Schema.Literal("restart", "wait", "leave", "stop", "hold"),
    agents: Schema.Array(AgentId),
    why: Schema.Array(Schema.String),
    until: Schema.NullOr(Schema.String)
  })
] as const

/** Events that anybody may append: what was seen or said. They carry a key and a generation instead of a lease. */
export const ObservationEvent = Schema.Union(
  /** The workspace has another path now; the recorded one is gone. */
  teamEvent("workspace.moved", { from: Schema.String, to: Schema.String }),
  agentEvent("agent.exited", {
    exit: Schema.NullOr(ProcessExit),
    evidence: Schema.String,
    /** Why, where its provider could tell. */
    kind: Schema.optional(FailureKind)
  }),
  /** What spoke against a start that was made all the same. */
  agentEvent("agent.start_warned", { kind: FailureKind, problem: Schema.String }),
  agentEvent("startup_prompt_handled", { prompt: Schema.String, action: Schema.String }),
  agentEvent("agent.first_send_recorded", { first_send_at: Json }),
  agentEvent("session.captured", {
    agent_id: AgentId,
    provider: Schema.String,
    session_id: Schema.NonEmptyString,
    rollout_path: Schema.NullOr(Schema.String),
    captured_via: CapturedVia,
    attribution_confidence: Confidence,
    /** The session that the agent's process went on from. */
    old_session_id: Schema.optional(Schema.String),
    /** A sentence: how it is known. */
    reason: Schema.optional(Schema.String)
  }),
  agentEvent("provider.session.attribution_ambiguous", {
    agent_id: AgentId,
    spawn_cwd: Schema.String,
    candidates: Schema.Array(Schema.String),
    reason: Schema.optional(Schema.String)
  }),
  /** A process has several conversations open: after its death, the one that was written last is the agent's. */
  agentEvent("provider.session.open_seen", { agent_id: AgentId, sessions: Schema.Array(Schema.NonEmptyString) }),
  teamEvent("provider.session.converging", {
    iteration: Schema.NonNegativeInt,
    elapsed_ms: Schema.Number,
    deadline_ms: Schema.Number,
    remaining_ms: Schema.Number,
    changed: Schema.Boolean,
    assigned: Schema.Array(AgentId),
    missing: Schema.Array(AgentId),
    required_missing: Schema.Array(AgentId),
    required_missing_agent_ids: Schema.Array(AgentId),
    pending: Schema.Array(AgentId),
    pending_agent_ids: Schema.Array(AgentId),
    candidate_count_by_agent: Schema.Record({ key: Schema.String, value: Schema.NonNegativeInt }),
    allow_fresh: Schema.Boolean
  }),
  agentEvent("message.accepted", {
    message_id: Schema.String,
    from: Schema.String,
    text: Schema.String,
    /** It is typed as it is, although its CLI may read it as a command. */
    raw: Schema.optional(Schema.Boolean)
  }),
  /** Written before the first key: a row that has this is never typed again. */
  agentEvent("message.submitting", {
    message_id: Schema.String,
    /** The transcript that it is typed for and how long that is, where both are known: the message can only stand behind. */
    rollout_path: Schema.optional(Schema.String),
    rollout_size: Schema.optional(Schema.NonNegativeInt),
    raw: Schema.optional(Schema.Boolean)
  }),
  agentEvent("message.submitted", { message_id: Schema.String, evidence: Schema.String }),
  agentEvent("message.consumed", { message_id: Schema.String, evidence: Schema.String }),
  /** `code`: `unconfirmed` (older logs: `unverified`), `altered` or `text_refused`. */
  agentEvent("message.failed", {
    message_id: Schema.String,
    code: Schema.String,
    reason: Schema.String,
    /** For `altered`: what the conversation holds in its place, cut off. */
    recorded: Schema.optional(Schema.String),
    /** What the input line showed of it when it could not be sent. */
    draft: Schema.optional(Schema.String)
  }),
  ...supervisionEvents
)
export type ObservationEvent = typeof ObservationEvent.Type

export const Event = Schema.Union(LifecycleEvent, ObservationEvent)
export type Event = typeof Event.Type
export type EventType = Event["type"]
export type EventOf<Type extends EventType> = Extract<Event, { readonly type: Type }>

const lifecycleTypes: ReadonlySet<string> = new Set(
  LifecycleEvent.members.map((member) => member.fields.type.literals[0])
)

/** Whether the event changes a team's life, so that only the holder of its lease may append it. */
export const isLifecycleEvent = (event: Event): event is LifecycleEvent => lifecycleTypes.has(event.type)

/** An event as the log keeps it. */
export interface StoredEvent {
  readonly _tag: "Event"
  /** Counts up without gaps that a reader could see; the order of the whole log. */
  readonly position: number
  /** ISO 8601, UTC. */
  readonly at: string
  readonly event: Event
}

/** A row that this version can't read: kept as it is, named, and passed over by the fold. */
export interface UnreadableEvent {
  readonly _tag: "Unreadable"
  readonly position: number
  readonly at: string
  /** The team whose row it is, where that can be told. */
  readonly team: string | null
  readonly raw: string
  readonly problem: string
}

export type LogEntry = StoredEvent | UnreadableEvent
