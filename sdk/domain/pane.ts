import * as Schema from "effect/Schema"
import { SpawnToken } from "./ids.ts"

/**
 * The whole identity of the place where one process lives. Two panes are the same only if all of it is:
 * a bare pane id is given out again by the next server.
 */
export const PaneIdentity = Schema.Struct({
  /** Name of the transport that owns it. */
  transport: Schema.String,
  /** The transport's address of the server (a socket path, a process). */
  endpoint: Schema.String,
  session: Schema.String,
  window: Schema.String,
  pane: Schema.String,
  /** The agent's own process, not a recorder's or a shell's. */
  pid: Schema.Int,
  /** The process's start time as its host tells it, with the host's boot: a pid alone is given out again. */
  startTime: Schema.String,
  spawn: SpawnToken
})
export type PaneIdentity = typeof PaneIdentity.Type

/** A pane's address for people: `session:window.pane`. */
export const paneAddress = (pane: PaneIdentity): string => `${pane.session}:${pane.window}.${pane.pane}`

/** How a process ended; `code` is null where nobody could observe it (never read as 0). */
export const ProcessExit = Schema.Struct({
  code: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.Int)
})
export type ProcessExit = typeof ProcessExit.Type
