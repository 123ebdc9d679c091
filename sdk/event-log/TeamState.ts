import * as Schema from "effect/Schema"
import { BootDecision, OperationKind, SpawnMode, StepPhase, Strategy } from "../domain/event.ts"
import { AgentFailure } from "../domain/failure.ts"
import { FirstSend } from "../domain/first-send.ts"
import { AgentHistory, noHistory, Trigger } from "../domain/history.ts"
import { AgentId, Generation, OperationId, SpawnToken, TeamKey } from "../domain/ids.ts"
import { PaneIdentity, ProcessExit } from "../domain/pane.ts"
import { SessionRef } from "../domain/session.ts"
import { TaskSpec } from "../domain/task.ts"
import { AgentSpec, LaunchContext } from "../domain/team.ts"

/** One incarnation of an agent, from its intent on. `pane` is null until the spawn is recorded. */
export const SpawnState = Schema.Struct({
  token: SpawnToken,
  generation: Generation,
  mode: SpawnMode,
  /** The session that the spawn was told to have; null where the provider chooses. */
  sessionId: Schema.NullOr(Schema.String),
  transcript: Schema.NullOr(Schema.String),
  launchContext: LaunchContext,
  intendedAt: Schema.String,
  pane: Schema.NullOr(PaneIdentity),
  spawnedAt: Schema.NullOr(Schema.String),
  readyAt: Schema.NullOr(Schema.String),
  /** Startup prompts that were answered, once a generation. */
  promptsAnswered: Schema.Array(Schema.String)
})
export type SpawnState = typeof SpawnState.Type

/**
 * What the log says of an agent's process. `intended`: a spawn was written down and its result is not known;
 * `spawned`: it lives, not yet proved ready; `running`: it was ready; `stopped`: we ended it; `exited`: it ended by
 * itself; `failed`: it could not be brought up. Whether it lives *now* is for an observation to say.
 */
export const AgentPhase = Schema.Literal("absent", "intended", "spawned", "running", "stopped", "exited", "failed")
export type AgentPhase = typeof AgentPhase.Type

/** A process that a person started and Reprise watches. It ends by its person's hand, or by a takeover. */
export const AdoptedProcess = Schema.Struct({
  pid: Schema.Int,
  /** As the host tells it: a pid alone is given out again. */
  startTime: Schema.String,
  /** Where it lives, for people. */
  place: Schema.String,
  startedAt: Schema.NullOr(Schema.String),
  evidence: Schema.String,
  /** Whether a transcript of its conversation lay there when it was adopted; left out where that was not recorded. */
  transcript: Schema.optional(Schema.Literal("present", "absent")),
  adoptedAt: Schema.String
})
export type AdoptedProcess = typeof AdoptedProcess.Type

export const AgentState = Schema.Struct({
  spec: AgentSpec,
  /** Whether the team file has it no more: it is not started, and its conversation waits for it to be put back. */
  removed: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  generation: Generation,
  phase: AgentPhase,
  /** The newest spawn, also when it is over. */
  spawn: Schema.NullOr(SpawnState),
  /** The process that it was adopted from, until Reprise starts one of its own. */
  adopted: Schema.optionalWith(Schema.NullOr(AdoptedProcess), { default: () => null }),
  /** The conversation that its own is to begin as a copy of, until it has one. */
  forkOf: Schema.optionalWith(
    Schema.NullOr(Schema.Struct({ agent: AgentId, sessionId: Schema.NonEmptyString })),
    { default: () => null }
  ),
  session: Schema.NullOr(SessionRef),
  /** Sessions captured since the last tombstone, newest last; what a repair may choose from. Bounded. */
  captures: Schema.Array(SessionRef),
  /** The conversations that its newest process was seen to have open, where that was more than one. */
  openSessions: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  firstSend: FirstSend,
  /** Whether keys of a message were pressed in the present conversation, whatever came of them. */
  typedInto: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  /** A message that could not be sent and was left in the input line of the present process, as it was shown there. */
  draft: Schema.optionalWith(Schema.NullOr(Schema.Struct({ message: Schema.String, shown: Schema.String })), { default: () => null }),
  /** The newest message that was typed raw into the present process. */
  rawMessage: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
  exit: Schema.NullOr(ProcessExit),
  /** When the newest process was proved gone, at the latest; null while it may write, and where nobody wrote that down. */
  endedAt: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
  failure: Schema.NullOr(AgentFailure),
  attributionAmbiguous: Schema.Boolean,
  history: Schema.optionalWith(AgentHistory, { default: () => noHistory })
})
export type AgentState = typeof AgentState.Type

