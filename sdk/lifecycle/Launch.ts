import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing, type Transport } from "../plugin/PluginHost.ts"
import { standard, toTeam } from "../policy/Policy.ts"
import { mcpProblem, optionProblems, type TeamFile, TeamFileInvalid } from "../spec/team-file.ts"
import { type AgentView, viewTeam } from "./agent-view.ts"
import { attachLine } from "./attach-command.ts"
import { demandCurrentLog, demandKnownSpawns, demandNoSpawns } from "./current-log.ts"
import { touchedBy } from "./interrupted.ts"
import { refuseInterruption } from "./interruption.ts"
import { type AgentObservation, listedPanes, mayLive, observeTeam } from "./observe.ts"
import { copiesFor } from "./launch-copies.ts"
import type { HostEnvironment } from "./operation.ts"
import type { OperationUnfinished } from "./operation-unfinished.ts"
import { loadProviders, providerNames } from "./plugins-of.ts"
import { findLacks, type Lack, type StartFinding } from "./preconditions.ts"
import { demandRank, type TeamOwnerMismatch } from "./rank.ts"
import type { Refusal } from "./plan.ts"
import { currentState, prepare } from "./prepare.ts"
import { livesElsewhere, unreachableRefusal } from "./refuse.ts"
import { actOn, onlyFileCures, refusedReport, type RestartReport } from "./restart-act.ts"
import { decisionEvents, refusalEvents } from "./restart-events.ts"
import { deadlines, type InvalidSetting } from "./settings.ts"

/** The team can't be started on this machine as it is; nothing was started. */
export class LaunchImpossible extends Schema.TaggedError<LaunchImpossible>("reprise/LaunchImpossible")("LaunchImpossible", {
  lacks: Schema.Array(Schema.Struct({
    agent: Schema.String,
    kind: Schema.Literal("missing_binary", "missing_directory"),
    reason: Schema.String
  }))
}) {
  override get message(): string {
    return `${this.lacks.map(({ reason }) => reason).join("; ")}. No process was touched.`
  }
}

export type LaunchError =
  | AppendError
  | OperationUnfinished
  | EventLogError
  | LeaseHeld
  | PluginMissing
  | TeamFileInvalid
  | LaunchImpossible
  | InvalidSetting
  | TeamOwnerMismatch

/** What came of a launch. */
export interface LaunchReport {
  readonly outcome: "launched" | "already_running" | RestartReport["outcome"]
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly details: Readonly<Record<string, unknown>>
  readonly team: string
  readonly agents: ReadonlyArray<AgentView>
  /** What spoke against the starts and did not keep them from being made. */
  readonly warnings: ReadonlyArray<StartFinding>
  /** The command with which a person sees the agents; null where there is none. */
  readonly attach: string | null
}

export interface LaunchOptions {
  readonly workspace: string
  /** The transport's name; the team's own, else `tmux`. */
  readonly transport: string
  /** Plugins beyond the built-in ones, remembered with the team. */
  readonly plugins: ReadonlyArray<string>
  /** Teams of another workspace: agents of the same team and id begin with copies of their conversations. */
  readonly copyOf?: ReadonlyArray<TeamState>
  /** Consent to interrupt agents that are at work, which a launch that finishes an interrupted operation may do. */
  readonly interruptBusy?: boolean
}

/** What of the file is its providers' to say. */
const checkOptions = (file: TeamFile, findProvider: Effect.Effect.Success<ReturnType<typeof loadProviders>>["find"]) => {
  const [first, ...rest] = file.spec.agents.flatMap((agent) => {
    const provider = findProvider(agent.provider)
    return provider === undefined ? [] : [
      ...optionProblems(file, agent.id, provider.checkOptions(agent.options)),
      ...provider.capabilities.mcp || agent.paused || Object.keys(agent.mcp).length === 0 ? [] : [mcpProblem(file, agent)]
    ]
  })
  return first === undefined ? Effect.void : new TeamFileInvalid({ file: file.file, problems: [first, ...rest] })
}

const provedDead = ({ process, strays }: AgentObservation): boolean =>
  (process.state === "dead" || process.state === "absent") && strays.length === 0

