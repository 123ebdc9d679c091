import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"
import type { Draft } from "../plugin/provider-screen.ts"
import type { TransportFailure } from "../plugin/transport-driver.ts"
import { noEvidence, type Obstacle, readEvidence } from "../session/agent-state.ts"
import { type AgentLook, conversationOf, inspectPane, lookAt } from "../session/look.ts"
import { endsText, entryOf, showsText } from "./entry.ts"
import { eraseDraft } from "./erase.ts"
import { altered, isVisible, settled, type Typed, type TypingDeadlines, until } from "./typed.ts"
import { bornSince, nothingRecorded, recordedSince, sizeOf } from "./record.ts"

// The order in which a message is typed into a CLI. It was hard won: see the state again and fail closed, paste, see it on
// the screen, Enter, see it leave; Enter is the only thing ever tried twice.

const enterTries = 3

/** How much longer a composer may take for each piece of a text that is pasted in several. */
const pieceMs = 100

/** A text of ours that may have been left in the input line: as it was sent, or as the line showed it. */
export interface LeftDraft {
  readonly message: string
  readonly text?: string
  readonly shown?: string
}

interface Typing<E, R> {
  readonly transport: Transport
  readonly provider: Provider
  readonly pane: PaneIdentity
  readonly agent: ProviderAgent
  /** The conversation that it is known to be in, as far as that is known. */
  readonly conversation: { readonly sessionId: string | null; readonly transcript: string | null }
  readonly text: string
  /** Types the text as it is, although its CLI may read it as a command. */
  readonly raw?: boolean
  /** What earlier messages may have left in the input line. */
  readonly left?: ReadonlyArray<LeftDraft>
  readonly deadlines: TypingDeadlines
  /**
   * Called once before the first key, with the transcript and how long it was then (null where that can't be told); its
   * failure leaves the agent untouched.
   */
  readonly beforeFirstKey: (transcript: { readonly path: string; readonly size: number } | null) => Effect.Effect<void, E, R>
}

/** Which message of ours an input line still shows; undefined where that is not proved. */
export const ownerOf = (draft: Draft, left: ReadonlyArray<LeftDraft>): LeftDraft | undefined =>
  draft === null || draft === ""
    ? undefined
    : left.find(({ shown, text }) => shown === draft || (text !== undefined && showsText(draft, text)))

/** Whether a dialog is open, whichever source says so. */
const asksSomething = ({ question, state }: AgentLook): boolean => state === "awaiting_approval" || question !== null

/**
 * What keeps Enter from being pressed on a message that was typed; null where nothing does. In a dialog Enter would be an
 * answer, and a screen that is not recognised may be one.
 */
const enterForbidden = (look: AgentLook): string | null => {
  if (asksSomething(look)) return "a dialog opened"
  if (look.source === "none") return look.evidence
  if (look.shown === "unknown") return "its screen was unknown"
  return look.state === "idle" || look.state === "busy" ? null : `its state was ${look.state}`
}

/** What became of an Enter, by what can be seen; null while nothing tells. */
const outcomeOf = (look: AgentLook, visible: boolean, watched: boolean): string | null => {
  // A dialog that opened as Enter was pressed may have taken it: then only the record can tell.
  if (asksSomething(look)) return watched ? null : "the agent asks for an approval"
  if (visible && look.draft === "") return "it left the input line"
  return !visible && look.state === "busy" ? "the agent began to work" : null
}

/**
 * Whether the text itself keeps its screen from being recognised as idle: a raw one may switch the composer's mode, and one
 * that is as high as the screen leaves no room for the rest.
 */
const showsOnlyOurs = (look: AgentLook, text: string, raw: boolean): boolean => {
  if (asksSomething(look) || look.draft === null || look.draft === "") return false
  if (raw && look.shown === "unknown") return showsText(look.draft, text)
  return look.shown === "starting" && look.state === "starting" && endsText(look.draft, text)
}

