import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentId } from "../domain/ids.ts"
import type { AttributionResult } from "./attribution.ts"
import { transcriptOf } from "./locate-transcript.ts"
import type { ProcessReport } from "./process-report.ts"
import { Resumability } from "./resumability.ts"
import { type Located, sightFile } from "./sighting.ts"

// A user may open a new conversation and say nothing in it. It has no transcript, so nothing of it can be continued, and
// nothing is lost with it: a restart goes back to the conversation before it, and says so.

/** A conversation without a word that an agent's process opened after the one that the agent is known to have. */
export interface SilentConversation {
  readonly sessionId: string
  /** Whether the live process is in it now. */
  readonly isPresent: boolean
  /** A sentence without its point: what a restart does about it. */
  readonly why: string
}

/** Those of the dead process's conversations that were never written. */
const unwrittenOf = (entry: Located) =>
  Effect.filter(entry.agent.openSessions.filter((id) => id !== entry.agent.session?.id), (id) =>
    Effect.flatMap(transcriptOf(entry.provider, entry.subject, id), (place) =>
      place._tag === "At" ? Effect.map(sightFile(entry, place.path), ({ missing }) => missing) : Effect.succeed(place._tag === "Missing")), {
    concurrency: 8
  })

const silentOf = (
  entry: Located,
  report: ProcessReport | undefined,
  { ambiguous, assigned }: AttributionResult
): Effect.Effect<SilentConversation | null, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { agent: { session }, window } = entry
    if (session === null || [...assigned, ...ambiguous].some(({ owner }) => owner === window.owner)) return null
    const continued = `session ${session.id}, the one before it, is continued`
    const said = window.report
    if (said !== null && said.sessionId !== session.id && said.transcript === "missing") {
      const isPresent = report?.alive === true
      return {
        sessionId: said.sessionId,
        isPresent,
        why: `its process ${isPresent ? "is" : "was last"} in session ${said.sessionId}, in which nothing was said: ${continued}`
      }
    }
    if (report?.alive === true) return null
    const [sessionId] = yield* unwrittenOf(entry)
    return sessionId === undefined ? null : {
      sessionId,
      isPresent: false,
      why: `its process also had session ${sessionId} open, in which nothing was said: session ${session.id} is continued`
    }
  })

/** The conversations without a word that agents' processes are in, or left. */
export const silentConversations = (
  located: ReadonlyArray<Located>,
  reports: ReadonlyMap<AgentId, ProcessReport>,
  result: AttributionResult
): Effect.Effect<ReadonlyMap<AgentId, SilentConversation>, never, FileSystem.FileSystem> =>
  Effect.map(
    Effect.forEach(located, (entry) =>
      Effect.map(silentOf(entry, reports.get(entry.agent.spec.id), result), (found) =>
        found === null ? [] : [[entry.agent.spec.id, found] as const]), { concurrency: 16 }),
    (found) => new Map(found.flat())
  )

/** A conversation that can be continued, with the word that it is not the one that was opened last. */
export const besideSilent = (judged: Resumability, silent: SilentConversation | undefined): Resumability =>
  judged._tag !== "Resumable" || silent === undefined
    ? judged
    : Resumability.Resumable({ ...judged, warning: judged.warning === undefined ? silent.why : `${silent.why}; ${judged.warning}` })
