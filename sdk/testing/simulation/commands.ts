import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Supervise from "../../coordinator/Supervise.ts"
import { EventLog } from "../../event-log/EventLog.ts"
import { HostBoot } from "../../lifecycle/boot.ts"
import * as Adopt from "../../lifecycle/Adopt.ts"
import * as Launch from "../../lifecycle/Launch.ts"
import { HostEnvironment } from "../../lifecycle/operation.ts"
import * as Restart from "../../lifecycle/Restart.ts"
import * as Send from "../../lifecycle/Send.ts"
import * as Shutdown from "../../lifecycle/Shutdown.ts"
import * as Status from "../../lifecycle/Status.ts"
import { PluginHost, PluginMissing } from "../../plugin/PluginHost.ts"
import * as Approvals from "../../policy/Approvals.ts"
import * as Grants from "../../policy/Grants.ts"
import * as Policy from "../../policy/Policy.ts"
import { SinceBoot } from "../../session/clock.ts"
import { HostProcesses } from "../../session/host-processes.ts"
import type { TeamFile } from "../../spec/team-file.ts"
import type { CommandFacts } from "./facts.ts"
import type { ProcessServices } from "./layers.ts"
import { asksForLeave, budgetOf, isAllOrNone, restartBy, superviseBy } from "./policies.ts"
import type { CommandStep } from "./scenario.ts"
import { judgedLog } from "./workspace-log.ts"

/** The team of a simulated world. */
export const teamName = "alpha"
export const workspace = "/work"

/** How a command ended. `refused`: it says that it touched nothing. */
export interface CommandEnd {
  readonly outcome: string
  readonly ok: boolean
  readonly refused: boolean
  /** Of a restart: what came of each agent. */
  readonly results?: Readonly<Record<string, string>>
  /** Of a down: what it named and left alone. */
  readonly leftAlone?: ReadonlyArray<string>
}

/** The team that a command names; undefined where it names none. */
const named = (step: CommandStep): string | undefined => {
  const { team } = "team" in step ? step : {}
  return team === undefined ? teamName : team ?? undefined
}

/** From where a command is started. */
export type Origin = Pick<CommandFacts, "from" | "inside">

/** What the rules are told of a command. */
export const factsOf = (step: CommandStep, origin: Origin): CommandFacts => ({
  command: step.do === "apply" ? "restart" : step.do,
  team: named(step) ?? null,
  // A roll back is of the whole operation.
  agents: step.do === "restart" ? (step.unfinished === "rollback" ? null : step.agents ?? null) : step.do === "send" ? [step.agent] : null,
  grant: step.do === "restart" && asksForLeave(step.policy),
  ...origin,
  takeover: step.do === "restart" && step.takeover === true,
  unconfirmed: step.do === "restart" && step.unconfirmed === true,
  workDone: step.do === "restart" && step.policy === "workDone",
  allOrNone: step.do === "restart" && isAllOrNone(step.policy),
  copied: step.copy !== undefined,
  budget: step.do === "supervise" ? budgetOf[step.budget] : null
})

const restart = (step: Extract<CommandStep, { do: "restart" }>) => {
  const options: Restart.RestartOptions = {
    ...step.agents === undefined ? {} : { agents: step.agents },
    ...step.onlyDead === undefined ? {} : { onlyDead: step.onlyDead },
    ...step.takeover === undefined ? {} : { takeover: step.takeover },
    ...step.unfinished === undefined ? {} : { unfinished: step.unfinished },
    ...step.session === undefined ? {} : { session: step.session },
    interruptBusy: step.unconfirmed !== true
  }
  return restartBy(step.policy, named(step), options)
}

const apply = (after: number) =>
  Restart.plan(teamName, Policy.standard).pipe(
    Effect.map((plan) => Restart.documentOf(plan)),
    Effect.tap(() => Effect.sleep(after)),
    Effect.flatMap((document) => Restart.apply(document, { interruptBusy: true })),
    Effect.provide([Grants.notGiven, Approvals.never])
  )

const done = (outcome: string, ok: boolean, refused: boolean): CommandEnd => ({ outcome, ok, refused })

