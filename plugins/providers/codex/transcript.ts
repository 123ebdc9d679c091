import * as Either from "effect/Either"
import { Schema } from "reprise/plugin"
import type { TranscriptIdentity } from "reprise/plugin"

// A rollout is a file of JSON lines. The first says whose it is; what follows is what was said and what happened, the
// words that Codex adds in the user's name among it.

const Meta = Schema.parseJson(Schema.Struct({
  type: Schema.Literal("session_meta"),
  payload: Schema.Struct({
    id: Schema.NonEmptyString,
    cwd: Schema.optional(Schema.NullOr(Schema.String)),
    forked_from_id: Schema.optional(Schema.NullOr(Schema.String)),
    history_base: Schema.optional(Schema.Unknown),
    source: Schema.optional(Schema.Unknown),
    thread_source: Schema.optional(Schema.NullOr(Schema.String))
  })
}))
const Message = Schema.parseJson(Schema.Struct({
  type: Schema.Literal("response_item"),
  payload: Schema.Struct({
    type: Schema.Literal("message"),
    role: Schema.String,
    content: Schema.Array(Schema.Struct({ text: Schema.optional(Schema.String) })),
    internal_chat_message_metadata_passthrough: Schema.optional(
      Schema.NullOr(Schema.Struct({ content_item_kinds: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))) }))
    )
  })
}))
type Message = typeof Message.Type
const AnyRecord = Schema.parseJson(Schema.Struct({
  type: Schema.String,
  timestamp: Schema.optional(Schema.Unknown),
  payload: Schema.optional(Schema.Struct({ type: Schema.optional(Schema.Unknown) }))
}))

const metaIn = Schema.decodeUnknownEither(Meta)
const messageIn = Schema.decodeUnknownEither(Message)
const recordIn = Schema.decodeUnknownEither(AnyRecord)

/** What Codex itself says in the user's name, where the record does not tell by its kind. */
const added = [
  "environment_context", "user_instructions", "INSTRUCTIONS", "permissions", "turn_aborted", "skill", "apps", "plugins",
  "collaboration_mode", "subagent"
]
const boilerplate = new RegExp(`^\\s*(?:<(?:${added.join("|")})|# AGENTS\\.md instructions)`)

/** The words of a message that a person or program said; null where Codex said them itself. */
const saidBy = ({ payload }: Message): string | null => {
  const texts = payload.content.map((part) => part.text ?? "")
  const kinds = payload.internal_chat_message_metadata_passthrough?.content_item_kinds ?? null
  if (kinds !== null && kinds.length === texts.length && kinds.some((kind) => kind !== "unknown")) {
    const own = texts.filter((_, index) => kinds[index]?.startsWith("user.") === true)
    return own.length === 0 ? null : own.join("\n")
  }
  const own = texts.filter((text) => !boilerplate.test(text))
  return own.length === 0 ? null : own.join("\n")
}

/** The agent in the first line of its own instructions; never what somebody quoted in a conversation. */
const markerIn = (message: Message): string | null => {
  for (const { text } of message.payload.content) {
    const found = /^\[reprise agent ([^\s\]/]+\/[^\s\]/]+)\](?:\n|$)/.exec(text ?? "")?.[1]
    if (found !== undefined) return found
  }
  return null
}

/** Records that don't tell of a person's words, whatever else they are. */
const silent = new Set(["session_meta", "turn_context", "world_state", "token_usage_record", "event_msg", "response_item"])

/** A rollout that Codex compressed tells by its name only. */
const compressed = /-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl\.zst$/

/**
 * What the beginning of a rollout says. Whatever can't be read may hold a user's words, and so does what a fork began
 * with: only a rollout read whole proves that nothing was said.
 */
