import * as Effect from "effect/Effect"
import { mapProviders, type Mutant, telling, withTransport, writing } from "./mutant-hands.ts"

/** Ways to break what a restart promises beyond its own life. */
export const operationMutants: ReadonlyArray<Mutant> = [
  {
    rule: 2,
    name: "what lets a CLI in is not asked",
    among: "logins",
    wrap: (services) => mapProviders(services, ({ login: _, ...provider }) => provider)
  },
  {
    rule: 2,
    name: "that all were to come back or none is not written down",
    among: "allOrNone",
    wrap: writing((event) => {
      if (event.type !== "operation.started") return event
      const { all_or_none: _, ...others } = event
      return others
    })
  },
  {
    rule: 2,
    name: "whom a restart brought up lived before it",
    among: "allOrNone",
    wrap: writing((event) => event.type === "operation.started" ? { ...event, alive: event.agents } : event)
  },
  {
    rule: 2,
    name: "what is taken back counts as done, whoever could not be ended",
    among: "allOrNone",
    wrap: telling((team) => team.operation === null || team.operation.steps["undo"] === undefined ? team : { ...team, operation: null })
  },
  {
    rule: 7,
    name: "an agent at work looks idle to a restart",
    among: "work",
    wrap: (services) => mapProviders(services, (provider) => ({
      ...provider,
      classify: (screen) => provider.classify(screen) === "busy" ? "idle" : provider.classify(screen)
    }))
  },
  {
    rule: 7,
    name: "a screen that can't be read is idle",
    among: "work",
    wrap: (services) => withTransport(services, {
      capture: (pane) => Effect.orElseSucceed(services.transport.capture(pane), () => ({ lines: ["state: idle"], title: "", cursor: { row: 0, column: 0 } }))
    })
  }
]
