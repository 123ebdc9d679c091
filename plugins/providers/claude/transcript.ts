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

/** A long paste stands in the record with this around it. */
const pasted = /^<pasted_content(?: [^>\n]*)?>\n([^]*)\n<\/pasted_content(?: [^>\n]*)?>$/

/** Text as Claude Code keeps it: its own line ends, blanks for tabs, nothing around. */
const plain = (text: string): string => {
  const kept = text.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").trim()
  return pasted.exec(kept)?.[1]?.trim() ?? kept
}

/**
 * Whether one record of a user is this text. The records that Claude Code adds are large, and may have pushed it out of
 * the tail: then its note of the newest prompt says the same, where that is short enough to stand there in full.
 */
export const holdsUserMessage = (tail: string, text: string): boolean => {
  const sent = plain(text)
  if (sent === "") return false
  return tail.split("\n").some((line) => {
    const read = readLine(line)
    if (Either.isLeft(read)) return false
    const words = read.right.type === "last-prompt" ? read.right.lastPrompt ?? null : wordsOf(read.right)
    return words !== null && plain(words) === sent
  })
}
