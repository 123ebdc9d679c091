import { PolicyInvalid } from "./PolicyInvalid.ts"

// An agent's id, or a glob: `*` stands for any characters, none included, and `?` for one.

const isGlob = (pattern: string): boolean => /[*?]/.test(pattern)

// Patterns stand in policies, which are few, and are asked for each agent of each decision.
const known = new Map<string, RegExp>()

const compiled = (pattern: string): RegExp => {
  const found = known.get(pattern)
  if (found !== undefined) return found
  const signs = [...pattern.replaceAll(/\*+/g, "*")].map((sign) => sign === "*" ? ".*" : sign === "?" ? "." : sign)
  const made = new RegExp(`^${signs.join("")}$`)
  if (known.size < 1000) known.set(pattern, made)
  return made
}

/** Whether an id is one that the pattern means. */
export const matches = (pattern: string, id: string): boolean =>
  isGlob(pattern)
    ? compiled(pattern).test(id)
    : pattern === id

const count = (pattern: string, sign: string): number => pattern.split(sign).length - 1

/** Higher is more specific: an id before every glob, then by letters given, then by fewer unknown ones. */
const specificity = (pattern: string): ReadonlyArray<number> => {
  const [stars, ones] = [count(pattern, "*"), count(pattern, "?")]
  return [isGlob(pattern) ? 0 : 1, pattern.length - stars - ones, ones, -stars]
}

/** Negative where `a` is the more specific one; 0 for a tie. */
export const compareSpecificity = (a: string, b: string): number => {
  const [left, right] = [specificity(a), specificity(b)]
  return left.map((value, index) => (right[index] ?? 0) - value).find((difference) => difference !== 0) ?? 0
}

/** Whether some id is meant by both. */
export const overlap = (a: string, b: string): boolean => {
  const known = new Map<string, boolean>()
  const from = (i: number, j: number): boolean => {
    const key = `${i},${j}`
    const found = known.get(key) ?? look(i, j)
    known.set(key, found)
    return found
  }
  const look = (i: number, j: number): boolean => {
    const [left, right] = [a[i], b[j]]
    if (left === undefined || right === undefined) return /^\**$/.test(a.slice(i) + b.slice(j))
    // A star means nothing more here, or takes the next sign of the other as well.
    if (left === "*" || right === "*") return from(i + 1, j) || from(i, j + 1)
    return (left === right || left === "?" || right === "?") && from(i + 1, j + 1)
  }
  return from(0, 0)
}

const possible = /^[a-z*?][a-z0-9*?-]{0,62}$/

/** Throws where no agent can be meant by a pattern. */
export const demandPossible = (patterns: ReadonlyArray<string>): void => {
  const impossible = patterns.find((pattern) => !possible.test(pattern))
  if (impossible !== undefined) {
    throw new PolicyInvalid({
      reason: "impossible_pattern",
      detail: `${JSON.stringify(impossible)} can't be the id of an agent: ids are lower-case letters, digits and dashes, ` +
        "and begin with a letter; * and ? stand for others."
    })
  }
}

/** Throws where no agent can be meant by a pattern, or where two of them could be meant for one agent with equal right. */
export const checkPatterns = (patterns: ReadonlyArray<string>): void => {
  demandPossible(patterns)
  const globs = patterns.filter(isGlob)
  for (const [index, a] of globs.entries()) {
    const b = globs.slice(index + 1).find((other) => compareSpecificity(a, other) === 0 && overlap(a, other))
    if (b === undefined) continue
    throw new PolicyInvalid({
      reason: "ambiguous_pattern",
      detail: `"${a}" and "${b}" are equally specific and can both mean the same agent, so which of the two policies it gets ` +
        "can't be told. Name the agent itself, or make one of them more specific."
    })
  }
}

/** The most specific of the patterns that mean an id. */
export const mostSpecific = (patterns: ReadonlyArray<string>, id: string): string | undefined =>
  patterns.filter((pattern) => matches(pattern, id)).toSorted(compareSpecificity)[0]
