// reprise supervise: brings agents back that die, by the same policy as a restart, until it is ended or switched off.
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Approvals, Grants, Policy, Restart, Supervise, teamState } from "../sdk/index.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { chosenPolicy, grantOption, policyOption } from "./command/restart-options.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

const flag = (name: string, description: string) => Options.boolean(name).pipe(Options.withDescription(description))

/** Lets the budgets of some agents, or of all, be spent again. */
const clear = (selector: string | undefined, named: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { agents, key } = yield* teamState(selector)
    const known = agents.map(({ spec }) => spec.id)
    const stranger = named.find((id) => !known.some((other) => other === id))
    if (stranger !== undefined) return yield* new Restart.AgentUnknown({ team: key, agent: stranger, known })
    const cleared = yield* Restart.clearBudget(key, "cleared by name", named.length === 0 ? undefined : named)
    return {
      outcome: "budget_cleared",
      ok: true,
      message: `The restarts of ${cleared.join(", ")} are forgotten: the budget of team ${key} may be spent again.`,
      next: [],
      team: key,
      agents: cleared
    }
  })

const switchOff = (selector: string | undefined) =>
  Effect.map(Supervise.disable(selector, "switched off by name"), (team) => ({
    outcome: "disabled",
    ok: true,
    message: `Supervision of team ${team} is off; its agents go on as they are.`,
    next: [],
    team
  }))

export const verb = defineVerb({
  name: "supervise",
  description: "Brings agents back that die, by the policy of a restart, as long as it runs. Ctrl-C ends it.",
  config: {
    team: teamOption,
    strategy: Options.choice("strategy", ["oneForOne", "oneForAll", "restForOne"]).pipe(
      Options.withDescription("Who is restarted when somebody dies: that agent, all, or that agent and those after it in the team file."),
      Options.withDefault("oneForOne" as const)
    ),
    policy: policyOption,
    grant: grantOption,
    onBoot: Options.choice("on-boot", ["ask", "hold", "resume"]).pipe(
      Options.withDescription(
        "What follows when the machine came up again, or the place that the team lives in (the tmux server) is gone: ask at the terminal, " +
          "leave the team as it is, or bring it back. By default as the policy says."
      ),
      Options.optional
    ),
    observe: flag("observe", "Only say and log what would be done."),
    disable: flag("disable", "Switch supervision off, wherever it runs, and end."),
    clear: Options.text("clear").pipe(
      Options.withPseudoName("AGENT"),
      Options.withDescription("Let the budget of this agent be spent again, and end. May be given more than once."),
      Options.repeated
    ),
    clearBudget: flag("clear-budget", "Let the budgets of all agents be spent again, and end.")
  },
  run: (parsed, { transport }) =>
    Effect.gen(function*() {
      const team = Option.getOrUndefined(parsed.team)
      const clears = parsed.clearBudget || parsed.clear.length > 0
      if ([parsed.observe, parsed.disable, clears].filter(Boolean).length > 1 || (parsed.clearBudget && parsed.clear.length > 0)) {
        return yield* new WrongUsage({ detail: "--observe, --disable, --clear and --clear-budget exclude each other." })
      }
      yield* sameTransport(team, transport)
      if (parsed.disable) return yield* switchOff(team)
      if (clears) return yield* clear(team, parsed.clear)
      const { grant, policy } = yield* chosenPolicy({ ...parsed, allowFresh: false })
      const supervised = Supervise.supervise(team, Option.match(parsed.onBoot, {
        onNone: () => policy,
        onSome: (decision) => decision === "ask" ? Policy.onBoot(decision)(policy) : Policy.onBoot(decision)(policy)
      }), {
        strategy: parsed.strategy,
        observe: parsed.observe,
        say: (sentence) => Effect.sync(() => process.stderr.write(`${sentence}\n`))
      })
      const grants = grant === undefined ? Grants.notGiven : Grants.discardContext(grant)
      return { ...yield* Effect.provide(supervised, [grants, Approvals.terminal]), next: [] }
    })
})

runIfStarted(import.meta.url, verb)
