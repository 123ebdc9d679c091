import { decided } from "../policy/AgentPolicy.ts"
import { type AnyPolicy, escalate, type TeamPolicy, touches, toTeam, withBudget } from "../policy/Policy.ts"
import { teamPolicy } from "../policy/TeamPolicy.ts"

/**
 * A policy that says nothing of how often gets a bound: a restart without end is nobody's wish. What a spent budget still
 * starts is started once; who dies of that as well is left until the budget is cleared.
 */
export const bounded = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => {
  const whole = toTeam(policy)
  if (whole.budgeted !== true) return withBudget({ restarts: 3, per: "10 minutes", exceeded: escalate("leader") })(whole)
  return teamPolicy<E, R>({
    ...whole,
    decide: (facts) => {
      const made = whole.decide(facts)
      const { budget, why } = made.decision
      if (budget === undefined || !touches(made.decision) || facts.agent.history.budgetExceededAt === null) return made
      return decided({
        kind: "refuse",
        code: "escalated",
        escalateTo: "leader",
        budget,
        why: [...why.slice(0, 1), "what follows a spent budget was done once and did not last", "it is for leader to decide"]
      })
    }
  })
}
