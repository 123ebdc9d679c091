// reprise apply FILE: carries out a plan that `reprise restart --plan-out FILE` wrote.
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Approvals, Grants, Restart } from "../sdk/index.ts"
import { agentTable } from "./command/agent-table.ts"
import { mayInterrupt, showDecisions } from "./command/decisions.ts"
import { stayInForeground } from "./command/foreground.ts"
import { readPlan } from "./command/plan-file.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { appliedDocument } from "./command/restart-document.ts"
import { grantReasons, restartOptions, word } from "./command/restart-options.ts"
import { writePage } from "./command/team-page.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "apply",
  description: "Carries out a plan that `restart --plan-out` wrote, if everything is still as it was then.",
  config: {
    team: restartOptions.team,
    file: Args.text({ name: "file" }),
    grant: restartOptions.grant,
    yes: Options.boolean("yes").pipe(
      Options.withDescription("Do not ask before agents at work are interrupted, or a person's process is ended.")
    )
  },
  run: (parsed, { transport }) =>
    Effect.gen(function*() {
      const reason = (yield* grantReasons(parsed.grant)).at(-1)
      const document = yield* readPlan(parsed.file)
      if (Option.isSome(parsed.team) && parsed.team.value !== document.team) {
        return yield* new WrongUsage({ detail: `The plan ${parsed.file} is for team ${document.team}, not for ${parsed.team.value}.` })
      }
      yield* sameTransport(document.team, transport)
      const command = ["reprise apply", word(parsed.file), ...parsed.grant.map((grant) => `--grant ${word(grant)}`)].join(" ")
      const grants = reason === undefined ? Grants.notGiven : Grants.discardContext(reason)
      const report = yield* Restart.apply(document, { interruptBusy: yield* mayInterrupt(parsed), beforeActing: showDecisions(parsed, () => command) }).pipe(
        Effect.provide([grants, Approvals.terminal])
      )
      yield* writePage(report.team.key)
      return appliedDocument(report, { command, again: document.command, file: parsed.file })
    }),
  human: ({ agents, message }) => [message, agentTable(agents)].join("\n"),
  afterwards: ({ outcome, team }) => outcome === "restarted" ? stayInForeground(String(team)) : Effect.void
})

runIfStarted(import.meta.url, verb)
