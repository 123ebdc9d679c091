import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import { type AgentPolicy, agentPolicy, type Check, type Decided, type Gate, type Handling, touches, type Verdict } from "./AgentPolicy.ts"
import { demandAgentPolicy, spanMs } from "./checked.ts"
import type { Facts } from "./Facts.ts"
import { PolicyInvalid } from "./PolicyInvalid.ts"

/** An effect, or how it comes from the facts of the agent that it is run for. */
export type ForAgent<A, E, R> = Effect.Effect<A, E, R> | ((facts: Facts) => Effect.Effect<A, E, R>)

/** A function is the user's own: that it throws, or makes no effect, happens where the effect is run. */
const forAgent = <A, E, R>(effect: ForAgent<A, E, R>, facts: Facts): Effect.Effect<A, E, R> =>
  Effect.isEffect(effect) ? effect : Effect.suspend(() => {
    const made = effect(facts)
    return Effect.isEffect(made) ? made : Effect.dieMessage("it is no effect: code that awaits becomes one by Effect.tryPromise")
  })

const sentence = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** Changes what a policy decided wherever that touches the agent: nothing is to be done about those that are left alone. */
const whereItTouches = <E, R, E2, R2>(
  self: AgentPolicy<E, R>,
  words: string,
  change: (decided: Decided<E, R>) => Decided<E2, R2>
): AgentPolicy<E | E2, R | R2> => {
  demandAgentPolicy(words, self)
  return agentPolicy<E | E2, R | R2>({
    description: `${self.description} (${words})`,
    requires: self.requires,
    decide: (facts) => {
      const decided = self.decide(facts)
      return touches(decided.decision) ? change(decided) : decided
    }
  })
}

const handled = <E, R, R2>(
  self: AgentPolicy<E, R>,
  words: string,
  change: (handling: Handling<R>) => Handling<R | R2>
): AgentPolicy<E, R | R2> =>
  whereItTouches<E, R, E, R | R2>(self, words, (decided) => ({ ...decided, handling: change(decided.handling) }))

/** How long the old process may take to end when asked, before it is killed. The last one said holds. */
export const withGrace = (grace: Duration.DurationInput): <E, R>(self: AgentPolicy<E, R>) => AgentPolicy<E, R> => {
  const graceMs = spanMs("withGrace", grace)
  return <E, R>(self: AgentPolicy<E, R>): AgentPolicy<E, R> =>
    handled(self, `grace ${Duration.format(graceMs)}`, (handling) => ({ ...handling, graceMs }))
}

/** How long the agent may take until it can be spoken to. The last one said holds. */
export const readyWithin = (within: Duration.DurationInput): <E, R>(self: AgentPolicy<E, R>) => AgentPolicy<E, R> => {
  const readyWithinMs = spanMs("readyWithin", within, "more than nothing")
  return <E, R>(self: AgentPolicy<E, R>): AgentPolicy<E, R> =>
    handled(self, `ready within ${Duration.format(readyWithinMs)}`, (handling) => ({ ...handling, readyWithinMs }))
}

/**
 * Tries the start again where that can help: at most so often, at the distances of the schedule. A usage limit or a login
 * that says when it ends is not tried before.
 */
export const withBackoff = <R2>(
  schedule: Schedule.Schedule<unknown, unknown, R2>,
  { times }: { readonly times: number }
): <E, R>(self: AgentPolicy<E, R>) => AgentPolicy<E, R | R2> => {
  if (!Number.isInteger(times) || times < 0) {
    throw new PolicyInvalid({ reason: "bad_number", detail: `withBackoff takes how often to try again, and ${times} is no such number.` })
  }
  return <E, R>(self: AgentPolicy<E, R>): AgentPolicy<E, R | R2> =>
    handled<E, R, R2>(self, `tried again ${times} times`, (handling) => ({ ...handling, backoff: { schedule, times } }))
}

/** Whoever writes a gate that answers `false` does not mean that it is passed. */
const saidBy = (said: unknown): Effect.Effect<string> =>
  said === false ? Effect.dieMessage("it answered false") : Effect.succeed(typeof said === "string" ? said : "passed")

/**
 * A condition on which the agent is touched at all, run before anything is: its failure is the restart's, and leaves
 * everything as it was. One that breaks down, or answers `false`, fails with `GateFailed`. A text that it succeeds with is
 * kept in the log.
 */
export const withGate = <E2, R2>(
  label: string,
  effect: ForAgent<unknown, E2, R2>
) =>
<E, R>(self: AgentPolicy<E, R>): AgentPolicy<E | E2, R | R2> => {
  const gate: Gate<E2, R2> = { name: label, pass: (facts) => Effect.flatMap(forAgent(effect, facts), saidBy) }
  return whereItTouches<E, R, E | E2, R | R2>(self, label, (decided) => ({ ...decided, gates: [...decided.gates, gate] }))
}

/** What ends badly, or not at all as it should, speaks against the agent; an interruption is none of its words. */
const judged = <A, E, R>(effect: Effect.Effect<A, E, R>, verdict: (value: A) => Verdict): Effect.Effect<Verdict, never, R> =>
  effect.pipe(
    Effect.map(verdict),
    Effect.catchAllCause((cause) =>
      Cause.isInterrupted(cause) ? Effect.interrupt : Effect.succeed({ ok: false, said: sentence(Cause.squash(cause)) }))
  )

/**
 * Asked once a resumed agent is back, and before it is told to go on: where its work is not open any more, or that can't
 * be found out, what waits for it goes on waiting.
 */
export const workStillOpen = <E2, R2>(effect: ForAgent<boolean, E2, R2>) => <E, R>(self: AgentPolicy<E, R>): AgentPolicy<E, R | R2> => {
  const check: Check<R2> = {
    name: "work still open",
    run: (facts) => judged(forAgent(effect, facts), (open) => ({ ok: open, said: open ? "its work is open" : "its work is not open any more" }))
  }
  return handled<E, R, R2>(self, check.name, (handling) => ({ ...handling, workStillOpen: [...handling.workStillOpen, check] }))
}

/** Asked once the agent is ready: its failure makes the agent a failed one, of the kind `verify_failed`. */
export const verify = <E2, R2>(
  effect: ForAgent<unknown, E2, R2>,
  label = "verified"
) =>
<E, R>(self: AgentPolicy<E, R>): AgentPolicy<E, R | R2> => {
  const check: Check<R2> = { name: label, run: (facts) => judged(forAgent(effect, facts), () => ({ ok: true, said: label })) }
  return handled<E, R, R2>(self, label, (handling) => ({ ...handling, verify: [...handling.verify, check] }))
}
