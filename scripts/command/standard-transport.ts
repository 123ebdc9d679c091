import * as Effect from "effect/Effect"
import { findExecutable, HostEnvironment } from "../../sdk/index.ts"

/** What is used where nothing was chosen: tmux where it is there, else terminals of this process. */
export const standardTransport = Effect.gen(function*() {
  const { PATH } = yield* HostEnvironment
  return findExecutable("tmux", "/", PATH) !== null ? "tmux" : "pty"
})
