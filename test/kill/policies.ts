import * as Effect from "effect/Effect"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"

// The policies that the child can be told to restart by: what it works by is no data, so it is told their names.

const seen = Policy.standard.pipe(Policy.verify(Effect.void, "answers"))
const first = Policy.rollout(Rollout.canary("coder-1", { healthyFor: "300 millis" }).then(Rollout.allAtOnce))
const watched = Policy.rollout(Rollout.canary("coder-1", { healthyFor: "5 seconds" }).then(Rollout.allAtOnce))

export const policies = {
  standard: Policy.toTeam(Policy.standard),
  /** Two by two, each pair seen to live. */
  rolling: seen.pipe(Policy.rollout(Rollout.rolling({ batch: 2, healthyFor: "200 millis" }))),
  /** One of them first, then all others. */
  canary: seen.pipe(first),
  /** The same, where what is asked of the first one is never true. */
  refusedCanary: Policy.perAgent(
    { "coder-1": Policy.standard.pipe(Policy.verify(Effect.fail("it gives no answer"), "answers")) },
    { otherwise: Policy.standard }
  ).pipe(first),
  /** The same, where the first one is watched long enough to die meanwhile. */
  watchedCanary: Policy.standard.pipe(watched),
  /** All of them or none, where what is asked of one is never true: so it is none. */
  undone: Policy.perAgent(
    { "coder-1": Policy.standard.pipe(Policy.verify(Effect.fail("it gives no answer"), "answers")) },
    { otherwise: Policy.standard }
  ).pipe(Policy.rollout(Rollout.sequence([["planner", "idler"], "coder-1", "coder-2"])), Policy.atomic),
  /** The same, where the first one was started anew by then. */
  undoneAnew: Policy.perAgent({
    planner: Policy.fresh,
    "coder-1": Policy.standard.pipe(Policy.verify(Effect.fail("it gives no answer"), "answers"))
  }, { otherwise: Policy.standard }).pipe(Policy.rollout(Rollout.sequence(["planner", "coder-1"])), Policy.atomic),
  /** One by one, and all of them or none. */
  atomic: Policy.standard.pipe(Policy.rollout(Rollout.sequence([["planner", "idler"], "coder-*"])), Policy.atomic)
} as const
