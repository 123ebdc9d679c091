import * as Schema from "effect/Schema"

/** Why an agent could not be brought up. A usage limit or a login is a wait, not a crash. */
export const FailureKind = Schema.Literal(
  "auth",
  "usage_limit",
  "bad_flags",
  "missing_binary",
  "missing_transcript",
  "resume_mismatch",
  "not_ready",
  "verify_failed",
  "crash",
  "unknown"
)
export type FailureKind = typeof FailureKind.Type

export const AgentFailure = Schema.Struct({
  kind: FailureKind,
  reason: Schema.String,
  /** Whether doing the same again can help. */
  retryable: Schema.Boolean,
  /** When the CLI says that it can go on. */
  retryAt: Schema.NullOr(Schema.String)
})
export type AgentFailure = typeof AgentFailure.Type

/** A failure in one line, without its full stop. */
export const failureWords = ({ kind, reason, retryAt }: AgentFailure): string =>
  `${kind.replaceAll("_", " ")}: ${reason.replace(/\.$/, "")}${retryAt === null ? "" : ` (it can go on at ${retryAt})`}`
