import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import { agentOf, type AgentState } from "../event-log/TeamState.ts"
import { discoverSessions } from "../session/discover.ts"
import { captureEvents } from "./converge.ts"
import type { AgentPlan } from "./plan.ts"
import { allTeams, currentState } from "./prepare.ts"
import type { RolloutContext } from "./rollout-context.ts"

const spokenTo = (id: AgentId, evidence: string): AgentFailure => ({
  kind: "unknown",
  reason: `${id} was to start anew because nobody had ever spoken to it, and that does not hold any more: ` +
    `${evidence.replace(/\.*$/, "")}. It was stopped, no new conversation was begun, and restarting it again continues its own.`,
  retryable: true,
  retryAt: null
})

/** Whether an agent is to begin as a copy that it seemed not to have yet. */
const isToBeCopied = <E, R>({ decided: { decision }, facts }: AgentPlan<E, R>): boolean =>
  decision.kind === "fresh_start" && !decision.requires.includes("discard-context") && facts.agent.forkOf !== null

/**
 * The agent as it is now. A copy that was written after one was to be made anew is the agent's own conversation, and is
 * continued: a second copy would leave what was said in it behind.
 */
export const inItsCopy = <E, R>(entry: AgentPlan<E, R>, agent: AgentState): AgentPlan<E, R> => {
  const now = { ...entry, facts: { ...entry.facts, agent } }
  const { session } = agent
  if (session === null || !isToBeCopied(entry)) return now
  const { decided } = entry
  const why = [`it has written its copy of ${entry.facts.agent.forkOf?.agent ?? "another"}'s session since that was decided`]
  return { ...now, decided: { ...decided, decision: { ...decided.decision, kind: "resume", session, why } } }
}

/**
 * Looks whether nobody spoke to an agent that is to start anew for that reason: until its process ended, a message or a
 * person could still reach it. To be asked once that process is gone. Answers with the agent as it goes on: a fork that
 * had just written its copy goes on in that one. Fails where it was spoken to.
 */
export const stillSilent = <E, R>(
  context: RolloutContext<E, R>,
  entry: AgentPlan<E, R>
): Effect.Effect<AgentPlan<E, R>, AgentFailure | AppendError | EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { decided: { decision }, facts: { agent } } = entry
    const { id } = agent.spec
    if (decision.kind !== "fresh_start" || decision.requires.includes("discard-context") || agent.spawn === null) return entry
    const { team } = context.plan
    const now = yield* currentState(team.key, team)
    const discovery = yield* discoverSessions(now, yield* allTeams, context.findProvider)
    if (isToBeCopied(entry)) {
      const captured = captureEvents(now, discovery).filter((event) => "agent" in event && event.agent === id)
      if (captured.length > 0) {
        yield* context.operation.append(captured).pipe(
          Effect.catchTag("SessionClaimed", (claimed) => Effect.fail(spokenTo(id, claimed.message)))
        )
      }
      const found = inItsCopy(entry, agentOf(yield* currentState(team.key, now), id) ?? agent)
      if (found.decided.decision.kind === "resume") return found
    }
    const found = discovery.spoken.get(id)
    return found?.state === "never" ? entry : yield* Effect.fail(spokenTo(id, found?.evidence ?? "it could not be looked at"))
  })
