import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AppendError } from "../event-log/errors.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { repairCandidates } from "../session/repair.ts"
import { resumability } from "../session/resumability.ts"
import type { Converged, Record } from "./converge.ts"
import { ownProcesses, type TeamObservation } from "./observe.ts"

/** Gives agents without a session the newest of their own earlier ones that can still be resumed. */
export const repairFromLog = (
  converged: Converged,
  teams: ReadonlyArray<TeamState>,
  targets: ReadonlySet<string>,
  findProvider: (name: string) => Provider | undefined,
  record: Record,
  observation: TeamObservation
): Effect.Effect<Converged, AppendError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    let { team } = converged
    const repaired = new Set<string>()
    for (const agent of converged.team.agents) {
      const provider = findProvider(agent.spec.provider)
      if (!targets.has(agent.spec.id) || provider === undefined) continue
      // A session is missing only where a newer start was to have another: what may have been said there comes first.
      if (agent.spawn !== null && converged.discovery.spoken.get(agent.spec.id)?.state !== "never") continue
      const held = new Set(
        [team, ...teams.filter((other) => other.key !== team.key)].flatMap((other) =>
          other.agents.flatMap(({ session, spec }) =>
            session === null || (other.key === team.key && spec.id === agent.spec.id) ? [] : `${session.provider}/${session.id}`
          )
        )
      )
      for (const session of repairCandidates(agent, held)) {
        const seen = observation.agents.get(agent.spec.id)
        const own = seen === undefined ? [] : ownProcesses(agent, seen)
        const answer = yield* resumability(session, providerAgentOf(team, agent, "keep"), provider, own)
        if (answer._tag !== "Resumable") continue
        team = yield* record(team, [{
          type: "resume.session_repaired",
          team: team.key,
          agent: agent.spec.id,
          generation: agent.generation,
          agent_id: agent.spec.id,
          provider: session.provider,
          old_session_id: null,
          session_id: session.id,
          rollout_path: answer.transcript ?? session.transcript,
          captured_via: "event_log_repair",
          attribution_confidence: session.confidence
        }])
        repaired.add(agent.spec.id)
        break
      }
    }
    const requiredMissing = converged.requiredMissing.filter((id) => !repaired.has(id))
    return {
      ...converged,
      team,
      requiredMissing,
      convergence: {
        ...converged.convergence,
        complete: requiredMissing.length === 0,
        pending_agent_ids: requiredMissing
      }
    }
  })
