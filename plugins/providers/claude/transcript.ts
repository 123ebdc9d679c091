import * as Either from "effect/Either"
import { Schema } from "reprise/plugin"
import type { TranscriptIdentity } from "reprise/plugin"
import { markerIn } from "./marker.ts"

// A conversation is a file of JSON records: first those about it (its name, its mode), then what was said, with what
// Claude Code adds of its own in between.

const Block = Schema.Struct({ type: Schema.String, text: Schema.optional(Schema.String) })
const Content = Schema.Union(Schema.String, Schema.Array(Block))

const Line = Schema.parseJson(Schema.Struct({
  type: Schema.optional(Schema.String),
  sessionId: Schema.optional(Schema.String),
  cwd: Schema.optional(Schema.String),
  agentName: Schema.optional(Schema.String),
  lastPrompt: Schema.optional(Schema.String),
  isMeta: Schema.optional(Schema.Boolean),
  isSidechain: Schema.optional(Schema.Boolean),
  timestamp: Schema.optional(Schema.Unknown),
  message: Schema.optional(Schema.Unknown),
  attachment: Schema.optional(Schema.Unknown)
}))
type Line = typeof Line.Type

const Message = Schema.Struct({ role: Schema.Literal("user"), content: Content })
const Queued = Schema.Struct({ type: Schema.Literal("queued_command"), prompt: Content })

const readLine = Schema.decodeUnknownEither(Line)
const readMessage = Schema.decodeUnknownEither(Message)
const readQueued = Schema.decodeUnknownEither(Queued)

const textOf = (content: typeof Content.Type): string | null => {
  if (typeof content === "string") return content
  const texts = content.flatMap(({ text, type }) => type === "text" && text !== undefined ? [text] : [])
  // A result of a tool is a record of the user's side without a word of the user's.
  return texts.length === 0 || content.some(({ type }) => type === "tool_result") ? null : texts.join("\n")
}

/** What a person or program said in this record; null for what Claude Code itself added. */
const wordsOf = (line: Line): string | null => {
  if (line.isMeta === true || line.isSidechain === true) return null
  if (line.type === "user") {
    const message = readMessage(line.message)
    return Either.isRight(message) ? textOf(message.right.content) : ""
  }
  // What was said while it worked on something else.
  if (line.type === "attachment") {
    const queued = readQueued(line.attachment)
    return Either.isRight(queued) ? textOf(queued.right.prompt) : null
  }
  return null
}

const isImageOnly = (line: Line): boolean => {
  if (line.type !== "user" || line.isMeta === true || line.isSidechain === true) return false
  const message = readMessage(line.message)
  return Either.isRight(message) && typeof message.right.content !== "string" &&
    !message.right.content.some(({ type }) => type === "tool_result")
}

/**
 * What the beginning of a conversation says. The marker counts only in the records that Claude Code writes before the
 * first words; only what was read whole proves that nothing was said.
 */
export const readTranscript = (head: string, context: { readonly truncated: boolean }): TranscriptIdentity => {
  const lines = head.split("\n")
  const torn = lines.pop() !== ""
  const read = lines.filter((line) => line !== "").map((line) => readLine(line))
  const records = read.flatMap((line) => Either.isRight(line) ? [line.right] : [])
  const sessionId = records.find((line) => (line.sessionId ?? "") !== "")?.sessionId ?? null
  const first = records.findIndex((line) => line.type === "user" || line.type === "assistant")
  const before = records.slice(0, first < 0 ? records.length : first)
  const named = before.find((line) => line.type === "agent-name" && line.agentName !== undefined)?.agentName
  const readable = read.every((line) => Either.isRight(line))
  return {
    sessionId,
    cwd: records.find((line) => (line.cwd ?? "") !== "")?.cwd ?? null,
    marker: named === undefined ? null : markerIn(named),
    spokenTo: context.truncated || torn || !readable ||
      records.some((line) => wordsOf(line) !== null || isImageOnly(line)),
    whole: sessionId !== null && (context.truncated || (!torn && Either.isRight(read.at(-1) ?? readLine(""))))
  }
}

/**
 * When something was said last, by a person, by the model or by Claude Code in its place (an error, "Not logged in"). What it
 * adds when a conversation is only opened again is none of that.
 */
export const lastTurnAt = (tail: string): string | null => {
  for (const line of tail.split("\n").toReversed()) {
    const read = readLine(line)
    if (Either.isLeft(read) || read.right.isSidechain === true || read.right.isMeta === true) continue
    const { timestamp, type } = read.right
    if ((type === "user" || type === "assistant") && typeof timestamp === "string") return timestamp
  }
  return null
}

/** The wrapper that Claude Code puts around a long paste, with the same id at both ends. */
const pasted = /^\n*<pasted_content( id="[^"\n]*")?>\n([^]*)\n<\/pasted_content\1?>\n*$/

/** Text as it was typed: without the wrapper of a long paste. */
const unwrapped = (text: string): string => pasted.exec(text)?.[2] ?? text

/** What a person or program said in each whole record of this part. */
const saidIn = (tail: string): ReadonlyArray<string> =>
  tail.split("\n").flatMap((line) => {
    const read = readLine(line)
    const words = Either.isRight(read) ? wordsOf(read.right) : null
    return words === null || words === "" ? [] : [words]
  })

/** The same, without the wrapper of a long paste. */
export const userMessages = (tail: string): ReadonlyArray<string> => saidIn(tail).map(unwrapped)

const notesOf = (tail: string): ReadonlyArray<string> =>
  tail.split("\n").flatMap((line) => {
    const read = readLine(line)
    return Either.isRight(read) && read.right.type === "last-prompt" ? [read.right.lastPrompt ?? ""] : []
  })

/**
 * Whether one record of a user is this text, word for word. The records that Claude Code adds are large, and may have pushed
 * it out of the tail: then its note of the newest prompt says the same, where that is short enough to be there in full.
 */
export const holdsUserMessage = (tail: string, text: string): boolean =>
  text !== "" && [...saidIn(tail), ...notesOf(tail)].some((words) => words === text || unwrapped(words) === text)