/** Types one message into an agent, and says by evidence what became of it. */
export const typeMessage = <E, R>(
  { agent, beforeFirstKey, conversation, deadlines, left = [], pane, provider, raw = false, text, transport }: Typing<E, R>
): Effect.Effect<Typed, E | TransportFailure, R | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const entry = entryOf(provider, agent, { text, raw })
    if (entry._tag === "Refused") return { _tag: "Refused" as const, why: entry.why }
    const inspection = yield* inspectPane(transport, pane)
    if (inspection.state !== "alive") {
      return { _tag: "NotTyped" as const, code: "not_alive", why: inspection.evidence }
    }
    const look = Effect.flatMap(lookAt({ transport, provider, pane, agent, conversation }), (seen): Effect.Effect<AgentLook, TransportFailure> =>
      seen.unreached === null ? Effect.succeed(seen) : Effect.fail(seen.unreached))
    const erase = (shown: string) =>
      eraseDraft({
        transport,
        provider,
        pane,
        shown,
        look: Effect.map(look, (seen) => ({
          draft: seen.draft,
          // A composer in another mode, a shell's, may not be recognised as idle; what it shows is the text that is ours.
          safe: !asksSomething(seen) && seen.source !== "none" &&
            (seen.state === "idle" || seen.state === "unknown" || showsOnlyOurs(seen, text, raw))
        }))
      })
    let reading = noEvidence
    let draft: Draft = null
    /** What is in the way, once it won't go away or the time is over; null as soon as nothing is. */
    const inTheWayFor = (withinMs: number): Effect.Effect<Obstacle | null, TransportFailure, FileSystem.FileSystem> => {
      let last: Obstacle | null = null
      return until(
        Effect.map(look, (seen) => {
          last = seen.obstacles[0] ?? null
          reading = seen.reading
          draft = seen.draft
          const ours = last?.code === "draft" && ownerOf(seen.draft, left) !== undefined
          return last === null || !last.retry || ours ? { obstacle: last } : null
        }),
        withinMs
      ).pipe(Effect.map((settled) => settled === null ? last : settled.obstacle))
    }
    let inTheWay = yield* inTheWayFor(deadlines.idleMs)
    const owner = ownerOf(draft, left)
    if (inTheWay?.code === "draft" && owner !== undefined && draft !== null) {
      const rest = yield* erase(draft)
      if (rest === "") inTheWay = yield* inTheWayFor(deadlines.visibleMs)
      else inTheWay = { ...inTheWay, why: `its input line still holds the text of message ${owner.message}, which could not be sent` }
    }
    if (inTheWay !== null) return { _tag: "NotTyped" as const, code: inTheWay.code, why: inTheWay.why }

    const transcript = yield* conversationOf(provider, agent, conversation, reading)
    const size = transcript === null ? null : yield* sizeOf(transcript)
    yield* beforeFirstKey(transcript === null || size === null ? null : { path: transcript, size })
    // That took its time, and the text goes into what is there now.
    const since = yield* inTheWayFor(deadlines.visibleMs)
    if (since !== null) {
      return { _tag: "Unknown" as const, why: `${since.why}, since right before it was to be typed; nothing of it was typed`, draft: null }
    }
    const firstKeyAt = yield* Clock.currentTimeMillis
    /** What the conversation's own record shows, and whether there is one to look at. */
    const record = Effect.gen(function*() {
      if (transcript !== null) {
        return { watched: size !== null, ...size === null ? nothingRecorded : yield* recordedSince(provider, transcript, size, text) }
      }
      // A CLI that begins its file with the first message: only a file that was born since can hold it.
      const appeared = yield* conversationOf(provider, agent, conversation, yield* readEvidence(provider, pane, agent))
      const fresh = appeared !== null && (yield* bornSince(appeared, firstKeyAt))
      return { watched: fresh, ...fresh ? yield* recordedSince(provider, appeared, 0, text) : nothingRecorded }
    })
    yield* transport.leaveModes(pane)
    for (const piece of entry.pieces) yield* transport.paste(pane, piece)
    const pastedAt = yield* elapsedMillis
    const pasted = yield* until(
      Effect.map(transport.capture(pane), (screen) => {
        const seen = provider.draft(screen)
        return isVisible(seen, entry.pieces) ? seen : null
      }),
      deadlines.visibleMs + (entry.pieces.length - 1) * pieceMs
    )
    const visible = pasted !== null
    const settleMs = (provider.pasteSettleMs ?? 0) - ((yield* elapsedMillis) - pastedAt)
    if (settleMs > 0) yield* Effect.sleep(Duration.millis(settleMs))

    /** Ends without evidence: what is left of the text in the input line is removed, or told. */
    const unknown = (why: string): Effect.Effect<Typed, TransportFailure, FileSystem.FileSystem> =>
      Effect.gen(function*() {
        const seen = yield* look
        const ours = seen.draft !== null && seen.draft !== "" && (seen.draft === pasted || showsText(seen.draft, text))
        if (!ours || seen.draft === null) return { _tag: "Unknown" as const, why, draft: null }
        const rest = yield* erase(seen.draft)
        return rest === ""
          ? { _tag: "Unknown" as const, why: `${why}; it was removed from the input line`, draft: null }
          : { _tag: "Unknown" as const, why: `${why}; it is still in the input line`, draft: rest ?? seen.draft }
      })

    for (let press = 1; press <= enterTries; press++) {
      let forbidden = ""
      let empty = false
      // A screen that is half drawn may be recognised at the next look; a dialog stays one.
      yield* until(
        Effect.map(look, (seen) => {
          forbidden = showsOnlyOurs(seen, text, raw) ? "" : enterForbidden(seen) ?? ""
          empty = seen.draft === null || seen.draft === ""
          return forbidden === "" || asksSomething(seen) ? true : null
        }),
        deadlines.visibleMs
      )
      if (forbidden !== "") {
        const again = press === 1 ? "" : " again"
        return yield* unknown(`${forbidden} while it was being typed; Enter was not pressed${again}`)
      }
      // Enter is repeated only for a text that is seen to stand there still.
      if (press > 1 && empty) break
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
      if (seen !== null) return yield* settled(seen, record, deadlines, entry.interpreted, unknown)
      // Without a sight of the text there is nothing to tell a lost Enter from a slow one.
      if (!visible) break
    }
    const { other } = yield* record
    return other === null
      ? yield* unknown("it was typed, and neither the screen nor the transcript shows that it was taken")
      : altered(other)
  })
