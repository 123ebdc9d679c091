import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type ProcessRef, treeOf } from "../plugin/process-table.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent, SessionHolder } from "../plugin/provider-driver.ts"
import { HostProcesses } from "./host-processes.ts"

/** Whether a live process other than our own has a conversation open. */
export type Holding =
  | { readonly _tag: "Free" }
  | { readonly _tag: "Held"; readonly holders: ReadonlyArray<SessionHolder> }
  | { readonly _tag: "Unknown"; readonly why: string }

/** What keeps others from a conversation. */
export type NotFree = Exclude<Holding, { readonly _tag: "Free" }>

const free: Holding = { _tag: "Free" }
const isSame = (one: ProcessRef) => (other: ProcessRef): boolean => one.pid === other.pid && one.startTime === other.startTime

/** Asks the provider who has the session open, and leaves out `own` processes and all that descends from them. */
export const heldElsewhere = (
  provider: Provider,
  agent: ProviderAgent,
  sessionId: string,
  own: ReadonlyArray<ProcessRef>
): Effect.Effect<Holding> =>
  Effect.gen(function*() {
    if (provider.sessionHolders === undefined) return free
    const answer = yield* Effect.either(provider.sessionHolders(agent, sessionId))
    if (Either.isLeft(answer)) return { _tag: "Unknown", why: answer.left.message.replace(/\.$/, "") } satisfies Holding
    const others = answer.right.filter((holder) => !own.some(isSame(holder)))
    if (others.length === 0) return free
    const table = own.length === 0 ? [] : yield* (yield* HostProcesses).table
    if (table === null) {
      return { _tag: "Unknown", why: "the table of processes could not be read" } satisfies Holding
    }
    const tree = treeOf(table, own)
    const holders = others.filter((holder) => !tree.some(isSame(holder)))
    return holders.length === 0 ? free : { _tag: "Held", holders } satisfies Holding
  })
