import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Event } from "../domain/event.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { holdInput } from "../messaging/input-lease.ts"
import { adoptedSpared } from "./adopted.ts"
import { type AgentView, viewTeam } from "./agent-view.ts"
import { captureSessions } from "./capture.ts"
import { demandCurrentLog, demandKnownSpawns } from "./current-log.ts"
import { downInCopy } from "./down-in-copy.ts"
import { agentsAtWork, confirmationRefusal } from "./interruption.ts"
import { endLeftoversOf, leftoverEvents, namedLeftover } from "./leftovers.ts"
import { mayLive, observeTeam, panesToEnd } from "./observe.ts"
import { beginOperation, finishOperation } from "./operation.ts"
import { loadProviders, providerNames } from "./plugins-of.ts"
import { currentState } from "./prepare.ts"
import { deadlines, type InvalidSetting } from "./settings.ts"
import type { HostEnvironment } from "./operation.ts"
import { demandRank, type TeamOwnerMismatch } from "./rank.ts"
import { isUnwritable, stopUnrecorded } from "./stop-unrecorded.ts"
import { teamState } from "./team.ts"
import { withoutProviders } from "./unprovided.ts"

/** What came of a shutdown. */
export interface ShutdownReport {
  readonly outcome: "stopped" | "partial" | "confirmation_required" | "workspace_copied"
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly team: string
  readonly agents: ReadonlyArray<AgentView>
  /** Processes that were seen and left alone, because they are not this team's. */
  readonly spared: ReadonlyArray<string>
  /** Agents whose end could not be proved, and processes that they left which could not be ended. */
  readonly survivors: ReadonlyArray<string>
  /** Processes that earlier generations had left behind and that were stopped. */
  readonly leftovers: ReadonlyArray<string>
  readonly tookMs: number
  /** False where the log could not be written to, so that only this answer tells of the stop. */
  readonly recorded: boolean
  /** Of a refusal: why. */
  readonly details?: Readonly<Record<string, unknown>>
}

export interface ShutdownOptions {
  /** Consent to interrupt agents that are at work. Without it, the team is left as it is: `confirmation_required`. */
  readonly interruptBusy?: boolean
}

/**
 * Stops a team: sessions are captured first, then each agent's process tree is ended and proved gone. Where the
 * log can't be written to, the agents are stopped all the same, and the report says that this is not recorded.
 */
export const down = (
  selector?: string,
  { interruptBusy = false }: ShutdownOptions = {}
): Effect.Effect<
  ShutdownReport,
  AppendError | EventLogError | LeaseHeld | PluginMissing | TeamTargetAmbiguous | TeamTargetUnresolved | InvalidSetting | TeamOwnerMismatch,
  EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment
> =>
  Effect.gen(function*() {
    const { graceMs } = yield* deadlines
    const copied = yield* downInCopy(selector)
    if (copied !== null) return copied
    yield* demandCurrentLog
    const found = yield* teamState(selector)
    yield* demandRank(found)
    return yield* stopRecorded(found, graceMs, interruptBusy).pipe(
      Effect.catchTag("EventLogError", (why) =>
        isUnwritable(why) ? stopUnrecorded({ found, why, graceMs, interruptBusy }) : Effect.fail(why))
    )
  })

