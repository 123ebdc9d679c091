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

interface Found {
  readonly capability: Capability
  readonly check: string
  /** Null when it held. */
  readonly problem: string | null
  readonly ms: number
}

/** Thrown by a check where the product says itself that it does not do this. */
export class Unsupported extends Error {}

const sentence = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** A check that was not reached since one before it failed. */
class NotReached extends Error {}

/** Collects what the stories find out about one CLI. */
export const makeClaims = (cli: Installed, note: (line: string) => void) => {
  const found: Array<Found> = []
  const unsupported = new Map<Capability, string>()
  const add = (each: Found) => {
    found.push(each)
    note(`${cli.cli}  ${each.capability}: ${each.check}  ${each.problem === null ? "held" : "FAILED"}  ${each.ms} ms`)
    if (each.problem !== null) note(`    ${each.problem.replaceAll("\n", "\n    ")}`)
  }
  /** Checks one thing. A story goes on only from where it held. */
  const claim = async <A>(capability: Capability, check: string, run: () => Promise<A>): Promise<A> => {
    const began = Date.now()
    try {
      const value = await run()
      add({ capability, check, problem: null, ms: Date.now() - began })
      return value
    } catch (error) {
      if (error instanceof Unsupported) unsupported.set(capability, error.message)
      else add({ capability, check, problem: sentence(error), ms: Date.now() - began })
      throw new NotReached(check)
    }
  }
  /** Runs a story; what it claims and does not reach is a failure of each of those capabilities. */
  const story = async (title: string, about: ReadonlyArray<Capability>, run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      const why = error instanceof NotReached ? `"${error.message}" failed before it` : sentence(error)
      for (const capability of about) {
        if (found.some((each) => each.capability === capability && each.problem !== null)) continue
        if (unsupported.has(capability)) continue
        add({ capability, check: title, problem: `not reached: ${why}`, ms: 0 })
      }
    }
  }
  const rows = (): ReadonlyArray<Row> =>
    capabilities.map((capability) => {
      const checks = found.filter((each) => each.capability === capability)
      const failed = checks.find(({ problem }) => problem !== null)
      const held = checks.filter(({ problem }) => problem === null).map(({ check }) => check)
      const row = { cli: cli.cli, version: cli.version, capability, checks: held }
      if (failed !== undefined) return { ...row, result: "fail", reason: `${failed.check}: ${failed.problem}` }
      const why = unsupported.get(capability) ?? (checks.length === 0 ? "nothing of it was checked" : undefined)
      return why === undefined ? { ...row, result: "pass", reason: null } : { ...row, result: "unsupported", reason: why }
    })
  return { cli, claim, story, rows }
}
export type Claims = ReturnType<typeof makeClaims>

/** A condition that a check depends on, with the sentence for when it does not hold. */
export function must(condition: boolean, problem: () => string): asserts condition {
  if (!condition) throw new Error(problem())
}
