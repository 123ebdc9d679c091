import * as Effect from "effect/Effect"
import type { AgentFailure } from "../domain/failure.ts"
import type { Confidence } from "../domain/session.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { Suspension } from "../plugin/suspension.ts"
import type { ProcessEvidence, ProviderAgent } from "../plugin/provider-driver.ts"
import type { ApprovalPrompt, Draft, ScreenState, StartupPrompt } from "../plugin/provider-screen.ts"
import type { Screen } from "../plugin/transport-driver.ts"
import { currentFailure, readScreen, type Spoken, tooSmall } from "./screen-reading.ts"

/** What a process's own records said: nothing there is to read, or that they could not be read, which is unknown. */
export type EvidenceReading =
  | { readonly _tag: "Read"; readonly evidence: ProcessEvidence }
  | { readonly _tag: "None" }
  | { readonly _tag: "Failed"; readonly why: string }

export const noEvidence: EvidenceReading = { _tag: "None" }

/** A screen as it was looked at: `Unread` where it should have been and could not, `NotAsked` where it is nobody's to read. */
export type ScreenLook =
  | { readonly _tag: "Shown"; readonly screen: Screen }
  | { readonly _tag: "Unread"; readonly why: string }
  | { readonly _tag: "NotAsked" }

/** All that was seen of a live agent at one moment. */
export interface Seen {
  readonly screen: ScreenLook
  readonly reading: EvidenceReading
  /** What keeps its process from running. */
  readonly suspension: Suspension | null
  /** Why it can't work in its directory any more. */
  readonly lostDirectory: string | null
  readonly spoken: Spoken
  /** Milliseconds of the epoch. */
  readonly now: number
}

/** Something that keeps a message from being typed. */
export interface Obstacle {
  readonly code: string
  /** The end of a sentence. */
  readonly why: string
  /** Whether waiting a few seconds can help. */
  readonly retry: boolean
}

/** What an agent is doing, from the best source there is, and whether it can be told something. */
export interface AgentSight {
  readonly state: ScreenState
  /** Where `state` comes from; `none`: it can't be told, and `evidence` says why. */
  readonly source: "records" | "screen" | "none"
  /** The end of a sentence: what it does, and how that is known. */
  readonly evidence: string
  /** The question that it asks, if that could be read. */
  readonly question: string | null
  readonly startup: StartupPrompt | null
  readonly approval: ApprovalPrompt | null
  /** What its screen alone says; null where it was not read. */
  readonly shown: ScreenState | null
  readonly draft: Draft
  /** What its CLI says is wrong now: a login, a usage limit. What was wrong before it was started is none of that. */
  readonly failure: AgentFailure | null
  /** The session that its own records name; null where they name none. */
  readonly named: { readonly sessionId: string; readonly confidence: Confidence } | null
  /** What keeps a message from being typed; empty where nothing does. */
  readonly obstacles: ReadonlyArray<Obstacle>
}

/** Asks a live process's own records what they say of it. Looks only; never fails. */
export const readEvidence = (
  provider: Provider,
  pane: Pick<PaneIdentity, "pid" | "startTime">,
  agent: ProviderAgent
): Effect.Effect<EvidenceReading> =>
  provider.processEvidence === undefined
    ? Effect.succeed(noEvidence)
    : provider.processEvidence({ pid: pane.pid, startTime: pane.startTime, alive: true, agent }).pipe(
      Effect.map((evidence): EvidenceReading => evidence === null ? noEvidence : { _tag: "Read", evidence }),
      Effect.catchAll((error) => Effect.succeed<EvidenceReading>({ _tag: "Failed", why: error.message.replace(/\.$/, "") }))
    )

const told: Record<ScreenState, string> = {
  starting: "it is starting",
  idle: "it waits for input",
  busy: "it is at work",
  awaiting_approval: "it asks for an approval",
  error: "it stands at an error",
  unknown: "what it does is not recognised"
}

const asks = (question: string | null): string => question === null ? told.awaiting_approval : `it asks: ${question}`

/** What is known before anything is taken from its screen and its records: they say what it did last, not what it does. */
const cannotTell = ({ lostDirectory, screen, suspension }: Seen): string | null => {
  if (suspension !== null) return suspension.why
  if (lostDirectory !== null) return lostDirectory
  switch (screen._tag) {
    case "Shown":
      return tooSmall(screen.screen)
    case "Unread":
      return `its screen could not be read: ${screen.why.replace(/\.$/, "")}`
    case "NotAsked":
      return null
  }
}

type Doing = Pick<AgentSight, "state" | "source" | "evidence" | "question">

interface Read {
  readonly shown: ScreenState | null
  readonly startup: StartupPrompt | null
  readonly approval: ApprovalPrompt | null
  readonly draft: Draft
  readonly failure: AgentFailure | null
}

