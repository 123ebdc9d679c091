import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Scope } from "effect/Scope"
import { isRefused } from "../../domain/log-verdict.ts"
import type { TeamState } from "../TeamState.ts"
import type { makeHandle, OpenLog } from "./handle.ts"
import { markedTeam, readMarker, writeMarker } from "./marker.ts"

interface MarkerKeeper {
  /** Something was recorded. */
  readonly touch: () => void
  /** Brings the marker up to date, if anything was recorded here. Never fails. */
  readonly write: Effect.Effect<void>
}

const statesOf = ({ store }: OpenLog): ReadonlyArray<TeamState> =>
  store.teams().flatMap((team) => {
    // Bounded: a team that has more to fold is marked by the state that is known without folding.
    const base = store.base(team)
    const { folded } = store.foldPage(team, base)
    return folded.state ?? []
  })

const write = (log: OpenLog, stateHome: string, at: string): void => {
  const identity = log.store.identity()
  const position = log.store.head()
  if (identity === undefined || position === 0 || isRefused(log.verdict())) return
  const known = readMarker(stateHome, identity.id)
  const here = log.surroundings.here
  const isHere = known?.path === here.path && known.inode === here.inode
  if (known !== undefined && isHere && known.position >= position) return
  writeMarker(stateHome, { id: identity.id, ...here, position, at, teams: statesOf(log).map(markedTeam) })
}

/**
 * Keeps the marker of a log in the user's state directory: soon after something was recorded, at most twice a second, and
 * at the end. A marker that can't be written is one that is not there.
 */
export const keepMarker = (
  handle: Effect.Effect.Success<ReturnType<typeof makeHandle>>,
  stateHome: string | undefined
): Effect.Effect<MarkerKeeper, never, Scope> =>
  Effect.gen(function*() {
    if (stateHome === undefined) return { touch: () => {}, write: Effect.void }
    const due = yield* Queue.sliding<void>(1)
    let touched = false
    const save = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.try(() => {
        const log = handle.current()
        if (log !== undefined && touched) write(log, stateHome, new Date(now).toISOString())
      }).pipe(Effect.catchAll((error) => Effect.logDebug(String(error)))))
    yield* Queue.take(due).pipe(
      Effect.zipRight(save),
      Effect.zipRight(Effect.sleep("500 millis")),
      Effect.forever,
      Effect.forkScoped
    )
    const touch = () => {
      touched = true
      Queue.unsafeOffer(due, undefined)
    }
    // A move was recorded when the log was opened.
    if (handle.hasMoved()) touch()
    return { touch, write: save }
  })
