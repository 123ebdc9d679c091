import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"

/** The transport that was chosen with a team, if it is known. */
export const recordedTransport = (team: TeamKey) =>
  Effect.flatMap(EventLog, (log) =>
    Effect.map(log.state(team), (state) => Option.getOrUndefined(Option.map(state, ({ transport }) => transport))))
