import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf, type OperationState, type TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { resumability } from "../session/resumability.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { type AgentView, viewTeam } from "./agent-view.ts"
import { noticeSessions } from "./capture.ts"
import { observeTeam, ownProcesses, type TeamObservation } from "./observe.ts"
import { type LoadedProviders, loadProviders, providerNames } from "./plugins-of.ts"
import { currentState } from "./prepare.ts"
import { teamState } from "./team.ts"

/** By the same function as a restart asks: what the agent's own processes hold is in nobody's way. */
const resumableNow = (
  team: TeamState,
  id: string,
  observation: TeamObservation,
  findProvider: LoadedProviders["find"]
): Effect.Effect<AgentView["resumable"] | null, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const agent = agentOf(team, id)
    if (agent === undefined || agent.session === null) return null
    const provider = findProvider(agent.spec.provider)
    if (provider === undefined) {
      return { answer: "unknown" as const, code: null, why: `its provider ${agent.spec.provider} is not loaded` }
    }
    const seen = observation.agents.get(agent.spec.id)
    const own = seen === undefined ? [] : ownProcesses(agent, seen)
    const told = yield* resumability(agent.session, providerAgentOf(team, agent, "keep"), provider, own)
    switch (told._tag) {
      case "Resumable":
        return { answer: "yes" as const, code: null, why: told.warning ?? "" }
      case "NotResumable":
        return { answer: "no" as const, code: told.code, why: told.why }
      case "Unknown":
        return { answer: "unknown" as const, code: null, why: told.why }
    }
  })

/** A team as it is now. */
export interface StatusReport {
  readonly team: TeamState
  readonly agents: ReadonlyArray<AgentView>
  /** The interrupted operation, if there is one. */
  readonly operation: OperationState | null
  /** Position of the newest event of the log. */
  readonly position: number
  readonly pendingMessages: number
}

/**
 * Looks at a team and touches nothing; a process that can't be told about is `unknown`, never idle or dead. A conversation
 * that a process went over to is written down, so that a death does not hide it.
 */
export const status = (
  selector?: string
): Effect.Effect<
  StatusReport,
  EventLogError | PluginMissing | TeamTargetAmbiguous | TeamTargetUnresolved,
  EventLog | PluginHost | FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const host = yield* PluginHost
    const found = yield* teamState(selector)
    const transport = yield* host.transport(found.transport)
    const providers = yield* loadProviders(providerNames([found]))
    const observation = yield* observeTeam(found, transport)
    // A person may go over to another conversation at any time: it is learnt while its process can tell it.
    const noticed = yield* noticeSessions(found, providers.find, observation)
    const team = noticed ? yield* currentState(found.key, found) : found
    return {
      team,
      agents: yield* Effect.forEach(yield* viewTeam(team, observation, transport, providers.find), (view) =>
        Effect.map(resumableNow(team, view.id, observation, providers.find), (resumable) => ({ ...view, resumable })), {
        concurrency: 16
      }),
      operation: team.operation,
      position: yield* log.position,
      pendingMessages: team.pendingMessages.length
    }
  })
