import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId } from "../domain/ids.ts"
import type { EventLogError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { discoverSessions } from "../session/discover.ts"
import type { AgentPlan } from "./plan.ts"
import { allTeams, currentState } from "./prepare.ts"

interface Context {
  readonly team: TeamState
  readonly findProvider: (name: string) => Provider | undefined
}

const spokenTo = (id: AgentId, evidence: string): AgentFailure => ({
  kind: "unknown",
  reason: `${id} was to start anew because nobody had ever spoken to it, and that does not hold any more: ` +
    `${evidence.replace(/\.*$/, "")}. It was stopped, no new conversation was begun, and restarting it again continues its own.`,
  retryable: true,
  retryAt: null
})

/**
 * Fails where an agent that is to start anew for never having been spoken to was spoken to after that was decided: until
 * its process ended, a message or a person could still reach it. To be asked once that process is gone.
 */
export const stillSilent = (
  { findProvider, team }: Context,
  { decided: { decision }, facts: { agent } }: AgentPlan<unknown, unknown>
): Effect.Effect<void, AgentFailure | EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (decision.kind !== "fresh_start" || decision.requires.includes("discard-context") || agent.spawn === null) return
    const now = yield* currentState(team.key, team)
    const { spoken } = yield* discoverSessions(now, yield* allTeams, findProvider)
    const found = spoken.get(agent.spec.id)
    if (found?.state !== "never") return yield* Effect.fail(spokenTo(agent.spec.id, found?.evidence ?? "it could not be looked at"))
  })
