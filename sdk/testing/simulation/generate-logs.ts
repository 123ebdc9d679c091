import type { Random } from "./random.ts"
import type { CommandStep, Step } from "./scenario.ts"

// Worlds in which tools handle a workspace: it is copied, and its log is put back to an older state and forward again.

/** The same steps with such things in between; `draw` answers some command without what happens meanwhile. */
export const handled = (random: Random, steps: ReadonlyArray<Step>, draw: () => CommandStep): ReadonlyArray<Step> => {
  const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
  const some = (): ReadonlyArray<Step> => Array.from({ length: 1 + random.int(3) }, () => run(draw()))
  const inCopy = (): ReadonlyArray<Step> =>
    Array.from({ length: 1 + random.int(2) }, () => run({ ...draw(), copy: random.pick(["readable", "readable", "unreadable"]) }))
  const older = (): ReadonlyArray<Step> => [
    // What else happens of before is over.
    { do: "time passes", millis: 200 },
    { do: "log rolled back", to: random.chance(0.4) ? "before a start" : random.pick([1, 2, 5, 10, 40]) },
    ...some(),
    { do: "log put back" }
  ]
  return steps.flatMap((step, at): ReadonlyArray<Step> => at > 0 && random.chance(0.6) ? [...random.chance(0.5) ? inCopy() : older(), step] : [step])
    .concat(older())
}
