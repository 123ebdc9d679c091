import * as Predicate from "effect/Predicate"
import { type AgentPolicy, agentPolicy, requiredByAny } from "./AgentPolicy.ts"
import { demandAgentPolicy } from "./checked.ts"
import type { Facts } from "./Facts.ts"
import { checkPatterns, mostSpecific } from "./pattern.ts"
import { PolicyInvalid } from "./PolicyInvalid.ts"
import { forAll, type TeamPolicy, teamPolicy } from "./TeamPolicy.ts"

/** Policies by a name. */
export type Branches = Readonly<Record<string, AgentPolicy<unknown, unknown>>>

/** How the gates of some policies may fail. */
export type ErrorOf<P> = P extends AgentPolicy<infer E, infer _R> ? E : never

/** What some policies ask for. */
export type ContextOf<P> = P extends AgentPolicy<infer _E, infer R> ? R : never

interface Otherwise<E, R> {
  /** What everybody else gets. */
  readonly otherwise: AgentPolicy<E, R>
}

/** Takes a branch by its name; the branches are described by name too. */
const branching = (
  branches: Branches,
  otherwise: AgentPolicy<unknown, unknown>,
  pick: (names: ReadonlyArray<string>, facts: Facts) => string | undefined
): AgentPolicy<unknown, unknown> => {
  const names = Object.keys(branches)
  for (const [name, policy] of Object.entries(branches)) demandAgentPolicy(`The branch ${JSON.stringify(name)}`, policy)
  demandAgentPolicy("otherwise", otherwise)
  return agentPolicy({
    description: [
      ...Object.entries(branches).map(([name, { description }]) => `${name}: ${description}`),
      `otherwise: ${otherwise.description}`
    ].join("; "),
    requires: requiredByAny([...Object.values(branches), otherwise]),
    decide: (facts) => {
      const name = pick(names, facts)
      return (name === undefined ? otherwise : branches[name] ?? otherwise).decide(facts)
    }
  })
}

/**
 * Each agent gets the policy of the most specific pattern that means it: its id before any glob, then the glob with the
 * most letters. `*` stands for any characters and `?` for one.
 *
 * Throws `PolicyInvalid` where two globs have an equal right to the same agent.
 */
export function perAgent<const P extends Branches, E, R>(
  agents: P,
  options: Otherwise<E, R>
): TeamPolicy<ErrorOf<P[keyof P]> | E, ContextOf<P[keyof P]> | R>
export function perAgent(agents: Branches, { otherwise }: Otherwise<unknown, unknown>): TeamPolicy<unknown, unknown> {
  const names = Object.keys(agents)
  checkPatterns(names)
  return teamPolicy({ ...forAll(branching(agents, otherwise, (all, { agent }) => mostSpecific(all, agent.spec.id))), names })
}

/** A policy for the agents of each provider. */
export function byProvider<const P extends Branches, E, R>(
  providers: P,
  options: Otherwise<E, R>
): AgentPolicy<ErrorOf<P[keyof P]> | E, ContextOf<P[keyof P]> | R>
export function byProvider(providers: Branches, { otherwise }: Otherwise<unknown, unknown>): AgentPolicy<unknown, unknown> {
  return branching(providers, otherwise, (names, { agent }) => names.find((name) => name === agent.spec.provider))
}

/**
 * A policy for the agents of each role, whatever its capitals.
 *
 * Throws `PolicyInvalid` where two roles differ in their capitals only.
 */
export function byRole<const P extends Branches, E, R>(
  roles: P,
  options: Otherwise<E, R>
): AgentPolicy<ErrorOf<P[keyof P]> | E, ContextOf<P[keyof P]> | R>
export function byRole(roles: Branches, { otherwise }: Otherwise<unknown, unknown>): AgentPolicy<unknown, unknown> {
  const written = Object.keys(roles)
  const twice = written.find((role, at) => written.findIndex((other) => other.toLowerCase() === role.toLowerCase()) !== at)
  if (twice !== undefined) {
    throw new PolicyInvalid({
      reason: "ambiguous_pattern",
      detail: `byRole has ${JSON.stringify(twice)} twice, since capitals make no difference, so which of the two policies it gets can't be told.`
    })
  }
  return branching(roles, otherwise, (names, { agent }) =>
    names.find((name) => name.toLowerCase() === agent.spec.role?.toLowerCase()))
}

/** A test that awaits says yes to everybody, as far as JavaScript knows. */
const holds = (test: (facts: Facts) => unknown, facts: Facts): boolean => {
  const answer = test(facts)
  if (Predicate.isBoolean(answer)) return answer
  throw new PolicyInvalid({
    reason: "bad_choice",
    detail: `when takes a test that answers true or false at once, and this one answered ${
      Predicate.isPromise(answer) ? "with a promise; what has to be awaited goes into a gate" : JSON.stringify(answer) ?? "nothing"
    }`
  })
}

/** Takes another policy for the agents of whom something holds. The test is pure, as a decision is. */
export const when = <E2, R2>(
  test: (facts: Facts) => boolean,
  that: AgentPolicy<E2, R2>,
  label = "a condition holds"
) =>
<E, R>(self: AgentPolicy<E, R>): AgentPolicy<E | E2, R | R2> => {
  for (const policy of [self, that]) demandAgentPolicy("when", policy)
  return agentPolicy<E | E2, R | R2>({
    description: `${self.description}, but ${that.description} when ${label}`,
    requires: requiredByAny([self, that]),
    decide: (facts) => {
      if (!holds(test, facts)) return self.decide(facts)
      const decided = that.decide(facts)
      return { ...decided, decision: { ...decided.decision, why: [label, ...decided.decision.why] } }
    }
  })
}
