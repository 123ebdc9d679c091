import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Plugin, PluginServices } from "../plugin/definePlugin.ts"
import type { TransportDriver } from "../plugin/transport-driver.ts"
import { endingRules } from "./transport-ending-rules.ts"
import { makeGround, TransportCheckFailed, type TransportSuiteOptions } from "./transport-ground.ts"
import type { TransportRule } from "./transport-rule.ts"
import { startRules } from "./transport-start-rules.ts"
import { typingRules } from "./transport-typing-rules.ts"

// The checks of transports without a test runner.

const rules: ReadonlyArray<TransportRule> = [...startRules, ...typingRules, ...endingRules]

/** A check of a transport, as data. It opens a driver of its own in directories of its own. */
export interface TransportCheck {
  readonly name: string
  /** `skipped`: the transport does not promise this. Fails with a sentence if a promise is broken. */
  readonly run: Effect.Effect<"passed" | "skipped", unknown>
}

/** How long one check may take before it counts as failed. */
const checkLimit = "90 seconds"

/** All checks of a transport; its capabilities and the options choose those that apply. */
export const transportChecks = (
  make: Effect.Effect<TransportDriver, unknown, PluginServices>,
  options: TransportSuiteOptions = {}
): ReadonlyArray<TransportCheck> =>
  rules.map((rule) => ({
    name: rule.name,
    run: Effect.gen(function*() {
      if (rule.real === true && options.world !== undefined) return "skipped" as const
      const ground = yield* makeGround(make, options)
      if (rule.applies?.(ground.driver.capabilities, options) === false) return "skipped" as const
      yield* rule.run(ground, options)
      return "passed" as const
    }).pipe(
      Effect.timeoutFail({
        duration: checkLimit,
        onTimeout: () => new TransportCheckFailed({ detail: `The check did not end within ${checkLimit}.` })
      }),
      Effect.scoped,
      Effect.provide(NodeContext.layer)
    )
  }))

/** A transport of a plugin, set up as the host would do it. */
export const transportOf = <Options, Encoded>(
  plugin: Plugin<Options, Encoded>,
  name: string,
  options: unknown = {}
): Effect.Effect<TransportDriver, unknown, PluginServices> =>
  Effect.gen(function*() {
    const decoded = yield* Schema.decodeUnknown(plugin.options)(options)
    const driver = (yield* plugin.setup(decoded)).transports?.[name]
    if (driver === undefined) {
      return yield* new TransportCheckFailed({ detail: `The plugin ${plugin.name} contributes no transport ${name}.` })
    }
    return driver
  })
