import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { AgentFailure } from "../domain/failure.ts"
import type { EventLogError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { discoverSessions } from "../session/discover.ts"
import type { AgentPlan } from "./plan.ts"
import { allTeams, currentState } from "./prepare.ts"
import type { RolloutContext } from "./rollout-context.ts"
import type { SpawnPlan } from "./spawn.ts"

/**
 * Fails where the process of an agent has gone over to another conversation since it was decided which one is continued:
 * gates and other agents take their time, and its user may begin another one until it ends. To be asked before it is
 * touched, and once it is gone, of what it left.
 */
export const stillInIt = <E, R>(
  context: RolloutContext<E, R>,
  provider: Provider,
  spawn: SpawnPlan,
  { facts: { agent }, observation }: AgentPlan<E, R>,
  alive: boolean
): Effect.Effect<void, AgentFailure | EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { session, spec: { id } } = agent
    const process = agent.adopted ?? observation.pane
    if (spawn.mode !== "resume" || session === null || process === null || provider.processEvidence === undefined) return
    // What is gone since before the decision was asked then.
    if (observation.process.state !== "alive") return
    const { pid, startTime } = process
    const said = yield* Effect.either(provider.processEvidence({ pid, startTime, alive, agent: spawn.agent }))
    if (Either.isRight(said) && (said.right?.sessionId ?? session.id) === session.id) return
    const { team } = context.plan
    const now = yield* currentState(team.key, team)
    const { assigned, doubts } = yield* discoverSessions(now, yield* allTeams, context.findProvider, new Map([[id, { pid, startTime, alive }]]))
    const found = assigned.get(id)
    const why = found !== undefined && found.sessionId !== session.id
      ? `its process has gone over to session ${found.sessionId}`
      : doubts.get(id)?.why
    if (why === undefined) return
    return yield* Effect.fail({
      kind: "unknown",
      reason: `${id} was to continue session ${session.id}, and that does not hold any more: ${why}. ` +
        `${alive ? "It was left as it is" : "It was stopped, and not started"}; restarting it again decides anew.`,
      retryable: alive,
      retryAt: null
    } satisfies AgentFailure)
  })
