import * as Context from "effect/Context"

/** Where a plugin finds itself, and what it was granted. */
export class PluginContext extends Context.Tag("reprise/PluginContext")<PluginContext, {
  /** Absolute, symlinks resolved. */
  readonly workspace: string
  /** A directory of the plugin's own under `.reprise/`, 0700; exists. */
  readonly stateDirectory: string
  /** A directory for sockets and files of this boot, short and owner-only; exists. */
  readonly runtimeDirectory: string
  /** The environment variables that it was granted. */
  readonly env: Readonly<Record<string, string>>
}>() {}
