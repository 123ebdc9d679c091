import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { Screen, TransportFailure } from "../plugin/transport-driver.ts"

// The order in which a message is typed into a CLI. It was hard won: see the state again and fail closed, paste, see it on
// the screen, Enter, see it leave; Enter is the only thing ever tried twice.

const lookEvery = Duration.millis(10)
const enterTries = 3

/** How long each stage may take, in milliseconds. */
export interface TypingDeadlines {
  readonly idleMs: number
  readonly visibleMs: number
  readonly submittedMs: number
}

export const typingDeadlines: TypingDeadlines = { idleMs: 5_000, visibleMs: 2_000, submittedMs: 3_000 }

/** What became of the keys. `NotTyped`: none was pressed. `Unknown`: some were, and no evidence followed. */
export type Typed =
  | { readonly _tag: "Submitted"; readonly evidence: string; readonly consumed: boolean }
  | { readonly _tag: "NotTyped"; readonly code: string; readonly why: string }
  | { readonly _tag: "Unknown"; readonly why: string }

interface Typing<E, R> {
  readonly transport: Transport
  readonly provider: Provider
  readonly pane: PaneIdentity
  /** Where the agent's conversation is written, if that is known. */
  readonly transcript: string | null
  readonly text: string
  readonly deadlines: TypingDeadlines
  /**
   * Called once before the first key, with how long the transcript was then (null where that can't be told); its failure
   * leaves the agent untouched.
   */
  readonly beforeFirstKey: (transcriptSize: number | null) => Effect.Effect<void, E, R>
}

/** Control characters would be keys: they are shown as their pictures instead, so that nothing vanishes silently. */
export const withoutControls = (text: string): string =>
  text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (control) => {
    const code = control.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd"
  })

/** What keeps a message from being typed now; null where nothing does. `retry` where waiting can help. */
const obstacle = (provider: Provider, screen: Screen): { readonly code: string; readonly why: string; readonly retry: boolean } | null => {
  const startup = provider.startupPrompt(screen)
  if (startup !== null) return { code: "startup_prompt", why: `it asks: ${startup.question}`, retry: true }
  const approval = provider.approvalPrompt(screen)
  if (approval !== null) return { code: "awaiting_approval", why: `it asks for an approval: ${approval.question}`, retry: false }
  const state = provider.classify(screen)
  if (state === "awaiting_approval") return { code: state, why: "it asks for an approval", retry: false }
  if (state !== "idle") return { code: `not_idle`, why: `its screen is ${state}`, retry: state === "busy" || state === "starting" || state === "unknown" }
  const draft = provider.draft(screen)
  return draft !== null && draft !== "" ? { code: "draft", why: "somebody has typed something that is not sent", retry: true } : null
}

/** Whether the agent asks for an approval, by either of the readers. */
const asksApproval = (provider: Provider, screen: Screen): boolean =>
  provider.approvalPrompt(screen) !== null || provider.classify(screen) === "awaiting_approval"

/**
 * What keeps Enter from being pressed on a message that was typed; null where nothing does. In a dialog Enter would be an
 * answer, and a screen that is not recognised may be one.
 */
const enterForbidden = (provider: Provider, screen: Screen): string | null => {
  if (asksApproval(provider, screen) || provider.startupPrompt(screen) !== null) return "a dialog opened"
  const state = provider.classify(screen)
  return state === "idle" || state === "busy" ? null : `its screen was ${state}`
}

/** Looks until the answer is not null or the time is over; then null. */
const until = <A, E, R>(look: Effect.Effect<A | null, E, R>, withinMs: number): Effect.Effect<A | null, E, R> =>
  Effect.gen(function*() {
    const deadline = (yield* Clock.currentTimeMillis) + withinMs
    for (;;) {
      const found = yield* look
      if (found !== null || (yield* Clock.currentTimeMillis) >= deadline) return found
      yield* Effect.sleep(lookEvery)
    }
  })

/** How long a file is; nothing where there is none, null where that can't be told. */
const sizeOf = (path: string | null) =>
  path === null ? Effect.succeed(null) : Effect.flatMap(FileSystem.FileSystem, (files) =>
    files.stat(path).pipe(
      Effect.map((info): number | null => Number(info.size)),
      Effect.catchAll((error) => Effect.succeed(error._tag === "SystemError" && error.reason === "NotFound" ? 0 : null))
    ))

