import * as Schema from "effect/Schema"
import { TransportFailure } from "reprise/plugin"

/** Nothing came back, so nothing is known. */
export class Unanswered extends Schema.TaggedError<Unanswered>("transport-tmux/Unanswered")("Unanswered", {
  detail: Schema.String,
  /** The connection broke before the answer: a look may be taken again on another one. */
  lost: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  /** Time ran out. */
  late: Schema.optionalWith(Schema.Boolean, { default: () => false })
}) {
  override get message(): string {
    return this.detail
  }
}

/** A typed failure of this transport. */
export const failure = (operation: string, reason: TransportFailure["reason"], detail: string): TransportFailure =>
  new TransportFailure({ transport: "tmux", operation, reason, detail })

/** The words of an error of the operating system. */
export const describe = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** The code of an error of the operating system. */
export const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : ""
