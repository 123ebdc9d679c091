import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { Draft, ProviderAgent, ScreenState } from "../plugin/provider-driver.ts"
import type { TransportFailure } from "../plugin/transport-driver.ts"
import { type AgentSight, agentStateOf, type EvidenceReading, noEvidence, readEvidence } from "../session/agent-state.ts"
import { bornSince, conversationOf, recordedSince, sizeOf } from "./record.ts"

// The order in which a message is typed into a CLI. It was hard won: see the state again and fail closed, paste, see it on
// the screen, Enter, see it leave; Enter is the only thing ever tried twice.

/** Looks come slower and slower: an agent's own records are files, and the agent needs the processor more than we do. */
const nextPause = (pauseMs: number): number => Math.min(pauseMs * 1.3, 60)
const enterTries = 3

/** How long each stage may take, in milliseconds. */
export interface TypingDeadlines {
  readonly idleMs: number
  readonly visibleMs: number
  readonly submittedMs: number
  /** How long the conversation's record may lag behind the screen. */
  readonly recordedMs: number
}

export const typingDeadlines: TypingDeadlines = { idleMs: 5_000, visibleMs: 2_000, submittedMs: 3_000, recordedMs: 1_000 }

/** What became of the keys. `NotTyped`: none was pressed. `Unknown`: some were, and no evidence followed. */
export type Typed =
  | { readonly _tag: "Submitted"; readonly evidence: string; readonly consumed: boolean }
  | { readonly _tag: "NotTyped"; readonly code: string; readonly why: string }
  | { readonly _tag: "Unknown"; readonly why: string }

interface Typing<E, R> {
  readonly transport: Transport
  readonly provider: Provider
  readonly pane: PaneIdentity
  readonly agent: ProviderAgent
  /** The conversation that it is known to be in, as far as that is known. */
  readonly conversation: { readonly sessionId: string | null; readonly transcript: string | null }
  readonly text: string
  readonly deadlines: TypingDeadlines
  /**
   * Called once before the first key, with the transcript and how long it was then (null where that can't be told); its
   * failure leaves the agent untouched.
   */
  readonly beforeFirstKey: (transcript: { readonly path: string; readonly size: number } | null) => Effect.Effect<void, E, R>
}

/** Control characters would be keys: they are shown as their pictures instead, so that nothing vanishes silently. */
export const withoutControls = (text: string): string =>
  text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (control) => {
    const code = control.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd"
  })

/** What is seen of an agent at one moment. */
interface Look {
  readonly sight: AgentSight
  readonly reading: EvidenceReading
  /** What its screen alone says: the text goes into what is on it, so it has to be recognised whatever the records say. */
  readonly shown: ScreenState
  readonly draft: Draft
}

interface Obstacle {
  readonly code: string
  readonly why: string
  /** Whether waiting can help. */
  readonly retry: boolean
}

/** What keeps a message from being typed now; null where nothing does. */
const obstacle = ({ draft, shown, sight }: Look): Obstacle | null => {
  if (sight.state === "awaiting_approval") {
    return {
      code: sight.state,
      why: sight.question === null ? "it asks for an approval" : `it asks for an approval: ${sight.question}`,
      retry: false
    }
  }
  if (sight.state === "starting" && sight.question !== null) {
    return { code: "startup_prompt", why: `it asks: ${sight.question}`, retry: true }
  }
  if (sight.state !== "idle") return { code: "not_idle", why: sight.evidence, retry: sight.state !== "error" }
  if (shown === "unknown") return { code: "not_idle", why: "its screen is not recognised", retry: true }
  return draft !== null && draft !== ""
    ? { code: "draft", why: "somebody has typed something that is not sent", retry: true }
    : null
}

/** Whether a dialog is open, whichever source says so. */
const asksSomething = ({ sight }: Look): boolean => sight.state === "awaiting_approval" || sight.question !== null

/**
 * What keeps Enter from being pressed on a message that was typed; null where nothing does. In a dialog Enter would be an
 * answer, and a screen that is not recognised may be one.
 */
const enterForbidden = (look: Look): string | null => {
  if (asksSomething(look)) return "a dialog opened"
  if (look.shown === "unknown") return "its screen was unknown"
  return look.sight.state === "idle" || look.sight.state === "busy" ? null : `its state was ${look.sight.state}`
}

/** Looks until the answer is not null or the time is over; then null. */
const until = <A, E, R>(look: Effect.Effect<A | null, E, R>, withinMs: number): Effect.Effect<A | null, E, R> =>
  Effect.gen(function*() {
    const deadline = (yield* elapsedMillis) + withinMs
    for (let pauseMs = 10;; pauseMs = nextPause(pauseMs)) {
      const found = yield* look
      if (found !== null || (yield* elapsedMillis) >= deadline) return found
      yield* Effect.sleep(Duration.millis(pauseMs))
    }
  })

/** What became of an Enter, by what can be seen; null while nothing tells. */
const outcomeOf = (look: Look, visible: boolean, watched: boolean): string | null => {
  // A dialog that opened as Enter was pressed may have taken it: then only the record can tell.
  if (asksSomething(look)) return watched ? null : "the agent asks for an approval"
  if (visible && look.draft === "") return "it left the input line"
  return !visible && look.sight.state === "busy" ? "the agent began to work" : null
}

