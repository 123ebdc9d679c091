// reprise down: stops a team. Its conversations are kept.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Shutdown } from "../sdk/index.ts"
import { confirming } from "./command/decisions.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { writePage } from "./command/team-page.ts"
import { teamOption, yesOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "down",
  description: "Stops a team: each agent's processes are ended and proved gone. Its conversations are kept.",
  config: { team: teamOption, yes: yesOption },
  plugins: "reported",
  run: ({ team, yes }, { transport }) =>
    sameTransport(Option.getOrUndefined(team), transport).pipe(
      Effect.zipRight(confirming({ yes }, (interruptBusy) => Shutdown.down(Option.getOrUndefined(team), { interruptBusy }))),
      Effect.tap((report) => report.outcome === "workspace_copied" ? Effect.void : writePage(report.team)),
      Effect.map((report) => ({ ...report }))
    )
})

runIfStarted(import.meta.url, verb)
