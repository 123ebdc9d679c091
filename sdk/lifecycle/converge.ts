import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { SessionConvergence } from "../domain/decision.ts"
import type { Event, EventOf, StoredEvent } from "../domain/event.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError } from "../event-log/errors.ts"
import { fold } from "../event-log/fold.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { type Discovery, discoverSessions } from "../session/discover.ts"
import { sessionAddressOf } from "../session/session-address.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { mayLive, seenProcesses, type TeamObservation } from "./observe.ts"

export interface Converged {
  readonly team: TeamState
  readonly discovery: Discovery
  readonly convergence: SessionConvergence
  /** Agents that may hold a conversation which has not been found. */
  readonly requiredMissing: ReadonlyArray<AgentId>
}

/** The least time between two passes, in milliseconds: a busy directory must not make them follow one upon the other. */
const leastPauseMs = 50

/** Where the events of convergence go: into the log, or, in a dry run, only into the state in hand. */
export type Record = (team: TeamState, events: ReadonlyArray<Event>) => Effect.Effect<TeamState, AppendError>

/** Folds events into a state without a log. */
export const foldUnrecorded = (team: TeamState, events: ReadonlyArray<Event>, at: string): TeamState =>
  events.reduce<TeamState>(
    (state, event) =>
      fold(state, { _tag: "Event", position: state.position, at, event } satisfies StoredEvent) ?? state,
    team
  )

interface Converge {
  readonly team: TeamState
  readonly teams: ReadonlyArray<TeamState>
  readonly targets: ReadonlySet<AgentId>
  readonly observation: TeamObservation
  readonly findProvider: (name: string) => Provider | undefined
  readonly withinMs: number
  readonly pollMs: number
  readonly allowFresh: boolean
  readonly record: Record
  readonly announce: boolean
}

/** Captured events for what a pass assigned: bound, gone over to, or told in more detail. */
export const captureEvents = (team: TeamState, discovery: Discovery): ReadonlyArray<Event> =>
  team.agents.flatMap((agent): ReadonlyArray<Event> => {
    const found = discovery.assigned.get(agent.spec.id)
    const open = discovery.open.get(agent.spec.id)
    const seen = open === undefined || open.join() === agent.openSessions.join() ? [] : [{
      type: "provider.session.open_seen" as const,
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      agent_id: agent.spec.id,
      sessions: open
    }]
    return found === undefined ? seen : [...seen, {
      type: "session.captured",
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      agent_id: agent.spec.id,
      provider: agent.spec.provider,
      session_id: found.sessionId,
      rollout_path: found.path,
      captured_via: found.via,
      attribution_confidence: found.confidence,
      reason: found.reason,
      ...found.replaces === null ? {} : { old_session_id: found.replaces }
    }]
  })

/** What is said, once, of agents whose session could not be told. */
export const ambiguityEvents = (
  team: TeamState,
  discovery: Discovery
): ReadonlyArray<EventOf<"provider.session.attribution_ambiguous">> =>
  discovery.ambiguous.flatMap(({ candidates, owner, reason }) => {
    const agent = team.agents.find(({ spec }) => `${team.key}/${spec.id}` === owner)
    return agent === undefined || agent.attributionAmbiguous || agent.spec.paused ? [] : [{
      type: "provider.session.attribution_ambiguous" as const,
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      agent_id: agent.spec.id,
      spawn_cwd: agent.spec.cwd,
      candidates,
      reason
    }]
  })

/** Whether its process went on with this session: it was written then, and what is gone since comes back by no wait. */
const wasWritten = ({ session, spawn }: AgentState): boolean =>
  spawn?.mode === "resume" && session !== null && spawn.sessionId === session.id

/** Agents whose session is not known, or is known by their process's word only and has no transcript yet. */
const pendingAgents = (input: Converge, team: TeamState, discovery: Discovery): ReadonlyArray<AgentState> =>
  team.agents.filter((agent) =>
    input.targets.has(agent.spec.id) &&
    !agent.spec.paused &&
    agent.spawn !== null &&
    (agent.session === null || (discovery.unwritten.has(agent.spec.id) && !wasWritten(agent))) &&
    input.findProvider(agent.spec.provider)?.capabilities.resume === true
  )

