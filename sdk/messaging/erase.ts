import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { Draft } from "../plugin/provider-screen.ts"
import type { TransportFailure } from "../plugin/transport-driver.ts"

/** More lines than this are not removed key by key. */
const mostLines = 60
const looksPerLine = 12
const pauseMs = 25

/** What may be seen of an input line while a draft is removed from it. */
export interface DraftLook {
  readonly draft: Draft
  /** Whether keys may be pressed now: the agent is idle and asks nothing. */
  readonly safe: boolean
}

/**
 * Removes a draft of ours from an input line, line by line, with the keys that its provider declares; answers with what is
 * left: empty where it is gone, null where that can't be told. The caller holds the input and has proved the draft to be ours.
 */
export const eraseDraft = <R>(
  { look, pane, provider, shown, transport }: {
    readonly transport: Transport
    readonly provider: Provider
    readonly pane: PaneIdentity
    readonly look: Effect.Effect<DraftLook, TransportFailure, R>
    readonly shown: string
  }
): Effect.Effect<Draft, TransportFailure, R> =>
  Effect.gen(function*() {
    const keys = provider.composer?.eraseLine
    let draft: Draft = shown
    if (keys === undefined) return draft
    for (let line = 0; line < mostLines && draft !== null && draft !== ""; line++) {
      const before = yield* look
      // What is there now must still be what was ours.
      if (!before.safe || before.draft !== draft) return before.draft
      yield* transport.press(pane, keys)
      let after: Draft = draft
      for (let looks = 0; looks < looksPerLine && after === draft; looks++) {
        yield* Effect.sleep(Duration.millis(pauseMs))
        after = (yield* look).draft
      }
      if (after === draft) return draft
      draft = after
    }
    return draft
  })
