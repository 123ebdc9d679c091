import { type AnyPolicy, escalate, type TeamPolicy, toTeam, withBudget } from "../policy/Policy.ts"

/** A policy that says nothing of how often gets a bound: a restart without end is nobody's wish. */
export const bounded = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => {
  const whole = toTeam(policy)
  return whole.budgeted === true ? whole : withBudget({ restarts: 3, per: "10 minutes", exceeded: escalate("leader") })(whole)
}
