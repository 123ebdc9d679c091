import * as Effect from "effect/Effect"
import type { Decision } from "../domain/decision.ts"
import { agentPolicy, type AgentPolicy, decided, touches } from "../policy/AgentPolicy.ts"
import type { ApprovalDenied, Approvals } from "../policy/Approvals.ts"
import type { Facts } from "../policy/Facts.ts"
import { DiscardContext } from "../policy/Grants.ts"
import { type ForAgent, verify, withGate, workStillOpen } from "../policy/how.ts"
import { approval, onBoot, type TeamPolicy, teamPolicy } from "../policy/TeamPolicy.ts"
import type { RestartRequest } from "./plan.ts"
import type { PlanDocument } from "./plan-document.ts"

/** Programs that a document only names: gates and checks of one's own, by their names. */
export type KnownGates<E, R> = Readonly<Record<string, ForAgent<unknown, E, R>>>

type Planned = PlanDocument["agents"][number]

const isGrant = (gate: string): boolean => gate === "discard-context"

/** The programs that its agents name, whatever the document says of itself: a file that somebody changed passes no gate by. */
const namedBy = ({ agents }: PlanDocument): ReadonlyArray<string> =>
  agents.flatMap(({ decision, gates, id, verify: checks, workStillOpen: open }) =>
    !touches(decision) ? [] : [...gates.filter((name) => !isGrant(name)), ...open, ...checks].map((name) => `${id}: ${name}`))

/** What of a document can't be carried out with these programs. */
export const unknownTo = (document: PlanDocument, known: KnownGates<unknown, unknown>): ReadonlyArray<string> =>
  [...new Set([...document.notPortable, ...namedBy(document)])].filter((program) => {
    const agent = document.agents.find(({ id }) => program.startsWith(`${id}: `))
    const name = agent === undefined ? program : program.slice(`${agent.id}: `.length)
    const isGate = agent !== undefined && [...agent.gates, ...agent.verify, ...agent.workStillOpen].includes(name)
    return !isGate || !Object.hasOwn(known, name)
  })

const saysTrue = <E, R>(effect: ForAgent<unknown, E, R>): ForAgent<boolean, E, R> => {
  const isTrue = Effect.map((value: unknown) => value === true)
  return Effect.isEffect(effect) ? isTrue(effect) : (facts) => isTrue(effect(facts))
}

const decisionOf = ({ decision: { budget, forcedFresh, session, ...decision } }: Planned, { agent }: Facts): Decision => ({
  ...decision,
  session: session !== null && agent.session?.id === session.id ? agent.session : null,
  forcedFresh: forcedFresh === null ? null : {
    complete: forcedFresh.complete,
    deadline_s: forcedFresh.deadlineMs / 1000,
    deadline_ms: forcedFresh.deadlineMs,
    elapsed_ms: forcedFresh.elapsedMs,
    pending_agent_ids: forcedFresh.pendingAgentIds
  },
  ...budget === undefined ? {} : {
    budget: { restarts: budget.restarts, per_ms: budget.perMs, used: budget.used, scope: budget.scope }
  }
})

/** Whether what was decided may be done at all by the facts: a file that somebody changed gives no leave. */
const permitted = ({ decision: { kind, requires, session } }: Planned, { agent, resumability, spoken }: Facts): boolean => {
  switch (kind) {
    case "resume":
      return resumability._tag === "Resumable" && (session?.id ?? null) === (agent.session?.id ?? null)
    case "fresh_start":
      return spoken.state === "never" || requires.includes("discard-context")
    default:
      return true
  }
}

const stale = (why: string) => decided({ kind: "refuse", code: "plan_stale", why: [why] })

/** The policy of a single agent: what was decided for it, with its gates and checks found again by name. */
const policyOfAgent = <E, R>(planned: Planned, known: KnownGates<E, R>): AgentPolicy<E, R | DiscardContext> => {
  let policy: AgentPolicy<E, R | DiscardContext> = agentPolicy<never, DiscardContext>({
    description: planned.decision.kind,
    requires: planned.decision.requires,
    decide: (facts) => !permitted(planned, facts) ? stale("what the plan has for it can't be done by what is known of it") : ({
      decision: decisionOf(planned, facts),
      gates: planned.gates.some(isGrant) || planned.decision.requires.length > 0
        ? [{ name: "discard-context", pass: () => Effect.map(DiscardContext, ({ reason }) => reason) }]
        : [],
      handling: { graceMs: planned.graceMs, readyWithinMs: planned.readyWithinMs, backoff: null, workStillOpen: [], verify: [] }
    })
  })
  for (const name of planned.gates) {
    const gate = isGrant(name) ? undefined : known[name]
    if (gate !== undefined) policy = withGate(name, gate)(policy)
  }
  for (const name of planned.workStillOpen) {
    const check = known[name]
    if (check !== undefined) policy = workStillOpen(saysTrue(check))(policy)
  }
  for (const name of planned.verify) {
    const check = known[name]
    if (check !== undefined) policy = verify(check, name)(policy)
  }
  return policy
}

/** The policy that decides what a document says that was decided. */
export const policyOfDocument = <E, R>(
  document: PlanDocument,
  known: KnownGates<E, R>
): TeamPolicy<E | ApprovalDenied, R | DiscardContext | Approvals> => {
  const { policy } = document
  const agents = new Map(document.agents.map((planned) => [planned.id, policyOfAgent(planned, known)]))
  const whole = teamPolicy<E | ApprovalDenied, R | DiscardContext | Approvals>({
    description: policy.description,
    decide: (facts) =>
      agents.get(facts.agent.spec.id)?.decide(facts) ?? stale("the plan says nothing of it"),
    requires: [...new Set([...document.requires, ...document.agents.flatMap(({ decision }) => decision.requires)])],
    names: [],
    atomic: policy.atomic,
    undo: policy.undo,
    gates: document.gates.map(approval),
    bootGates: [],
    onBoot: policy.onBoot,
    convergeWithinMs: null,
    repairFromLog: policy.repairFromLog,
    onDrift: null,
    rollout: policy.rollout,
    budgeted: policy.budgets.length > 0,
    budgets: policy.budgets
  })
  return policy.onBoot === "ask" && document.requires.includes("approvals") ? onBoot("ask")(whole) : whole
}

/** What a document asks for, to be carried out by the policy given with it. */
export const requestOfDocument = <E, R>(
  { requested: { session, unfinished, ...requested }, team }: PlanDocument,
  policy: TeamPolicy<E, R>
): RestartRequest<E, R> => ({
  ...requested,
  ...session === undefined ? {} : { session },
  ...unfinished === null ? {} : { unfinished },
  team,
  policy
})
