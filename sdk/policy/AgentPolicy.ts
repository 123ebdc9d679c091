import type * as Effect from "effect/Effect"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type * as Schedule from "effect/Schedule"
import type { Decision, Requirement } from "../domain/decision.ts"
import type { Facts } from "./Facts.ts"

/** A condition on which a decision is carried out: run when the plan is, never when it is made. */
export interface Gate<out E = never, out R = never> {
  readonly name: string
  /** Succeeds with a sentence for the log. */
  readonly pass: (facts: Facts) => Effect.Effect<string, E, R>
}

/** What a check found. It can't fail: what it could not find out speaks against it. */
export interface Verdict {
  readonly ok: boolean
  readonly said: string
}

/** Something looked at once an agent is back. */
export interface Check<out R = never> {
  readonly name: string
  readonly run: (facts: Facts) => Effect.Effect<Verdict, never, R>
}

/** How often, and at what distance, the start of an agent is tried again. */
export interface Backoff<out R = never> {
  readonly schedule: Schedule.Schedule<unknown, unknown, R>
  readonly times: number
}

/** How an agent is stopped and started, where the policy says something of it. */
export interface Handling<out R = never> {
  readonly graceMs: number | null
  readonly readyWithinMs: number | null
  readonly backoff: Backoff<R> | null
  /** Asked before a resumed agent gets what waits for it. */
  readonly workStillOpen: ReadonlyArray<Check<R>>
  /** Asked once it is ready; one that says no makes it a failed agent. */
  readonly verify: ReadonlyArray<Check<R>>
}

export const asUsual: Handling = { graceMs: null, readyWithinMs: null, backoff: null, workStillOpen: [], verify: [] }

/** A decision with what is needed to carry it out. */
export interface Decided<out E = never, out R = never> {
  readonly decision: Decision
  readonly gates: ReadonlyArray<Gate<E, R>>
  readonly handling: Handling<R>
}

/** Says what a restart does with one agent. Pure: the same facts give the same decision. */
export interface AgentPolicy<out E = never, out R = never> extends Pipeable {
  readonly _tag: "AgentPolicy"
  readonly description: string
  readonly decide: (facts: Facts) => Decided<E, R>
  /** What some decision of it may ask for. */
  readonly requires: ReadonlyArray<Requirement>
}

/** Makes a policy of a pure function. */
export const agentPolicy = <E, R>(fields: Omit<AgentPolicy<E, R>, "_tag" | "pipe">): AgentPolicy<E, R> => ({
  _tag: "AgentPolicy",
  ...fields,
  pipe() {
    return pipeArguments(this, arguments)
  }
})

/** A decision with no gates and nothing special about it. */
export const decided = (fields: Partial<Decision> & Pick<Decision, "kind" | "why">): Decided => ({
  decision: { code: null, session: null, requires: [], forcedFresh: null, ...fields },
  gates: [],
  handling: asUsual
})

/** Whether carrying out the decision touches the agent. */
export const touches = (decision: Pick<Decision, "kind">): boolean => decision.kind === "resume" || decision.kind === "fresh_start"

/** Whether another policy may be asked instead. An escalation is a refusal that somebody else has to answer. */
export const fallsThrough = (decision: Decision): boolean => decision.kind === "refuse" && decision.escalateTo === undefined

export const requiredByAny = (policies: ReadonlyArray<{ readonly requires: ReadonlyArray<Requirement> }>): ReadonlyArray<Requirement> =>
  [...new Set(policies.flatMap(({ requires }) => requires))]
