import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { OperationState, TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { type AgentView, viewTeam } from "./agent-view.ts"
import { captureAdopted } from "./adopted.ts"
import { noticeSessions } from "./capture.ts"
import { observeTeam } from "./observe.ts"
import { loadProviders, providerNames } from "./plugins-of.ts"
import { allTeams, currentState } from "./prepare.ts"
import { teamState } from "./team.ts"

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
    // A person may go over to another conversation at any time: it is learnt while its process can tell it.
    const learnt = yield* captureAdopted(found, allTeams, providers.find).pipe(
      Effect.catchAll((error) => Effect.as(Effect.logWarning(error.message), false))
    )
    const adopted = learnt ? yield* currentState(found.key, found) : found
    const observation = yield* observeTeam(adopted, transport)
    const noticed = yield* noticeSessions(adopted, providers.find, observation)
    const team = noticed ? yield* currentState(found.key, adopted) : adopted
    return {
      team,
      agents: yield* viewTeam(team, observation, transport, providers.find),
      operation: team.operation,
      position: yield* log.position,
      pendingMessages: team.pendingMessages.length
    }
  })
