import * as Effect from "effect/Effect"
import type { Mutant } from "./mutant-hands.ts"

/** A conversation that a process began after its first one is named by its number. */
const isLaterOne = (name: string): boolean => /-\d+-\d+\.jsonl$/.test(name)

/** Ways to bring agents back in other conversations than their newest. */
export const conversationMutants: ReadonlyArray<Mutant> = [
  {
    rule: 4,
    name: "a conversation that a process went over to is not looked for",
    among: "changed",
    wrap: (services) => ({
      ...services,
      files: {
        ...services.files,
        readDirectory: (path, options) =>
          Effect.map(services.files.readDirectory(path, options), (names) => names.filter((name) => !isLaterOne(name)))
      }
    })
  }
]
