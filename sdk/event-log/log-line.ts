import type { LogEntry } from "../domain/event.ts"
import { redact } from "./redact.ts"
import { type EventRow, parseBody } from "./rows.ts"

const scrub = (body: string): object => {
  const scrubbed = redact(parseBody(body) ?? { body })
  return typeof scrubbed === "object" && scrubbed !== null ? scrubbed : {}
}

interface LineHead {
  readonly position: number
  readonly at: string
  readonly type: string
  readonly team: string | null
  readonly agent: string | null
  readonly generation: number | null
  readonly operation: string | null
}

// `body` is a JSON object already, so that it need not be taken apart to be put behind the head.
const line = (head: LineHead, body: string): string => {
  if (head.type === "message.accepted") return JSON.stringify({ ...head, ...scrub(body) })
  const first = JSON.stringify(head)
  return body === "{}" ? first : `${first.slice(0, -1)},${body.slice(1)}`
}

/** A row as one line of JSON without its line end, always valid: a body that is not JSON is carried as a text. */
export const rowLine = (row: EventRow): string => {
  const { agent, at, generation, operation, position, team, type } = row
  const own = parseBody(row.body)
  return line(
    { position, at, type, team, agent, generation, operation },
    own === undefined
      ? JSON.stringify({ body: row.body })
      : row.body.startsWith("{") && !row.body.includes("\n")
      ? row.body
      : JSON.stringify(own)
  )
}

const text = (value: unknown): string | null => typeof value === "string" ? value : null

/** An entry as one line of JSON without its line end: what `log` prints, and what the mirror holds. */
export const logLine = (entry: LogEntry): string => {
  const { at, position } = entry
  const members: { readonly [key: string]: unknown } = entry._tag === "Event"
    ? { ...entry.event }
    : { ...parseBody(entry.raw), problem: entry.problem }
  const { agent, generation, operation, team, type, ...own } = members
  const head = {
    position,
    at,
    type: text(type) ?? "unreadable",
    team: text(team) ?? (entry._tag === "Unreadable" ? entry.team : null),
    agent: text(agent),
    generation: typeof generation === "number" ? generation : null,
    operation: text(operation)
  }
  return line(head, JSON.stringify(own))
}
