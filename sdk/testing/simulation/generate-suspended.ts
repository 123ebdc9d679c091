import type { Random } from "./random.ts"
import type { Step, WorldStep } from "./scenario.ts"

// Worlds in which processes are stopped by signals, and conversations end in a turn that failed for a login.

/** The same steps, with such things in between. */
export const suspended = (random: Random, ids: ReadonlyArray<string>, steps: ReadonlyArray<Step>): ReadonlyArray<Step> => {
  const happens = (): WorldStep => {
    const agent = ids[random.int(ids.length)] ?? "ada"
    return { do: random.pick(["suspended", "suspended", "continued", "turn fails", "turn fails"] as const), agent }
  }
  return steps.flatMap((step, at): ReadonlyArray<Step> => at > 0 && random.chance(0.5) ? [happens(), step] : [step])
    .concat(random.chance(0.5) ? [happens()] : [])
}
