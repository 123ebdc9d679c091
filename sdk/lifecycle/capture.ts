import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { discoverSessions } from "../session/discover.ts"
import type { SeenProcess } from "../session/process-report.ts"
import { captureEvents } from "./converge.ts"
import { seenProcesses, type TeamObservation } from "./observe.ts"
import { allTeams } from "./prepare.ts"

type FindProvider = (name: string) => Provider | undefined

const nobody: ReadonlyMap<AgentId, SeenProcess> = new Map()

/** Looks once, and appends what is new; whether anything was. */
const lookOnce = (
  team: TeamState,
  findProvider: FindProvider,
  processes: ReadonlyMap<AgentId, SeenProcess>
): Effect.Effect<boolean, AppendError | EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const discovery = yield* discoverSessions(team, yield* allTeams, findProvider, processes)
    const captured = captureEvents(team, discovery)
    if (captured.length > 0) yield* log.append(captured)
    return captured.length > 0
  }).pipe(
    // Another command gave it to somebody meanwhile; whoever looks next sees that.
    Effect.catchTag("SessionClaimed", (claimed) => Effect.as(Effect.logWarning(claimed.message), false))
  )

/** The processes that keep records of the session that they are in. */
const tellers = (team: TeamState, findProvider: FindProvider, observation: TeamObservation | null) =>
  observation === null ? nobody : new Map([...seenProcesses(team, observation)].filter(([id]) => {
    const agent = team.agents.find(({ spec }) => spec.id === id)
    return agent !== undefined && findProvider(agent.spec.provider)?.processEvidence !== undefined
  }))

/**
 * Captures what sessions can be found now, once and without waiting, and which ones the agents' processes went over to;
 * the next restart will not have to, and a death will not hide it.
 */
export const captureSessions = (
  team: TeamState,
  findProvider: FindProvider,
  observation: TeamObservation | null
): Effect.Effect<void, AppendError | EventLogError, EventLog | FileSystem.FileSystem> => {
  const processes = tellers(team, findProvider, observation)
  return processes.size === 0 && team.agents.every(({ session, spawn }) => session !== null || spawn === null)
    ? Effect.void
    : Effect.asVoid(lookOnce(team, findProvider, processes))
}

/**
 * Writes down which sessions the agents' processes say that they are in now; whether anything was new. What goes wrong is
 * no failure of whoever only looks.
 */
export const noticeSessions = (
  team: TeamState,
  findProvider: FindProvider,
  observation: TeamObservation
): Effect.Effect<boolean, never, EventLog | FileSystem.FileSystem> => {
  const processes = tellers(team, findProvider, observation)
  return processes.size === 0 ? Effect.succeed(false) : lookOnce(team, findProvider, processes).pipe(
    Effect.catchAll((error) => Effect.as(Effect.logWarning(`Sessions could not be looked for: ${error.message}`), false))
  )
}
