import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { EventLogError } from "../event-log/errors.ts"
import { LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost } from "../plugin/PluginHost.ts"
import { viewTeam } from "./agent-view.ts"
import { demandKnownSpawns } from "./current-log.ts"
import { agentsAtWork, confirmationRefusal } from "./interruption.ts"
import { endLeftoversOf, namedLeftover } from "./leftovers.ts"
import { mayLive, observeTeam, panesToEnd } from "./observe.ts"
import { loadProviders, providerNames } from "./plugins-of.ts"
import { currentState } from "./prepare.ts"
import type { ShutdownReport } from "./Shutdown.ts"

/** Whether the log can be read and not written to: a full disk, a quota, a read-only mount. */
export const isUnwritable = ({ reason }: EventLogError): boolean => reason === "Full" || reason === "ReadOnly"

interface Stop {
  readonly found: TeamState
  /** Why the log can't be written to. */
  readonly why: EventLogError
  readonly graceMs: number
  readonly interruptBusy: boolean
}

/**
 * Stops a team whose log can't be written to. An agent that must not go on is more urgent than its record: what was done is
 * said, and the next command that looks at the processes records that they are gone.
 */
export const stopUnrecorded = ({ found, graceMs, interruptBusy, why }: Stop) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const host = yield* PluginHost
    const startedAt = performance.now()
    const resource = teamResource(found.key)
    const holder = yield* log.holder(resource)
    if (holder !== null && holder.pid !== process.pid) return yield* new LeaseHeld({ resource, holder: { ...holder, expiresAt: holder.since } })
    const team = yield* currentState(found.key, found)
    const transport = yield* host.transport(team.transport)
    const providers = yield* loadProviders(providerNames([team]))
    const before = yield* observeTeam(team, transport)
    yield* demandKnownSpawns(team, before)
    const targets = team.agents.flatMap((agent) => {
      const observation = before.agents.get(agent.spec.id)
      if (observation === undefined || agent.adopted !== null) return []
      const panes = panesToEnd({ facts: { agent }, observation })
      return panes.length === 0 ? [] : [{ agent, observation, panes, lives: mayLive(observation.process) }]
    })
    const living = targets.filter(({ lives }) => lives)
    const foreign = before.foreign.map(({ command, pane }) => `${pane} ${command}`)
    const base = { team: team.key, recorded: false }
    const reason = why.message.replace(/ ?Nothing was written[^.]*\./, "").replace(/ ?Free some space and run the command again\./, "")
    const atWork = interruptBusy ? [] : yield* agentsAtWork(team, living, transport, providers.find, { unknown: false })
    if (atWork.length > 0) {
      const { details, message, next } = confirmationRefusal(atWork, `reprise down --team ${team.key}`)
      const agents = yield* viewTeam(team, before, transport, providers.find)
      const refused: ShutdownReport = { ...base, outcome: "confirmation_required", ok: false, message, next, details, agents, spared: foreign, survivors: [], leftovers: [], tookMs: 0 }
      return refused
    }
    const ends = yield* Effect.forEach(targets, ({ agent, panes }) =>
      Effect.forEach(panes, (pane) =>
        Effect.flatMap(transport.stop(pane, { graceMs }), (report) => report.gone ? Effect.void : Effect.fail(report))).pipe(
          Effect.either,
          Effect.map((end) => Either.isLeft(end) ? [agent.spec.id] : [])
        ), { concurrency: 8 })
    const unseen = before.failure === null ? [] : team.agents.flatMap(({ adopted, spec: { id } }) => adopted === null && before.agents.get(id)?.process.state === "unknown" ? id : [])
    const survivors = [...new Set([...ends.flat(), ...unseen])]
    const after = yield* observeTeam(team, transport)
    const gone = team.agents.filter(({ adopted, spec: { id } }) => adopted === null && before.agents.has(id) && !survivors.includes(id))
    const leftovers = yield* endLeftoversOf(team, gone, graceMs, () => Effect.void)
    const agents = yield* viewTeam(team, after, transport, providers.find)
    if (survivors.length === 0 && transport.closeHome !== undefined) yield* Effect.ignoreLogged(transport.closeHome)
    const ended = living.flatMap(({ agent: { spec: { id } } }) => survivors.includes(id) ? [] : id)
    const report: ShutdownReport = {
      ...base,
      outcome: survivors.length === 0 ? "stopped" : "partial",
      ok: survivors.length === 0,
      message: (survivors.length === 0
        ? `Team ${team.key} is stopped (ended: ${ended.join(", ") || "none, no agent lived"}); its conversations are kept.`
        : `Of team ${team.key}, ${survivors.join(", ")} could not be proved ended.`) +
        ` This could not be recorded: ${reason.replace(/\.*$/, "")}. The next command that can write records that the processes are gone.`,
      next: survivors.length === 0 ? [`reprise restart --team ${team.key}`] : [`reprise down --team ${team.key}`],
      agents,
      spared: [...foreign, ...leftovers.spared.map(namedLeftover)],
      survivors: [...survivors, ...leftovers.survivors.map(namedLeftover)],
      leftovers: leftovers.stopped.map(namedLeftover),
      tookMs: Math.round(performance.now() - startedAt)
    }
    return report
  })
