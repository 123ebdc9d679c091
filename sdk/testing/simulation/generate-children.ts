import type { Random } from "./random.ts"
import type { Step, WorldStep } from "./scenario.ts"

// Worlds whose agents start processes that outlive them.

/** The same steps, with such processes in between, and deaths that leave them behind. */
export const withChildren = (random: Random, ids: ReadonlyArray<string>, steps: ReadonlyArray<Step>): ReadonlyArray<Step> => {
  const one = (): string => ids[random.int(ids.length)] ?? "ada"
  const leaves = (): WorldStep => ({ do: "leaves child", agent: one(), inTerminal: random.chance(0.2) })
  return steps.flatMap((step, at): ReadonlyArray<Step> => [
    ...at > 0 && random.chance(0.7) ? [leaves()] : [],
    ...at > 0 && random.chance(0.3) ? [{ do: "dies", agent: one(), silently: random.chance(0.5) } as const] : [],
    step
  ]).concat(random.chance(0.4) ? [{ do: "commands", commands: [{ do: "down" }] }] : [])
}