const decoder = new TextDecoder()

/** Whether a transcript came to hold a message after it had a certain size; bounded. */
export const recordedSince = (provider: Provider, path: string, from: number, clean: string) =>
  Effect.map(writtenSince(path, from, clean.length * 6 + 65_536), (tail) => provider.holdsUserMessage(tail, clean))

/** What was written to a transcript after a position; bounded. */
const writtenSince = (path: string, from: number, most: number) =>
  Effect.scoped(Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const file = yield* files.open(path, { flag: "r" })
    yield* file.seek(FileSystem.Size(from), "start")
    return Option.match(yield* file.readAlloc(most), { onNone: () => "", onSome: (bytes) => decoder.decode(bytes) })
  })).pipe(Effect.catchAll(() => Effect.succeed("")))

/** Types one message into an agent, and says by evidence what became of it. */
export const typeMessage = <E, R>(
  { beforeFirstKey, deadlines, pane, provider, text, transcript, transport }: Typing<E, R>
): Effect.Effect<Typed, E | TransportFailure, R | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const inspection = yield* transport.inspect(pane)
    if (inspection.state !== "alive") {
      return { _tag: "NotTyped" as const, code: "not_alive", why: inspection.evidence }
    }
    let last: ReturnType<typeof obstacle> = null
    const clear = yield* until(
      Effect.map(transport.capture(pane), (screen) => {
        last = obstacle(provider, screen)
        return last === null || !last.retry ? { obstacle: last } : null
      }),
      deadlines.idleMs
    )
    const inTheWay = clear === null ? last : clear.obstacle
    if (inTheWay !== null) return { _tag: "NotTyped" as const, code: inTheWay.code, why: inTheWay.why }

    const clean = withoutControls(text)
    const offset = yield* sizeOf(transcript)
    const recorded = transcript === null || offset === null
      ? Effect.succeed(false)
      : recordedSince(provider, transcript, offset, clean)
    yield* beforeFirstKey(offset)
    yield* transport.leaveModes(pane)
    yield* transport.paste(pane, clean)
    const visible = yield* until(
      Effect.map(transport.capture(pane), (screen) => {
        const draft = provider.draft(screen)
        return draft !== null && draft !== "" ? draft : null
      }),
      deadlines.visibleMs
    )
    for (let press = 1; press <= enterTries; press++) {
      let forbidden = ""
      // A screen that is half drawn may be recognised at the next look; a dialog stays one.
      yield* until(
        Effect.map(transport.capture(pane), (screen) => {
          forbidden = enterForbidden(provider, screen) ?? ""
          return forbidden === "" || asksApproval(provider, screen) ? true : null
        }),
        deadlines.visibleMs
      )
      if (forbidden !== "") {
        const again = press === 1 ? "" : " again"
        return { _tag: "Unknown" as const, why: `${forbidden} while it was being typed; Enter was not pressed${again}` }
      }
      yield* transport.press(pane, ["Enter"])
      const seen = yield* until(
        Effect.gen(function*() {
          if (yield* recorded) return { evidence: "it stands in the transcript", consumed: true }
          const screen = yield* transport.capture(pane)
          if (asksApproval(provider, screen)) return { evidence: "the agent asks for an approval", consumed: false }
          if (visible !== null && provider.draft(screen) === "") return { evidence: "it left the input line", consumed: false }
          return visible === null && provider.classify(screen) === "busy"
            ? { evidence: "the agent began to work", consumed: false }
            : null
        }),
        Math.max(200, deadlines.submittedMs / enterTries)
      )
      if (seen !== null) {
        const consumed = seen.consumed || (transcript !== null &&
          (yield* until(Effect.map(recorded, (found) => found ? true : null), 500)) === true)
        return {
          _tag: "Submitted" as const,
          evidence: consumed && !seen.consumed ? `${seen.evidence} and stands in the transcript` : seen.evidence,
          consumed
        }
      }
      // Without a sight of the text there is nothing to tell a lost Enter from a slow one.
      if (visible === null) break
    }
    return { _tag: "Unknown" as const, why: "it was typed, and neither the screen nor the transcript shows that it was taken" }
  })
