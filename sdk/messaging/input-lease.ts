import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { AgentId, TeamKey } from "../domain/ids.ts"
import type { EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, inputResource, type Lease } from "../event-log/EventLog.ts"

/**
 * Holds an agent's input until the scope closes: nobody else types into it meanwhile. Waits for who types now, so that a
 * process is never ended between a paste and its Enter; fails with `LeaseHeld` when that takes too long.
 */
export const holdInput = (
  team: TeamKey,
  agent: AgentId,
  command: string,
  within: "5 seconds" | "15 seconds"
): Effect.Effect<Lease, LeaseHeld | EventLogError, EventLog | Scope.Scope> =>
  Effect.flatMap(EventLog, (log) =>
    Effect.retry(log.lease(inputResource(team, agent), command), {
      schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo(within)),
      while: (error) => error._tag === "LeaseHeld"
    }))
