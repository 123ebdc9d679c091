import type { Event } from "../../domain/event.ts"
import { AgentId, OperationId, SpawnToken, TeamKey } from "../../domain/ids.ts"
import type { AgentSpec, LaunchContext } from "../../domain/team.ts"
import { fold } from "../../event-log/fold.ts"
import type { TeamState } from "../../event-log/TeamState.ts"
import { matches } from "../../policy/pattern.ts"
import type { DeathRule, LossRule, Scenario, StartRule } from "./scenario.ts"

/** What befalls one agent. */
export interface Fate {
  readonly id: AgentId
  readonly provider: string
  readonly paused: boolean
  readonly dependsOn: ReadonlyArray<string>
  /** Whether its conversations are written down before anybody speaks to it. */
  readonly writtenAtStart: boolean
  /** When it is first spoken to, from the beginning; null for never. */
  readonly spokenAt: number | null
  readonly starts: ReadonlyArray<StartRule>
  /** Those that last from each start on. */
  readonly deaths: ReadonlyArray<Exclude<DeathRule, { readonly distribution: "at" }>>
  readonly losses: ReadonlyArray<LossRule>
}

/** A scenario made ready to be played: who there is, and the team as it was launched. */
export interface Setting {
  readonly scenario: Scenario
  readonly fates: ReadonlyArray<Fate>
  readonly index: ReadonlyMap<string, number>
  readonly launched: TeamState
  /** When it begins, in milliseconds since the epoch. */
  readonly beginsAt: number
}

export const team = TeamKey.make("simulated")
const defaultBegin = Date.parse("2026-01-01T00:00:00.000Z")

const means = ({ agents }: { readonly agents?: string | ReadonlyArray<string> }, id: string): boolean =>
  agents === undefined || (typeof agents === "string" ? matches(agents, id) : agents.some((pattern) => matches(pattern, id)))

/** The agents that a rule means. */
export const meant = (rule: { readonly agents?: string | ReadonlyArray<string> }, { fates }: Setting): ReadonlyArray<Fate> =>
  fates.filter(({ id }) => means(rule, id))

const specOf = (id: AgentId, { paused = false, provider = "fake", role = null }: Scenario["agents"][string]): AgentSpec => ({
  id,
  role,
  provider,
  cwd: "/simulated",
  paused,
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  prompt: null,
  env: {},
  options: {},
  mcp: {}
})

/** What a simulated process was started with: of all of it, a decision sees its login only. */
export const launchContext = (login: string | null): LaunchContext => ({
  argv: [],
  cwd: "/simulated",
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  configHome: null,
  account: login,
  envNames: [],
  options: {}
})

export const scopeOf = (agent: AgentId, generation: number, operation?: OperationId) =>
  operation === undefined ? { team, agent, generation } : { team, agent, generation, operation }

/** The start of an agent's process. */
export const startEvents = (
  scope: ReturnType<typeof scopeOf>,
  start: { readonly session: string; readonly mode: "fresh" | "resume"; readonly login: string | null }
): ReadonlyArray<Event> => [{
  type: "agent.spawn_intended",
  ...scope,
  spawn: SpawnToken.make(`${scope.agent}/${scope.generation}`),
  mode: start.mode,
  session_id: start.session,
  rollout_path: null,
  launch_context: launchContext(start.login)
}]

/** The events with which an agent is back, in its conversation. */
export const readyEvents = (scope: ReturnType<typeof scopeOf>, session: string, provider: string): ReadonlyArray<Event> => [
  { type: "agent.ready", ...scope, evidence: "simulated", session_id: session },
  {
    type: "session.captured",
    ...scope,
    agent_id: scope.agent,
    provider,
    session_id: session,
    rollout_path: null,
    captured_via: "assigned_id",
    attribution_confidence: "high"
  }
]

/** Folds events that happen at one moment. */
export const folded = (state: TeamState | undefined, events: ReadonlyArray<Event>, at: string): TeamState | undefined =>
  events.reduce<TeamState | undefined>(
    (now, event) => fold(now, { _tag: "Event", position: (now?.position ?? 0) + 1, at, event }),
    state
  )

const launchedTeam = (scenario: Scenario, fates: ReadonlyArray<Fate>, beginsAt: number): TeamState => {
  const operation = OperationId.make("launch")
  const events: ReadonlyArray<Event> = [
    {
      type: "team.recorded",
      team,
      spec: { name: team, objective: null, agents: fates.map(({ id }) => specOf(id, scenario.agents[id] ?? {})) },
      workspace: "/simulated",
      transport: "simulated",
      plugins: []
    },
    {
      type: "operation.started",
      team,
      operation,
      kind: "launch",
      agents: fates.map(({ id }) => id),
      alive: [],
      policy: null
    },
    ...fates.filter(({ paused }) => !paused).flatMap(({ id, provider, spokenAt }): ReadonlyArray<Event> => {
      const scope = scopeOf(id, 1, operation)
      const session = `${id}/1`
      return [
        ...startEvents(scope, { session, mode: "fresh", login: scenario.agents[id]?.login ?? null }),
        ...readyEvents(scope, session, provider),
        ...spokenAt === 0 ? [{ type: "agent.first_send_recorded" as const, ...scope, first_send_at: new Date(beginsAt).toISOString() }] : []
      ]
    }),
    { type: "operation.finished", team, operation, outcome: "launched", took_ms: 0 }
  ]
  const launched = folded(undefined, events, new Date(beginsAt).toISOString())
  if (launched === undefined) throw new Error("A simulated team was not recorded.")
  return launched
}

const spokenAtOf = (spoken: boolean | number | undefined): number | null =>
  typeof spoken === "number" ? spoken : spoken === false ? null : 0

/** Makes a scenario ready to be played. */
export const settingOf = (scenario: Scenario, beginsAt: number = defaultBegin): Setting => {
  const fates = Object.entries(scenario.agents).map(([name, agent]): Fate => ({
    id: AgentId.make(name),
    provider: agent.provider ?? "fake",
    paused: agent.paused ?? false,
    dependsOn: agent.dependsOn ?? [],
    writtenAtStart: agent.written === "at-start",
    spokenAt: spokenAtOf(agent.spoken),
    starts: (scenario.starts ?? []).filter((rule) => means(rule, name)),
    deaths: (scenario.deaths ?? []).flatMap((rule) => rule.distribution !== "at" && means(rule, name) ? [rule] : []),
    losses: (scenario.lostTranscripts ?? []).filter((rule) => means(rule, name))
  }))
  return {
    scenario,
    fates,
    index: new Map(fates.map(({ id }, index) => [id, index])),
    launched: launchedTeam(scenario, fates, beginsAt),
    beginsAt
  }
}