const nothingRead: Read = { shown: null, startup: null, approval: null, draft: null, failure: null }

const read = (provider: Provider, { now, screen, spoken }: Seen): Read => {
  if (screen._tag !== "Shown") return nothingRead
  const { approval, draft, shown, startup, trouble } = readScreen(provider, screen.screen)
  const failure = currentFailure(provider, screen.screen, { approval, draft, shown, startup, trouble }, spoken, now)
  // An error of before, which the conversation still shows, is the end of a turn like any other.
  const over = shown === "error" && trouble?.inConversation === true && failure === null
  return { shown: over ? "idle" : shown, startup, approval, draft, failure }
}

/**
 * What it does: what its own records say, else what its screen shows. A dialog on either side wins, for it may open before
 * the other side knows. What is unknown is never idle: records that could not be read take the idleness of a screen away.
 */
const doing = (reading: EvidenceReading, { approval, shown, startup }: Read): Doing => {
  const records = reading._tag === "Read" ? reading.evidence : null
  const recorded = records?.state === "unknown" ? null : records?.state ?? null
  const byRecords = (state: ScreenState, words: string): Doing => ({
    state,
    source: "records",
    evidence: `${words} (${records?.evidence.replace(/\.$/, "") ?? ""})`,
    question: approval?.question ?? startup?.question ?? null
  })
  const byScreen = (state: ScreenState, words: string, question: string | null = null): Doing => ({
    state,
    source: "screen",
    evidence: `${words}, by its screen`,
    question
  })
  if (approval !== null) return byScreen("awaiting_approval", asks(approval.question), approval.question)
  if (shown === "awaiting_approval") return byScreen(shown, told[shown])
  if (recorded === "awaiting_approval") return byRecords(recorded, asks(startup?.question ?? null))
  if (startup !== null) return byScreen("starting", asks(startup.question), startup.question)
  if (recorded !== null) return byRecords(recorded, told[recorded])
  if (reading._tag === "Failed" && (shown === null || shown === "idle")) {
    return {
      state: "unknown",
      source: "none",
      evidence: `what it does is unknown: its own records could not be read (${reading.why})`,
      question: null
    }
  }
  if (shown === null) return { state: "unknown", source: "none", evidence: "its screen was not read", question: null }
  return shown === "unknown"
    ? byScreen(shown, "what it shows is not recognised")
    : byScreen(shown, told[shown])
}

/** A login that is missing, or a limit that says when it ends: what is typed meanwhile is not worked on. */
const waitsFor = (failure: AgentFailure | null): ReadonlyArray<Obstacle> => {
  if (failure?.kind === "auth") return [{ code: "login", why: failure.reason.replace(/\.$/, ""), retry: false }]
  return failure?.kind === "usage_limit" && failure.retryAt !== null
    ? [{ code: "limit", why: `${failure.reason.replace(/\.$/, "")}; it can go on at ${failure.retryAt}`, retry: false }]
    : []
}

const obstaclesTo = ({ evidence, question, state }: Doing, { draft, failure, shown }: Read): ReadonlyArray<Obstacle> => {
  if (state === "awaiting_approval") {
    return [{
      code: state,
      why: question === null ? "it asks for an approval" : `it asks for an approval: ${question}`,
      retry: false
    }]
  }
  if (state === "starting" && question !== null) return [{ code: "startup_prompt", why: `it asks: ${question}`, retry: true }]
  const waits = waitsFor(failure)
  if (state !== "idle") return [...waits, { code: "not_idle", why: evidence, retry: state !== "error" }]
  if (shown === "unknown") return [...waits, { code: "not_idle", why: "its screen is not recognised", retry: true }]
  return [
    ...waits,
    ...draft !== null && draft !== "" ? [{ code: "draft", why: "its input line holds a text that was not sent", retry: true }] : []
  ]
}

const namedBy = (reading: EvidenceReading): AgentSight["named"] => {
  if (reading._tag !== "Read" || reading.evidence.sessionId === null) return null
  const { confidence = "high", sessionId } = reading.evidence
  return { sessionId, confidence }
}

/**
 * What an agent that lives is doing, what is wrong with it, and whether it can be told something: the one function by which
 * `status`, `send`, a restart and a supervisor know that. Pure.
 */
export const sightOf = (provider: Provider, seen: Seen): AgentSight => {
  const why = cannotTell(seen)
  const named = namedBy(seen.reading)
  if (why !== null) {
    return {
      ...nothingRead,
      named,
      state: "unknown",
      source: "none",
      evidence: why,
      question: null,
      obstacles: [{ code: "unknown", why, retry: seen.screen._tag === "Unread" }]
    }
  }
  const screen = read(provider, seen)
  const does = doing(seen.reading, screen)
  return { ...screen, ...does, named, obstacles: obstaclesTo(does, screen) }
}
