import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { demandReadableLog } from "./current-log.ts"
import { resolveTeam, type TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"

/** Resolves which team is meant, once, and answers with its state. Without a selector the only team is meant. */
export const teamState = (
  selector: string | undefined
): Effect.Effect<TeamState, TeamTargetAmbiguous | TeamTargetUnresolved | EventLogError, EventLog> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    yield* demandReadableLog
    const keys = yield* log.teams
    const resolved = resolveTeam(keys, selector)
    if (Either.isLeft(resolved)) return yield* resolved.left
    const state = yield* log.state(resolved.right)
    return yield* Option.match(state, {
      onNone: () => new TeamTargetUnresolved({ selector: selector ?? null, candidates: keys }),
      onSome: Effect.succeed
    })
  })
