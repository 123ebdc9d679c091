import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Plugin, PluginServices } from "../plugin/definePlugin.ts"
import { PluginContext } from "../plugin/PluginContext.ts"
import type { ProviderDriver } from "../plugin/provider-driver.ts"
import type { ProviderCheck, ProviderRule, ProviderSuiteOptions } from "./provider-check.ts"
import { ProviderCheckFailed } from "./provider-check.ts"
import { commandRules } from "./provider-command-rules.ts"
import { liveRules } from "./provider-live-rules.ts"
import { composerRules } from "./provider-composer-rules.ts"
import { endRules, screenRules, transcriptRules } from "./provider-reading-rules.ts"

// The checks of providers without a test runner.

/** Every rule of the suite. */
export const providerRules: ReadonlyArray<ProviderRule> = [
  ...commandRules,
  ...transcriptRules,
  ...screenRules,
  ...endRules,
  ...composerRules,
  ...liveRules
]

/** The checks that apply to a driver, as data: its capabilities and the options choose them. */
export const providerChecks = (
  driver: ProviderDriver,
  options: ProviderSuiteOptions = {}
): ReadonlyArray<ProviderCheck> =>
  providerRules
    .filter((rule) => rule.applies(driver, options))
    .map((rule) => ({ name: rule.name, run: rule.run(driver, options) }))

/** The services that a plugin may ask for, in directories that end with the scope. */
export const testPluginServices = <A, E>(
  effect: Effect.Effect<A, E, PluginServices>
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const base = yield* Effect.orDie(files.makeTempDirectoryScoped({ prefix: "reprise-plugin-" }))
    const [workspace, stateDirectory, runtimeDirectory] = [
      path.join(base, "work"),
      path.join(base, "state"),
      path.join(base, "run")
    ]
    for (const directory of [workspace, stateDirectory, runtimeDirectory]) {
      yield* Effect.orDie(files.makeDirectory(directory, { mode: 0o700 }))
    }
    return yield* Effect.provideService(effect, PluginContext, { workspace, workspaceId: Effect.succeed("suite"), stateDirectory, runtimeDirectory, env: {} })
  }).pipe(Effect.provide(NodeContext.layer))

/** A provider of a plugin, set up as the host would do it. */
export const providerOf = <Options, Encoded>(
  plugin: Plugin<Options, Encoded>,
  name: string,
  options: unknown = {}
): Effect.Effect<ProviderDriver, unknown, PluginServices> =>
  Effect.gen(function*() {
    const decoded = yield* Schema.decodeUnknown(plugin.options)(options)
    const contribution = yield* plugin.setup(decoded)
    const driver = contribution.providers?.[name]
    if (driver === undefined) {
      return yield* new ProviderCheckFailed({ detail: `The plugin ${plugin.name} contributes no provider ${name}.` })
    }
    return driver
  })
