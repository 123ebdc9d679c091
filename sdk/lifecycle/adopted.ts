import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { AdoptedProcess, AgentState, TeamState } from "../event-log/TeamState.ts"
import { processState, processTable } from "../plugin/process-table.ts"
import type { ProcessEvidence } from "../plugin/provider-driver.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProcessFact } from "../policy/Facts.ts"
import { ancestorsOf } from "../session/adopt-processes.ts"
import { providerAgentOf } from "../session/provider-agent.ts"

// Agents whose process a person started. It is looked at through the host and its provider, never through a transport.

type FindProvider = (name: string) => Provider | undefined

/** Whether the process that an agent was adopted from lives: by its pid and start time, so never another one. */
export const observeAdopted = ({ pid, place, startTime }: AdoptedProcess): Effect.Effect<ProcessFact> =>
  Effect.map(processState({ pid, startTime }), (state): ProcessFact => {
    switch (state) {
      case "alive":
        return { state, evidence: `process ${pid} (${place}), which a person started, lives` }
      case "dead":
        return { state, evidence: `process ${pid} (${place}), which a person had started, is gone` }
      case "unknown":
        return { state, evidence: `whether process ${pid} (${place}), which a person started, lives could not be read` }
    }
  })

/** What an adopted process says of itself, or left behind; null where nothing is known. */
export const adoptedEvidence = (
  team: TeamState,
  agent: AgentState,
  provider: Provider | undefined,
  alive: boolean
): Effect.Effect<ProcessEvidence | null> =>
  agent.adopted === null || provider?.processEvidence === undefined ? Effect.succeed(null) : Effect.orElseSucceed(
    provider.processEvidence({
      pid: agent.adopted.pid,
      startTime: agent.adopted.startTime,
      alive,
      agent: providerAgentOf(team, agent, "adopt")
    }),
    () => null
  )

/**
 * Captures for adopted processes that went over to another conversation since they were last looked at. One that another
 * agent holds is none: it stays where it is.
 */
export const adoptedRotations = (
  team: TeamState,
  teams: ReadonlyArray<TeamState>,
  findProvider: FindProvider
): Effect.Effect<ReadonlyArray<Event>> =>
  Effect.map(
    Effect.forEach(team.agents, (agent) =>
      Effect.gen(function*() {
        if (agent.adopted === null) return []
        const state = yield* processState(agent.adopted)
        if (state === "unknown") return []
        const said = yield* adoptedEvidence(team, agent, findProvider(agent.spec.provider), state === "alive")
        if (said === null || said.sessionId === null) return []
        const known = agent.session?.id === said.sessionId
        if (known && (said.transcript === null || said.transcript === agent.session?.transcript)) return []
        // Until the new one is written, the conversation before it is what there is to come back to.
        if (!known && agent.session !== null && said.transcript === null) return []
        const held = teams.some((other) => other.agents.some(({ session, spec }) =>
          session?.id === said.sessionId && session.provider === agent.spec.provider &&
          (other.key !== team.key || spec.id !== agent.spec.id)))
        return held ? [] : [{
          type: "session.captured",
          team: team.key,
          agent: agent.spec.id,
          generation: agent.generation,
          agent_id: agent.spec.id,
          provider: agent.spec.provider,
          session_id: said.sessionId,
          rollout_path: said.transcript,
          captured_via: "process_report",
          attribution_confidence: "high"
        } satisfies Event]
      }), { concurrency: 8 }),
    (events) => events.flat()
  )

/** Writes those captures down. What another command wrote meanwhile is no failure of this one. */
export const captureAdopted = (
  team: TeamState,
  teams: Effect.Effect<ReadonlyArray<TeamState>, EventLogError, EventLog>,
  findProvider: FindProvider
): Effect.Effect<boolean, AppendError | EventLogError, EventLog> =>
  Effect.gen(function*() {
    if (team.agents.every(({ adopted }) => adopted === null)) return false
    const events = yield* adoptedRotations(team, yield* teams, findProvider)
    if (events.length === 0) return false
    const log = yield* EventLog
    return yield* Effect.as(log.append(events), true).pipe(Effect.catchTag("SessionClaimed", () => Effect.succeed(false)))
  })

/** This command and all that it descends from; null where the host could not be asked. */
export const callers: Effect.Effect<ReadonlySet<number> | null> = Effect.map(processTable, (table) =>
  table === null ? null : ancestorsOf(process.pid, table))

/** Adopted processes that may live, as the lists of what is spared name them: a person's, hence nobody else's to end. */
export const adoptedSpared = (
  agents: ReadonlyArray<{ readonly agent: AgentState; readonly lives: boolean }>,
  team: string
): ReadonlyArray<string> =>
  agents.flatMap(({ agent: { adopted, spec }, lives }) =>
    adopted === null || !lives ? [] : [`${team}/${spec.id}: process ${adopted.pid} (${adopted.place})`])
