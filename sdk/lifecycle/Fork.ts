import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Event } from "../domain/event.ts"
import { AgentId, namePattern } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, type Lease, teamResource } from "../event-log/EventLog.ts"
import { agentOf, type AgentState, type TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing, type Provider } from "../plugin/PluginHost.ts"
import { standard, toTeam } from "../policy/Policy.ts"
import { specForSpawn } from "../session/launch-context.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { resumability } from "../session/resumability.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { captureSessions } from "./capture.ts"
import { foldUnrecorded } from "./converge.ts"
import { demandKnownSpawns } from "./current-log.ts"
import { observeTeam } from "./observe.ts"
import type { HostEnvironment } from "./operation.ts"
import type { OperationUnfinished } from "./operation-unfinished.ts"
import type { RestartRequest } from "./plan.ts"
import { loadProviders, providerNames } from "./plugins-of.ts"
import { currentState, prepare } from "./prepare.ts"
import { demandRank, type TeamOwnerMismatch } from "./rank.ts"
import { actOn, type AgentReport, refusedReport } from "./restart-act.ts"
import { decisionEvents, refusalEvents } from "./restart-events.ts"
import { AgentUnknown } from "./Restart.ts"
import { deadlines, type InvalidSetting } from "./settings.ts"
import { teamState } from "./team.ts"

/** The agent can't be forked as it was asked; nothing was started, and nothing recorded. */
export class ForkRefused extends Schema.TaggedError<ForkRefused>("reprise/ForkRefused")("ForkRefused", {
  reason: Schema.Literal("BadName", "AgentExists", "Unfinished", "NotSupported", "NoConversation", "Unknown"),
  detail: Schema.String,
  next: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.detail} Nothing was done.`
  }
}

/** What came of a fork. */
export interface ForkReport {
  readonly outcome: string
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly details: Readonly<Record<string, unknown>>
  readonly team: string
  /** The new agent, alone. */
  readonly agents: ReadonlyArray<AgentReport>
  readonly source: { readonly agent: string; readonly session: string }
}

export type ForkError =
  | AppendError
  | OperationUnfinished
  | EventLogError
  | LeaseHeld
  | PluginMissing
  | TeamTargetAmbiguous
  | TeamTargetUnresolved
  | AgentUnknown
  | ForkRefused
  | InvalidSetting
  | TeamOwnerMismatch

const refuse = (reason: ForkRefused["reason"], detail: string, ...next: ReadonlyArray<string>) =>
  new ForkRefused({ reason, detail, next })

/** The agents as they are asked for: the one to copy, and a name that is free or that an earlier try had taken for this. */
const named = (team: TeamState, from: string, to: string): Effect.Effect<AgentState, AgentUnknown | ForkRefused> => {
  const source = agentOf(team, from)
  if (source === undefined || source.removed) {
    const known = team.agents.flatMap(({ removed, spec }) => removed ? [] : spec.id)
    return new AgentUnknown({ team: team.key, agent: from, known })
  }
  if (!namePattern.test(to)) {
    return refuse("BadName", `${JSON.stringify(to)} does not match ${namePattern.source}, as ids of agents do.`)
  }
  const there = agentOf(team, to)
  const begun = there !== undefined && !there.removed && there.spawn === null && there.forkOf?.agent === from
  return there === undefined || begun ? Effect.succeed(source) : refuse(
    "AgentExists",
    `Team ${team.key} has${there.removed ? " had" : ""} an agent ${to} already, with a conversation of its own.`,
    `reprise status --team ${team.key}`
  )
}

/** The conversation that is to be copied: known, whole, where its CLI will look. That somebody has it open is no matter. */
const conversationOf = (team: TeamState, source: AgentState, provider: Provider) =>
  Effect.gen(function*() {
    const { session, spec: { id } } = source
    if (!provider.capabilities.fork) {
      return yield* refuse("NotSupported", `${provider.name} can't begin a conversation as a copy of another, so ${id} can't be forked.`)
    }
    const answer = yield* resumability(session, providerAgentOf(team, source, "keep"), provider)
    if (answer._tag === "Unknown") return yield* refuse("Unknown", `Whether ${id}'s conversation can be copied is unknown: ${answer.why}.`)
    if (session === null || (answer._tag === "NotResumable" && answer.code !== "session_held")) {
      const why = answer._tag === "NotResumable" ? answer.why : "no session is known"
      return yield* refuse("NoConversation", `${id} has no conversation that could be copied: ${why}.`, `reprise status --team ${team.key}`)
    }
    return session.id
  })

