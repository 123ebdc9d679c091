import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { EventLog, type TeamKey, teamState } from "../../sdk/index.ts"
import { WrongUsage } from "./policy-file.ts"

const elsewhere = (team: string, transport: string, asked: string) =>
  new WrongUsage({
    detail: `Team ${team} lives in ${transport}, not in ${asked}. To move it: reprise down, then reprise up --transport ${asked}.`
  })

interface Choices {
  readonly transport: string | undefined
  readonly plugins: ReadonlyArray<string>
}

/**
 * What was chosen with a team, if it is known, and its new choices: its plugins stay. Whether it may move to another
 * transport is for the launch to see.
 */
export const choicesOf = (team: TeamKey, asked: Choices) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const known = Option.getOrUndefined(yield* log.state(team))
    if (known === undefined) return asked
    return {
      transport: asked.transport ?? known.transport,
      plugins: [...new Set([...known.plugins, ...asked.plugins])]
    }
  })

/** A team is reached where it lives: another transport than the recorded one is refused, not ignored. */
export const sameTransport = (team: string | undefined, asked: string | undefined) =>
  asked === undefined ? Effect.void : Effect.flatMap(teamState(team), ({ key, transport }) =>
    transport === asked ? Effect.void : elsewhere(key, transport, asked))
