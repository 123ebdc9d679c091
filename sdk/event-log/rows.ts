import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type Event, isLifecycleEvent, LifecycleEvent, type LogEntry, ObservationEvent } from "../domain/event.ts"
import { redact } from "./redact.ts"

/** An event as a row: what every event has in columns, its own members as a JSON object. */
export interface EventRow {
  readonly position: number
  readonly at: string
  readonly team: string
  readonly agent: string | null
  readonly type: string
  readonly generation: number | null
  readonly operation: string | null
  readonly body: string
}

/** A row that has no place in the log yet. */
export interface NewRow extends Omit<EventRow, "position" | "at"> {
  readonly lifecycle: boolean
  /** What reading it back gives; undefined where something was scrubbed, so that it has to be read back. */
  readonly event: Event | undefined
}

interface Envelope {
  readonly type: string
  readonly team: string
  readonly agent?: string | undefined
  readonly generation?: number | undefined
  readonly operation?: string | undefined
}

/** What is written of an event; secrets are scrubbed here, before anything leaves the process. */
export const rowOf = (event: Event): NewRow => {
  const envelope: Envelope = event
  const { agent, generation, operation, team, type, ...own } = envelope
  // A message is delivered from its row, so that it is kept as it was said; the outlets scrub it.
  const scrubbed = type === "message.accepted" ? own : redact(own)
  return {
    team,
    agent: agent ?? null,
    type,
    generation: generation ?? null,
    operation: operation ?? null,
    lifecycle: isLifecycleEvent(event),
    body: JSON.stringify(scrubbed),
    event: scrubbed === own ? event : undefined
  }
}

const knownTypes: ReadonlySet<string> = new Set(
  [...LifecycleEvent.members, ...ObservationEvent.members].map((member) => member.fields.type.literals[0])
)

// One flat union: it is decided by the type at once, and says what is wrong with that one only.
const AnyEvent = Schema.Union(...LifecycleEvent.members, ...ObservationEvent.members)
// Members that this version does not know survive.
const decodeEvent = Schema.decodeUnknownEither(AnyEvent, { onExcessProperty: "preserve" })
const isEvent = Schema.is(AnyEvent)
const validate = Schema.validateEither(AnyEvent)

const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The row's own members, or undefined where the body is not a JSON object. */
export const parseBody = (body: string): { readonly [key: string]: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(body)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const envelopeOf = (row: EventRow) => ({
  type: row.type,
  team: row.team,
  ...(row.agent === null ? {} : { agent: row.agent }),
  ...(row.generation === null ? {} : { generation: row.generation }),
  ...(row.operation === null ? {} : { operation: row.operation })
})

const describe = (type: string, error: ParseResult.ParseError): string =>
  shorten(
    ParseResult.ArrayFormatter.formatErrorSync(error)
      .map((issue) => `${issue.path.join(".") || type}: ${issue.message}`).join("; ")
  )

/** Why an event could not be read back, if one could not: what types can't see, such as a number that is none. */
export const unwritable = (events: ReadonlyArray<Event>): string | undefined => {
  for (const event of events) {
    const { type } = event
    if (isEvent(event)) continue
    const valid = validate(event)
    if (Either.isLeft(valid)) return `an event to record is not valid: ${type}, ${describe(type, valid.left)}`
  }
  return undefined
}

const shorten = (text: string): string => text.length <= 400 ? text : `${text.slice(0, 399)}…`

/** Reads a row. One that this version can't read is named and kept; it never makes the log unreadable. */
export const entryOf = (row: EventRow): LogEntry => {
  const { at, position, team } = row
  const own = parseBody(row.body)
  if (own === undefined) {
    const raw = JSON.stringify({ ...envelopeOf(row), body: row.body })
    return { _tag: "Unreadable", position, at, team, raw, problem: "The row's body is not a JSON object." }
  }
  const encoded = { ...own, ...envelopeOf(row) }
  const decoded = decodeEvent(encoded)
  if (Either.isRight(decoded)) return { _tag: "Event", position, at, event: decoded.right }
  const problem = knownTypes.has(row.type)
    ? describe(row.type, decoded.left)
    : `This version knows no event of the type ${JSON.stringify(row.type)}.`
  return { _tag: "Unreadable", position, at, team, raw: JSON.stringify(encoded), problem }
}

/** The entry that an event becomes once it has its place: exactly what reading it back gives. */
export const placed = (row: NewRow, position: number, at: string): LogEntry =>
  row.event === undefined ? entryOf({ ...row, position, at }) : { _tag: "Event", position, at, event: row.event }