export const readTranscript = (
  head: string,
  context: { readonly truncated: boolean; readonly path?: string }
): TranscriptIdentity => {
  const named = compressed.exec(context.path ?? "")?.[1]
  if (named !== undefined) return { sessionId: named, cwd: null, marker: null, spokenTo: true, whole: true, unread: true }
  const lines = head.split("\n")
  const torn = lines.pop() !== ""
  const [first = "", ...rest] = lines
  const meta = Either.getOrNull(metaIn(first))?.payload ?? null
  const forked = meta !== null && ((meta.forked_from_id ?? null) !== null || (meta.history_base ?? null) !== null)
  let marker: string | null = null
  let spoken = false
  for (const line of rest) {
    if (line === "") continue
    const message = messageIn(line)
    if (Either.isLeft(message)) {
      const record = recordIn(line)
      if (Either.isLeft(record) || !silent.has(record.right.type)) spoken = true
      continue
    }
    const { role } = message.right.payload
    // Instructions come before the first word; a record of that role after it is none of Reprise's.
    if (role === "developer" && !spoken) marker ??= markerIn(message.right)
    if (role === "user" && saidBy(message.right) !== null) spoken = true
    if (role === "assistant") spoken = true
  }
  return {
    sessionId: meta?.id ?? null,
    cwd: meta?.cwd ?? null,
    marker: meta === null || forked ? null : marker,
    spokenTo: context.truncated || torn || forked || spoken || (meta === null && head !== ""),
    whole: meta !== null && (context.truncated || !torn),
    forkedFrom: meta?.forked_from_id ?? null,
    ...meta !== null && ((typeof meta.source === "object" && meta.source !== null) || (meta.thread_source ?? "user") !== "user") ? { beside: true } : {}
  }
}

/** What a person or program said in the whole records of this part. */
export const userMessages = (tail: string): ReadonlyArray<string> =>
  tail.split("\n").flatMap((line) => {
    const message = messageIn(line)
    if (Either.isLeft(message) || message.right.payload.role !== "user") return []
    const said = saidBy(message.right)
    return said === null ? [] : [said]
  })

/** Whether one record of a user is this text; the first line of a tail may be cut and then tells nothing. */
export const holdsUserMessage = (tail: string, text: string): boolean => text !== "" && userMessages(tail).includes(text)

/** Whether this is a conversation of a person's own, not one that an agent opened beside it. */
export const isOfPerson = (head: string): boolean | null => {
  const meta = Either.getOrNull(metaIn(head.split("\n", 1)[0] ?? ""))?.payload ?? null
  if (meta === null) return null
  return typeof meta.source === "string" && (meta.thread_source ?? "user") === "user"
}

/** When a turn began or something was said last. A conversation that is only opened again gets none of these records. */
export const lastTurnAt = (tail: string): string | null => {
  for (const line of tail.split("\n").toReversed()) {
    const record = recordIn(line)
    if (Either.isLeft(record)) continue
    const { payload, timestamp, type } = record.right
    const kind = payload?.type
    const isTurn = type === "event_msg" && typeof kind === "string" && (Object.hasOwn(turnEvents, kind) || spokenEvents.has(kind))
    if (isTurn && typeof timestamp === "string") return timestamp
  }
  return null
}

const spokenEvents: ReadonlySet<string> = new Set(["user_message", "agent_message", "error", "stream_error"])

const turnEvents: Readonly<Record<string, "open" | "closed">> = {
  task_started: "open",
  turn_started: "open",
  task_complete: "closed",
  turn_complete: "closed",
  turn_aborted: "closed"
}

/**
 * Whether a turn is open by the newest record that tells; null where none in this tail does. One that was opened before
 * the process started died with another: a kill in the middle of it leaves it open for ever.
 */
export const turnIn = (tail: string, startedAt: number | null = null): "open" | "closed" | null => {
  const lines = tail.split("\n")
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const record = recordIn(lines[at] ?? "")
    if (Either.isLeft(record) || record.right.type !== "event_msg") continue
    const kind = record.right.payload?.type
    const turn = typeof kind === "string" ? turnEvents[kind] : undefined
    if (turn === undefined) continue
    const opened = Date.parse(String(record.right.timestamp))
    return turn === "open" && startedAt !== null && opened < startedAt ? null : turn
  }
  return null
}
