import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Json } from "../domain/json.ts"
import type { TranscriptIdentity } from "./provider-driver.ts"

/** Where the facts stand in the records of a transcript: a file of JSON lines. Paths are keys joined by dots. */
export interface TranscriptData {
  /** Paths in one of the first records; the first record that has one tells it. */
  readonly sessionId: string
  readonly cwd?: string
  readonly marker?: string
  /** The record of a user's words: members that it has, and the path of the text (or of blocks with a `text` each). */
  readonly user: { readonly where: Readonly<Record<string, string>>; readonly text: string }
  /** The path of the time (ISO 8601) in the records of what was said. Without it, the file's own time stands for it. */
  readonly time?: string
}

/** Identity stands at the beginning; further down a transcript quotes anything. */
const identityRecords = 16

const decode = Schema.decodeUnknownEither(Schema.parseJson(Json))

const isObject = (json: Json | undefined): json is { readonly [key: string]: Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const at = (json: Json, path: string): Json | undefined => {
  let value: Json | undefined = json
  for (const key of path.split(".")) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  return value
}

const textOf = (json: Json | undefined): string | null => {
  if (typeof json === "string") return json
  if (!Array.isArray(json)) return null
  return json.map((block: Json) => at(block, "text")).filter((text) => typeof text === "string").join("")
}

const newestTime = (path: string) => (tail: string): string | null => {
  for (const line of tail.split("\n").toReversed()) {
    const record = decode(line)
    const time = Either.isRight(record) ? at(record.right, path) : undefined
    if (typeof time === "string") return time
  }
  return null
}

/** Makes a driver's `readTranscript`, `holdsUserMessage` and `userMessages` from the description of the records. */
export const transcriptReader = (data: TranscriptData) => {
  const isUser = (record: Json) =>
    Object.entries(data.user.where).every(([path, value]) => at(record, path) === value)
  const first = (records: ReadonlyArray<Json>, path: string | undefined): string | null => {
    if (path === undefined) return null
    for (const record of records.slice(0, identityRecords)) {
      const value = at(record, path)
      if (typeof value === "string" && value !== "") return value
    }
    return null
  }
  const userMessages = (tail: string): ReadonlyArray<string> =>
    tail.split("\n").flatMap((line) => {
      const record = decode(line)
      const text = Either.isRight(record) && isUser(record.right) ? textOf(at(record.right, data.user.text)) : null
      return text === null ? [] : [text]
    })
  return {
    /** Only what was read whole proves that nothing was said: a torn or hidden part may hold a user's words. */
    readTranscript: (head: string, context: { readonly truncated: boolean }): TranscriptIdentity => {
      const lines = head.split("\n")
      const last = lines.pop() ?? ""
      const read = lines.filter((line) => line !== "").map((line) => decode(line))
      const records = read.flatMap((line) => Either.isRight(line) ? [line.right] : [])
      const sessionId = first(records, data.sessionId)
      return {
        sessionId,
        cwd: first(records, data.cwd),
        marker: first(records, data.marker),
        spokenTo: context.truncated || last !== "" || read.some(Either.isLeft) || records.some(isUser),
        whole: sessionId !== null && (context.truncated || (last === "" && Either.isRight(read.at(-1) ?? decode(""))))
      }
    },
    ...data.time === undefined ? {} : { lastTurnAt: newestTime(data.time) },
    userMessages,
    holdsUserMessage: (tail: string, text: string): boolean => userMessages(tail).includes(text)
  }
}
