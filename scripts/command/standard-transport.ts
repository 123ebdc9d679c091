import * as Effect from "effect/Effect"
import { findExecutable, HostEnvironment, PluginHost } from "../../sdk/index.ts"

/** What is used where nothing was chosen: tmux where it is there, else terminals of this process. */
export const standardTransport = Effect.gen(function*() {
  const { PATH } = yield* HostEnvironment
  return findExecutable("tmux", "/", PATH) !== null ? "tmux" : "pty"
})

/** A plugin that was asked for by name and turned away is no plugin to go on without. */
export const demandPlugins = Effect.gen(function*() {
  const host = yield* PluginHost
  // Asking for what no built-in gives loads all that is listed.
  yield* Effect.either(host.provider(""))
  const [rejection] = yield* host.rejected
  if (rejection !== undefined) return yield* rejection
})
