import type * as Effect from "effect/Effect"
import { AgentId, TeamKey } from "../../domain/ids.ts"
import { TaskId, type TaskSpec } from "../../domain/task.ts"
import type { Provider } from "../../plugin/PluginHost.ts"
import { parseTeamFile, type TeamFile, type TeamFileInvalid, type TeamFileUnreadable } from "../../spec/team-file.ts"
import { teamName, workspace } from "./commands.ts"
import type { SimulatedAgent } from "./scenario.ts"
import { providerKinds, simulatedProvider } from "./simulated-cli.ts"
import { type ProcessRecords, withRecords } from "./simulated-records.ts"

// What all worlds have in common, and what follows of their agents.

/** The variable that lets CLIs in. */
export const loginVariable = "SIM_LOGIN"

/** What the processes of all worlds have in their environment. */
export const env: Readonly<Record<string, string>> = {
  [loginVariable]: "let-me-in",
  HOME: "/home/sim",
  PATH: "/bin",
  REPRISE_SESSION_CONVERGE_DEADLINE_MS: "300",
  REPRISE_SESSION_CONVERGE_POLL_MS: "100",
  REPRISE_READY_DEADLINE_MS: "1500",
  REPRISE_STOP_GRACE_MS: "50"
}

/** Those of a world in which nobody but Reprise starts anything: there nothing is to be found on the machine. */
export const providers: ReadonlyMap<string, Provider> = new Map(
  Object.entries(providerKinds).map(([name, kind]) => [name, { ...simulatedProvider(name, kind), name, plugin: "simulated" }])
)

/** Those of a world in which people start their CLIs, too. */
export const providersBeside = (records: ProcessRecords): ReadonlyMap<string, Provider> =>
  new Map(Object.entries(providerKinds).map(([name, kind]) =>
    [name, { ...withRecords(simulatedProvider(name, kind), name, kind, records), name, plugin: "simulated" }]))

/** A team file from which those of all worlds are made: reading one takes real time. */
export const teamFileTemplate: Effect.Effect<TeamFile, TeamFileInvalid | TeamFileUnreadable> = parseTeamFile(
  JSON.stringify({ name: teamName, agents: { a: { provider: "assigned" } } }),
  { file: "team.yaml", workspace }
)

const taskOf = (agent: string): TaskId => TaskId.make(`of-${agent}`)

/** A task for each of them, where any builds on another's. */
const tasksOf = (agents: ReadonlyArray<SimulatedAgent>): ReadonlyArray<TaskSpec> =>
  agents.every(({ buildsOn = [] }) => buildsOn.length === 0) ? [] : agents.map(({ buildsOn = [], id }) => ({
    id: taskOf(id),
    title: null,
    assignee: AgentId.make(id),
    deps: buildsOn.flatMap((other) => agents.some((agent) => agent.id === other) ? taskOf(other) : [])
  }))

/** The team files of a world, by the names of their teams. */
export const teamFileOf = (template: TeamFile, all: ReadonlyArray<SimulatedAgent>) => (name: string): TeamFile => {
  const agents = all.filter(({ byHand: persons = false, team = teamName }) => team === name && !persons)
  const tasks = tasksOf(agents)
  return {
    ...template,
    spec: {
      ...template.spec,
      name: TeamKey.make(name),
      agents: agents.flatMap(({ id, login = false, paused = false, permissions, provider, role = null }) =>
        template.spec.agents.map((agent) => ({
          ...agent,
          id: AgentId.make(id),
          role,
          provider,
          permissions,
          paused,
          ...login ? { options: { ...agent.options, login: loginVariable } } : {}
        }))),
      ...tasks.length === 0 ? {} : { tasks }
    }
  }
}
