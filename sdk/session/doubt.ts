import type { AgentId } from "../domain/ids.ts"
import type { AttributionResult } from "./attribution.ts"
import type { NotFree } from "./holders.ts"
import type { ProcessReport } from "./process-report.ts"
import { notFree, Resumability, type Unresumable } from "./resumability.ts"
import type { Located, Sighting } from "./sighting.ts"

// The conversation that an agent is known to have may not be its last one: its process may have gone over to another since.
// Then it is not gone back to, as if nothing had been said in that one.

interface DoubtGround {
  readonly located: ReadonlyArray<Located>
  readonly reports: ReadonlyMap<AgentId, ProcessReport>
  readonly result: AttributionResult
  /** Who has open what the agents' processes went over to, by owner. */
  readonly holdings: ReadonlyMap<string, NotFree>
  /** What was seen where agents may have gone over to another conversation while no observer looked. */
  readonly latest: ReadonlyMap<Located, Sighting>
}

/** Which of several conversations it was last in is not certain: its user can say. */
const unsureAmong = ({ owner }: Located["window"], { ambiguous }: AttributionResult): Unresumable | null => {
  const found = ambiguous.find((one) => one.owner === owner)
  return found?.sessions === undefined || found.sessions.length === 0 ? null : Resumability.NotResumable({
    code: "session_ambiguous",
    why: `which conversation it was last in is not certain: ${found.reason} (${found.sessions.map(({ sessionId }) => sessionId).join(", ")})`,
    candidates: found.sessions
  })
}

const doubtOf = (entry: Located, { holdings, latest, reports, result }: DoubtGround): Unresumable | null => {
  const { agent: { session, spec }, window } = entry
  const { owner, report } = window
  const unsure = unsureAmong(window, result)
  if (unsure !== null) return unsure
  if (session === null) return null
  const failed = reports.get(spec.id)?.failed ?? null
  if (failed !== null) {
    return Resumability.Unknown({ why: `the records of its process could not be read (${failed.replace(/\.*$/, "")}), so whether it went over to another conversation is unknown` })
  }
  if (report === null && latest.get(entry)?.complete === false && !result.assigned.some((found) => found.owner === owner)) {
    return Resumability.Unknown({
      why: `something in ${entry.directories.join(", ")} could not be read, so whether it went over to another conversation is unknown`
    })
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
