// reprise restart [AGENT…]: brings the whole team back with its memory, by a policy.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Approvals, Grants, Restart } from "../sdk/index.ts"
import { agentTable } from "./command/agent-table.ts"
import { mayInterrupt, showDecisions } from "./command/decisions.ts"
import { stayInForeground } from "./command/foreground.ts"
import { writtenPlan } from "./command/plan-file.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { planDocument, reportDocument } from "./command/restart-document.ts"
import { restartCommand, restartOptions, restartRequest } from "./command/restart-options.ts"
import { writePage } from "./command/team-page.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "restart",
  description: "Brings a team back, each agent in its own conversation. Nothing is dropped unless a grant says so.",
  config: restartOptions,
  run: (parsed, { transport }) =>
    Effect.gen(function*() {
      yield* sameTransport(Option.getOrUndefined(parsed.team), transport)
      const { grant, options, policy } = yield* restartRequest(parsed)
      const team = Option.getOrUndefined(parsed.team)
      if (parsed.dryRun || parsed.explain || Option.isSome(parsed.planOut)) {
        const plan = yield* Restart.plan(team, policy, options)
        const command = restartCommand(parsed, plan.team.key)
        const document = planDocument(plan, grant, command, {
          explained: parsed.explain,
          forLater: Option.isSome(parsed.planOut),
          policy: parsed.policy
        })
        return Option.isNone(parsed.planOut) ? document : yield* writtenPlan(parsed.planOut.value, plan, command, document)
      }
      const interruptBusy = yield* mayInterrupt(parsed)
      const restart = Restart.restart(team, policy, { ...options, interruptBusy, beforeActing: showDecisions(parsed, (key) => restartCommand(parsed, key)) })
      const grants = grant === undefined ? Grants.notGiven : Grants.discardContext(grant)
      const report = yield* Effect.provide(restart, [grants, Approvals.terminal])
      yield* writePage(report.team.key)
      return reportDocument(report, restartCommand(parsed, report.team.key), parsed.policy)
    }),
  human: ({ agents, message, table }) => [message, typeof table === "string" ? table : agentTable(agents)].join("\n"),
  afterwards: ({ outcome, team }) => outcome === "restarted" ? stayInForeground(String(team)) : Effect.void
})

runIfStarted(import.meta.url, verb)