/** The team with one more agent, which is to begin as a copy. */
const recordEvents = (team: TeamState, source: AgentState, id: AgentId, session: string): ReadonlyArray<Event> => {
  const spec = { ...specForSpawn(source, "keep"), id, paused: false }
  const kept = team.agents.flatMap((agent) => agent.removed || agent.spec.id === id ? [] : agent.spec)
  return [
    {
      type: "team.recorded",
      team: team.key,
      spec: { name: team.key, objective: team.objective, agents: [...kept, spec], tasks: team.tasks },
      workspace: team.workspace,
      transport: team.transport,
      plugins: team.plugins
    },
    {
      type: "agent.forked",
      team: team.key,
      agent: id,
      generation: 0,
      source_agent: source.spec.id,
      source_session_id: session
    }
  ]
}

/** Records the new agent, and starts it. */
const start = (request: RestartRequest<never, never>, team: TeamState, events: ReadonlyArray<Event>, lease: Lease) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    yield* log.append(events, { lease })
    const recorded = Option.getOrElse(yield* log.state(team.key), () => team)
    const prepared = yield* prepare({ request, team: recorded, recording: { _tag: "Log", lease }, granted: null, continuing: false })
    const { plan } = prepared
    const decided = [
      ...decisionEvents(plan).filter((event) => event.type !== "restart.resume_decision" || event.generation > 0),
      ...refusalEvents(plan)
    ]
    if (decided.length > 0) yield* log.append(decided, { lease })
    return plan.refusal === null ? yield* actOn(prepared, lease, "launch") : refusedReport(plan, plan.refusal)
  })

/**
 * Adds an agent whose conversation begins as a copy of another's; that one goes on as it was. An attempt that was cut off
 * is taken up by asking for the same again, or by a restart.
 */
export const fork = (
  selector: string | undefined,
  from: string,
  to: string
): Effect.Effect<ForkReport, ForkError, EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment> =>
  Effect.scoped(Effect.gen(function*() {
    const log = yield* EventLog
    const host = yield* PluginHost
    const settings = yield* deadlines
    const found = yield* teamState(selector)
    yield* named(found, from, to)
    yield* demandRank(found)
    const lease = yield* log.lease(teamResource(found.key), "fork")
    const held = yield* currentState(found.key, found)
    if (held.operation !== null) {
      return yield* refuse("Unfinished", `Team ${held.key} has an interrupted ${held.operation.kind}.`, `reprise restart --team ${held.key} --continue`)
    }
    const providers = yield* loadProviders(providerNames([held]))
    const observation = yield* observeTeam(held, yield* host.transport(held.transport))
    yield* demandKnownSpawns(held, observation)
    yield* captureSessions(held, providers.find, observation)
    const team = yield* currentState(held.key, held)
    const source = yield* named(team, from, to)
    const session = yield* conversationOf(team, source, yield* host.provider(source.spec.provider))
    const id = AgentId.make(to)
    const events = recordEvents(team, source, id, session)
    const request = {
      team: team.key,
      policy: toTeam(standard),
      agents: [id],
      onlyDead: false,
      onDrift: "keep" as const,
      ...settings,
      concurrency: 1
    }
    // An agent that can't be started is not recorded either.
    const now = new Date(yield* Clock.currentTimeMillis).toISOString()
    const planned = yield* prepare({
      request,
      team: foldUnrecorded(team, events, now),
      recording: { _tag: "DryRun" },
      granted: null,
      continuing: false
    })
    const report = planned.plan.refusal === null
      ? yield* start(request, team, events, lease)
      : refusedReport(planned.plan, planned.plan.refusal)
    return {
      outcome: report.ok ? "forked" : report.outcome,
      ok: report.ok,
      message: report.ok
        ? `${to} is up in a copy of ${from}'s conversation. Its team file does not have it yet: add it there before the next up.`
        : report.message,
      next: report.next,
      details: report.details,
      team: team.key,
      agents: report.agents.filter((agent) => agent.id === to),
      source: { agent: from, session }
    } satisfies ForkReport
  }))
