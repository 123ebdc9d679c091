import type { AgentFailure } from "../../domain/failure.ts"
import type { TeamState } from "../../event-log/TeamState.ts"
import { mapProviders, type Mutant, telling, writing } from "./mutant-hands.ts"
import type { Wrap } from "./layers.ts"

const isWait = ({ kind }: Pick<AgentFailure, "kind">): boolean => kind === "usage_limit" || kind === "auth"

/** Has providers say something else of what keeps a CLI from working. */
const limitsTold = (change: (failure: AgentFailure) => AgentFailure): Wrap => (services) =>
  mapProviders(services, ({ trouble, ...provider }) => ({
    ...provider,
    explainExit: (end) => {
      const failure = provider.explainExit(end)
      return isWait(failure) ? change(failure) : failure
    },
    ...trouble === undefined ? {} : {
      trouble: (screen) => {
        const failure = trouble(screen)
        return failure === null ? null : change(failure)
      }
    }
  }))

const wentOn = (team: TeamState): TeamState => ({
  ...team,
  stopped: false,
  agents: team.agents.map((agent) => agent.phase === "stopped" ? { ...agent, phase: "running" } : agent)
})

/** Ways to break the rules that concern who acts where nobody looks. */
export const supervisionMutants: ReadonlyArray<Mutant> = [
  {
    rule: 5,
    name: "a usage limit is a crash",
    among: "limits",
    wrap: limitsTold((failure) => ({ ...failure, kind: "crash", retryable: true, retryAt: null }))
  },
  {
    rule: 5,
    name: "when a limit ends is not looked at",
    among: "limits",
    wrap: limitsTold((failure) => ({ ...failure, retryAt: "1970-01-01T00:00:00.000Z" }))
  },
  {
    rule: 5,
    name: "what follows a limit is one more restart",
    among: "limits",
    wrap: writing((event) => {
      if (event.type === "agent.exited") {
        const { kind: _, ...others } = event
        return others
      }
      return (event.type === "agent.failed" || event.type === "agent.spawn_failed") && isWait(event.failure)
        ? { ...event, failure: { ...event.failure, kind: "crash" } }
        : event
    })
  },
  {
    rule: 5,
    name: "a start that came up begins a new count",
    wrap: telling((team) => ({
      ...team,
      agents: team.agents.map((agent) => ({
        ...agent,
        history: { ...agent.history, starts: agent.history.starts.filter(({ readyAt }) => readyAt === null), budgetExceededAt: null }
      }))
    }))
  },
  {
    rule: 2,
    name: "what was decided for a boot is forgotten",
    among: "boots",
    wrap: telling((team) => ({ ...team, boot: null }))
  },
  {
    rule: 2,
    name: "that a process was started before this boot is not recognised",
    among: "boots",
    wrap: (services) => ({ ...services, boot: "" })
  },
  {
    rule: 7,
    name: "what a person stopped died",
    among: "boots",
    wrap: (services, world) => world.process.startsWith("supervise") ? telling(wentOn)(services, world) : services
  }
]
