import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { PluginContext } from "./PluginContext.ts"
import type { ProviderDriver } from "./provider-driver.ts"
import type { TransportDriver } from "./transport-driver.ts"

/** The version of the plugin contract that this SDK speaks. */
export const pluginApi = 1

/** What a plugin asks of the machine. A plugin that is not built in gets it only with the user's consent. */
export interface Needs {
  /** Programs that it runs, by name or absolute path. */
  readonly executables?: ReadonlyArray<string>
  /** Directories that it reads and writes; `~` is the user's home, `{workspace}` the workspace. */
  readonly directories?: ReadonlyArray<string>
  /** Environment variables that it sees; a trailing `*` stands for any ending. */
  readonly env?: ReadonlyArray<string>
}

/** What a plugin adds: providers and transports by the names that team files use. */
export interface Contribution {
  readonly providers?: Readonly<Record<string, ProviderDriver>>
  readonly transports?: Readonly<Record<string, TransportDriver>>
}

/** What `setup` may ask for. */
export type PluginServices =
  | PluginContext
  | FileSystem.FileSystem
  | Path.Path
  | CommandExecutor.CommandExecutor
  | Scope.Scope

/**
 * A plugin: the default export of a file or package.
 *
 * @example
 * ```ts
 * import { definePlugin, dataProvider, Effect, Schema } from "reprise/plugin"
 *
 * export default definePlugin({
 *   name: "provider-parrot",
 *   api: 1,
 *   needs: { executables: ["parrot"] },
 *   options: Schema.Struct({}),
 *   setup: () => Effect.succeed({ providers: { parrot: dataProvider({ ... }) } })
 * })
 * ```
 */
export interface Plugin<Options = unknown, Encoded = unknown> {
  readonly name: string
  readonly api: typeof pluginApi
  readonly needs: Needs
  /** Checked before `setup` is called. */
  readonly options: Schema.Schema<Options, Encoded>
  /** Runs once; what it acquires in its scope is released when the host closes. */
  readonly setup: (options: Options) => Effect.Effect<Contribution, unknown, PluginServices>
}

/** Types a plugin; it is returned as it is. */
export const definePlugin = <Options, Encoded>(plugin: Plugin<Options, Encoded>): Plugin<Options, Encoded> => plugin
