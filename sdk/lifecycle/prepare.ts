import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type GrantName, grantsAmong } from "../domain/decision.ts"
import type { Event } from "../domain/event.ts"
import { AgentId, type TeamKey } from "../domain/ids.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog, type Lease } from "../event-log/EventLog.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { PluginMissing, Provider, Transport } from "../plugin/PluginHost.ts"
import { PluginHost } from "../plugin/PluginHost.ts"
import { isInItsConversation } from "../session/conversation.ts"
import { specForSpawn } from "../session/launch-context.ts"
import { atomic } from "../policy/Policy.ts"
import { attachLine } from "./attach-command.ts"
import { converge, foldUnrecorded, type Record } from "./converge.ts"
import { demandKnownSpawns } from "./current-log.ts"
import { decideAll } from "./decide.ts"
import { goingBack, isBeingUndone, livesByIt, unsureToStop } from "./going-back.ts"
import { honourVerdict } from "./interrupted.ts"
import { observeTeam, type TeamObservation } from "./observe.ts"
import type { HostEnvironment } from "./operation.ts"
import { asLaunched, means, type RestartPlan, type RestartRequest, touches } from "./plan.ts"
import { loadProviders, type LoadedProviders, providerNames } from "./plugins-of.ts"
import { checkStarts, findLacks, nothingFound, permissionsOf, type Start } from "./preconditions.ts"
import { leaderOf } from "./rank.ts"
import { repairFromLog } from "./repair-from-log.ts"
import { firstRefusal, lackingRefusal, unsureRefusal, startRefusal, unreachableRefusal } from "./refuse.ts"
import { selectSession, type Selection } from "./select-session.ts"
import { endedFor } from "./waits.ts"

/** A plan with what is needed to carry it out. */
export interface Prepared<out E, out R> {
  readonly plan: RestartPlan<E, R>
  readonly transport: Transport
  readonly providers: LoadedProviders
  readonly observation: TeamObservation
}

/** How a preparation leaves traces: under a lease into the log, or not at all. */
export type Recording = { readonly _tag: "Log"; readonly lease: Lease } | { readonly _tag: "DryRun" }

/** Writes down what is learnt, or only remembers it. */
export const recorder = (recording: Recording): Effect.Effect<Record, never, EventLog> =>
  Effect.map(EventLog, (log): Record =>
    recording._tag === "DryRun"
      ? (team, events) =>
        Effect.map(Clock.currentTimeMillis, (now) => foldUnrecorded(team, events, new Date(now).toISOString()))
      : (team, events) =>
        log.append(events, { lease: recording.lease }).pipe(
          Effect.zipRight(log.state(team.key)),
          Effect.map(Option.getOrElse(() => team))
        ))

const ofAgent = (team: TeamState, agent: AgentState) => ({
  team: team.key,
  agent: agent.spec.id,
  generation: agent.generation
})

/** What observation settles: spawns whose result was never recorded, and deaths that nobody had seen. */
const settle = (
  team: TeamState,
  observation: TeamObservation,
  findProvider: (name: string) => Provider | undefined
): ReadonlyArray<Event> =>
  team.agents.flatMap((agent): ReadonlyArray<Event> => {
    const seen = observation.agents.get(agent.spec.id)
    if (seen === undefined) return []
    if (agent.spawn === null && agent.adopted === null) return []
    if (agent.phase === "intended" && agent.spawn !== null) {
      if (seen.pane !== null) {
        return [{ type: "agent.spawned", ...ofAgent(team, agent), spawn: agent.spawn.token, pane: seen.pane }]
      }
      return seen.process.state !== "dead" ? [] : [{
        type: "agent.spawn_failed",
        ...ofAgent(team, agent),
        spawn: agent.spawn.token,
        failure: { kind: "unknown", reason: seen.process.evidence, retryable: true, retryAt: null }
      }]
    }
    return seen.process.state === "dead" && (agent.phase === "spawned" || agent.phase === "running")
      ? [{
        type: "agent.exited",
        ...ofAgent(team, agent),
        exit: seen.exit,
        evidence: seen.process.evidence,
        ...endedFor(agent, seen.exit, findProvider(agent.spec.provider))
      }]
      : []
  })

