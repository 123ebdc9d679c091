import type { AgentId } from "../domain/ids.ts"
import type { AttributionResult } from "./attribution.ts"
import type { NotFree } from "./holders.ts"
import type { ProcessReport } from "./process-report.ts"
import { notFree, Resumability, type Unresumable } from "./resumability.ts"
import type { Located } from "./sighting.ts"

// The conversation that an agent is known to have may not be its last one: its process may have gone over to another since.
// Then it is not gone back to, as if nothing had been said in that one.

interface DoubtGround {
  readonly located: ReadonlyArray<Located>
  readonly reports: ReadonlyMap<AgentId, ProcessReport>
  readonly result: AttributionResult
  /** Who has open what the agents' processes went over to, by owner. */
  readonly holdings: ReadonlyMap<string, NotFree>
}

const doubtOf = ({ agent: { session, spec }, window: { owner, report } }: Located, { holdings, reports, result }: DoubtGround): Unresumable | null => {
  if (session === null) return null
  const failed = reports.get(spec.id)?.failed ?? null
  if (failed !== null) {
    return Resumability.Unknown({ why: `the records of its process could not be read (${failed.replace(/\.*$/, "")}), so whether it went over to another conversation is unknown` })
  }
  if (report === null || report.sessionId === session.id) return null
  const holding = holdings.get(owner)
  if (holding !== undefined) return notFree(report.sessionId, holding)
  const isToldOf = [...result.assigned, ...result.ambiguous].some((found) => found.owner === owner)
  return isToldOf || report.transcript === "missing" ? null : Resumability.Unknown({
    why: `its process went over to session ${report.sessionId}, and what lies there could not be read`
  })
}

/** Of agents with a conversation: why it can't be said to be the one to come back to. */
export const doubtsOf = (ground: DoubtGround): ReadonlyMap<AgentId, Unresumable> =>
  new Map(ground.located.flatMap((entry) => {
    const doubt = doubtOf(entry, ground)
    return doubt === null ? [] : [[entry.agent.spec.id, doubt] as const]
  }))
