import * as Schema from "effect/Schema"

/** A policy that can't be meant: thrown where it is built, so that no restart ever begins with it. */
export class PolicyInvalid extends Schema.TaggedError<PolicyInvalid>("reprise/PolicyInvalid")("PolicyInvalid", {
  reason: Schema.Literal(
    "ambiguous_pattern",
    "impossible_pattern",
    "bad_number",
    "bad_time",
    "bad_choice",
    "no_policy",
    "not_an_agents_policy",
    "no_rollout"
  ),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}
