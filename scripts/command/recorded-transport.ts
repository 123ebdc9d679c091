import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { EventLog, type TeamKey, teamState } from "../../sdk/index.ts"
import { WrongUsage } from "./policy-file.ts"

/** The transport that was chosen with a team, if it is known. */
export const recordedTransport = (team: TeamKey) =>
  Effect.flatMap(EventLog, (log) =>
    Effect.map(log.state(team), (state) => Option.getOrUndefined(Option.map(state, ({ transport }) => transport))))

/** A team is reached where it lives: another transport than the recorded one is refused, not ignored. */
export const sameTransport = (team: string | undefined, asked: string | undefined) =>
  asked === undefined ? Effect.void : Effect.flatMap(teamState(team), ({ key, transport }) =>
    transport === asked ? Effect.void : new WrongUsage({
      detail: `Team ${key} lives in ${transport}, not in ${asked}. To move it: reprise down, then reprise up --transport ${asked}.`
    }))
