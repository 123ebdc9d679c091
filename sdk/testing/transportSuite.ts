import * as Effect from "effect/Effect"
import type { PluginServices } from "../plugin/definePlugin.ts"
import type { TransportDriver } from "../plugin/transport-driver.ts"
import { testRunner } from "./test-runner.ts"
import { transportChecks } from "./transport-checks.ts"
import type { TransportSuiteOptions } from "./transport-ground.ts"

/**
 * Registers the conformance tests of a transport. What its capabilities do not promise is shown as skipped.
 *
 * @example
 * ```ts
 * transportSuite("pipes", transportOf(plugin, "pipes"))
 * ```
 */
export const transportSuite = (
  name: string,
  make: Effect.Effect<TransportDriver, unknown, PluginServices>,
  options: TransportSuiteOptions = {}
): void => {
  const { describe, it } = testRunner()
  const reason = options.skip ?? null
  describe(reason === null ? `transport ${name}` : `transport ${name} (skipped: ${reason})`, () => {
    for (const check of transportChecks(make, options)) {
      it.live(check.name, (context) =>
        Effect.gen(function*() {
          if (reason !== null) return context.skip(reason)
          if ((yield* check.run) === "skipped") return context.skip("The transport does not promise this.")
        }), 120_000)
    }
  })
}
