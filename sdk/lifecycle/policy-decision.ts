import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { DecisionKind } from "../domain/decision.ts"
import type { Facts } from "../policy/Facts.ts"
import { decided as plainly, type Decided, type TeamPolicy } from "../policy/Policy.ts"

const isKind = Schema.is(DecisionKind)

const isDecided = (made: unknown): boolean =>
  Predicate.hasProperty(made, "decision") && Predicate.hasProperty(made.decision, "kind") && isKind(made.decision.kind) &&
  Predicate.hasProperty(made.decision, "why") && Array.isArray(made.decision.why) &&
  Predicate.hasProperty(made.decision, "requires") && Array.isArray(made.decision.requires) &&
  Predicate.hasProperty(made, "gates") && Array.isArray(made.gates) && Predicate.hasProperty(made, "handling")

const failed = (why: string): Decided => plainly({ kind: "refuse", code: "policy_failed", why: [`its policy could not decide: ${why}`] })

/**
 * What a policy decides. It is its author's own code: one that throws, or answers with no decision, is a refusal of that
 * agent, and no defect of the restart.
 */
export const decisionBy = <E, R>(policy: TeamPolicy<E, R>, facts: Facts): Decided<E, R> => {
  try {
    const made = policy.decide(facts)
    return isDecided(made) ? made : failed("it answered with no decision; what has to be awaited goes into a gate")
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}
