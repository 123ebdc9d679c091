import * as Schema from "effect/Schema"
import { Generation } from "./ids.ts"

/** How much an attribution is worth: `high` an identity, `medium` one spawn window, `low` a path only. */
export const Confidence = Schema.Literal("high", "medium", "low")
export type Confidence = typeof Confidence.Type

/**
 * Where an attribution comes from, strongest first: the id that we assigned, a marker that we injected, the process's
 * own report, a file born in exactly one spawn window, and an earlier capture found again in the log. `user_selected`: the
 * user said which conversation it is.
 */
export const CapturedVia = Schema.Literal(
  "assigned_id",
  "identity_marker",
  "process_report",
  "spawn_window",
  "event_log_repair",
  "user_selected"
)
export type CapturedVia = typeof CapturedVia.Type

/** A provider's conversation. */
export const SessionRef = Schema.Struct({
  provider: Schema.String,
  id: Schema.NonEmptyString,
  transcript: Schema.NullOr(Schema.String),
  capturedVia: CapturedVia,
  confidence: Confidence,
  capturedAt: Schema.String,
  /** The spawn that it was captured from. */
  generation: Generation
})
export type SessionRef = typeof SessionRef.Type