/** The report on a known team that is not touched: it runs, lives elsewhere, or can't be seen. Null where it may be. */
const leaveAsItIs = ({ spec }: TeamFile, known: TeamState, asked: Transport) =>
  Effect.gen(function*() {
    const wasStarted = known.agents.some(({ adopted, spawn }) => spawn !== null || adopted !== null)
    if (!wasStarted) return yield* Effect.as(demandKnownSpawns(known, { panes: yield* listedPanes(asked) }), null)
    const host = yield* PluginHost
    const home = known.transport === asked.name ? asked : yield* host.transport(known.transport)
    const observation = yield* observeTeam(known, home)
    yield* demandKnownSpawns(known, observation)
    const providers = yield* loadProviders(providerNames([known]))
    const seen = known.agents.flatMap((agent) => {
      const found = observation.agents.get(agent.spec.id)
      return found === undefined ? [] : { agent, found }
    })
    const report = (fields: Pick<LaunchReport, "outcome" | "ok" | "message" | "next" | "details">) =>
      Effect.map(viewTeam(known, observation, home, providers.find), (agents): LaunchReport => ({
        ...fields,
        warnings: [],
        team: spec.name,
        agents,
        attach: attachLine(home)
      }))
    const refuse = ({ details, message, next }: Refusal) => report({ outcome: "failed", ok: false, message, next, details })

    // What was stopped and proved gone is nowhere any more, also where its transport is gone, too.
    const allStopped = known.agents.every(({ adopted, phase, spawn }) => adopted === null && (spawn === null || phase === "stopped"))
    if (observation.failure !== null && known.operation === null && allStopped && home.name !== asked.name) return null
    const unknown = seen.filter(({ found }) => found.process.state === "unknown")
    if (observation.failure !== null || unknown.length > 0) {
      const names = unknown.map(({ agent, found }) => `${agent.spec.id}: ${found.process.evidence.replace(/\.$/, "")}`)
      return yield* refuse(unreachableRefusal(
        home.name,
        observation.failure?.message ?? `Whether these agents live is unknown (${names.join("; ")})`,
        spec.name
      ))
    }
    // What a person started lives in no transport.
    const living = seen.filter(({ agent, found }) => agent.adopted === null && !provedDead(found)).map(({ agent }) => agent.spec.id)
    if (asked.name !== home.name && living.length > 0) return yield* refuse(livesElsewhere(spec.name, home.name, asked.name, living))
    const meant = seen.filter(({ agent }) => !agent.spec.paused && !agent.removed)
    if (known.operation !== null || meant.length === 0 || !meant.every(({ found }) => mayLive(found.process))) return null
    const names = (agents: ReadonlyArray<string>) => [...agents].toSorted().join()
    const differs = names(spec.agents.map(({ id }) => id)) !== names(known.agents.flatMap((agent) => agent.removed ? [] : agent.spec.id))
    const views = yield* viewTeam(known, observation, home, providers.find)
    const waiting = meant.flatMap(({ agent }) => {
      const view = views.find(({ id }) => id === agent.spec.id)
      const failure = agent.failure ?? view?.failure ?? null
      return failure === null && view?.status !== "starting"
        ? []
        : [{ agent: agent.spec.id, failure, why: failure?.reason ?? view?.evidence ?? "" }]
    })
    if (waiting.length > 0) {
      const fromFile = waiting.every(({ failure }) => failure !== null && onlyFileCures(failure))
      return yield* report({
        outcome: waiting.length === meant.length ? "failed" : "partial",
        ok: false,
        message: `Team ${spec.name} runs, and nothing was changed, but not every agent came up: ` +
          waiting.map(({ agent, why }) => `${agent}: ${why.replace(/\.$/, "")}.`).join(" "),
        next: fromFile
          ? [`reprise down --team ${spec.name}`, "reprise up FILE"]
          : [`reprise restart ${waiting.map(({ agent }) => agent).join(" ")} --team ${spec.name}`],
        details: { reason: "not_ready", failures: waiting }
      })
    }
    return yield* report({
      outcome: "already_running",
      ok: true,
      message: `Team ${spec.name} is running already; nothing was changed.` +
        `${differs ? " The file has other agents than the team: stop it first, then bring it up with them." : ""}`,
      next: [differs ? `reprise down --team ${spec.name}` : `reprise restart --team ${spec.name}`],
      details: {}
    })
  })

