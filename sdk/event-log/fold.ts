import type { LogEntry } from "../domain/event.ts"
import type { TeamState } from "./TeamState.ts"

/**
 * Folds one entry into a team's state; pure. Entries of other teams change nothing. An unreadable row of the team is
 * noted and passed over. Undefined before the team's first `team.recorded`.
 */
export const fold = (state: TeamState | undefined, entry: LogEntry): TeamState | undefined => {
  void entry
  return state
}
