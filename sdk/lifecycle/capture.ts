import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { discoverSessions } from "../session/discover.ts"
import { captureEvents } from "./converge.ts"
import { allTeams } from "./prepare.ts"

/** Captures what sessions can be found now, once and without waiting; the next restart will not have to. */
export const captureSessions = (
  team: TeamState,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<void, AppendError | EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (team.agents.every((agent) => agent.session !== null || agent.spawn === null)) return
    const log = yield* EventLog
    const discovery = yield* discoverSessions(team, yield* allTeams, findProvider)
    const captured = captureEvents(team, discovery)
    if (captured.length > 0) yield* log.append(captured)
  })
