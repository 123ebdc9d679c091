import type { AgentState } from "../event-log/TeamState.ts"

/**
 * Whether the running process is in the conversation that the agent is meant to be in: one that was found again in the log,
 * or given back, is entered by the next start only.
 */
export const isInItsConversation = ({ session, spawn }: AgentState): boolean =>
  session === null || spawn === null || session.id === spawn.sessionId ||
  // One that chose its own is in what was captured from it, not in what was found again in the log.
  (spawn.sessionId === null && session.capturedVia !== "event_log_repair" && session.capturedVia !== "user_selected") ||
  // One that went over to another since its start says so itself, or was seen to write there.
  ((session.capturedVia === "process_report" || session.capturedVia === "identity_marker") && session.generation === spawn.generation)
