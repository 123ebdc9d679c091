import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Decision, GrantName } from "../domain/decision.ts"
import type { Facts } from "./Facts.ts"
import { DiscardContext } from "./Grants.ts"

/** A condition on which a decision is carried out: run when the plan is, never when it is made. */
export interface Gate<out E = never, out R = never> {
  readonly name: string
  /** Succeeds with a sentence for the log. */
  readonly pass: (facts: Facts) => Effect.Effect<string, E, R>
}

export interface Decided<out E = never, out R = never> {
  readonly decision: Decision
  readonly gates: ReadonlyArray<Gate<E, R>>
}

/** Says what a restart does with one agent. Pure: the same facts give the same decision. */
export interface AgentPolicy<out E = never, out R = never> extends Pipeable {
  readonly _tag: "AgentPolicy"
  readonly description: string
  readonly decide: (facts: Facts) => Decided<E, R>
  /** The grants that some decision of it may ask for. */
  readonly requires: ReadonlyArray<GrantName>
}

/** Agents' policies plus what belongs to the whole team. */
export interface TeamPolicy<out E = never, out R = never> extends Pipeable {
  readonly _tag: "TeamPolicy"
  readonly description: string
  readonly decide: (facts: Facts) => Decided<E, R>
  readonly requires: ReadonlyArray<GrantName>
  /** One refusal refuses all; else the others go on. */
  readonly atomic: boolean
}

/** Where one policy for all agents will do, an `AgentPolicy` stands for the team's. */
export type AnyPolicy<E, R> = AgentPolicy<E, R> | TeamPolicy<E, R>

const agentPolicy = <E, R>(fields: Omit<AgentPolicy<E, R>, "_tag" | "pipe">): AgentPolicy<E, R> => ({
  _tag: "AgentPolicy",
  ...fields,
  pipe() {
    return pipeArguments(this, arguments)
  }
})

const teamPolicy = <E, R>(fields: Omit<TeamPolicy<E, R>, "_tag" | "pipe">): TeamPolicy<E, R> => ({
  _tag: "TeamPolicy",
  ...fields,
  pipe() {
    return pipeArguments(this, arguments)
  }
})

const decision = (fields: Partial<Decision> & Pick<Decision, "kind" | "why">): Decided => ({
  decision: { code: null, session: null, requires: [], forcedFresh: null, ...fields },
  gates: []
})

/** Continues the agent's conversation, or refuses. */
export const resume: AgentPolicy = agentPolicy({
  description: "resume",
  requires: [],
  decide: ({ agent, resumability }) => {
    switch (resumability._tag) {
      case "Resumable":
        return decision({
          kind: "resume",
          session: agent.session,
          why: [
            `continues session ${agent.session?.id ?? "unknown"}`,
            ...resumability.warning === undefined ? [] : [resumability.warning]
          ]
        })
      case "NotResumable":
        return decision({ kind: "refuse", code: resumability.code, why: [resumability.why] })
      case "Unknown":
        return decision({ kind: "refuse", code: "unknown", why: [`whether it can be resumed is unknown: ${resumability.why}`] })
    }
  }
})

/** Starts a new conversation where that drops nothing: the agent was proved never to have been spoken to. */
export const freshIfNeverMessaged: AgentPolicy = agentPolicy({
  description: "fresh if never messaged",
  requires: [],
  decide: ({ spoken }) =>
    spoken.state === "never"
      ? decision({ kind: "fresh_start", why: [`nothing to lose: ${spoken.evidence}`] })
      : decision({
        kind: "refuse",
        code: spoken.state === "spoken" ? "context_would_be_lost" : "unknown",
        why: [
          spoken.state === "spoken"
            ? `a new start would drop its conversation: ${spoken.evidence}`
            : `whether it was ever spoken to is unknown: ${spoken.evidence}`
        ]
      })
})

/** Starts a new conversation, whatever is left behind; asks for the `DiscardContext` grant where something may be. */
export const fresh: AgentPolicy<never, DiscardContext> = agentPolicy({
  description: "fresh",
  requires: ["discard-context"],
  decide: (facts): Decided<never, DiscardContext> => {
    const { agent, spoken, unconverged } = facts
    if (spoken.state === "never" && agent.session === null) return freshIfNeverMessaged.decide(facts)
    const left = agent.session === null ? "a conversation it may hold" : `session ${agent.session.id}`
    return {
      decision: {
        kind: "fresh_start",
        code: null,
        why: [`starts anew and leaves ${left} behind (${spoken.evidence})`],
        session: null,
        requires: ["discard-context"],
        forcedFresh: unconverged
      },
      gates: [{ name: "discard-context", pass: () => Effect.map(DiscardContext, ({ reason }) => reason) }]
    }
  }
})

/** Refuses and says nothing: what `orElse` makes no difference with. */
export const none: AgentPolicy = agentPolicy({
  description: "none",
  requires: [],
  decide: () => decision({ kind: "refuse", why: [] })
})

/** Leaves the agent as it is. */
export const skip = (why: string): AgentPolicy =>
  agentPolicy({ description: `skip (${why})`, requires: [], decide: () => decision({ kind: "skip", why: [why] }) })

/** Asks the second policy where the first refuses; the reasons of both are kept. */
export const orElse: {
  <E2, R2>(that: AgentPolicy<E2, R2>): <E, R>(self: AgentPolicy<E, R>) => AgentPolicy<E | E2, R | R2>
  <E, R, E2, R2>(self: AgentPolicy<E, R>, that: AgentPolicy<E2, R2>): AgentPolicy<E | E2, R | R2>
} = dual(2, <E, R, E2, R2>(self: AgentPolicy<E, R>, that: AgentPolicy<E2, R2>): AgentPolicy<E | E2, R | R2> =>
  agentPolicy<E | E2, R | R2>({
    description: `${self.description}, or else ${that.description}`,
    requires: [...new Set([...self.requires, ...that.requires])],
    decide: (facts) => {
      const first = self.decide(facts)
      if (first.decision.kind !== "refuse") return first
      const second = that.decide(facts)
      return {
        gates: second.gates,
        decision: {
          ...second.decision,
          // The first refusal's code is the cause; a later one only says that no way round was found.
          code: second.decision.kind === "refuse" ? first.decision.code ?? second.decision.code : second.decision.code,
          why: [...first.decision.why, ...second.decision.why]
        }
      }
    }
  }))

/** One policy for every agent of the team. Atomic until `isolated`. */
export const forAll = <E, R>(policy: AgentPolicy<E, R>): TeamPolicy<E, R> =>
  teamPolicy({ description: policy.description, decide: policy.decide, requires: policy.requires, atomic: true })

/** One agent's refusal is its own: the others go on. */
export const isolated = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => teamPolicy({ ...toTeam(policy), atomic: false })

/** One agent's refusal refuses the whole restart before anything is touched. The default. */
export const atomic = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => teamPolicy({ ...toTeam(policy), atomic: true })

/** Takes either kind of policy for a team's. */
export const toTeam = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> =>
  policy._tag === "TeamPolicy" ? policy : forAll(policy)

/** What `restart` does when nothing else is said: resume, or start anew whoever was never spoken to. Drops nothing. */
export const standard: AgentPolicy = orElse(resume, freshIfNeverMessaged)

/** What `--allow-fresh` is short for: resume where possible, else start anew with the grant. */
export const resumeOrFresh: AgentPolicy<never, DiscardContext> = orElse(resume, fresh)
