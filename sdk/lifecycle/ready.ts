import type * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { elapsedMillis } from "../domain/elapsed.ts"
import { type AgentFailure, failureWords } from "../domain/failure.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"
import type { StartupPrompt } from "../plugin/provider-screen.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { Screen } from "../plugin/transport-driver.ts"
import { readEvidence } from "../session/agent-state.ts"
import { type AgentLook, type Conversation, inspectPane, lookAt } from "../session/look.ts"

/** Says of a question at a start that it waits for somebody's consent. */
export const nobodyAgreed = "Nobody agreed to that for it."

/** Looks come slower and slower: the starting process needs the processor more than we do. */
const nextPause = (pauseMs: number): number => Math.min(pauseMs * 1.25, 60)

export interface ReadyReport {
  readonly evidence: string
  /** The session that the CLI says it has; null where it does not say. */
  readonly sessionId: string | null
  /** A sentence: where it says so. */
  readonly sessionEvidence: string
  /** That session's transcript, where its process's own records tell it. */
  readonly transcript: string | null
}

interface AwaitReady<E, R> {
  readonly transport: Transport
  readonly provider: Provider
  readonly agent: ProviderAgent
  readonly pane: PaneIdentity
  readonly withinMs: number
  /** The session that it was told to have; null where it chooses. */
  readonly expectedSession: string | null
  /** Whether it was to go on with a conversation that was there before. */
  readonly resumes: boolean
  /** Where its conversation is, as far as that is known. */
  readonly conversation: Conversation
  /** When its process was started, in milliseconds of the epoch. */
  readonly spawnedAt: number
  /** Called before a prompt's keys are pressed. */
  readonly onPrompt: (prompt: StartupPrompt) => Effect.Effect<void, E, R>
}

const failure = (fields: Partial<AgentFailure> & Pick<AgentFailure, "kind" | "reason">): AgentFailure => ({
  retryable: false,
  retryAt: null,
  ...fields
})

/** The last thing that a screen said, which mostly tells what it waits for. */
const lastLine = (screen: Screen | null): string => {
  const line = screen?.lines.findLast((text) => text.trim() !== "")?.trim()
  return line === undefined ? "" : ` ("${line.slice(0, 120)}")`
}

const sameReports = 4
const reportPause = Duration.millis(50)

/** Whether it shows the place where it is told something: then it is in its session, whatever it complains of. */
const isInSession = ({ draft, state }: AgentLook): boolean =>
  draft !== null || state === "idle" || state === "busy" || state === "awaiting_approval"

/**
 * Whether what is wrong is a failure of the start. An agent that was to continue its conversation and is in it is back: what
 * keeps it from working is its own failure, which the status shows. A new one that can't begin has nothing to go on with.
 */
const failsTheStart = (look: AgentLook, resumes: boolean): boolean => {
  const { failure, state } = look
  if (failure === null) return false
  if (resumes && (failure.kind === "usage_limit" || isInSession(look))) return false
  if (failure.kind === "usage_limit" && failure.retryAt !== null) return true
  return failure.kind === "auth" || (state !== "idle" && state !== "busy")
}

type Look =
  | { readonly _tag: "Ready"; readonly screen: Screen; readonly evidence: string }
  | { readonly _tag: "Failed"; readonly failure: AgentFailure }
  | { readonly _tag: "NotYet"; readonly seen: string }

/**
 * Waits until the agent works: its process lives and its screen is one on which it can be spoken to. Start-up prompts are
 * answered, each once a generation. Fails as a value, with the kind and reason.
 */
