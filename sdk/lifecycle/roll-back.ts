import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { Event } from "../domain/event.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf, type TeamState } from "../event-log/TeamState.ts"
import { holdInput } from "../messaging/input-lease.ts"
import { type AnyPolicy, isolated, skip, standard } from "../policy/Policy.ts"
import type { HostEnvironment } from "./operation.ts"
import type { RestartRequest } from "./plan.ts"
import { currentState, recorder, type Recording } from "./prepare.ts"
import { type AgentUnknown, requestOf, type RestartOptions, type SessionNeedsAgent } from "./restart-request.ts"
import type { InvalidSetting } from "./settings.ts"

type Repaired = Extract<Event, { readonly type: "resume.session_repaired" }>

/** The conversations that an interrupted operation left behind, given back to agents that were not spoken to since. */
const giveBack = (state: TeamState): Effect.Effect<ReadonlyArray<Repaired>, EventLogError, EventLog> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const entries = yield* Stream.runCollect(log.read({ team: state.key, types: ["restart.fresh_spawn"] }))
    return [...entries].flatMap((entry): ReadonlyArray<Repaired> => {
      if (entry._tag !== "Event" || entry.event.type !== "restart.fresh_spawn") return []
      const { agent: id, left_behind: session, operation } = entry.event
      const agent = agentOf(state, id)
      const spokenSince = agent === undefined || agent.firstSend._tag !== "Absent" || agent.typedInto
      const ofIt = operation !== undefined && state.operation !== null && [state.operation.id, ...state.operation.continues].includes(operation)
      return session === null || !ofIt || spokenSince || agent.session?.id === session.id ? [] : [{
        type: "resume.session_repaired",
        team: state.key,
        agent: id,
        generation: agent.generation,
        agent_id: id,
        provider: session.provider,
        old_session_id: agent.session?.id ?? null,
        session_id: session.id,
        // Of one that its process told, nobody knows yet whether it was ever written: it is looked for where it belongs.
        rollout_path: session.capturedVia === "process_report" ? null : session.transcript,
        captured_via: "event_log_repair",
        attribution_confidence: session.confidence
      }]
    })
  })

/**
 * Gives them back while nobody types into their agents: what is said to one in between would be said to a conversation that
 * is left. Whoever is being typed into is being spoken to, and keeps the conversation of now.
 */
const takenBack = (
  state: TeamState,
  recording: Recording
): Effect.Effect<TeamState, AppendError | EventLogError, EventLog> =>
  Effect.scoped(Effect.gen(function*() {
    const record = yield* recorder(recording)
    const wanted = yield* giveBack(state)
    if (recording._tag === "DryRun") return wanted.length === 0 ? state : yield* record(state, wanted)
    const quiet = new Set<string>()
    for (const { agent } of wanted) {
      const held = yield* Effect.either(holdInput(state.key, agent, "restart", "5 seconds"))
      if (Either.isRight(held)) quiet.add(agent)
      else if (held.left._tag !== "LeaseHeld") return yield* held.left
    }
    if (quiet.size === 0) return state
    const now = yield* currentState(state.key, state)
    const returned = (yield* giveBack(now)).filter(({ agent }) => quiet.has(agent))
    return returned.length === 0 ? now : yield* record(now, returned)
  }))

/** What a restart begins with: the team as it is then, and what is asked for. */
export interface Beginning<out E, out R> {
  readonly team: TeamState
  readonly request: RestartRequest<E, R>
}

/**
 * What is asked of a team by a policy, or by taking an interrupted operation back: then who lived before it lives again,
 * in the conversation of before.
 */
export const beginWith = <E, R>(
  state: TeamState,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<unknown, unknown>,
  recording: Recording
): Effect.Effect<Beginning<E, R>, AgentUnknown | InvalidSetting | SessionNeedsAgent | AppendError | EventLogError, EventLog | HostEnvironment> =>
  Effect.gen(function*() {
    if (options.unfinished !== "rollback") return { team: state, request: yield* requestOf(state, policy, options) }
    // Who lived before lives again, and who does not live now is among them, however that came.
    const back = { ...options, onlyDead: false }
    const team = yield* takenBack(state, recording)
    const before = (team.operation?.alive ?? []).filter((id) => agentOf(team, id)?.removed === false)
    return {
      team,
      request: before.length === 0
        ? yield* requestOf(team, skip("nobody lived before the interrupted operation"), { ...back, agents: [] })
        // What is taken back since one could not come back must not hang on that one.
      : yield* requestOf(team, team.operation?.allOrNone === true ? isolated(standard) : standard, { ...back, agents: before })
    }
  })
