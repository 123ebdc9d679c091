import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import type { AgentId, OperationId, TeamKey } from "../domain/ids.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import { HostProcesses } from "../session/host-processes.ts"
import type { StartFinding } from "./preconditions.ts"
import { type LeftBy, type Leftover, leftoversAmong, marksOf } from "../session/leftovers.ts"

/** What became of the processes that ended generations of an agent had left. */
export interface LeftoverReport {
  readonly stopped: ReadonlyArray<Leftover>
  /** Left alone, each with its reason. */
  readonly spared: ReadonlyArray<Leftover>
  /** Could not be proved ended. */
  readonly survivors: ReadonlyArray<Leftover>
}

const nothingLeft: LeftoverReport = { stopped: [], spared: [], survivors: [] }

/** Whether there was nothing. */
export const isNothingLeft = ({ spared, stopped, survivors }: LeftoverReport): boolean =>
  spared.length + stopped.length + survivors.length === 0

/** Both reports as one. */
const bothLeft = (one: LeftoverReport, other: LeftoverReport): LeftoverReport => ({
  stopped: [...one.stopped, ...other.stopped],
  spared: [...one.spared, ...other.spared],
  survivors: [...one.survivors, ...other.survivors]
})

/** A leftover as a sentence names it. */
export const namedLeftover = ({ agent, command, generation, pid, spared }: Leftover): string =>
  `process ${pid} (${command}) of generation ${generation} of ${agent}${spared === null ? "" : `: ${spared}`}`

/** What is written down of a report. */
export const leftoverEvents = (
  scope: { readonly team: TeamKey; readonly operation: OperationId; readonly agent: AgentId; readonly generation: number },
  { spared, stopped, survivors }: LeftoverReport
): ReadonlyArray<Event> => [{
  type: "agent.leftovers",
  ...scope,
  stopped: stopped.map(namedLeftover),
  spared: spared.map(namedLeftover),
  survivors: survivors.map(namedLeftover)
}]

/** Whose leftovers are looked for: those of an agent of this team, up to this generation. */
export const leftBy = (team: TeamState, agent: AgentState, generation: number): Effect.Effect<LeftBy, never, EventLog> =>
  Effect.gen(function*() {
    const made = yield* Effect.orElseSucceed((yield* EventLog).identity, () => null)
    return { team: team.key, agent: agent.spec.id, workspace: team.workspace, workspaceId: made?.id ?? null, generation }
  })

/** What was left alone or could not be ended, as warnings of a report. */
export const leftoverWarnings = ({ spared, survivors }: LeftoverReport): ReadonlyArray<StartFinding> => [
  ...spared.map((leftover): StartFinding => ({
    agent: leftover.agent,
    kind: "unknown",
    problem: `An earlier start left a process that was not stopped: ${namedLeftover(leftover)}.`
  })),
  ...survivors.map((leftover): StartFinding => ({
    agent: leftover.agent,
    kind: "unknown",
    problem: `An earlier start left a process that could not be ended: ${namedLeftover(leftover)}. End it yourself: kill -9 ${leftover.pid}`
  }))
]

/**
 * Ends the processes that ended generations of an agent left behind, where their environment proves whose they are, and
 * reports those that it leaves alone. Nothing is ended where the host could not be asked.
 */
export const endLeftovers = (
  by: LeftBy,
  graceMs: number,
  inPanes: ReadonlySet<number>
): Effect.Effect<LeftoverReport> =>
  Effect.gen(function*() {
    const host = yield* HostProcesses
    const marked = yield* host.marked(marksOf(by))
    // Most agents leave nothing: then the rest of the machine is not looked at.
    if (marked === null || marked.every((pid) => inPanes.has(pid) || pid === host.self)) return nothingLeft
    const [processes, table] = [yield* host.own, yield* host.table]
    if (processes === null || table === null) return nothingLeft
    const found = leftoversAmong(processes, table, by, host.self, inPanes)
    const ended = yield* Effect.forEach(found.filter(({ spared }) => spared === null), (leftover) =>
      Effect.map(host.endTree(leftover, graceMs), ({ gone }) => ({ leftover, gone })), { concurrency: 8 })
    return {
      stopped: ended.flatMap(({ gone, leftover }) => gone ? leftover : []),
      spared: found.filter(({ spared }) => spared !== null),
      survivors: ended.flatMap(({ gone, leftover }) => gone ? [] : leftover)
    }
  })

/** Does the same for agents that are proved ended, and has each report that names something written down. */
export const endLeftoversOf = <E, R>(
  team: TeamState,
  ended: ReadonlyArray<AgentState>,
  graceMs: number,
  record: (agent: AgentState, report: LeftoverReport) => Effect.Effect<unknown, E, R>
): Effect.Effect<LeftoverReport, E, R | EventLog> =>
  Effect.forEach(ended, (agent) =>
    Effect.gen(function*() {
      const report = yield* endLeftovers(yield* leftBy(team, agent, agent.generation), graceMs, new Set())
      if (!isNothingLeft(report)) yield* record(agent, report)
      return report
    }), { concurrency: 8 }).pipe(Effect.map((reports) => reports.reduce(bothLeft, nothingLeft)))
