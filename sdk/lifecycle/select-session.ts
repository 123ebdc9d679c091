import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { EventOf } from "../domain/event.ts"
import type { SessionRef } from "../domain/session.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { Resumability, resumability, type Unresumable } from "../session/resumability.ts"
import { realPathOf } from "../session/sighting.ts"
import { readTranscriptFile } from "../session/transcript.ts"
import { ownProcesses, type TeamObservation } from "./observe.ts"

// The user says which conversation an agent continues. It has to be there, resumable, and no other agent's.

/** A selection that holds, as the event that records it, or why it does not. */
export type Selection =
  | { readonly _tag: "Selected"; readonly event: EventOf<"session.captured"> }
  | { readonly _tag: "Refused"; readonly agent: string; readonly why: Unresumable }

const ownerOf = (team: TeamState, teams: ReadonlyArray<TeamState>, agent: AgentState, provider: Provider, sessionId: string): string | null =>
  [team, ...teams.filter(({ key }) => key !== team.key)].flatMap(({ agents, key }) =>
    agents.flatMap(({ session, spawn, spec }) => {
      const isSelf = key === team.key && spec.id === agent.spec.id
      const holds = session?.id === sessionId && session.provider === provider.name
      const wasTold = spawn?.sessionId === sessionId && spawn.launchContext.provider === provider.name && (session === null || session.id === sessionId)
      return !isSelf && (holds || wasTold) ? [`${key}/${spec.id}`] : []
    })
  )[0] ?? null

/** The directory that a transcript says it belongs to, where that is not the agent's. */
const belongsElsewhere = (path: string | null, provider: Provider, cwd: string) =>
  Effect.gen(function*() {
    if (path === null) return null
    const file = yield* readTranscriptFile(path)
    if (file._tag !== "Present") return null
    const said = provider.readTranscript(file.head, { path, truncated: file.truncated }).cwd
    return said === null || (yield* realPathOf(said)) === (yield* realPathOf(cwd)) ? null : said
  })

/** Judges a selection by what is there now. Changes nothing. */
export const selectSession = (
  team: TeamState,
  teams: ReadonlyArray<TeamState>,
  agent: AgentState,
  provider: Provider,
  sessionId: string,
  observation: TeamObservation
): Effect.Effect<Selection, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const refused = (why: Unresumable): Selection => ({ _tag: "Refused", agent: agent.spec.id, why })
    const owner = ownerOf(team, teams, agent, provider, sessionId)
    if (owner !== null) {
      return refused(Resumability.NotResumable({ code: "session_held", why: `session ${sessionId} belongs to ${owner}, and a conversation has one agent` }))
    }
    const subject = providerAgentOf(team, agent, "keep")
    const session: SessionRef = {
      provider: provider.name,
      id: sessionId,
      transcript: null,
      capturedVia: "user_selected",
      confidence: "high",
      capturedAt: new Date(yield* Clock.currentTimeMillis).toISOString(),
      generation: agent.generation
    }
    const seen = observation.agents.get(agent.spec.id)
    const judged = yield* resumability(session, subject, provider, seen === undefined ? [] : ownProcesses(agent, seen))
    if (judged._tag !== "Resumable") return refused(judged)
    const elsewhere = yield* belongsElsewhere(judged.transcript, provider, subject.cwd)
    if (elsewhere !== null) {
      return refused(Resumability.NotResumable({
        code: "session_cwd_mismatch",
        why: `session ${sessionId} belongs to ${elsewhere}, as its transcript says, and the agent works in ${subject.cwd}`,
        ...judged.transcript === null ? {} : { found: judged.transcript }
      }))
    }
    return {
      _tag: "Selected",
      event: {
        type: "session.captured",
        team: team.key,
        agent: agent.spec.id,
        generation: agent.generation,
        agent_id: agent.spec.id,
        provider: provider.name,
        session_id: sessionId,
        rollout_path: judged.transcript,
        captured_via: "user_selected",
        attribution_confidence: "high",
        reason: "the user selected it with --session",
        ...agent.session === null ? {} : { old_session_id: agent.session.id }
      }
    }
  })