/** Agents that the unfinished operation had already brought back. */
const broughtBack = (team: TeamState, observation: TeamObservation): ReadonlySet<string> =>
  new Set(
    team.operation === null || team.operation.kind === "shutdown" ? [] : team.agents.flatMap((agent) =>
      team.operation?.steps[`ready/${agent.spec.id}`] === "result" &&
        agent.phase === "running" &&
        isInItsConversation(agent) &&
        observation.agents.get(agent.spec.id)?.process.state === "alive"
        ? agent.spec.id
        : []
    )
  )

/** All recorded teams' states; damaged or not, one team never hides another. */
export const allTeams: Effect.Effect<ReadonlyArray<TeamState>, EventLogError, EventLog> = Effect.gen(function*() {
  const log = yield* EventLog
  const states = yield* Effect.forEach(yield* log.teams, (key) => log.state(key))
  return states.flatMap(Option.toArray)
})

interface Prepare<E, R> {
  readonly request: RestartRequest<E, R>
  readonly team: TeamState
  readonly recording: Recording
  /** Null while only planning. */
  readonly granted: ReadonlySet<GrantName> | null
  /** Whether agents that an interrupted operation brought back are left alone. */
  readonly continuing: boolean
  /** Whether an interrupted restart that was to be all or none stays so. */
  readonly keepsPromises?: boolean
  /** The `lifecycleVersion` that it all began with; that of `team` where nothing was written since. */
  readonly basedOn?: number
}

/** The plan of a restart that ends before it begins: the agents as they are recorded, and nothing decided. */
const unreachable = <E, R>(
  { basedOn, request, team }: Prepare<E, R>,
  transport: Transport,
  providers: LoadedProviders,
  observation: TeamObservation,
  why: string
): Prepared<E, R> => ({
  transport,
  providers,
  observation,
  plan: {
    team,
    request,
    agents: [],
    convergence: {
      complete: false,
      deadline_s: request.convergeWithinMs / 1000,
      deadline_ms: request.convergeWithinMs,
      elapsed_ms: 0,
      pending_agent_ids: []
    },
    foreign: [],
    refusal: unreachableRefusal(transport.name, why, team.key),
    warnings: [],
    continues: null,
    boot: null,
    selected: null,
    basedOn: basedOn ?? team.lifecycleVersion
  }
})

/** What became of the conversation that the user selected; null where none was. */
const selectionOf = (
  { agents, session }: RestartRequest<unknown, unknown>,
  team: TeamState,
  teams: ReadonlyArray<TeamState>,
  observation: TeamObservation,
  findProvider: LoadedProviders["find"]
) => {
  const agent = agents === "all" ? undefined : team.agents.find(({ spec }) => spec.id === agents[0])
  const provider = agent === undefined ? undefined : findProvider(agent.spec.provider)
  return session === undefined || agent === undefined || provider === undefined
    ? Effect.succeed(null)
    : selectSession(team, teams, agent, provider, session, observation)
}

/** Keeps a selection in the state in hand, whatever is read from the log meanwhile. */
const withSelection = (selection: Selection | null): Effect.Effect<(team: TeamState) => TeamState> =>
  Effect.map(Clock.currentTimeMillis, (now) => (team) =>
    selection?._tag === "Selected" ? foldUnrecorded(team, [selection.event], new Date(now).toISOString()) : team)

/** Observes, settles, converges, repairs and decides: everything of a restart before anything is touched. */
export const prepare = <E, R>(
  input: Prepare<E, R>
): Effect.Effect<
  Prepared<E, R>,
  AppendError | EventLogError | PluginMissing,
  EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment
