import type { Event } from "./event.ts"
import type { AgentId, TeamKey } from "./ids.ts"

/** A session belongs to one agent at a time in a workspace; the log's unique index holds it. */
export interface SessionClaim {
  readonly provider: string
  readonly sessionId: string
  readonly team: TeamKey
  readonly agent: AgentId
}

export type ClaimChange =
  | { readonly _tag: "Claim"; readonly claim: SessionClaim }
  /** The agent gives up all sessions that it held. */
  | { readonly _tag: "Release"; readonly team: TeamKey; readonly agent: AgentId }

/** What an event does to the ownership of sessions. A capture replaces what the agent held before. */
export const claimChanges = (event: Event): ReadonlyArray<ClaimChange> => {
  switch (event.type) {
    case "session.captured":
    case "resume.session_repaired":
      return [
        { _tag: "Release", team: event.team, agent: event.agent },
        {
          _tag: "Claim",
          claim: { provider: event.provider, sessionId: event.session_id, team: event.team, agent: event.agent }
        }
      ]
    case "discard.session_tombstone":
      return [{ _tag: "Release", team: event.team, agent: event.agent }]
    default:
      return []
  }
}
