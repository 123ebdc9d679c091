import type { SpawnWindow, TranscriptCandidate } from "./attribution-world.ts"
import { birthSlackMs } from "./clock.ts"

// A user may go over to another conversation while no observer looks, and the process may end before one does. What it
// wrote remains: of the conversations that are surely the agent's own, the one that was written last is its present one.

/** The result for one agent: still in the known conversation, gone over to another, or not certain. */
export type Latest =
  | { readonly _tag: "Same" }
  | { readonly _tag: "Moved"; readonly candidate: TranscriptCandidate; readonly marked: boolean }
  | { readonly _tag: "Unsure"; readonly candidates: ReadonlyArray<TranscriptCandidate>; readonly reason: string }

interface Ground {
  readonly window: SpawnWindow
  /** The transcripts in the agent's directories that no other agent owns. */
  readonly free: ReadonlyArray<TranscriptCandidate>
  /** Whether another agent may be the one that began this copy. */
  readonly maySomeoneElseCopy: (candidate: TranscriptCandidate) => boolean
  readonly steadyClock: boolean
  /** Milliseconds of the epoch. */
  readonly now: number
}

const same: Latest = { _tag: "Same" }
/** A file of the future was written before the clock was set back. */
const futureSlackMs = 1_000

/** Whether it was written in the agent's last life; a time that is not known rules nothing out. */
const isOfLastLife = ({ from, until }: SpawnWindow, { bornAt, writtenAt }: TranscriptCandidate): boolean =>
  (writtenAt === null || writtenAt > from) && (bornAt === null || until === null || bornAt <= until + birthSlackMs)

/** One conversation may lie in several files: that with the marker tells of it, and the newest write counts. */
const perSession = (candidates: ReadonlyArray<TranscriptCandidate>): ReadonlyArray<TranscriptCandidate> => {
  const found = new Map<string, TranscriptCandidate>()
  for (const candidate of candidates) {
    const before = found.get(candidate.sessionId)
    if (before === undefined) {
      found.set(candidate.sessionId, candidate)
      continue
    }
    const [first, second] = before.marker === null && candidate.marker !== null ? [candidate, before] : [before, candidate]
    const times = [first.writtenAt, second.writtenAt]
    const writtenAt = times.every((time) => time !== null) ? Math.max(...times) : null
    found.set(candidate.sessionId, { ...first, writtenAt })
  }
  return [...found.values()]
}

/** Those that are the agent's own: by its marker, by an earlier record of it, or as copies of its own ones. */
const ownOf = (
  { maySomeoneElseCopy, window }: Ground,
  candidates: ReadonlyArray<TranscriptCandidate>
): ReadonlyArray<TranscriptCandidate> => {
  const ids = new Set([window.held ?? window.assignedId ?? "", ...window.seenIn ?? []])
  const own = new Set<TranscriptCandidate>()
  // A copy of a copy is found in a later round.
  for (let found = -1; found !== own.size;) {
    found = own.size
    for (const candidate of candidates) {
      const { forkedFrom = null, marker, sessionId } = candidate
      const isOwn = marker === window.owner || (marker === null && (
        (ids.has(sessionId) && (window.heldSince === undefined || candidate.writtenAt === null || candidate.writtenAt > window.heldSince)) || (forkedFrom !== null && ids.has(forkedFrom) && !maySomeoneElseCopy(candidate))
      ))
      if (!isOwn) continue
      ids.add(sessionId)
      own.add(candidate)
    }
  }
  return [...own]
}

const byLastWrite = (one: TranscriptCandidate, other: TranscriptCandidate): number => (other.writtenAt ?? 0) - (one.writtenAt ?? 0)

/**
 * Which conversation an agent was last in, by what its process wrote. Only a conversation that is surely its own is
 * followed. One without a marker, written later than all of its own, makes the answer uncertain.
 */
export const latestOf = (ground: Ground): Latest => {
  const { free, now, steadyClock, window } = ground
  const anchorId = window.held ?? window.assignedId
  const conversations = perSession(free.filter(({ sessionId }) => !window.never.includes(sessionId)))
  const anchor = conversations.find(({ sessionId }) => sessionId === anchorId)
  const others = conversations.filter((candidate) =>
    candidate !== anchor && (!steadyClock || isOfLastLife(window, candidate)) &&
    !(window.wasRestored === true && candidate.spokenTo === false) &&
    // Of one whose conversation is not known yet, what was there before its start tells nothing.
    (anchorId !== null || (candidate.bornAt !== null && candidate.bornAt > window.from))
  )
  const own = ownOf(ground, others)
  if (anchorId === null && own.length < 2) return same
  const strangers = anchor === undefined || (window.marks && !steadyClock) ? [] : others.filter((candidate) =>
    // In one in which nothing was said there is nothing to lose.
    candidate.marker === null && candidate.spokenTo !== false && !own.includes(candidate) &&
    // Where its process marks what it begins, one without a marker can only be an older one that it was told to resume.
    (!window.marks || candidate.unread === true || (candidate.bornAt !== null && candidate.bornAt <= window.from)) &&
    (window.until === null || candidate.writtenAt === null || candidate.writtenAt <= window.until + birthSlackMs)
  )
  const mine = [...anchor === undefined ? [] : [anchor], ...own].toSorted(byLastWrite)
  const unsure = (reason: string, more: ReadonlyArray<TranscriptCandidate> = strangers): Latest => ({
    _tag: "Unsure",
    candidates: [...mine, ...more].toSorted(byLastWrite),
    reason
  })
  const [newest, second] = mine
  if (newest === undefined || (own.length === 0 && strangers.length === 0)) return same
  if (!steadyClock) return unsure("the clock was set back, so which of them was written last is unknown")
  if ([...mine, ...strangers].some(({ writtenAt }) => writtenAt === null)) return unsure("when one of them was written is unknown")
  if (mine.some(({ writtenAt }) => (writtenAt ?? 0) > now + futureSlackMs)) {
    return unsure("one of them was written in the future, so the clock was set back since")
  }
  const later = strangers.filter(({ writtenAt }) => (writtenAt ?? 0) >= (newest.writtenAt ?? 0) - birthSlackMs)
  if (later.length > 0) return unsure("the newest one does not say whose conversation it is", later)
  if (newest === anchor && (second === undefined || (second.writtenAt ?? 0) < (newest.writtenAt ?? 0))) return same
  if (second !== undefined && (newest.writtenAt ?? 0) - (second.writtenAt ?? 0) <= birthSlackMs) {
    return unsure("they were written at the same time")
  }
  if (anchor === undefined && window.lostHeld === true) {
    return unsure(`the transcript of session ${anchorId ?? ""}, its last known conversation, is gone`)
  }
  return newest === anchor ? same : { _tag: "Moved", candidate: newest, marked: newest.marker === window.owner }
}
