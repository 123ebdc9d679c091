import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import type { PluginServices } from "../plugin/definePlugin.ts"
import type { ProviderDriver } from "../plugin/provider-driver.ts"
import type { ProviderSuiteOptions } from "./provider-check.ts"
import { providerRules, testPluginServices } from "./provider-checks.ts"
import { testRunner } from "./test-runner.ts"

/**
 * Registers the conformance tests of a provider. Tests that its capabilities or the options leave out are shown as
 * skipped.
 *
 * @example
 * ```ts
 * providerSuite("parrot", providerOf(plugin, "parrot"), { screens: new URL("./screens/", import.meta.url) })
 * ```
 */
export const providerSuite = (
  name: string,
  make: Effect.Effect<ProviderDriver, unknown, PluginServices>,
  options: ProviderSuiteOptions = {}
): void => {
  const { describe, it } = testRunner()
  describe(`provider ${name}`, () => {
    for (const rule of providerRules) {
      it.scopedLive(rule.name, (context) =>
        Effect.gen(function*() {
          const driver = yield* testPluginServices(make)
          if (!rule.applies(driver, options)) return context.skip()
          yield* rule.run(driver, options)
        }).pipe(Effect.provide(NodeContext.layer)), 120_000)
    }
  })
}
