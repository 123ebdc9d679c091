import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { AgentId } from "../domain/ids.ts"
import type { PaneIdentity, ProcessExit } from "../domain/pane.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { ProcessRef } from "../plugin/process-table.ts"
import type { Transport } from "../plugin/PluginHost.ts"
import type { ForeignPane, ListedPane, PaneListing, Screen, TransportFailure } from "../plugin/transport-driver.ts"
import type { ProcessFact } from "../policy/Facts.ts"
import { HostProcesses } from "../session/host-processes.ts"
import { inspectPane } from "../session/look.ts"
import type { SeenProcess } from "../session/process-report.ts"
import { observeAdopted } from "./adopted.ts"

/** What was seen of one agent. */
export interface AgentObservation {
  readonly process: ProcessFact
  /** The agent's pane: the recorded one, or the one found by the token of a spawn whose result was never recorded. */
  readonly pane: PaneIdentity | null
  readonly exit: ProcessExit | null
  /** Panes that carry this agent's name and are not its present spawn: earlier ones that were not ended. */
  readonly strays: ReadonlyArray<PaneIdentity>
}

export interface TeamObservation {
  readonly agents: ReadonlyMap<AgentId, AgentObservation>
  /** Everything that the transport knows of, orphans too; null when the query failed, which is evidence of nothing. */
  readonly panes: ReadonlyArray<ListedPane> | null
  readonly foreign: ReadonlyArray<ForeignPane>
  /** Whether the place that they live in is there; null when the query failed. */
  readonly home?: "up" | "absent" | null
  readonly failure: TransportFailure | null
  /** What a pane shows; null where that could not be read. */
  readonly screenOf?: (pane: PaneIdentity) => Effect.Effect<Screen | null>
}

const absent: ProcessFact = { state: "absent", evidence: "it was never started" }

const observeAgent = (
  team: TeamState,
  agent: AgentState,
  transport: Transport,
  panes: ReadonlyArray<ListedPane> | null,
  failure: TransportFailure | null
): Effect.Effect<AgentObservation> => {
  const named = (panes ?? []).filter((listed) => listed.team === team.key && listed.agent === agent.spec.id)
  const strays = named.flatMap(({ identity }) => identity.spawn === agent.spawn?.token ? [] : identity)
  if (agent.adopted !== null) {
    return Effect.map(observeAdopted(agent.adopted), (process) => ({ process, pane: null, exit: null, strays }))
  }
  const pane = agent.spawn?.pane ?? named.find(({ identity }) => identity.spawn === agent.spawn?.token)?.identity ?? null
  if (agent.spawn === null) return Effect.succeed({ process: absent, pane: null, exit: null, strays })
  if (pane === null) {
    const process: ProcessFact = panes === null
      ? { state: "unknown", evidence: `the ${transport.name} transport could not be asked: ${failure?.message ?? ""}` }
      : { state: "dead", evidence: "its last start left no process" }
    return Effect.succeed({ process, pane: null, exit: null, strays })
  }
  return Effect.gen(function*() {
    const host = yield* HostProcesses
    const { evidence, exit, state, suspension } = yield* inspectPane(transport, pane)
    const startedAt = Date.parse(agent.spawn?.intendedAt ?? "")
    const lost = state === "alive" && !Number.isNaN(startedAt) ? yield* host.lostDirectory(pane, agent.spec.cwd, startedAt) : null
    const process: ProcessFact = {
      state,
      evidence,
      ...suspension === undefined ? {} : { suspended: { pid: suspension.pid } },
      ...lost === null ? {} : { lostDirectory: lost }
    }
    return { process, pane, exit, strays }
  })
}

const panesIn = ({ orphans = [], panes }: PaneListing): ReadonlyArray<ListedPane> => [...panes, ...orphans]

/** Everything that a transport knows of, orphans too; null where it could not be asked. */
export const listedPanes = (transport: Transport): Effect.Effect<ReadonlyArray<ListedPane> | null> =>
  Effect.match(transport.list, { onFailure: () => null, onSuccess: panesIn })

/** Looks at a team's processes once. Changes nothing. */
export const observeTeam = (team: TeamState, transport: Transport): Effect.Effect<TeamObservation> =>
  Effect.gen(function*() {
    const listing = yield* Effect.either(transport.list)
    const panes = Either.isRight(listing) ? panesIn(listing.right) : null
    const failure = Either.isLeft(listing) ? listing.left : null
    const observed = yield* Effect.forEach(
      team.agents,
      (agent) =>
        Effect.map(
          observeAgent(team, agent, transport, panes, failure),
          (observation) => [agent.spec.id, observation] as const
        ),
      { concurrency: 64 }
    )
    return {
      agents: new Map(observed),
      panes,
      foreign: Either.isRight(listing) ? listing.right.foreign : [],
      home: Either.isRight(listing) ? listing.right.home : null,
      failure,
      screenOf: (pane) => Effect.orElseSucceed(transport.capture(pane), () => null)
    }
  })

/**
 * Which processes can be asked what they are in: those proved alive (one that was stopped by a signal lives), and those
 * proved dead for what they left. A process of unknown state is not asked.
 */
export const seenProcesses = (team: TeamState, { agents, screenOf }: TeamObservation): ReadonlyMap<AgentId, SeenProcess> =>
  new Map(team.agents.flatMap(({ adopted, spec }) => {
    const seen = agents.get(spec.id)
    const named = adopted ?? seen?.pane
    if (seen === undefined || named === undefined || named === null) return []
    const { state, suspended } = seen.process
    if (state !== "alive" && state !== "orphaned" && state !== "dead" && suspended === undefined) return []
    // The window of an adopted process is its user's.
    const pane = adopted === null && state === "alive" ? seen.pane : null
    return [[spec.id, {
      pid: named.pid,
      startTime: named.startTime,
      alive: state !== "dead",
      ...pane === null || screenOf === undefined ? {} : { screen: screenOf(pane) }
    }] as const]
  }))

/** The processes that are this agent's, as far as anybody knows: what they hold is in nobody's way once they are ended. */
export const ownProcesses = ({ adopted }: AgentState, { pane, strays }: AgentObservation): ReadonlyArray<ProcessRef> =>
  [adopted, pane, ...strays].flatMap((process) => process === null ? [] : { pid: process.pid, startTime: process.startTime })

/** Whether the agent belongs in a report: one that the team file no longer has does only while something of it may live. */
export const isShown = ({ removed, spec }: AgentState, { agents }: TeamObservation): boolean => {
  const seen = agents.get(spec.id)
  return !removed || (seen !== undefined && (mayLive(seen.process) || seen.strays.length > 0))
}

/** Whether a process may be there: alive, without its place, or not known. Only proof of death says no. */
export const mayLive = (process: ProcessFact): boolean =>
  process.state === "alive" || process.state === "orphaned" || process.state === "unknown"

/**
 * The panes whose processes are ended before an agent may start anew, or for good. A dead one is among them: what it
 * started may have outlived it. Not once it was stopped: then all of that was proved gone.
 */
export const panesToEnd = (
  { facts: { agent }, observation: { pane, process, strays } }: {
    readonly facts: { readonly agent: AgentState }
    readonly observation: AgentObservation
  }
): ReadonlyArray<PaneIdentity> => [
  ...pane === null || (process.state === "dead" && agent.phase === "stopped") ? [] : [pane],
  ...strays
]
