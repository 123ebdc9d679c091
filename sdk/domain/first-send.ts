import * as Schema from "effect/Schema"
import { Json } from "./json.ts"

/**
 * When an agent was first spoken to. A damaged or imported row can hold anything, so the raw value is kept and
 * classified: truthiness would take `""` for never and `"null"` for a time.
 */
export const FirstSend = Schema.Union(
  Schema.TaggedStruct("Absent", {}),
  Schema.TaggedStruct("Valid", { at: Schema.String }),
  Schema.TaggedStruct("Corrupt", { raw: Json, rawType: Schema.String })
)
export type FirstSend = typeof FirstSend.Type

const date = String.raw`\d{4}-\d{2}-\d{2}`
const zone = String.raw`(?:Z|z|[+-]\d{2}:?\d{2})?`
const time = String.raw`\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?`
const accepted = new RegExp(String.raw`^(?:${date}(?:[Tt _]${time}${zone})?|\d{8}(?:T\d{6})?)$`)

/** Whether the text is one of the ISO 8601 forms in which times were ever written, and names a day that exists. */
export const isIsoDateTime = (text: string): boolean => {
  if (!accepted.test(text)) return false
  const digits = text.replace(/\D/g, "")
  const month = Number(digits.slice(4, 6))
  const day = Number(digits.slice(6, 8))
  if (month < 1 || month > 12 || day < 1) return false
  if (day > new Date(Date.UTC(Number(digits.slice(0, 4)), month, 0)).getUTCDate()) return false
  const clock = /(?:[Tt _](\d{2}):(\d{2})(?::(\d{2}))?)|(?:T(\d{2})(\d{2})(\d{2}))/.exec(text)
  if (clock === null) return true
  const [hours, minutes, seconds] = [clock[1] ?? clock[4], clock[2] ?? clock[5], clock[3] ?? clock[6] ?? "0"].map(Number)
  return hours !== undefined && minutes !== undefined && seconds !== undefined &&
    hours < 24 && minutes < 60 && seconds < 61
}

/** The names that messages and reports use for a raw value's type. */
export const rawTypeName = (raw: Json): string => {
  if (raw === null) return "NoneType"
  if (typeof raw === "boolean") return "bool"
  if (typeof raw === "number") return Number.isInteger(raw) ? "int" : "float"
  if (typeof raw === "string") return "str"
  return Array.isArray(raw) ? "list" : "dict"
}

/** Classifies a raw `first_send_at`: null is never, an ISO date-time is valid, all else is corrupt. */
export const classifyFirstSend = (raw: Json | undefined): FirstSend =>
  raw === null || raw === undefined
    ? { _tag: "Absent" }
    : typeof raw === "string" && isIsoDateTime(raw)
    ? { _tag: "Valid", at: raw }
    : { _tag: "Corrupt", raw, rawType: rawTypeName(raw) }
