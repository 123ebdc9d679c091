import { SystemError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Event } from "../../domain/event.ts"
import type { TeamState } from "../../event-log/TeamState.ts"
import type { Provider } from "../../plugin/PluginHost.ts"
import type { ProcessServices, Wrap } from "./layers.ts"

// With what mutants are made.

/** What a world has that some mutants need: people's processes, stopped ones, restarts of all or none, usage limits, boots, work, logins, changed conversations, logs that tools handle, processes that outlive agents. */
export type Among = "people" | "suspended" | "allOrNone" | "limits" | "boots" | "work" | "logins" | "changed" | "logs" | "children"

export interface Mutant {
  /** The rule that it is made to break. */
  readonly rule: number
  readonly name: string
  readonly wrap: Wrap
  /** Looked for in these worlds only, where it could not break anything in others. */
  readonly among?: Among
}

export const withTransport = (services: ProcessServices, change: Partial<ProcessServices["transport"]>): ProcessServices => ({
  ...services,
  transport: { ...services.transport, ...change }
})

export const withAppend = (
  services: ProcessServices,
  append: (inner: ProcessServices["log"]["append"]) => ProcessServices["log"]["append"]
): ProcessServices => ({ ...services, log: { ...services.log, append: append(services.log.append) } })

/** Writes other events in the place of some. */
export const writing = (change: (event: Event) => Event): Wrap => (services) =>
  withAppend(services, (append) => (events, options) => append(events.map(change), options))

/** Leaves events of some kinds out of every batch. */
export const forgetting = (forgets: (event: Event) => boolean): Wrap => (services) =>
  withAppend(services, (append) => (events, options) => append(events.filter((event) => !forgets(event)), options))

/** Tells something else of a team than the log has. */
export const telling = (told: (team: TeamState) => TeamState): Wrap => (services) => ({
  ...services,
  log: { ...services.log, state: (team) => Effect.map(services.log.state(team), Option.map(told)) }
})

export const withProcesses = (services: ProcessServices, change: Partial<ProcessServices["processes"]>): ProcessServices => ({
  ...services,
  processes: { ...services.processes, ...change }
})

export const mapProviders = (services: ProcessServices, change: (provider: Provider) => Provider): ProcessServices => ({
  ...services,
  providers: new Map([...services.providers].map(([name, provider]) => [name, change(provider)]))
})

export const missing = (method: string, path: string) =>
  new SystemError({ module: "FileSystem", method, reason: "NotFound", pathOrDescriptor: path })
