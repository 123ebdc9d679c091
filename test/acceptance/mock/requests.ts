import { appendFileSync } from "node:fs"
import type { Turn } from "./script.ts"

/** A request that a CLI made of the model. */
export interface ModelRequest {
  /** Counts from 1, over both protocols. */
  readonly number: number
  readonly at: string
  readonly protocol: "messages" | "responses"
  readonly path: string
  /** `turn` of a person's conversation, or what a CLI asks beside it (titles, counts, checks). */
  readonly kind: "turn" | "side"
  /** The conversation that it is of, by the CLI's own id; null where it does not say. */
  readonly session: string | null
  readonly model: string
  readonly messages: Turn["messages"]
  readonly toolResult: string | null
  readonly tools: ReadonlyArray<string>
  /** What stands above the conversation: system prompt or instructions. */
  readonly system: string
  /** The bearer token or key, as it came: always a dummy, and tells which environment a process had. */
  readonly key: string
  readonly body: string
}

/** How a request was answered. */
export interface ModelAnswer {
  readonly number: number
  readonly reply: string
  /** False when the CLI hung up first. */
  readonly whole: boolean
}

/** All that was asked, in memory and, where a file is named, as NDJSON. */
export const makeRequests = (file: string | null, heard?: (request: ModelRequest) => void) => {
  const asked: Array<ModelRequest> = []
  const answered: Array<ModelAnswer> = []
  const write = (value: object) => {
    if (file !== null) appendFileSync(file, `${JSON.stringify(value)}\n`)
  }
  const turns = (): ReadonlyArray<ModelRequest> => asked.filter(({ kind }) => kind === "turn")
  return {
    all: (): ReadonlyArray<ModelRequest> => asked,
    answers: (): ReadonlyArray<ModelAnswer> => answered,
    turns,
    /** Turns in which the newest message of the user holds these words. */
    saying: (words: string): ReadonlyArray<ModelRequest> => turns().filter((request) => newest(request).includes(words)),
    add: (request: Omit<ModelRequest, "number" | "at">): ModelRequest => {
      const whole = { number: asked.length + 1, at: new Date().toISOString(), ...request }
      asked.push(whole)
      write({ request: whole })
      heard?.(whole)
      return whole
    },
    answer: (answer: ModelAnswer): void => {
      answered.push(answer)
      write({ answer })
    }
  }
}
export type Requests = ReturnType<typeof makeRequests>

/** The newest message of the user. */
export const newest = (request: Pick<ModelRequest, "messages">): string =>
  request.messages.findLast(({ role }) => role === "user")?.text ?? ""

/** Whether a request holds these words in what was said before its newest message: an earlier conversation. */
export const holdsEarlier = (request: Pick<ModelRequest, "messages">, words: string): boolean => {
  const last = request.messages.findLastIndex(({ role }) => role === "user")
  return request.messages.slice(0, Math.max(0, last)).some((message) => message.text.includes(words))
}

/** Whether a request holds these words anywhere, its system prompt and tools included: what must not leak. */
export const holdsAnywhere = (request: Pick<ModelRequest, "body">, words: string): boolean =>
  request.body.includes(JSON.stringify(words).slice(1, -1))

/** These words with what stands around them, for a sentence that says where they were found. */
export const around = (request: Pick<ModelRequest, "body">, words: string): string => {
  const at = request.body.indexOf(JSON.stringify(words).slice(1, -1))
  return `…${request.body.slice(Math.max(0, at - 200), at + 200)}…`
}