const stopRecorded = (found: TeamState, graceMs: number, interruptBusy: boolean) =>
  Effect.scoped(Effect.gen(function*() {
    const log = yield* EventLog
    const host = yield* PluginHost
    const lease = yield* log.lease(teamResource(found.key), "down")
    const current = Option.getOrElse(yield* log.state(found.key), () => found)
    const transport = yield* host.transport(current.transport)
    const providers = yield* loadProviders(providerNames([current]))
    const before = yield* observeTeam(current, transport)
    yield* demandKnownSpawns(current, before)
    yield* captureSessions(current, providers.find, before)
    const team = yield* currentState(current.key, current)

    const unfinished = team.operation
    const targets = team.agents.flatMap((agent) => {
      const seen = before.agents.get(agent.spec.id)
      if (seen === undefined) return []
      const panes = panesToEnd({ facts: { agent }, observation: seen })
      return panes.length === 0 ? [] : [{ agent, panes, lives: mayLive(seen.process) || seen.strays.length > 0 }]
    })
    const living = targets.filter(({ lives }) => lives)
    const atWork = interruptBusy ? [] : yield* agentsAtWork(
      team,
      living.flatMap(({ agent }) => {
        const observation = before.agents.get(agent.spec.id)
        return observation === undefined ? [] : { agent, observation }
      }),
      transport,
      providers.find,
      { unknown: false }
    )
    if (atWork.length > 0) {
      const { details, message, next } = confirmationRefusal(atWork, `reprise down --team ${team.key}`)
      const agents = withoutProviders(yield* viewTeam(team, before, transport, providers.find), providers.missing)
      const refused: ShutdownReport = { outcome: "confirmation_required", ok: false, recorded: true, message, next, details, team: team.key, agents, spared: [], survivors: [], leftovers: [], tookMs: 0 }
      return refused
    }
    const isTarget = (pid: number) => targets.some(({ panes }) => panes.some((pane) => pane.pid === pid))
    const persons = adoptedSpared(
      team.agents.map((agent) => {
        const seen = before.agents.get(agent.spec.id)
        return { agent, lives: seen !== undefined && mayLive(seen.process) }
      }),
      team.key
    )
    const spared = [
      ...before.foreign.map(({ command, pane }) => `${pane} ${command}`),
      ...persons,
      ...(before.panes ?? []).filter(({ identity }) => !isTarget(identity.pid)).map(({ agent, team: key }) => `${key}/${agent}`)
    ]
    // Whom an interrupted down had ended without being able to say so did not die by itself.
    const endedUnsaid = team.agents.filter((agent) =>
      unfinished?.kind === "shutdown" &&
      unfinished.steps[`stop/${agent.spec.id}`] === "intent" &&
      before.agents.get(agent.spec.id)?.process.state === "dead"
    )
    // What a user stopped is written down as stopped before the first signal.
    const operation = yield* beginOperation({
      kind: "shutdown",
      team: team.key,
      lease,
      agents: living.map(({ agent }) => agent.spec.id),
      // What an interrupted operation had found alive is still what a roll back owes.
      alive: [...new Set([...living.map(({ agent }) => agent.spec.id), ...unfinished?.alive ?? []])],
      policy: null,
      before: (id): ReadonlyArray<Event> => unfinished === null ? [] : [...endedUnsaid.map((agent): Event => ({
        type: "agent.stopped",
        team: team.key,
        operation: unfinished.id,
        agent: agent.spec.id,
        generation: agent.generation,
        evidence: "a down that was interrupted meant to end it, and its process is gone"
      })), {
        type: "operation.finished",
        team: team.key,
        operation: unfinished.id,
        outcome: `ended_by ${id}`,
        took_ms: 0
      }]
    })
    yield* operation.append([
      { type: "lifecycle.shutdown.started", team: team.key, operation: operation.id, reason: "asked for by the user" },
      {
        type: "transport.pre_kill_audit",
        team: team.key,
        operation: operation.id,
        kill: targets.flatMap(({ agent, panes }) => panes.map((pane) => ({ agent: agent.spec.id, pid: pane.pid, pane: pane.pane }))),
        spare: spared
      }
    ])
    const stopAll = (panes: (typeof targets)[number]["panes"]) =>
      Effect.forEach(panes, (pane) =>
        Effect.flatMap(transport.stop(pane, { graceMs }), (report) =>
          report.gone ? Effect.succeed(report.evidence) : Effect.fail(report)))
    // What a dead agent may have left behind is ended, and it was no stop of the agent.
    const remains = yield* Effect.forEach(targets.filter(({ lives }) => !lives), ({ agent, panes }) =>
      Effect.map(Effect.either(stopAll(panes)), (end) => Either.isLeft(end) ? [agent.spec.id] : []), { concurrency: 8 })
    const ends = yield* Effect.forEach(living, ({ agent, panes }) => {
      const stop = operation.step({
        name: "stop",
        agent: agent.spec.id,
        generation: agent.generation,
        run: stopAll(panes),
        result: (evidence): ReadonlyArray<Event> => [{
          type: "agent.stopped",
          team: team.key,
          operation: operation.id,
          agent: agent.spec.id,
          generation: agent.generation,
          evidence: evidence.join("; ")
        }]
      })
      // Who asked for the end gets it, also from an agent that somebody never stops typing into.
      const drained = Effect.catchTag(holdInput(team.key, agent.spec.id, "down", "15 seconds"), "LeaseHeld", () => Effect.void)
      return Effect.scoped(Effect.zipRight(drained, stop)).pipe(
        Effect.either,
        Effect.map((end) => ({ id: agent.spec.id, end }))
      )
    }, { concurrency: 8 })
    const stopped = ends.flatMap(({ end, id }) => Either.isRight(end) ? id : [])
    const ended = yield* currentState(team.key, team)
    const observed = yield* observeTeam(ended, transport)
    // Who could not be seen could not be ended either, unless it is seen now to be gone.
    const unproved = ended.agents.flatMap(({ adopted, spec: { id } }) => {
      const seen = observed.agents.get(id)
      if (adopted !== null) return []
      const unseen = seen === undefined || (mayLive(seen.process) && !stopped.includes(id))
      return unseen || (before.failure !== null && seen.strays.length > 0) ? [id] : []
    })
    // What earlier generations left behind is ended with the agent that it is of, where that is proved ended.
    const gone = ended.agents.filter((agent) => {
      const seen = observed.agents.get(agent.spec.id)
      const isGone = stopped.includes(agent.spec.id) || (seen !== undefined && !mayLive(seen.process))
      return agent.adopted === null && isGone && !unproved.includes(agent.spec.id)
    })
    const leftovers = yield* endLeftoversOf(team, gone, graceMs, ({ generation, spec }, report) =>
      operation.append(leftoverEvents({ team: team.key, operation: operation.id, agent: spec.id, generation }, report)))
    const failed: ReadonlyArray<AgentId> = [...new Set([
      ...remains.flat(),
      ...ends.flatMap(({ end, id }) => Either.isLeft(end) ? id : []),
      ...unproved
    ])]
    const outcome = failed.length === 0 ? "stopped" : "partial"
    const tookMs = yield* finishOperation(operation, outcome, [{
      type: "lifecycle.shutdown",
      team: team.key,
      operation: operation.id,
      stopped,
      spared,
      survivors: failed
    }])
    const after = yield* currentState(team.key, team)
    const views = withoutProviders(yield* viewTeam(after, observed, transport, providers.find), providers.missing)
    // The server is ours alone: it goes when nothing but its keeper is left.
    const leftOpen = failed.length > 0 || transport.closeHome === undefined
      ? ""
      : yield* Effect.match(transport.closeHome, { onFailure: ({ message }) => ` ${message}`, onSuccess: () => "" })
    const report: ShutdownReport = {
      outcome,
      ok: failed.length === 0,
      recorded: true,
      message: failed.length === 0
        ? `Team ${team.key} is stopped (${living.length} ${living.length === 1 ? "agent" : "agents"} ended); its conversations are kept.` +
          `${persons.length === 0 ? "" : ` These go on, for a person started them: ${persons.join("; ")}.`}${leftOpen}`
        : `Of team ${team.key}, ${failed.join(", ")} could not be proved ended.` +
          `${before.failure === null ? "" : ` ${before.failure.message.replace(/\.*$/, "")}.`}`,
      next: failed.length === 0 ? [`reprise restart --team ${team.key}`] : [`reprise down --team ${team.key}`],
      team: team.key,
      agents: views,
      spared: [...spared, ...leftovers.spared.map(namedLeftover)],
      survivors: [...failed, ...leftovers.survivors.map(namedLeftover)],
      leftovers: leftovers.stopped.map(namedLeftover),
      tookMs
    }
    return report
  }))
