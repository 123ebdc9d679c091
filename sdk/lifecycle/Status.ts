import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { EventLogError } from "../event-log/errors.ts"
import { AgentId } from "../domain/ids.ts"
import { EventLog, type LeaseHolder, teamResource } from "../event-log/EventLog.ts"
import { agentOf, type OperationState, type TeamState } from "../event-log/TeamState.ts"
import type { PluginHost, Transport } from "../plugin/PluginHost.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { resumability } from "../session/resumability.ts"
import { besideSilent } from "../session/silent-conversation.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { type AgentView, candidatesOf, viewTeam } from "./agent-view.ts"
import { type Noticed, nothingNoticed, noticeSessions } from "./capture.ts"
import { isDirectory } from "./preconditions.ts"
import { demandCurrentLog, demandKnownSpawns, unknownSpawns } from "./current-log.ts"
import { transportToLook } from "./missing-transport.ts"
import { observeTeam, ownProcesses, type TeamObservation } from "./observe.ts"
import { type LoadedProviders, loadProviders, providerNames } from "./plugins-of.ts"
import { currentState } from "./prepare.ts"
import { teamState } from "./team.ts"
import { withoutProviders } from "./unprovided.ts"

/** By the same function as a restart asks: what the agent's own processes hold is in nobody's way. */
const resumableNow = (
  team: TeamState,
  id: string,
  observation: TeamObservation,
  findProvider: LoadedProviders["find"],
  noticed: Noticed
): Effect.Effect<AgentView["resumable"] | null, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const agent = agentOf(team, id)
    const doubt = agent === undefined ? undefined : noticed.doubts.get(agent.spec.id)
    if (agent === undefined || (agent.session === null && doubt === undefined)) return null
    const provider = findProvider(agent.spec.provider)
    if (provider === undefined) {
      return { answer: "unknown" as const, code: null, why: `its provider ${agent.spec.provider} is not loaded` }
    }
    const seen = observation.agents.get(agent.spec.id)
    if (!(yield* isDirectory(agent.spec.cwd))) {
      return { answer: "no" as const, code: "missing_directory", why: `its working directory ${agent.spec.cwd} is not there` }
    }
    const own = seen === undefined ? [] : ownProcesses(agent, seen)
    const told = doubt ?? besideSilent(
      yield* resumability(agent.session, providerAgentOf(team, agent, "keep"), provider, own),
      noticed.silent.get(agent.spec.id)
    )
    switch (told._tag) {
      case "Resumable":
        if (seen?.process.lostDirectory !== undefined) {
          const why = `${seen.process.lostDirectory}: a restart goes on in the new one, and whether the conversation belongs there can't be told`
          return { answer: "unknown" as const, code: null, why }
        }
        return { answer: "yes" as const, code: null, why: told.warning ?? "" }
      case "NotResumable":
        return { answer: "no" as const, code: told.code, why: told.why, ...candidatesOf(told) }
      case "Unknown":
        return { answer: "unknown" as const, code: null, why: told.why }
    }
  })

/** A session is not certain that may not be the last one, or that its process left for a conversation without a word. */
const sessionShown = ({ id, session }: AgentView, { doubts, silent }: Noticed): AgentView["session"] => {
  const agent = AgentId.make(id)
  return session !== null && (doubts.has(agent) || silent.get(agent)?.isPresent === true) ? { ...session, confidence: "low" } : session
}

/** A team as it is now. */
export interface StatusReport {
  readonly team: TeamState
  readonly agents: ReadonlyArray<AgentView>
  /** The unfinished operation, if there is one. */
  readonly operation: OperationState | null
  /** The live process that is carrying it out; null where it was interrupted, or where there is none. */
  readonly runBy: LeaseHolder | null
  /** Position of the newest event of the log. */
  readonly position: number
  readonly pendingMessages: number
  /** Why the log is not the current state: then each agent is unknown. Null where it is. */
  readonly rolledBack: EventLogError | null
}

/** Agents of a log that is older than reality: what they do now is unknown. */
const unseen = (team: TeamState, why: string): TeamObservation => ({
  agents: new Map(team.agents.map(({ spec }) => [spec.id, {
    process: { state: "unknown" as const, evidence: why },
    pane: null,
    exit: null,
    strays: []
  }])),
  panes: null,
  foreign: [],
  home: null,
  failure: null
})


/** Looks at the team, unless its log is older than reality. */
const observeCurrent = (first: TeamState, transport: Transport) =>
  Effect.gen(function*() {
    const older = (found: TeamState, refusal: EventLogError) => {
      const why = `the log is older than what runs (${refusal.evidence?.join("; ") ?? ""})`
      return { found, observation: unseen(found, why), rolledBack: refusal }
    }
    const refused = yield* Effect.match(demandCurrentLog, { onFailure: (error) => error, onSuccess: () => null })
    if (refused !== null) return older(first, refused)
    const observation = yield* observeTeam(first, transport)
    if (unknownSpawns(first, observation).length === 0) return { found: first, observation, rolledBack: null }
    // It may have been started since the log was read.
    const found = yield* currentState(first.key, first)
    const again = yield* observeTeam(found, transport)
    const refusal = yield* Effect.match(demandKnownSpawns(found, again), { onFailure: (error) => error, onSuccess: () => null })
    return refusal === null ? { found, observation: again, rolledBack: null } : older(found, refusal)
  })

/**
 * Looks at a team and touches nothing; a process that can't be told about is `unknown`, never idle or dead. A conversation
 * that a process went over to is written down, so that a death does not hide it.
 */
export const status = (
  selector?: string
): Effect.Effect<
  StatusReport,
  EventLogError | TeamTargetAmbiguous | TeamTargetUnresolved,
  EventLog | PluginHost | FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const first = yield* teamState(selector)
    const transport = yield* transportToLook(first.transport)
    const providers = yield* loadProviders(providerNames([first]))
    const { found, observation, rolledBack } = yield* observeCurrent(first, transport)
    // A person may go over to another conversation at any time: it is learnt while its process can tell it.
    const noticed = rolledBack === null ? yield* noticeSessions(found, providers.find, observation) : nothingNoticed
    const team = noticed.isNew ? yield* currentState(found.key, found) : found
    return {
      team,
      agents: yield* Effect.forEach(withoutProviders(yield* viewTeam(team, observation, transport, providers.find), providers.missing), (view) =>
        Effect.map(resumableNow(team, view.id, observation, providers.find, noticed), (resumable) => ({
          ...view,
          session: sessionShown(view, noticed),
          resumable
        })), {
        concurrency: 16
      }),
      operation: team.operation,
      runBy: team.operation === null ? null : yield* log.holder(teamResource(team.key)),
      position: yield* log.position,
      pendingMessages: team.pendingMessages.length,
      rolledBack
    }
  })
