import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A gate broke down, or answered no where it can only fail; nothing was touched. How a gate fails by itself is its own type. */
export class GateFailed extends Schema.TaggedError<GateFailed>("reprise/GateFailed")("GateFailed", {
  gate: Schema.String,
  /** Whose gate it is; null for the team's. */
  agent: Schema.NullOr(Schema.String),
  detail: Schema.String
}) {
  override get message(): string {
    return `The gate "${this.gate}"${this.agent === null ? "" : ` of ${this.agent}`} was not passed: ` +
      `${this.detail.replace(/\.*$/, "")}. No process was touched.`
  }
}

/** What breaks down in a gate is its author's to mend, and no defect of the restart. */
export const orGateFailed = (gate: string, agent: string | null) =>
  <E, R>(pass: Effect.Effect<string, E, R>): Effect.Effect<string, E | GateFailed, R> =>
    Effect.catchAllDefect(pass, (defect) =>
      new GateFailed({ gate, agent, detail: defect instanceof Error ? defect.message : String(defect) }))
