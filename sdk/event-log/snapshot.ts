import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { TeamState } from "./TeamState.ts"

// A team that was never recorded has events and no state; that is kept too, so that they are folded once only.
const Snapshot = Schema.parseJson(Schema.NullOr(TeamState))
const decode = Schema.decodeUnknownEither(Snapshot, { onExcessProperty: "preserve" })

/** A team folded up to a position. */
export interface Folded {
  readonly position: number
  readonly state: TeamState | undefined
}

export const nothingFolded: Folded = { position: 0, state: undefined }

/** A state is plain data and its own encoding (the suite compares it with a full fold): it is written as it is, on the hot path. */
export const writeSnapshot = (folded: Folded): string => JSON.stringify(folded.state ?? null)

/** What a snapshot holds, or undefined where it can't be trusted: it is never the truth, the events are. */
export const readSnapshot = (team: string, position: number, body: string): Folded | undefined => {
  const decoded = decode(body)
  if (Either.isLeft(decoded)) return undefined
  const state = decoded.right
  if (state === null) return { position, state: undefined }
  return state.key === team && state.position <= position ? { position, state } : undefined
}
