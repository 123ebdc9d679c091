import * as Effect from "effect/Effect"
import { type Mutant, withProcesses } from "./mutant-hands.ts"

/** Ways to treat what agents' processes leave behind. */
export const leftoverMutants: ReadonlyArray<Mutant> = [
  {
    rule: 3,
    name: "what earlier starts left is not looked for",
    among: "children",
    wrap: (services) => withProcesses(services, { marked: () => Effect.succeed([]) })
  },
  {
    rule: 7,
    name: "a terminal of its own tells nothing of a process",
    among: "children",
    wrap: (services) =>
      withProcesses(services, {
        own: Effect.map(services.processes.own, (processes) => processes?.map((process) => ({ ...process, inTerminal: false })) ?? null)
      })
  }
]
