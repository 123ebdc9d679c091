import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { GrantName } from "../domain/decision.ts"

/**
 * The permission to leave a conversation behind. A policy that may do so has it among its requirements, so that a script
 * does not compile without saying that, and why, it lets a conversation go.
 */
export class DiscardContext extends Context.Tag("reprise/DiscardContext")<DiscardContext, {
  readonly reason: string
}>() {}

/**
 * Gives the `DiscardContext` grant. The reason goes into the log beside what was left behind.
 *
 * @example
 * ```ts
 * run(Restart.restart("alpha", Policy.fresh), { provide: Grants.discardContext("the scribe keeps no state") })
 * ```
 */
export const discardContext = (reason: string): Layer.Layer<DiscardContext> =>
  Layer.succeed(DiscardContext, { reason })

/**
 * No grant, said openly: for a policy whose types ended at `import()`. A restart whose policy asks for one is then refused
 * as `grant_missing` before anything is touched. A grant without a reason is none either.
 */
export const notGiven: Layer.Layer<DiscardContext> = Layer.succeed(DiscardContext, { reason: "" })

/** A grant as a command line gives it, `NAME=REASON`; null where it is not one. */
export const parseGrant = (text: string): { readonly name: GrantName; readonly reason: string } | null => {
  const [name, ...rest] = text.split("=")
  const reason = rest.join("=").trim()
  return name === "discard-context" && reason !== "" ? { name, reason } : null
}
