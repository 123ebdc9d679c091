import * as Effect from "effect/Effect"
import type { LogVerdict } from "../../domain/log-verdict.ts"
import type { Wrap } from "./layers.ts"
import { type Mutant, withTransport } from "./mutant-hands.ts"

/** Takes a log for the current one, whatever the facts say. */
const takenForCurrent = (refused: LogVerdict["_tag"]): Wrap => (services) =>
  services.verdict._tag === refused ? { ...services, verdict: { _tag: "Current", refresh: false } } : services

/** Ways to act by a log that is not the current state of its workspace. */
export const workspaceMutants: ReadonlyArray<Mutant> = [
  { rule: 1, name: "that a log was put back is not looked at", among: "logs", wrap: takenForCurrent("RolledBack") },
  {
    rule: 1,
    name: "panes that the log does not know are nothing to it",
    among: "logs",
    wrap: (services) =>
      withTransport(services, {
        list: Effect.map(services.transport.list, (listing) =>
          ({ ...listing, panes: listing.panes.map((pane) => ({ ...pane, generation: 0 })) }))
      })
  },
  { rule: 7, name: "a copy of a workspace is the original", among: "logs", wrap: takenForCurrent("Copied") }
]
