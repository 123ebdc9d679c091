import * as Effect from "effect/Effect"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProcessEvidence, ProviderAgent, ScreenState } from "../plugin/provider-driver.ts"
import type { Screen } from "../plugin/transport-driver.ts"

/** What a process's own records said: nothing there is to read, or that they could not be read, which is unknown. */
export type EvidenceReading =
  | { readonly _tag: "Read"; readonly evidence: ProcessEvidence }
  | { readonly _tag: "None" }
  | { readonly _tag: "Failed"; readonly why: string }

export const noEvidence: EvidenceReading = { _tag: "None" }

/** What an agent is doing, from the best source there is. */
export interface AgentSight {
  readonly state: ScreenState
  /** Where `state` comes from. */
  readonly source: "records" | "screen" | "none"
  /** The end of a sentence: what it does, and how that is known. */
  readonly evidence: string
  /** The question that it asks, if that could be read. */
  readonly question: string | null
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

/**
 * What an agent is doing: what its own records say, else what its screen shows. A dialog on either side wins, for it may
 * open before the other side knows. What is unknown is never idle: records that could not be read take the idleness of a
 * screen away. `screen` is null where it was not captured.
 */
export const agentStateOf = (provider: Provider, screen: Screen | null, reading: EvidenceReading): AgentSight => {
  const records = reading._tag === "Read" ? reading.evidence : null
  const recorded = records?.state === "unknown" ? null : records?.state ?? null
  const startup = screen === null ? null : provider.startupPrompt(screen)
  const approval = screen === null ? null : provider.approvalPrompt(screen)
  const shown = screen === null ? null : provider.classify(screen)
  const byRecords = (state: ScreenState, words: string): AgentSight => ({
    state,
    source: "records",
    evidence: `${words} (${records?.evidence.replace(/\.$/, "") ?? ""})`,
    question: approval?.question ?? startup?.question ?? null
  })
  const byScreen = (state: ScreenState, words: string, question: string | null = null): AgentSight => ({
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