/**
 * Starts the team of a team file. Where it is known and stopped or dead, its agents come back in their conversations;
 * where it runs, nothing changes (`already_running`).
 */
export const up = (
  file: TeamFile,
  options: LaunchOptions
): Effect.Effect<LaunchReport, LaunchError, EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment> =>
  Effect.scoped(Effect.gen(function*() {
    const { spec } = file
    yield* demandCurrentLog
    const host = yield* PluginHost
    const log = yield* EventLog
    const settings = yield* deadlines
    const providers = yield* loadProviders(spec.agents.map((agent) => agent.provider))
    const [missing] = providers.missing
    if (missing !== undefined) return yield* missing
    yield* checkOptions(file, providers.find)
    const transport = yield* host.transport(options.transport)
    const lacks: ReadonlyArray<Lack> = yield* findLacks(spec.agents.filter((agent) => !agent.paused), providers.find)
    if (lacks.length > 0) return yield* new LaunchImpossible({ lacks })

    yield* demandRank({ key: spec.name, workspace: options.workspace })
    const lease = yield* log.lease(teamResource(spec.name), "up")
    const known = yield* log.state(spec.name)
    if (Option.isSome(known)) {
      const left = yield* leaveAsItIs(file, known.value, transport)
      if (left !== null) return left
    } else yield* demandNoSpawns(spec.name, { panes: yield* listedPanes(transport) })
    const position = yield* log.append([{
      type: "team.recorded",
      team: spec.name,
      spec,
      workspace: options.workspace,
      transport: options.transport,
      plugins: options.plugins
    }], { lease })
    const recorded = yield* log.state(spec.name)
    if (Option.isNone(recorded)) return yield* Effect.dieMessage(`Team ${spec.name} is not in the log at ${position}.`)
    const copies = yield* copiesFor(recorded.value, options.copyOf ?? [], providers.find)
    if (copies.events.length > 0) yield* log.append(copies.events, { lease })
    const team: TeamState = copies.events.length === 0 ? recorded.value : yield* currentState(spec.name, recorded.value)
    const before = yield* observeTeam(team, transport)
    const wanted = team.agents.flatMap((agent) => {
      const process = before.agents.get(agent.spec.id)?.process
      if (process === undefined || !mayLive(process)) return agent.spec.id
      // What an interrupted operation did not touch, it did not break.
      return team.operation !== null && touchedBy(team.operation, agent.spec.id) ? agent.spec.id : []
    })
    const prepared = yield* prepare({
      request: {
        team: team.key,
        policy: toTeam(standard),
        agents: wanted,
        specs: spec.agents,
        onlyDead: false,
        onDrift: "adopt",
        interruptBusy: options.interruptBusy ?? false,
        ...settings,
        concurrency: 4
      },
      team,
      recording: { _tag: "Log", lease },
      granted: null,
      continuing: team.operation !== null
    })
    const { plan } = prepared
    if (plan.refusal?.outcome !== "resume_not_ready") {
      const events = [...decisionEvents(plan).filter((event) => event.type !== "restart.resume_decision" || event.generation > 0), ...refusalEvents(plan)]
      if (events.length > 0) yield* log.append(events, { lease })
    }
    const refusal = plan.refusal ?? (yield* refuseInterruption(prepared, "reprise up FILE"))
    const report = refusal === null ? yield* actOn(prepared, lease, "launch") : refusedReport(plan, refusal)
    const started = report.agents.filter(({ result }) => result === "started" || result === "resumed").length
    const attach = attachLine(transport)
    return {
      outcome: report.ok ? "launched" : report.outcome,
      ok: report.ok,
      message: !report.ok
        ? report.message
        : spec.agents.length === 0
        ? `Team ${spec.name} is up: it has no agents.`
        : `Team ${spec.name} is up: ${started} of ${spec.agents.length} agents started.` +
          `${copies.events.length === 0 ? "" : ` ${copies.events.length} of them in copies of their conversations.`}` +
          copies.fresh.map((why) => ` ${why.replace(/\.*$/, "")}.`).join(""),
      next: report.ok && attach !== null ? [attach] : report.next,
      details: report.details,
      team: spec.name,
      agents: report.agents,
      warnings: plan.warnings,
      attach
    } satisfies LaunchReport
  }))