/** A pending agent is waited for while its process may live, unless it was proved never to have been spoken to. */
const isRequired = (input: Converge, discovery: Discovery) => (agent: AgentState): boolean => {
  const process = input.observation.agents.get(agent.spec.id)?.process
  return process !== undefined && mayLive(process) && discovery.spoken.get(agent.spec.id)?.state !== "never"
}

/** Ends at the first change in a directory where a transcript is awaited; a directory that can't be watched never does. */
const transcriptChange = (input: Converge, missing: ReadonlyArray<AgentState>) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const directories = new Set(missing.flatMap((agent) => {
      const provider = input.findProvider(agent.spec.provider)
      const address = provider === undefined ? null : sessionAddressOf(
        provider,
        providerAgentOf(input.team, agent, "keep"),
        agent.session?.id ?? agent.spawn?.sessionId ?? null
      )
      return address === null ? [] : address.directory
    }))
    yield* Effect.raceAll([
      Effect.never,
      ...[...directories].map((directory) =>
        files.watch(directory).pipe(Stream.take(1), Stream.runDrain, Effect.catchAll(() => Effect.never))
      )
    ])
  })

/**
 * Waits until every agent that may hold a conversation has its session, or the time is over. At least one pass; a file
 * event wakes it, a poll backs it up. Ambiguity is judged at the end only: a file may still get its rightful owner.
 */
export const converge = (input: Converge): Effect.Effect<Converged, AppendError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const startedAt = yield* elapsedMillis
    let team = input.team
    let iteration = 0
    let before: ReadonlyArray<AgentId> | null = null
    for (;;) {
      const processes = seenProcesses(team, input.observation)
      const discovery: Discovery = yield* discoverSessions(team, input.teams, input.findProvider, processes)
      const captured = captureEvents(team, discovery).filter((event) =>
        "agent" in event && event.agent !== undefined && input.targets.has(event.agent)
      )
      if (captured.length > 0) team = yield* input.record(team, captured)
      const pending = pendingAgents(input, team, discovery)
      const missing = pending.filter(isRequired(input, discovery))
      const ids = missing.map((agent) => agent.spec.id)
      const elapsedMs = (yield* elapsedMillis) - startedAt
      const remainingMs = Math.max(0, input.withinMs - elapsedMs)
      const done = missing.length === 0 || remainingMs === 0
      const changed = captured.length > 0 || before === null || before.join() !== ids.join()
      if (input.announce && pending.length + captured.length > 0 && (changed || done)) {
        team = yield* input.record(team, [{
          type: "provider.session.converging",
          team: team.key,
          iteration,
          elapsed_ms: elapsedMs,
          deadline_ms: input.withinMs,
          remaining_ms: remainingMs,
          changed,
          assigned: captured.flatMap((event) => "agent" in event && event.agent !== undefined ? event.agent : []),
          missing: pending.map((agent) => agent.spec.id),
          required_missing: ids,
          required_missing_agent_ids: before ?? ids,
          pending: pending.map((agent) => agent.spec.id),
          pending_agent_ids: pending.map((agent) => agent.spec.id),
          candidate_count_by_agent: discovery.candidateCounts,
          allow_fresh: input.allowFresh
        }])
      }
      if (done) {
        const ambiguous = ambiguityEvents(team, discovery).filter(({ agent }) => input.targets.has(agent))
        if (ambiguous.length > 0) team = yield* input.record(team, ambiguous)
        return {
          team,
          discovery,
          requiredMissing: ids,
          convergence: {
            complete: missing.length === 0,
            deadline_s: input.withinMs / 1000,
            deadline_ms: input.withinMs,
            // How long was waited: a pass without a wait took none, however busy the machine.
            elapsed_ms: Math.min(elapsedMs, input.withinMs),
            pending_agent_ids: ids
          }
        }
      }
      before = ids
      iteration += 1
      const pauseMs = Math.min(input.pollMs, remainingMs)
      // Together: what changes during the least pause wakes the pass after it.
      yield* Effect.all([
        Effect.sleep(Math.min(leastPauseMs, pauseMs)),
        Effect.timeoutOption(transcriptChange(input, missing), pauseMs)
      ], { concurrency: 2, discard: true })
    }
  })
