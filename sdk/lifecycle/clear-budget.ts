import * as Effect from "effect/Effect"
import type { EventLogError, LeaseHeld, AppendError } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import type { HostEnvironment } from "./operation.ts"
import { demandRank, type TeamOwnerMismatch } from "./rank.ts"
import { teamState } from "./team.ts"

/**
 * Forgets the restarts of a team, or of some of its agents, for the sake of its policy's budget: what was spent may be
 * spent again. Answers with the agents that it was done for.
 *
 * @example
 * ```ts
 * run(Restart.clearBudget("alpha", "the network is back"))
 * ```
 */
export const clearBudget = (
  team: string | undefined,
  reason: string,
  agents?: ReadonlyArray<string>
): Effect.Effect<
  ReadonlyArray<string>,
  AppendError | EventLogError | LeaseHeld | TeamTargetAmbiguous | TeamTargetUnresolved | TeamOwnerMismatch,
  EventLog | HostEnvironment
> =>
  Effect.scoped(Effect.gen(function*() {
    const state = yield* teamState(team)
    yield* demandRank(state)
    const log = yield* EventLog
    const lease = yield* log.lease(teamResource(state.key), "clear the budget")
    const meant = state.agents.filter(({ spec }) => agents === undefined || agents.includes(spec.id))
    if (meant.length > 0) {
      yield* log.append(meant.map(({ generation, spec }) => (
        { type: "budget.cleared" as const, team: state.key, agent: spec.id, generation, reason }
      )), { lease })
    }
    return meant.map(({ spec }) => spec.id)
  }))
