import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { type AgentPolicy, agentPolicy, asUsual, type Decided, decided, fallsThrough, requiredByAny } from "./AgentPolicy.ts"
import { demandAgentPolicy } from "./checked.ts"
import { DiscardContext } from "./Grants.ts"

/** Continues the agent's conversation, or refuses. */
export const resume: AgentPolicy = agentPolicy({
  description: "resume",
  requires: [],
  decide: ({ agent, resumability }) => {
    switch (resumability._tag) {
      case "Resumable":
        return decided({
          kind: "resume",
          session: agent.session,
          why: [
            `continues session ${agent.session?.id ?? "unknown"}`,
            ...resumability.warning === undefined ? [] : [resumability.warning]
          ]
        })
      case "NotResumable":
        return decided({ kind: "refuse", code: resumability.code, why: [resumability.why] })
      case "Unknown":
        return decided({ kind: "refuse", code: "unknown", why: [`whether it can be resumed is unknown: ${resumability.why}`] })
    }
  }
})

/** Starts a new conversation where that drops nothing: the agent was proved never to have been spoken to. */
export const freshIfNeverMessaged: AgentPolicy = agentPolicy({
  description: "fresh if never messaged",
  requires: [],
  decide: ({ spoken }) =>
    spoken.state === "never"
      ? decided({ kind: "fresh_start", why: [`nothing to lose: ${spoken.evidence}`] })
      : decided({
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
      gates: [{ name: "discard-context", pass: () => Effect.map(DiscardContext, ({ reason }) => reason) }],
      handling: asUsual
    }
  }
})

/** Refuses and says nothing: what `orElse` makes no difference with. */
export const none: AgentPolicy = agentPolicy({
  description: "none",
  requires: [],
  decide: () => decided({ kind: "refuse", why: [] })
})

/** Leaves the agent as it is. */
export const skip = (why: string): AgentPolicy =>
  agentPolicy({ description: `skip (${why})`, requires: [], decide: () => decided({ kind: "skip", why: [why] }) })

/** Refuses, with a code for programs and a sentence for people. */
export const refuse = (code: string, why: string): AgentPolicy =>
  agentPolicy({ description: `refuse (${code})`, requires: [], decide: () => decided({ kind: "refuse", code, why: [why] }) })

/** Leaves the agent as it is and hands the decision to somebody: to the leader, or whoever is on call. */
export const escalate = (to: string): AgentPolicy =>
  agentPolicy({
    description: `escalate to ${to}`,
    requires: [],
    decide: () => decided({ kind: "refuse", code: "escalated", escalateTo: to, why: [`it is for ${to} to decide`] })
  })

/** Asks the second policy where the first refuses; the reasons of both are kept. */
export const orElse: {
  <E2, R2>(that: AgentPolicy<E2, R2>): <E, R>(self: AgentPolicy<E, R>) => AgentPolicy<E | E2, R | R2>
  <E, R, E2, R2>(self: AgentPolicy<E, R>, that: AgentPolicy<E2, R2>): AgentPolicy<E | E2, R | R2>
} = dual(2, <E, R, E2, R2>(self: AgentPolicy<E, R>, that: AgentPolicy<E2, R2>): AgentPolicy<E | E2, R | R2> => {
  for (const policy of [self, that]) demandAgentPolicy("orElse", policy)
  return agentPolicy<E | E2, R | R2>({
    description: `${self.description}, or else ${that.description}`,
    requires: requiredByAny([self, that]),
    decide: (facts) => {
      const first = self.decide(facts)
      if (!fallsThrough(first.decision)) return first
      const second = that.decide(facts)
      return {
        ...second,
        decision: {
          ...second.decision,
          // The first refusal's code is the cause; a later one only says that no way round was found.
          code: fallsThrough(second.decision) ? first.decision.code ?? second.decision.code : second.decision.code,
          why: [...first.decision.why, ...second.decision.why]
        }
      }
    }
  })
})

/** What `restart` does when nothing else is said: resume, or start anew whoever was never spoken to. Drops nothing. */
export const standard: AgentPolicy = orElse(resume, freshIfNeverMessaged)

/** What `--allow-fresh` is short for: resume where possible, else start anew with the grant. */
export const resumeOrFresh: AgentPolicy<never, DiscardContext> = orElse(resume, fresh)
