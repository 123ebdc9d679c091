import * as Effect from "effect/Effect"
import type { AgentId } from "../domain/ids.ts"
import { heldElsewhere } from "./holders.ts"
import type { SeenProcess } from "./process-report.ts"
import { type Located, type Sighting, sightLatest } from "./sighting.ts"

/**
 * What lies where agents may have gone over to another conversation while no observer looked. A conversation without a
 * marker that another process has open is that one's.
 */
export const sightUnobserved = (
  ours: ReadonlyArray<Located>,
  claims: ReadonlyMap<string, ReadonlySet<string>>,
  processes: ReadonlyMap<AgentId, SeenProcess>,
  steadyClock: boolean
) =>
  Effect.forEach(ours.filter(({ known, window }) => known !== null && (window.unobserved === true || window.openNow !== undefined)), (entry) =>
    Effect.gen(function*() {
      const seen = yield* sightLatest(entry, steadyClock)
      const process = processes.get(entry.agent.spec.id)
      const candidates = yield* Effect.filter(seen.candidates, (candidate) =>
        candidate.marker !== null || claims.has(candidate.path) || candidate.sessionId === entry.known?.sessionId
          ? Effect.succeed(true)
          : Effect.map(heldElsewhere(entry.provider, entry.subject, candidate.sessionId, process === undefined ? [] : [process]), ({ _tag }) => _tag !== "Held"), {
        concurrency: 8
      })
      return [entry, { ...seen, candidates } satisfies Sighting] as const
    }), { concurrency: 8 }).pipe(Effect.map((seen): ReadonlyMap<Located, Sighting> => new Map(seen)))
