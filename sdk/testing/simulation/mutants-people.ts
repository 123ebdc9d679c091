import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Event } from "../../domain/event.ts"
import type { TeamState } from "../../event-log/TeamState.ts"
import type { Wrap } from "./layers.ts"
import { forgetting, mapProviders, type Mutant, withAppend, withProcesses } from "./mutant-hands.ts"

const inTeam = (provider: string, team: string): string => `${provider} of ${team}`
const inWorkspace = (provider: string, team: string): string => provider.replace(` of ${team}`, "")

/** Claims a conversation for an agent as if each team had conversations of its own. */
const claimedInTeam: Wrap = (services) => {
  const { log } = withAppend(services, (append) => (events, options) =>
    append(events.map((event): Event =>
      event.type === "session.captured" || event.type === "resume.session_repaired"
        ? { ...event, provider: inTeam(event.provider, event.team) }
        : event), options))
  const told = (team: TeamState): TeamState => ({
    ...team,
    agents: team.agents.map((agent) => ({
      ...agent,
      session: agent.session && { ...agent.session, provider: inWorkspace(agent.session.provider, team.key) },
      captures: agent.captures.map((session) => ({ ...session, provider: inWorkspace(session.provider, team.key) }))
    }))
  })
  return { ...services, log: { ...log, state: (team) => Effect.map(log.state(team), Option.map(told)) } }
}

/** Ways to break the rules that concern what people start by hand. */
export const peopleMutants: ReadonlyArray<Mutant> = [
  {
    rule: 1,
    name: "a person's process that can't be told about is dead",
    among: "people",
    wrap: (services) =>
      withProcesses(services, {
        state: (process) => Effect.map(services.processes.state(process), (state) => state === "unknown" ? "dead" : state)
      })
  },
  {
    rule: 2,
    name: "a takeover's intent is not written",
    among: "people",
    wrap: forgetting((event) => event.type === "operation.step" && event.step === "takeover" && event.phase === "intent")
  },
  {
    rule: 3,
    name: "a team knows its own conversations only, and so do the claims",
    among: "people",
    wrap: (services, world) => {
      const { log, ...others } = claimedInTeam(services, world)
      return {
        ...others,
        log: { ...log, state: (team) => world.team === null || team === world.team ? log.state(team) : Effect.succeedNone }
      }
    }
  },
  {
    rule: 3,
    name: "who has a conversation open is not asked",
    among: "people",
    wrap: (services) => mapProviders(services, ({ sessionHolders: _, ...provider }) => provider)
  },
  {
    rule: 3,
    name: "what a person started is in nobody's way",
    among: "people",
    wrap: (services) => withProcesses(services, { state: () => Effect.succeed("dead") })
  },
  {
    rule: 7,
    name: "a restart ends the person's process without takeover",
    among: "people",
    wrap: (services) =>
      withProcesses(services, {
        state: (process) => Effect.as(services.processes.endTree(process, 0), "dead")
      })
  },
  {
    rule: 7,
    name: "from where a command was started is not looked at",
    among: "people",
    wrap: (services) =>
      withProcesses(services, {
        table: Effect.map(services.processes.table, (rows) => rows?.map((row) => ({ ...row, ppid: 1 })) ?? null)
      })
  },
  {
    rule: 7,
    name: "agents that run below a person's process end with it",
    among: "people",
    wrap: (services) =>
      withProcesses(services, {
        own: Effect.map(services.processes.own, (processes) => processes?.map((process) => ({ ...process, env: {} })) ?? null)
      })
  }
]
