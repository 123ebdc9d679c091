import { SystemError } from "@effect/platform/Error"
import type { Event } from "../../domain/event.ts"
import type { Provider } from "../../plugin/PluginHost.ts"
import type { ProcessServices, Wrap } from "./layers.ts"

// With what mutants are made.

export interface Mutant {
  /** The rule that it is made to break. */
  readonly rule: number
  readonly name: string
  readonly wrap: Wrap
  /** Looked for in these worlds only, where it could not break anything in others. */
  readonly among?: "people"
}

export const withTransport = (services: ProcessServices, change: Partial<ProcessServices["transport"]>): ProcessServices => ({
  ...services,
  transport: { ...services.transport, ...change }
})

export const withAppend = (
  services: ProcessServices,
  append: (inner: ProcessServices["log"]["append"]) => ProcessServices["log"]["append"]
): ProcessServices => ({ ...services, log: { ...services.log, append: append(services.log.append) } })

/** Leaves events of some kinds out of every batch. */
export const forgetting = (forgets: (event: Event) => boolean): Wrap => (services) =>
  withAppend(services, (append) => (events, options) => append(events.filter((event) => !forgets(event)), options))

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
