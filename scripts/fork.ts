// reprise fork AGENT NEW: adds an agent whose conversation begins as a copy of another's.
import * as Args from "@effect/cli/Args"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Fork } from "../sdk/index.ts"
import { agentTable } from "./command/agent-table.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { writePage } from "./command/team-page.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "fork",
  description: "Adds an agent whose conversation begins as a copy of another's, which goes on as it was.",
  config: {
    team: teamOption,
    agent: Args.text({ name: "agent" }),
    to: Args.text({ name: "new" })
  },
  run: ({ agent, team, to }, { transport }) =>
    sameTransport(Option.getOrUndefined(team), transport).pipe(
      Effect.zipRight(Fork.fork(Option.getOrUndefined(team), agent, to)),
      Effect.tap((report) => writePage(report.team)),
      Effect.map((report) => ({ ...report }))
    ),
  human: ({ agents, message }) => [message, agentTable(agents)].join("\n")
})

runIfStarted(import.meta.url, verb)
