import * as Effect from "effect/Effect"
import type { AgentId } from "../domain/ids.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProcessEvidence } from "../plugin/provider-driver.ts"
import { providerAgentOf } from "./provider-agent.ts"

/** An agent's process as it was seen: proved alive, or proved dead. */
export interface SeenProcess {
  readonly pid: number
  readonly startTime: string
  readonly alive: boolean
}

/** What the records of an agent's process say; `failed` says why they could not be read, which is evidence of nothing. */
export interface ProcessReport {
  readonly alive: boolean
  readonly evidence: ProcessEvidence | null
  readonly failed: string | null
}

/**
 * Asks the records of the agents' processes what they say: of those that live, and of those that ended what they left.
 * An agent whose provider has no such records is not in the answer.
 */
export const readReports = (
  team: TeamState,
  seen: ReadonlyMap<AgentId, SeenProcess>,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<ReadonlyMap<AgentId, ProcessReport>> =>
  Effect.forEach(team.agents, (agent) => {
    const process = seen.get(agent.spec.id)
    const ask = findProvider(agent.spec.provider)?.processEvidence
    if (process === undefined || ask === undefined) return Effect.succeed([])
    const { alive } = process
    return ask({ ...process, agent: providerAgentOf(team, agent, "keep") }).pipe(
      Effect.map((evidence): ProcessReport => ({ alive, evidence, failed: null })),
      Effect.catchAll(({ message }) => Effect.succeed<ProcessReport>({ alive, evidence: null, failed: message })),
      Effect.map((report) => [[agent.spec.id, report] as const])
    )
  }, { concurrency: 16 }).pipe(Effect.map((reports) => new Map(reports.flat())))
