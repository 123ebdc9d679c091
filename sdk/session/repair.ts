import type { SessionRef } from "../domain/session.ts"
import type { AgentState } from "../event-log/TeamState.ts"

/** Sessions that a repair may try for an agent without one: its own captures since the last tombstone, newest first. */
export const repairCandidates = (agent: AgentState, heldByOthers: ReadonlySet<string>): ReadonlyArray<SessionRef> =>
  agent.session !== null
    ? []
    : agent.captures.filter((session) => !heldByOthers.has(`${session.provider}/${session.id}`)).toReversed()
