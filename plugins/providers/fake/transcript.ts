import * as Either from "effect/Either"
import { Schema } from "reprise/plugin"
import type { TranscriptIdentity } from "reprise/plugin"

// A transcript is a file of JSON lines: the first says whose it is, each other one what somebody said.

const Identity = Schema.parseJson(Schema.Struct({
  sessionId: Schema.String,
  cwd: Schema.optional(Schema.NullOr(Schema.String)),
  agent: Schema.optional(Schema.NullOr(Schema.String))
}))
const Said = Schema.parseJson(Schema.Struct({ role: Schema.Literal("user", "assistant"), text: Schema.String, at: Schema.optional(Schema.String) }))

const identityIn = Schema.decodeUnknownEither(Identity)
const saidIn = Schema.decodeUnknownEither(Said)

/**
 * What the beginning of a transcript says. Whatever can't be read (a torn line, a part that was not given) may hold a
 * user's words, so it counts as spoken to: only a transcript read whole proves that nothing was said.
 */
export const readTranscript = (head: string, context: { readonly truncated: boolean }): TranscriptIdentity => {
  const lines = head.split("\n")
  const torn = lines.pop() !== ""
  const [first = "", ...rest] = lines
  const identity = Either.getOrNull(identityIn(first))
  const said = rest.filter((line) => line !== "").map((line) => saidIn(line))
  return {
    sessionId: identity?.sessionId ?? null,
    cwd: identity?.cwd ?? null,
    marker: identity?.agent ?? null,
    spokenTo: context.truncated || torn || (identity === null && head !== "") ||
      said.some((line) => Either.isLeft(line) || line.right.role === "user"),
    whole: identity !== null && (context.truncated || !torn)
  }
}

/** When something was said last; null where nothing was, or the end of the transcript is torn. */
export const lastTurnAt = (tail: string): string | null => {
  for (const line of tail.split("\n").toReversed()) {
    const said = saidIn(line)
    if (Either.isRight(said)) return said.right.at ?? null
  }
  return null
}

/** What a user said in the whole records of this part. */
export const userMessages = (tail: string): ReadonlyArray<string> =>
  tail.split("\n").flatMap((line) => {
    const said = saidIn(line)
    return Either.isRight(said) && said.right.role === "user" ? [said.right.text] : []
  })

/** Whether one record of a user is this text; the first line of a tail may be cut and then tells nothing. */
export const holdsUserMessage = (tail: string, text: string): boolean => userMessages(tail).includes(text)
