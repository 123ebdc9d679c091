import * as Effect from "effect/Effect"
import type { AgentId } from "../domain/ids.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProcessEvidence, ProviderAgent } from "../plugin/provider-driver.ts"
import type { Screen } from "../plugin/transport-driver.ts"
import { providerAgentOf } from "./provider-agent.ts"

/** An agent's process as it was seen: proved alive, or proved dead. */
export interface SeenProcess {
  readonly pid: number
  readonly startTime: string
  readonly alive: boolean
  /** What its window shows now, where it has one; null where that could not be read. */
  readonly screen?: Effect.Effect<Screen | null>
}

/** What the records of an agent's process say; `failed` says why they could not be read, which is evidence of nothing. */
export interface ProcessReport {
  readonly alive: boolean
  readonly evidence: ProcessEvidence | null
  readonly failed: string | null
}

/**
 * Of several conversations that a process has open, the one that its screen names is the one that it is in. A screen that
 * names another one, or none, says nothing.
 */
const shownOn = (provider: Provider, process: SeenProcess, agent: ProviderAgent, evidence: ProcessEvidence | null) =>
  Effect.gen(function*() {
    const open = evidence?.openSessions ?? []
    if (evidence === null || evidence.sessionId !== null || open.length < 2 || process.screen === undefined) return evidence
    const screen = yield* process.screen
    if (screen === null) return evidence
    const shown = yield* Effect.orElseSucceed(provider.reportedSession({ pid: process.pid, screen, agent }), () => null)
    return shown === null || !open.includes(shown)
      ? evidence
      : { ...evidence, sessionId: shown, evidence: `${evidence.evidence.replace(/\.*$/, "")}; its screen names ${shown}.` }
  })

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
    const provider = findProvider(agent.spec.provider)
    const ask = provider?.processEvidence
    if (process === undefined || provider === undefined || ask === undefined) return Effect.succeed([])
    const { alive, pid, startTime } = process
    const subject = providerAgentOf(team, agent, "keep")
    return ask({ pid, startTime, alive, agent: subject }).pipe(
      Effect.flatMap((evidence) => shownOn(provider, process, subject, evidence)),
      Effect.map((evidence): ProcessReport => ({ alive, evidence, failed: null })),
      Effect.catchAll(({ message }) => Effect.succeed<ProcessReport>({ alive, evidence: null, failed: message })),
      Effect.map((report) => [[agent.spec.id, report] as const])
    )
  }, { concurrency: 16 }).pipe(Effect.map((reports) => new Map(reports.flat())))