/** Types one message into an agent, and says by evidence what became of it. */
export const typeMessage = <E, R>(
  { agent, beforeFirstKey, conversation, deadlines, pane, provider, text, transport }: Typing<E, R>
): Effect.Effect<Typed, E | TransportFailure, R | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const inspection = yield* transport.inspect(pane)
    if (inspection.state !== "alive") {
      return { _tag: "NotTyped" as const, code: "not_alive", why: inspection.evidence }
    }
    // The screen is captured last: it is what the keys go into.
    const look: Effect.Effect<Look, TransportFailure> = Effect.gen(function*() {
      const reading = yield* readEvidence(provider, pane, agent)
      const screen = yield* transport.capture(pane)
      return {
        sight: agentStateOf(provider, screen, reading),
        reading,
        shown: provider.classify(screen),
        draft: provider.draft(screen)
      }
    })
    let reading = noEvidence
    /** What is in the way, once it won't go away or the time is over; null as soon as nothing is. */
    const inTheWayFor = (withinMs: number): Effect.Effect<Obstacle | null, TransportFailure> => {
      let last: Obstacle | null = null
      return until(
        Effect.map(look, (seen) => {
          last = obstacle(seen)
          reading = seen.reading
          return last === null || !last.retry ? { obstacle: last } : null
        }),
        withinMs
      ).pipe(Effect.map((settled) => settled === null ? last : settled.obstacle))
    }
    const inTheWay = yield* inTheWayFor(deadlines.idleMs)
    if (inTheWay !== null) return { _tag: "NotTyped" as const, code: inTheWay.code, why: inTheWay.why }

    const clean = withoutControls(text)
    const transcript = yield* conversationOf(provider, agent, conversation, reading)
    const size = transcript === null ? null : yield* sizeOf(transcript)
    yield* beforeFirstKey(transcript === null || size === null ? null : { path: transcript, size })
    // That took its time, and the text goes into what stands there now.
    const since = yield* inTheWayFor(deadlines.visibleMs)
    if (since !== null) return { _tag: "Unknown" as const, why: `${since.why}, since right before it was to be typed; nothing of it was typed` }
    const firstKeyAt = yield* Clock.currentTimeMillis
    /** Whether the conversation's own record shows it, and whether there is one to look at. */
    const record = Effect.gen(function*() {
      if (transcript !== null) {
        return { watched: size !== null, found: size !== null && (yield* recordedSince(provider, transcript, size, clean)) }
      }
      // A CLI that begins its file with the first message: only a file that was born since can hold it.
      const appeared = yield* conversationOf(provider, agent, conversation, yield* readEvidence(provider, pane, agent))
      const fresh = appeared !== null && (yield* bornSince(appeared, firstKeyAt))
      return { watched: fresh, found: fresh && (yield* recordedSince(provider, appeared, 0, clean)) }
    })
    yield* transport.leaveModes(pane)
    yield* transport.paste(pane, clean)
    const pastedAt = yield* elapsedMillis
    const visible = null !== (yield* until(
      Effect.map(transport.capture(pane), (screen) => {
        const draft = provider.draft(screen)
        return draft !== null && draft !== "" ? draft : null
      }),
      deadlines.visibleMs
    ))
    const settleMs = (provider.pasteSettleMs ?? 0) - ((yield* elapsedMillis) - pastedAt)
    if (settleMs > 0) yield* Effect.sleep(Duration.millis(settleMs))

    for (let press = 1; press <= enterTries; press++) {
      let forbidden = ""
      let left = false
      // A screen that is half drawn may be recognised at the next look; a dialog stays one.
      yield* until(
        Effect.map(look, (seen) => {
          forbidden = enterForbidden(seen) ?? ""
          left = seen.draft === null || seen.draft === ""
          return forbidden === "" || asksSomething(seen) ? true : null
        }),
        deadlines.visibleMs
      )
      if (forbidden !== "") {
        const again = press === 1 ? "" : " again"
        return { _tag: "Unknown" as const, why: `${forbidden} while it was being typed; Enter was not pressed${again}` }
      }
      // Enter is repeated only for a text that is seen to stand there still.
      if (press > 1 && left) break
      yield* transport.press(pane, ["Enter"])
      const seen = yield* until(
        Effect.gen(function*() {
          const { found, watched } = yield* record
          if (found) return { evidence: "it stands in the transcript", consumed: true }
          const evidence = outcomeOf(yield* look, visible, watched)
          return evidence === null ? null : { evidence, consumed: false }
        }),
        Math.max(200, deadlines.submittedMs / enterTries)
      )
      if (seen !== null) {
        const consumed = seen.consumed || (yield* until(
          Effect.map(record, ({ found }) => found ? true : null),
          deadlines.recordedMs
        )) === true
        return {
          _tag: "Submitted" as const,
          evidence: consumed && !seen.consumed ? `${seen.evidence} and stands in the transcript` : seen.evidence,
          consumed
        }
      }
      // Without a sight of the text there is nothing to tell a lost Enter from a slow one.
      if (!visible) break
    }
    return { _tag: "Unknown" as const, why: "it was typed, and neither the screen nor the transcript shows that it was taken" }
  })
