import type { CommandFacts, Fact } from "./facts.ts"

/** Looks at one fact after the other; says what is wrong with the newest, if anything is. */
export type Watch = (fact: Fact) => string | null

/** The commands by the process that runs them. */
export const commands = () => {
  const known = new Map<string, CommandFacts>()
  return (fact: Fact): CommandFacts | undefined => {
    if (fact.kind === "begins") known.set(fact.by, fact.command)
    return known.get(fact.by)
  }
}

export const key = (...parts: ReadonlyArray<string | number>): string => parts.join("\u0000")
