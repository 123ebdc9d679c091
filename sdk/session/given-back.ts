import type { AgentState } from "../event-log/TeamState.ts"
import type { TranscriptCandidate } from "./attribution.ts"
import type { Located } from "./sighting.ts"

/**
 * Whether an agent got an earlier conversation back while its process is in one that it began anew: the next start goes
 * back, and what the process says of where it is now is the conversation that is left.
 */
export const wasGivenBack = ({ generation, session, spawn }: AgentState): boolean =>
  spawn !== null && spawn.mode === "fresh" && session?.capturedVia === "event_log_repair" && session.generation === generation

/**
 * The agents' places without the word of those whose process sits in a conversation that is left and in which nobody said
 * anything. One in which somebody did is no such one: there is something to lose in it.
 */
export const withoutLeft = (
  located: ReadonlyArray<Located>,
  candidates: ReadonlyArray<TranscriptCandidate & { readonly spokenTo: boolean }>
): ReadonlyArray<Located> =>
  located.map((entry) => {
    const { agent, window } = entry
    const { report } = window
    if (report === null || agent.session === null || report.sessionId === agent.session.id || !wasGivenBack(agent)) return entry
    const written = candidates.filter(({ provider, sessionId }) => provider === window.provider && sessionId === report.sessionId)
    const silent = written.length === 0 ? report.transcript === "missing" : written.every(({ spokenTo }) => !spokenTo)
    return silent ? { ...entry, window: { ...window, report: null } } : entry
  })
