import * as Schema from "effect/Schema"

/**
 * The log could not be read or written. `reason` says what the caller can do: `Busy` may be tried again, `Full` and
 * `ReadOnly` need the disk mended, `Corrupt` a copy restored, `Newer` a newer Reprise. `RolledBack`, `Copied` and `Lost`
 * say that the log is not the current state of its workspace, `Installation` that the database's package can't be loaded. In all of them nothing was written.
 */
export class EventLogError extends Schema.TaggedError<EventLogError>("reprise/EventLogError")("EventLogError", {
  operation: Schema.String,
  reason: Schema.Literal("Busy", "Full", "ReadOnly", "Corrupt", "Newer", "RolledBack", "Copied", "Lost", "Installation", "Unknown"),
  detail: Schema.String,
  file: Schema.NullOr(Schema.String),
  /** Of a copy: the workspace that the log belongs to. */
  original: Schema.optional(Schema.String),
  /** Of a log that was rolled back or lost: what shows it. */
  evidence: Schema.optional(Schema.Array(Schema.String)),
  /** Commands that would go on. */
  next: Schema.optional(Schema.Array(Schema.String))
}) {
  override get message(): string {
    return this.detail
  }
  get retryable(): boolean {
    return this.reason === "Busy"
  }
}

/** Somebody else holds the lease; nothing was changed. */
export class LeaseHeld extends Schema.TaggedError<LeaseHeld>("reprise/LeaseHeld")("LeaseHeld", {
  resource: Schema.String,
  holder: Schema.Struct({
    pid: Schema.Int,
    command: Schema.String,
    since: Schema.String,
    expiresAt: Schema.String
  })
}) {
  override get message(): string {
    return `${this.resource} is in the hands of process ${this.holder.pid} (${this.holder.command}, since ${this.holder.since}).`
  }
}

/** The lease that an append was made under is no longer ours: the append was refused as a whole. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>("reprise/LeaseLost")("LeaseLost", {
  resource: Schema.String,
  token: Schema.Int
}) {
  override get message(): string {
    return `The lease of ${this.resource} (token ${this.token}) was taken over by another process; nothing was recorded.`
  }
}

/** A lifecycle event came without a lease, or the team's lifecycle moved on since it was read. */
export class AppendRefused extends Schema.TaggedError<AppendRefused>("reprise/AppendRefused")("AppendRefused", {
  reason: Schema.Literal("NoLease", "VersionConflict"),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** Another agent of the workspace holds the session: the append was refused as a whole. */
export class SessionClaimed extends Schema.TaggedError<SessionClaimed>("reprise/SessionClaimed")("SessionClaimed", {
  provider: Schema.String,
  sessionId: Schema.String,
  team: Schema.String,
  agent: Schema.String
}) {
  override get message(): string {
    return `The ${this.provider} session ${this.sessionId} belongs to ${this.team}/${this.agent}.`
  }
}

export type AppendError = EventLogError | LeaseLost | AppendRefused | SessionClaimed
