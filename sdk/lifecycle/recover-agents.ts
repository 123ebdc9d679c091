import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import type { LaunchContext } from "../domain/team.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { ListedPane } from "../plugin/transport-driver.ts"
import { PluginHost } from "../plugin/PluginHost.ts"
import { allTeams } from "./prepare.ts"

/** What is known of a spawn whose own record is lost: what the agent is meant to run in. */
const contextOf = ({ spawn, spec }: AgentState): LaunchContext => spawn?.launchContext ?? {
  provider: spec.provider,
  argv: [],
  cwd: spec.cwd,
  model: spec.model,
  effort: spec.effort,
  permissions: spec.permissions,
  tools: spec.tools,
  configHome: null,
  account: null,
  envNames: [],
  options: spec.options
}

/** The newest pane of an agent, where its log does not know it. Pure. */
export const unrecordedPane = (team: TeamState, agent: AgentState, panes: ReadonlyArray<ListedPane>): ListedPane | null => {
  const newest = panes.filter((pane) => pane.team === team.key && pane.agent === agent.spec.id)
    .toSorted((one, other) => other.generation - one.generation)[0]
  return newest === undefined || newest.generation < agent.generation || newest.identity.spawn === agent.spawn?.token ? null : newest
}

const eventsFor = (team: TeamState, agent: AgentState, { generation, identity }: ListedPane): ReadonlyArray<Event> => {
  const of = { team: team.key, agent: agent.spec.id, generation }
  return [
    {
      type: "agent.spawn_intended",
      ...of,
      spawn: identity.spawn,
      mode: "resume",
      session_id: agent.session?.id ?? null,
      rollout_path: agent.session?.transcript ?? null,
      launch_context: contextOf(agent)
    },
    { type: "agent.spawned", ...of, spawn: identity.spawn, pane: identity },
    { type: "agent.ready", ...of, evidence: "it ran when the log was recovered", session_id: agent.session?.id ?? null }
  ]
}

/**
 * Records processes that run and that a recovered log does not know, so that they are agents of their team again. Touches
 * no process. Answers with what was recorded and with what could not be told, as sentences.
 */
export const recordRunning: Effect.Effect<
  { readonly certain: ReadonlyArray<string>; readonly uncertain: ReadonlyArray<string> },
  AppendError | EventLogError | LeaseHeld,
  EventLog | PluginHost
> = Effect.gen(function*() {
  const log = yield* EventLog
  const host = yield* PluginHost
  const answers = yield* Effect.forEach(yield* allTeams, (team) =>
    Effect.scoped(Effect.gen(function*() {
      const listing = yield* Effect.either(Effect.flatMap(host.transport(team.transport), (transport) => transport.list))
      if (listing._tag === "Left") {
        return { certain: [], uncertain: [`which agents of team ${team.key} run could not be told: ${listing.left.message}`] }
      }
      const panes = [...listing.right.panes, ...listing.right.orphans ?? []]
      const found = team.agents.flatMap((agent) => {
        const pane = unrecordedPane(team, agent, panes)
        return pane === null ? [] : [{ agent, pane }]
      })
      if (found.length > 0) {
        const lease = yield* log.lease(teamResource(team.key), "recover")
        yield* log.append(found.flatMap(({ agent, pane }) => eventsFor(team, agent, pane)), { lease })
      }
      return {
        certain: found.map(({ agent, pane }) => `${team.key}/${agent.spec.id} runs as process ${pane.identity.pid}, generation ${pane.generation}`),
        uncertain: found.flatMap(({ agent }) =>
          agent.session === null ? [`which conversation ${team.key}/${agent.spec.id} is in`] : [`whether ${team.key}/${agent.spec.id} is still in session ${agent.session.id}`])
      }
    })))
  return { certain: answers.flatMap(({ certain }) => certain), uncertain: answers.flatMap(({ uncertain }) => uncertain) }
})