> =>
  Effect.gen(function*() {
    const recorded = yield* recorder(input.recording)
    const host = yield* PluginHost
    const transport = yield* host.transport(input.team.transport)
    const teams = yield* allTeams
    const providers = yield* loadProviders(providerNames([input.team, ...teams]))
    const asked = input.request
    const goesBack = input.continuing && asked.unfinished === "rollback"
    const keepsPromise = input.keepsPromises === true && input.continuing && !goesBack && input.team.operation?.allOrNone === true
    const policy = keepsPromise ? atomic(asked.policy) : asked.policy
    const request = { ...asked, policy, permissions: yield* permissionsOf(input.team, input.request.specs, providers.find) }
    const missing = providers.missing.find(({ name }) =>
      input.team.agents.some((agent) => agent.spec.provider === name && !agent.spec.paused && means(input.request, agent))
    )
    if (missing !== undefined) return yield* missing
    const observation = yield* observeTeam(input.team, transport)
    if (observation.failure !== null) {
      return unreachable(input, transport, providers, observation, observation.failure.message)
    }
    yield* demandKnownSpawns(input.team, observation)
    const settled = settle(input.team, observation, providers.find)
    const found = settled.length === 0 ? input.team : yield* recorded(input.team, settled)
    const selection = yield* selectionOf(request, found, teams, observation, providers.find)
    const remember = yield* withSelection(selection)
    // A selection is recorded once nothing speaks against the restart; until then it is only remembered.
    const record: Record = (state, events) => Effect.map(recorded(state, events), remember)
    const team = remember(found)
    const targets = new Set(
      team.agents.flatMap((agent) => {
        const id = agent.spec.id
        const dead = observation.agents.get(id)?.process.state === "dead" && agent.phase !== "stopped"
        // Where the conversation is of one that is stopped again is known best while it lives.
        return (means(request, agent) && (!request.onlyDead || dead)) || (goesBack && livesByIt(team.operation, agent)) ? id : []
      })
    )
    const captured = yield* converge({
      team,
      teams,
      targets,
      observation,
      findProvider: providers.find,
      withinMs: request.convergeWithinMs,
      pollMs: request.convergePollMs,
      allowFresh: request.policy.requires.includes("discard-context"),
      record,
      announce: input.recording._tag === "Log"
    })
    const converged = request.policy.repairFromLog ? yield* repairFromLog(captured, teams, targets, providers.find, record, observation) : captured
    const { agents: each, boot } = yield* decideAll({
      request,
      converged,
      teams,
      observation,
      selection,
      findProvider: providers.find,
      back: input.continuing ? broughtBack(converged.team, observation) : new Set()
    })
    const { operation } = converged.team
    // Who says that one goes on which was being taken back wants all of it tried again.
    const agents = !input.continuing || (isBeingUndone(operation) && request.unfinished === "continue") ? each :
      goesBack ? goingBack(operation, each) : honourVerdict(operation, request, each)
    const unsure = goesBack ? unsureToStop(operation, agents) : []
    const refused = firstRefusal({
      team: team.key,
      atomic: request.policy.atomic,
      agents,
      converged,
      // A policy of one's own may have forgotten to say what its decisions ask for.
      required: grantsAmong([...new Set([...request.policy.requires, ...agents.flatMap(({ decided }) => decided.decision.requires)])]),
      rollout: request.policy.rollout,
      granted: input.granted,
      attach: attachLine(transport)
    })
    const starts = agents.flatMap(({ decided, facts }): ReadonlyArray<Start> => {
      const agent = asLaunched(request, facts.agent)
      const mode = decided.decision.kind === "resume" ? "resume" : "fresh"
      return touches(decided.decision) ? [{ agent, spec: specForSpawn(agent, request.onDrift), mode, onDrift: request.onDrift }] : []
    })
    const lacking = refused ?? lackingRefusal(yield* findLacks(starts.map(({ spec }) => spec), providers.find), `reprise restart --team ${team.key}`)
    const findings = lacking === null ? yield* checkStarts(converged.team, starts, providers.find, yield* leaderOf(input.team.workspace)) : nothingFound
    const warned = findings.warnings.map(({ agent, kind, problem }): Event => {
      const generation = agents.find(({ facts }) => facts.agent.spec.id === agent)?.facts.agent.generation ?? 0
      return { type: "agent.start_warned", team: converged.team.key, agent: AgentId.make(agent), generation, kind, problem }
    })
    const known = warned.length === 0 ? converged.team : yield* record(converged.team, warned)
    const refusal = unsureRefusal(team.key, unsure) ?? lacking ?? startRefusal(converged.team.key, findings.refusals, request.specs !== undefined)
    return {
      transport,
      providers,
      observation,
      plan: {
        team: known,
        request,
        agents,
        convergence: converged.convergence,
        foreign: observation.foreign,
        refusal,
        warnings: findings.warnings,
        continues: input.continuing ? operation?.id ?? null : null,
        boot,
        selected: selection?._tag === "Selected" ? selection.event : null,
        basedOn: input.basedOn ?? input.team.lifecycleVersion
      }
    }
  })

/** The team's state; the key is known to be recorded. */
export const currentState = (key: TeamKey, fallback: TeamState): Effect.Effect<TeamState, EventLogError, EventLog> =>
  Effect.flatMap(EventLog, (log) => Effect.map(log.state(key), Option.getOrElse(() => fallback)))
