import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** Where a plugin finds itself, and what it was granted. */
export class PluginContext extends Context.Tag("reprise/PluginContext")<PluginContext, {
  /** Absolute, symlinks resolved. */
  readonly workspace: string
  /**
   * The random id of the workspace's log, which each spawned process has as `REPRISE_WORKSPACE_ID`. Run it when it is
   * needed, such as at a spawn: it is null before the log is made, and a plugin is set up before that in a first `up`.
   */
  readonly workspaceId: Effect.Effect<string | null>
  /** A directory of the plugin's own under `.reprise/`, 0700; exists. */
  readonly stateDirectory: string
  /** A directory for sockets and files of this boot, short and owner-only; exists. */
  readonly runtimeDirectory: string
  /** The environment variables that it was granted. */
  readonly env: Readonly<Record<string, string>>
}>() {}
