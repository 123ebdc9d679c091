import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import type { AgentId, TeamKey } from "../domain/ids.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { transcriptOf } from "../session/locate-transcript.ts"
import { allTeams } from "./prepare.ts"
import type { ReadyReport } from "./ready.ts"
import type { SpawnPlan } from "./spawn.ts"

interface Scope {
  readonly team: TeamKey
  readonly agent: AgentId
  readonly generation: number
}

/** Who else holds a session or was told to take it, as `team/agent`; null for nobody. */
export const holderOf = (scope: Scope, provider: Provider, sessionId: string) =>
  Effect.map(allTeams, (teams): string | null =>
    teams.flatMap(({ agents, key }) =>
      agents.flatMap(({ session, spawn, spec }) => {
        const own = key === scope.team && spec.id === scope.agent
        const holds = session?.id === sessionId && session.provider === provider.name
        const told = spawn?.sessionId === sessionId && spec.provider === provider.name
        return !own && (holds || told) ? [`${key}/${spec.id}`] : []
      })
    )[0] ?? null)

/**
 * What a new process's own word is worth: the session that it says it has is its own, also where it was told to take
 * another. Nothing where it has the session that was asked for, which is known by its address, and nothing where its
 * provider can't say where that conversation is: an identity without a place would look like one that can be resumed.
 */
export const reportedSession = (
  scope: Scope,
  provider: Provider,
  spawn: SpawnPlan,
  { sessionId, sessionEvidence, transcript }: ReadyReport
): Effect.Effect<ReadonlyArray<Event>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (sessionId === null || sessionId === "" || sessionId === spawn.sessionId) return []
    const place = transcript !== null ? { _tag: "At" as const, path: transcript } : yield* transcriptOf(provider, spawn.agent, sessionId)
    if (place._tag === "Unknown" || place._tag === "Unnamed") return []
    return [{
      type: "session.captured" as const,
      ...scope,
      agent_id: scope.agent,
      provider: provider.name,
      session_id: sessionId,
      // Nowhere yet: its CLI writes with the first message.
      rollout_path: place._tag === "At" ? place.path : null,
      captured_via: "process_report" as const,
      attribution_confidence: "high" as const,
      reason: sessionEvidence,
      ...spawn.sessionId === null ? {} : { old_session_id: spawn.sessionId }
    }]
  })
