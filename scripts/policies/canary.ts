// canary.ts: one agent first. Only if it comes back and stays are the others touched, two at a time, each two of them
// healthy for a while before the next; whoever leads comes last. The first failure ends it, and the rest stays as it was.
//
//   reprise restart --policy scripts/policies/canary.ts
import { Policy, Rollout } from "reprise"

const oneFirst = Rollout.canary("coder-1", { healthyFor: "5 seconds" })
const thenTheRest = Rollout.rolling({ batch: 2, healthyFor: "2 seconds" })

export default Policy.resume.pipe(
  Policy.orElse(Policy.freshIfNeverMessaged),
  // A canary that is slow is no canary.
  Policy.readyWithin("20 seconds"),
  Policy.rollout(Rollout.leaderLast(oneFirst.then(thenTheRest)))
)