export const awaitReady = <E, R>(
  { agent, conversation, expectedSession, onPrompt, pane, provider, resumes, spawnedAt, transport, withinMs }: AwaitReady<E, R>
): Effect.Effect<Either.Either<ReadyReport, AgentFailure>, E, R | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const prompts = new Set<string>()
    let lastScreen: Screen | null = null
    let lastSeen = "nothing was seen on its screen"
    const startedAt = yield* elapsedMillis

    const look: Effect.Effect<Look, E, R | FileSystem.FileSystem> = Effect.gen(function*() {
      const seen = yield* lookAt({ transport, provider, agent, pane, conversation, startedAt: spawnedAt })
      if (seen.screen._tag !== "Shown") {
        const inspection = yield* inspectPane(transport, pane)
        if (inspection.state !== "dead") return { _tag: "NotYet", seen: seen.evidence } satisfies Look
        const explained = provider.explainExit({ exit: inspection.exit, lines: lastScreen?.lines ?? [] })
        return { _tag: "Failed", failure: explained } satisfies Look
      }
      const { screen } = seen.screen
      lastScreen = screen
      const prompt = seen.startup
      if (prompt !== null) {
        const { consent } = prompt
        if (consent !== undefined && agent.options[consent.option] !== true) {
          const reason = `It asks: ${prompt.question} ${nobodyAgreed} ${consent.advice} Its process was left alone.`
          return { _tag: "Failed", failure: failure({ kind: "not_ready", reason }) } satisfies Look
        }
        if (!prompts.has(prompt.name)) {
          if (prompt.settleMs !== undefined) yield* Effect.sleep(Duration.millis(prompt.settleMs))
          // The keys count from the choice that is marked: what stands there now decides, and another question waits.
          const again = prompt.settleMs === undefined ? Either.right(screen) : yield* Effect.either(transport.capture(pane))
          const settled = Either.isRight(again) ? provider.startupPrompt(again.right) : null
          if (settled?.name === prompt.name) {
            prompts.add(prompt.name)
            yield* onPrompt(settled)
            yield* Effect.ignoreLogged(transport.press(pane, settled.answer))
          }
        }
        return { _tag: "NotYet", seen: `it asks: ${prompt.question}` } satisfies Look
      }
      const { evidence, failure: wrong, state } = seen
      if (wrong !== null && failsTheStart(seen, resumes)) {
        const reason = `${wrong.reason.replace(/\.*$/, "")}. Its process was left alone.`
        return { _tag: "Failed", failure: { ...wrong, reason } } satisfies Look
      }
      return state === "idle" || state === "busy" || state === "awaiting_approval" || (wrong !== null && state !== "starting")
        ? { _tag: "Ready", screen, evidence: wrong === null ? evidence : `${evidence}; ${failureWords(wrong)}` } satisfies Look
        : { _tag: "NotYet", seen: evidence } satisfies Look
    })

    const watch = (pauseMs: number): Effect.Effect<Look, E, R | FileSystem.FileSystem> =>
      Effect.flatMap(look, (seen) => {
        if (seen._tag !== "NotYet") return Effect.succeed(seen)
        lastSeen = seen.seen
        return Effect.delay(Effect.suspend(() => watch(nextPause(pauseMs))), Duration.millis(pauseMs))
      })
    const settled = yield* watch(20).pipe(
      Effect.timeoutTo({
        duration: Duration.millis(withinMs),
        onSuccess: (seen): Look => seen,
        onTimeout: (): Look => ({ _tag: "NotYet", seen: lastSeen })
      })
    )
    if (settled._tag === "Failed") return Either.left(settled.failure)
    if (settled._tag === "NotYet") {
      return Either.left(failure({
        kind: "not_ready",
        reason: `It was not ready within ${withinMs / 1000} s: ${settled.seen}${lastLine(lastScreen)}. Its process was left alone.`,
        retryable: true
      }))
    }
    const tookMs = (yield* elapsedMillis) - startedAt
    /** Its own records first: they are exact, and a screen may quote anything. */
    const report = (screen: Screen) =>
      Effect.gen(function*() {
        const reading = yield* readEvidence(provider, pane, agent)
        if (reading._tag === "Read" && reading.evidence.sessionId !== null) {
          const { evidence: sessionEvidence, sessionId, transcript } = reading.evidence
          return { sessionId, sessionEvidence, transcript }
        }
        const sessionId = yield* Effect.orElseSucceed(provider.reportedSession({ pid: pane.pid, screen, agent }), () => null)
        return { sessionId, sessionEvidence: "its screen says so", transcript: null }
      })
    const silent = { sessionId: null, sessionEvidence: "", transcript: null }
    let reported: Effect.Effect.Success<ReturnType<typeof report>> = yield* report(settled.screen)
    // A report that surprises is asked for again until it stays the same: a screen can be read half drawn.
    for (let same = 1; reported.sessionId !== null && reported.sessionId !== expectedSession && same < sameReports;) {
      yield* Effect.sleep(reportPause)
      const screen = yield* Effect.either(transport.capture(pane))
      const next = Either.isRight(screen) ? yield* report(screen.right) : silent
      same = next.sessionId === reported.sessionId ? same + 1 : 1
      reported = next
    }
    return Either.right({ evidence: `${settled.evidence} after ${tookMs} ms`, ...reported })
  })
