import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { EventLog, TeamKey, Workspace, writeTeamPage } from "../../sdk/index.ts"

/** Renders a team's page anew. A page that can't be written is said, and fails nothing. */
export const writePage = (team: string) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const state = yield* log.state(TeamKey.make(team))
    if (Option.isSome(state)) yield* writeTeamPage(yield* Workspace, state.value)
  }).pipe(Effect.catchAll((error) => Effect.sync(() => process.stderr.write(`${error.message}\n`))))
