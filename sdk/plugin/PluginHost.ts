import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ConsentSubject } from "../consent/consent.ts"
import type { ProviderDriver } from "./provider-driver.ts"
import type { TransportDriver } from "./transport-driver.ts"

/** At which step a plugin was turned away. */
export const PluginStage = Schema.Literal("resolve", "consent", "import", "shape", "api", "options", "needs", "duplicate", "directory", "setup")
export type PluginStage = typeof PluginStage.Type

/** A plugin that was not loaded. The host goes on with the others. */
export class PluginRejected extends Schema.TaggedError<PluginRejected>("reprise/PluginRejected")("PluginRejected", {
  /** As it was asked for: a short name, a path, a package. */
  spec: Schema.String,
  /** The name it gives itself, where it came that far. */
  plugin: Schema.NullOr(Schema.String),
  stage: PluginStage,
  detail: Schema.String,
  /** For `consent`: what the user would have to consent to. */
  consent: Schema.optionalWith(ConsentSubject, { exact: true })
}) {
  override get message(): string {
    return `Plugin ${this.plugin ?? this.spec} was rejected at ${this.stage}: ${this.detail}`
  }
}

/** No loaded plugin gives this provider or transport. */
export class PluginMissing extends Schema.TaggedError<PluginMissing>("reprise/PluginMissing")("PluginMissing", {
  kind: Schema.Literal("provider", "transport"),
  name: Schema.String,
  known: Schema.Array(Schema.String),
  /** Plugins that were turned away: one of them may be why. */
  rejected: Schema.Array(PluginRejected)
}) {
  override get message(): string {
    const unusable = this.rejected.find(({ stage }) => stage === "directory")
    if (unusable !== undefined) return `${unusable.detail} The ${this.kind} "${this.name}" needs it, and nothing was done.`
    const why = this.rejected.map((rejection) => ` ${rejection.message}`).join("")
    return `There is no ${this.kind} "${this.name}" (known: ${this.known.join(", ") || "none"}).${why}`
  }
}

/** A provider as scripts use it: the driver behind a span, a time limit and a guard against defects. */
export interface Provider extends ProviderDriver {
  readonly name: string
  readonly plugin: string
}

/** A transport as scripts use it; see `Provider`. */
export interface Transport extends TransportDriver {
  readonly name: string
  readonly plugin: string
}

/** Loads plugins on demand and hands out what they contribute. */
export class PluginHost extends Context.Tag("reprise/PluginHost")<PluginHost, {
  readonly provider: (name: string) => Effect.Effect<Provider, PluginMissing>
  readonly transport: (name: string) => Effect.Effect<Transport, PluginMissing>
  /** The names of all providers that there are: the built-in ones, which need not be loaded, and those of listed plugins. */
  readonly providers?: Effect.Effect<ReadonlyArray<string>>
  /** What was turned away so far. */
  readonly rejected: Effect.Effect<ReadonlyArray<PluginRejected>>
}>() {}