const restarted = ({ agents, ok, operation, outcome }: Restart.RestartReport): CommandEnd => ({
  ...done(outcome, ok, operation === null),
  results: Object.fromEntries(agents.map(({ id, result }) => [id, result]))
})

const refusals = /^(refused_|resume_not_ready|grant_missing|confirmation_required|already_running)/

/** What a person knows who gives a command. */
export interface Given {
  /** The team file of a name. */
  readonly fileOf: (team: string) => TeamFile
  /** The processes that they name to be adopted; null for all that are found. */
  readonly adoptable: () => ReadonlyArray<number> | null
}

const command = Effect.fn(function*(step: CommandStep, { adoptable, fileOf }: Given) {
  switch (step.do) {
    case "up": {
      const { ok, outcome } = yield* Launch.up(fileOf(step.team ?? teamName), { workspace, transport: "memory", plugins: [], interruptBusy: true })
      return done(outcome, ok, refusals.test(outcome))
    }
    case "restart":
      return restarted(yield* restart(step))
    case "apply":
      return restarted(yield* apply(step.after))
    case "send": {
      const { ok, outcome } = yield* Send.send(named(step), step.agent, step.text)
      return done(outcome, ok, outcome === "text_refused")
    }
    case "down": {
      const { ok, outcome, spared, survivors } = yield* Shutdown.down(named(step), { interruptBusy: true })
      return { ...done(outcome, ok, false), leftAlone: [...spared, ...survivors] }
    }
    case "plan": {
      const { refusal } = yield* Restart.plan(named(step), Policy.standard)
      return done(refusal?.outcome ?? "planned", true, true)
    }
    case "status":
      yield* Status.status(named(step))
      return done("ok", true, true)
    case "adopt": {
      const only = adoptable()
      const { ok, outcome } = yield* Adopt.adopt({ workspace, transport: "memory", plugins: [], name: step.team, ...only === null ? {} : { only } })
      return done(outcome, ok, false)
    }
    case "supervise": {
      const { ok, outcome } = yield* superviseBy(step, teamName)
      return done(outcome, ok, false)
    }
    case "unsupervise":
      yield* Supervise.disable(teamName, "somebody said so")
      return done("ok", true, true)
  }
})

const refusedErrors: ReadonlySet<string> = new Set([
  "TeamTargetUnresolved",
  "TeamTargetAmbiguous",
  "AgentUnknown",
  "AgentNotOurs",
  "AdoptRefused",
  "NothingUnfinished",
  "InvalidSetting",
  "TeamOwnerMismatch",
  "LaunchImpossible",
  "TeamFileInvalid",
  "LeaseHeld",
  "ApprovalDenied",
  "GateFailed"
])

const servicesOf = ({ boot, env, files, log, processes, providers, sinceBoot, transport, verdict }: ProcessServices) =>
  Context.make(EventLog, judgedLog(log, verdict)).pipe(
    Context.add(FileSystem.FileSystem, files),
    Context.add(HostEnvironment, env),
    Context.add(HostBoot, boot),
    Context.add(HostProcesses, processes),
    Context.add(SinceBoot, Effect.sync(() => ({ sinceBootMs: sinceBoot(), boot }))),
    Context.add(PluginHost, {
      provider: (name) => {
        const provider = providers.get(name)
        return provider === undefined
          ? new PluginMissing({ kind: "provider", name, known: [...providers.keys()], rejected: [] })
          : Effect.succeed(provider)
      },
      providers: Effect.succeed([...providers.keys()]),
      transport: () => Effect.succeed(transport),
      rejected: Effect.succeed([])
    })
  )

/** Runs a command as its own process would, and says how it ended. */
export const runCommand = (step: CommandStep, given: Given, services: ProcessServices): Effect.Effect<CommandEnd> =>
  command(step, given).pipe(
    Effect.catchAll((error) => Effect.succeed(done(error._tag, false, refusedErrors.has(error._tag)))),
    Effect.catchAllDefect((defect) => Effect.succeed(done(`defect: ${String(defect)}`, false, false))),
    Effect.provide(servicesOf(services))
  )