/** A message that was accepted and is not settled. */
export const PendingMessage = Schema.Struct({
  id: Schema.String,
  agent: AgentId,
  from: Schema.String,
  text: Schema.String,
  raw: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  acceptedAt: Schema.String,
  /** Set before the first key is pressed; from then on it is never typed again. */
  submittingAt: Schema.NullOr(Schema.String)
})
export type PendingMessage = typeof PendingMessage.Type

const FailedAgent = Schema.Struct({ agent: AgentId, failure: AgentFailure })

export const OperationState = Schema.Struct({
  id: OperationId,
  kind: OperationKind,
  agents: Schema.Array(AgentId),
  alive: Schema.Array(AgentId),
  policy: Schema.NullOr(Schema.String),
  trigger: Schema.optionalWith(Trigger, { default: () => "person" as const }),
  startedAt: Schema.String,
  /** Whether it brings back all of its agents or none: what of it was done is taken back where one does not come back. */
  allOrNone: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  /** The interrupted operations that it goes on with or takes back, the oldest first. */
  continues: Schema.optionalWith(Schema.Array(OperationId), { default: () => [] }),
  /** The newest phase of each step of each agent, keyed `step` or `step/agent`. */
  steps: Schema.Record({ key: Schema.String, value: StepPhase }),
  /**
   * The batches in which it goes on, none where all go at once. `failed` is a batch's verdict: null until it is known, and
   * empty where all of it came back and lived.
   */
  batches: Schema.optionalWith(
    Schema.Array(Schema.Struct({
      agents: Schema.Array(AgentId),
      healthyForMs: Schema.Number,
      failed: Schema.NullOr(Schema.Array(FailedAgent))
    })),
    { default: () => [] }
  ),
  /** Agents whose last try in it failed. */
  failures: Schema.optionalWith(Schema.Array(FailedAgent), { default: () => [] })
})
export type OperationState = typeof OperationState.Type

/** What supervisors have said of a team, and where they are done until a person acts. */
export const SupervisionState = Schema.Struct({
  /** Null while it is off. */
  enabled: Schema.NullOr(Schema.Struct({ strategy: Strategy, policy: Schema.String, since: Schema.String })),
  /** Deaths that nothing is done about, by the generation that died. */
  givenUp: Schema.Array(Schema.Struct({ agent: AgentId, generation: Generation, code: Schema.String, why: Schema.String }))
})
export type SupervisionState = typeof SupervisionState.Type

export const noSupervision: SupervisionState = { enabled: null, givenUp: [] }

/** A team, folded from its events. Plain data: it is kept as a snapshot, and compared. */
export const TeamState = Schema.Struct({
  key: TeamKey,
  objective: Schema.NullOr(Schema.String),
  workspace: Schema.String,
  transport: Schema.String,
  plugins: Schema.Array(Schema.String),
  recordedAt: Schema.String,
  /** Whether its user stopped it: what a user stopped stays stopped. */
  stopped: Schema.Boolean,
  /** In the order of the team file; after them those that it has no more. */
  agents: Schema.Array(AgentState),
  /** In the order of the team file. */
  tasks: Schema.optionalWith(Schema.Array(TaskSpec), { default: () => [] }),
  /** The unfinished operation, if any. */
  operation: Schema.NullOr(OperationState),
  /** What was decided after the machine's newest boot that was decided on; null before the first. */
  boot: Schema.optionalWith(
    Schema.NullOr(Schema.Struct({ id: Schema.String, decision: BootDecision, at: Schema.String })),
    { default: () => null }
  ),
  supervision: Schema.optionalWith(SupervisionState, { default: () => noSupervision }),
  pendingMessages: Schema.Array(PendingMessage),
  messagesSubmitted: Schema.NonNegativeInt,
  /** Position of the newest lifecycle event. */
  lifecycleVersion: Schema.NonNegativeInt,
  /** Position of the newest event that was folded in. */
  position: Schema.NonNegativeInt,
  /** Rows that could not be read, newest last. Bounded. */
  unreadable: Schema.Array(Schema.Struct({ position: Schema.Int, problem: Schema.String }))
})
export type TeamState = typeof TeamState.Type

/** Finds an agent by its id. */
export const agentOf = (state: TeamState, id: string): AgentState | undefined =>
  state.agents.find((agent) => agent.spec.id === id)
