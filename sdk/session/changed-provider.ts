import type { AgentState } from "../event-log/TeamState.ts"

/** Whether its newest spawn was of another provider than its team file names now: what that ran with is no use to this one. */
export const wasAnothers = ({ spawn, spec }: Pick<AgentState, "spawn" | "spec">): boolean =>
  spawn !== null && spawn.launchContext.provider !== undefined && spawn.launchContext.provider !== spec.provider
