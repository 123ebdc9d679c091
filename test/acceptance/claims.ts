// What is claimed of a CLI, and what came of it: the rows of the table.
import type { Installed } from "./install.ts"

export const capabilities = [
  "fresh",
  "ready",
  "submit",
  "state",
  "approval",
  "capture",
  "resume",
  "fork",
  "adopt",
  "two in one cwd"
] as const
export type Capability = typeof capabilities[number]

/** A row of `npm run test:clis -- --json`. */
export interface Row {
  readonly cli: string
  readonly version: string
  readonly capability: Capability
  readonly result: "pass" | "fail" | "unsupported"
  /** Null where it passed. */
  readonly reason: string | null
  /** What was seen to hold. */
  readonly checks: ReadonlyArray<string>
}

export interface Found {
  readonly capability: Capability
  readonly check: string
  /** Null when it held. */
  readonly problem: string | null
  /** The product says itself that it does not do this. */
  readonly unsupported: boolean
  readonly ms: number
}

/** Thrown by a check where the product says itself that it does not do this. */
export class Unsupported extends Error {}

const sentence = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** A check that was not reached since one before it failed. */
class NotReached extends Error {}

/** Collects what one telling of a story finds out about one CLI. */
export const makeClaims = (cli: Installed, note: (line: string) => void) => {
  const found: Array<Found> = []
  const add = (each: Found) => {
    found.push(each)
    const came = each.unsupported ? "unsupported" : each.problem === null ? "held" : "FAILED"
    note(`${cli.cli}  ${each.capability}: ${each.check}  ${came}  ${each.ms} ms`)
    if (each.problem !== null) note(`    ${each.problem.replaceAll("\n", "\n    ")}`)
  }
  /** Checks one thing. A story goes on only from where it held. */
  const claim = async <A>(capability: Capability, check: string, run: () => Promise<A>): Promise<A> => {
    const began = Date.now()
    const came = (problem: string | null, unsupported = false) =>
      add({ capability, check, problem, unsupported, ms: Date.now() - began })
    try {
      const value = await run()
      came(null)
      return value
    } catch (error) {
      came(sentence(error), error instanceof Unsupported)
      throw new NotReached(check)
    }
  }
  /** Tells a story; what it is about and does not reach is a failure of each of those capabilities. */
  const story = async (title: string, about: ReadonlyArray<Capability>, run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      note(`${cli.cli}  ${title}: ends here${error instanceof NotReached ? "" : `, ${sentence(error)}`}`)
      const why = error instanceof NotReached ? `"${error.message}" failed before it` : sentence(error)
      for (const capability of about) {
        if (found.some((each) => each.capability === capability && each.problem !== null)) continue
        found.push({ capability, check: title, problem: `not reached: ${why}`, unsupported: false, ms: 0 })
      }
    }
  }
  return { cli, claim, story, found: (): ReadonlyArray<Found> => found }
}
export type Claims = ReturnType<typeof makeClaims>

export const failed = (found: ReadonlyArray<Found>): boolean =>
  found.some(({ problem, unsupported }) => problem !== null && !unsupported)

/** One row a capability, of all that was found out about a CLI. */
export const rowsOf = (cli: Pick<Installed, "cli" | "version">, found: ReadonlyArray<Found>): ReadonlyArray<Row> =>
  capabilities.map((capability) => {
    const about = found.filter((each) => each.capability === capability)
    const wrong = about.find((each) => failed([each]))
    const lacking = about.find(({ unsupported }) => unsupported)
    const held = about.filter(({ problem }) => problem === null).map(({ check }) => check)
    const row = { cli: cli.cli, version: cli.version, capability, checks: held }
    if (wrong !== undefined) return { ...row, result: "fail", reason: `${wrong.check}: ${wrong.problem}` }
    if (lacking !== undefined) return { ...row, result: "unsupported", reason: lacking.problem }
    return about.length === 0
      ? { ...row, result: "unsupported", reason: "it was not asked for" }
      : { ...row, result: "pass", reason: null }
  })

/** A condition that a check depends on, with the sentence for when it does not hold. */
export function must(condition: boolean, problem: () => string): asserts condition {
  if (!condition) throw new Error(problem())
}
