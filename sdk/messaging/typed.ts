import type * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { Draft } from "../plugin/provider-screen.ts"
import type { TransportFailure } from "../plugin/transport-driver.ts"
import type { Recorded } from "./record.ts"

// What became of a message that was typed, and how long is looked for it.

/** Looks come slower and slower: an agent's own records are files, and the agent needs the processor more than we do. */
const nextPause = (pauseMs: number): number => Math.min(pauseMs * 1.3, 60)
/** How long each stage may take, in milliseconds. */
export interface TypingDeadlines {
  readonly idleMs: number
  readonly visibleMs: number
  readonly submittedMs: number
  /** How long the conversation's record may lag behind the screen. */
  readonly recordedMs: number
}

export const typingDeadlines: TypingDeadlines = { idleMs: 5_000, visibleMs: 2_000, submittedMs: 3_000, recordedMs: 1_000 }

/**
 * What became of the keys. `Refused`: the text can't be typed so that it arrives; no key was pressed. `NotTyped`: none was
 * pressed now. `Altered`: the conversation holds something else in its place. `Unknown`: some were pressed, and no evidence
 * followed; `draft` is what the input line still shows of the text.
 */
export type Typed =
  | { readonly _tag: "Submitted"; readonly evidence: string; readonly consumed: boolean }
  | { readonly _tag: "Refused"; readonly why: string }
  | { readonly _tag: "NotTyped"; readonly code: string; readonly why: string }
  | { readonly _tag: "Altered"; readonly why: string; readonly recorded: string }
  | { readonly _tag: "Unknown"; readonly why: string; readonly draft: string | null }

/** Looks until the answer is not null or the time is over; then null. */
export const until = <A, E, R>(look: Effect.Effect<A | null, E, R>, withinMs: number): Effect.Effect<A | null, E, R> =>
  Effect.gen(function*() {
    const deadline = (yield* elapsedMillis) + withinMs
    for (let pauseMs = 10;; pauseMs = nextPause(pauseMs)) {
      const found = yield* look
      if (found !== null || (yield* elapsedMillis) >= deadline) return found
      yield* Effect.sleep(Duration.millis(pauseMs))
    }
  })

/** The conversation holds something else in the place of what was typed. */
export const altered = (recorded: string): Typed => ({
  _tag: "Altered",
  why: "the conversation holds another text in its place",
  recorded
})

/** What is told of a message that was seen to be taken: the record has the last word, as far as there is one. */
export const settled = <R>(
  seen: { readonly evidence: string; readonly consumed: boolean },
  record: Effect.Effect<Recorded, never, R>,
  deadlines: TypingDeadlines,
  interpreted: string | null,
  unknown: (why: string) => Effect.Effect<Typed, TransportFailure, FileSystem.FileSystem>
): Effect.Effect<Typed, TransportFailure, R | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    let other: string | null = null
    const consumed = seen.consumed || (yield* until(
      Effect.map(record, (now) => {
        other = now.other
        return now.found ? true : null
      }),
      deadlines.recordedMs
    )) === true
    if (consumed) {
      return {
        _tag: "Submitted" as const,
        evidence: seen.consumed ? seen.evidence : `${seen.evidence} and stands in the transcript`,
        consumed: true
      }
    }
    if (other !== null) return altered(other)
    // A command leaves the input line as a message does: only a record tells them apart.
    return interpreted === null
      ? { _tag: "Submitted" as const, evidence: seen.evidence, consumed: false }
      : yield* unknown(`it was typed as it is and ${seen.evidence}, but no transcript holds it as a message; ${interpreted}`)
  })

/** Whether a paste is seen on the input line, all of it where it comes in several pieces. */
export const isVisible = (draft: Draft, pieces: ReadonlyArray<string>): boolean => {
  if (draft === null || draft === "") return false
  const end = (pieces.at(-1) ?? "").replace(/\s+/g, "").slice(-30)
  return pieces.length === 1 || draft.replace(/\s+/g, "").endsWith(end)
}

