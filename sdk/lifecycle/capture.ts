import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { discoverSessions } from "../session/discover.ts"
import type { SeenProcess } from "../session/process-report.ts"
import type { Unresumable } from "../session/resumability.ts"
import type { SilentConversation } from "../session/silent-conversation.ts"
import { captureEvents } from "./converge.ts"
import { seenProcesses, type TeamObservation } from "./observe.ts"
import { allTeams } from "./prepare.ts"

type FindProvider = (name: string) => Provider | undefined

const nobody: ReadonlyMap<AgentId, SeenProcess> = new Map()

/** What one look at the sessions of a team brought. */
export interface Noticed {
  /** Whether anything was new, and recorded. */
  readonly isNew: boolean
  /** Agents of which it is not certain which conversation they were last in: why. */
  readonly doubts: ReadonlyMap<AgentId, Unresumable>
  /** Conversations without a word that processes are in, or left. */
  readonly silent: ReadonlyMap<AgentId, SilentConversation>
}

export const nothingNoticed: Noticed = { isNew: false, doubts: new Map(), silent: new Map() }

/** Looks once, and appends what is new. */
const lookOnce = (
  team: TeamState,
  findProvider: FindProvider,
  processes: ReadonlyMap<AgentId, SeenProcess>
): Effect.Effect<Noticed, AppendError | EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const discovery = yield* discoverSessions(team, yield* allTeams, findProvider, processes)
    const { doubts, silent } = discovery
    const captured = captureEvents(team, discovery)
    if (captured.length === 0) return { isNew: false, doubts, silent }
    return yield* log.append(captured).pipe(
      Effect.as({ isNew: true, doubts, silent }),
      // Another command gave it to somebody meanwhile; whoever looks next sees that.
      Effect.catchTag("SessionClaimed", (claimed) => Effect.as(Effect.logWarning(claimed.message), { isNew: false, doubts, silent }))
    )
  })

/** Whether there is anything to look for: what an agent that was started once may have gone over to. */
const wasAnyStarted = ({ agents }: TeamState): boolean => agents.some(({ adopted, spawn }) => spawn !== null || adopted !== null)

/**
 * Captures what sessions can be found now, once and without waiting, and which ones the agents' processes went over to;
 * the next restart will not have to, and a death will not hide it.
 */
export const captureSessions = (
  team: TeamState,
  findProvider: FindProvider,
  observation: TeamObservation | null
): Effect.Effect<void, AppendError | EventLogError, EventLog | FileSystem.FileSystem> => {
  const isSettled = observation === null
    ? team.agents.every(({ session, spawn }) => session !== null || spawn === null)
    : !wasAnyStarted(team)
  return isSettled
    ? Effect.void
    : Effect.asVoid(lookOnce(team, findProvider, observation === null ? nobody : seenProcesses(team, observation)))
}

/**
 * Writes down which sessions the agents' processes are in now, or were in when they ended. What goes wrong is no failure
 * of a command that only looks.
 */
export const noticeSessions = (
  team: TeamState,
  findProvider: FindProvider,
  observation: TeamObservation
): Effect.Effect<Noticed, never, EventLog | FileSystem.FileSystem> =>
  !wasAnyStarted(team) ? Effect.succeed(nothingNoticed) : lookOnce(team, findProvider, seenProcesses(team, observation)).pipe(
    Effect.catchAll((error) => Effect.as(Effect.logWarning(`Sessions could not be looked for: ${error.message}`), nothingNoticed))
  )
