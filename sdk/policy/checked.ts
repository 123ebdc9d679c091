import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { PolicyInvalid } from "./PolicyInvalid.ts"

// What the compiler says of a policy's parts, said again where they are put together: a file's types end where it is loaded,
// and `tsx` looks at none.

const kindOf = (value: unknown): string =>
  Predicate.hasProperty(value, "_tag") && value._tag === "TeamPolicy"
    ? "a policy of the whole team (it has an approval, a budget, a rollout or the like)"
    : "no policy"

/** Throws where something else stands than the policy of a single agent: what belongs to the team would be lost in it. */
export const demandAgentPolicy = (where: string, policy: unknown): void => {
  if (Predicate.hasProperty(policy, "_tag") && policy._tag === "AgentPolicy") return
  throw new PolicyInvalid({
    reason: "not_an_agents_policy",
    detail: `${where} takes the policy of an agent, and this is ${kindOf(policy)}. ` +
      "Compose agents first (orElse, when, perAgent), and the team after that."
  })
}

/** Throws where something else stands than a policy. */
export const demandPolicy = (where: string, policy: unknown): void => {
  if (Predicate.hasProperty(policy, "_tag") && (policy._tag === "AgentPolicy" || policy._tag === "TeamPolicy")) return
  throw new PolicyInvalid({ reason: "no_policy", detail: `${where} takes a policy, and this is none.` })
}

/** Throws where a word stands that is none of the choices. */
export const demandChoice = (where: string, choices: ReadonlyArray<string>, value: unknown): void => {
  if (Predicate.isString(value) && choices.includes(value)) return
  throw new PolicyInvalid({
    reason: "bad_choice",
    detail: `${where} takes one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}, and ${JSON.stringify(value) ?? "nothing"} is none of them.`
  })
}

const backwards = (span: unknown): boolean =>
  Predicate.isString(span) ? span.trimStart().startsWith("-") : Predicate.isNumber(span) ? !(span >= 0) : Predicate.isBigInt(span) && span < 0n

/**
 * A time in milliseconds. Throws where it is none, goes backwards or has no end, and, with `more`, where it is no time at
 * all: what is read as zero would switch off what it bounds.
 */
export const spanMs = (where: string, span: Duration.DurationInput, more: "more than nothing" | "or nothing" = "or nothing"): number => {
  const ms = backwards(span) ? NaN : Option.match(Duration.decodeUnknown(span), { onNone: () => NaN, onSome: Duration.toMillis })
  if (Number.isFinite(ms) && (ms > 0 || more === "or nothing")) return ms
  const shown = Predicate.isString(span) ? JSON.stringify(span) : String(span)
  throw new PolicyInvalid({
    reason: "bad_time",
    detail: `${where} takes a time such as "5 seconds" or "10 minutes"${more === "or nothing" ? "" : ", longer than nothing"}, and ${shown} is none.`
  })
}
