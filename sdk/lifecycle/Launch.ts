import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import { standard, toTeam } from "../policy/Policy.ts"
import { optionProblems, type TeamFile, TeamFileInvalid } from "../spec/team-file.ts"
import { type AgentView, viewTeam } from "./agent-view.ts"
import { mayLive, observeTeam } from "./observe.ts"
import type { HostEnvironment } from "./operation.ts"
import { loadProviders } from "./plugins-of.ts"
import { findLacks, type Lack } from "./preconditions.ts"
import { demandRank, type TeamOwnerMismatch } from "./rank.ts"
import { prepare } from "./prepare.ts"
import { actOn, refusedReport, type RestartReport } from "./restart-act.ts"
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
  /** The command with which a person sees the agents; null where there is none. */
  readonly attach: string | null
}

export interface LaunchOptions {
  readonly workspace: string
  /** The transport's name; the team's own, else `tmux`. */
  readonly transport: string
  /** Plugins beyond the built-in ones, remembered with the team. */
  readonly plugins: ReadonlyArray<string>
  /** Those of them whose needs the user consented to, remembered too. */
  readonly consents?: ReadonlyArray<string>
}

const checkOptions = (file: TeamFile, findProvider: Effect.Effect.Success<ReturnType<typeof loadProviders>>["find"]) => {
  const [first, ...rest] = file.spec.agents.flatMap((agent) =>
    optionProblems(file, agent.id, findProvider(agent.provider)?.checkOptions(agent.options) ?? [])
  )
  return first === undefined ? Effect.void : new TeamFileInvalid({ file: file.file, problems: [first, ...rest] })
}

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
    const host = yield* PluginHost
    const log = yield* EventLog
    const settings = yield* deadlines
    const providers = yield* loadProviders(spec.agents.map((agent) => agent.provider))
    const [missing] = providers.missing
    if (missing !== undefined) return yield* missing
    yield* checkOptions(file, providers.find)
    const transport = yield* host.transport(options.transport)
    const attach = transport.attachCommand?.join(" ") ?? null
    const lacks: ReadonlyArray<Lack> = yield* findLacks(spec.agents.filter((agent) => !agent.paused), providers.find)
    if (lacks.length > 0) return yield* new LaunchImpossible({ lacks })

    yield* demandRank({ key: spec.name, workspace: options.workspace })
    const lease = yield* log.lease(teamResource(spec.name), "up")
    const known = yield* log.state(spec.name)
    if (Option.isSome(known) && known.value.operation === null) {
      const observation = yield* observeTeam(known.value, yield* host.transport(known.value.transport))
      const meant = known.value.agents.filter((agent) => !agent.spec.paused)
      if (meant.length > 0 && meant.every((agent) => {
        const process = observation.agents.get(agent.spec.id)?.process
        return process !== undefined && mayLive(process)
      })) {
        return {
          outcome: "already_running",
          ok: true,
          message: `Team ${spec.name} is running already; nothing was changed.`,
          next: [`reprise restart --team ${spec.name}`],
          details: {},
          team: spec.name,
          agents: yield* viewTeam(known.value, observation, transport, providers.find),
          attach
        } satisfies LaunchReport
      }
    }
    const position = yield* log.append([{
      type: "team.recorded",
      team: spec.name,
      spec,
      workspace: options.workspace,
      transport: options.transport,
      plugins: options.plugins,
      consents: options.consents ?? []
    }], { lease })
    const recorded = yield* log.state(spec.name)
    if (Option.isNone(recorded)) return yield* Effect.dieMessage(`Team ${spec.name} is not in the log at ${position}.`)
    const team: TeamState = recorded.value
    const before = yield* observeTeam(team, transport)
    const wanted = team.agents.flatMap((agent) => {
      const process = before.agents.get(agent.spec.id)?.process
      return process !== undefined && mayLive(process) && team.operation === null ? [] : agent.spec.id
    })
    const prepared = yield* prepare({
      request: {
        team: team.key,
        policy: toTeam(standard),
        agents: wanted,
        onlyDead: false,
        onDrift: "adopt",
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
    const report = plan.refusal === null ? yield* actOn(prepared, lease, "launch") : refusedReport(plan, plan.refusal)
    const started = report.agents.filter(({ result }) => result === "started" || result === "resumed").length
    return {
      outcome: report.ok ? "launched" : report.outcome,
      ok: report.ok,
      message: report.ok ? `Team ${spec.name} is up: ${started} of ${spec.agents.length} agents started.` : report.message,
      next: report.ok && attach !== null ? [attach] : report.next,
      details: report.details,
      team: spec.name,
      agents: report.agents,
      attach
    } satisfies LaunchReport
  }))
