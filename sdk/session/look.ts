import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { Suspension } from "../plugin/suspension.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"
import type { PaneInspection, TransportFailure } from "../plugin/transport-driver.ts"
import { type AgentSight, type EvidenceReading, readEvidence, type ScreenLook, type Seen, sightOf } from "./agent-state.ts"
import { HostProcesses } from "./host-processes.ts"
import { transcriptPathOf } from "./locate-transcript.ts"
import type { Spoken } from "./screen-reading.ts"
import { changedAt, readTranscriptFile } from "./transcript.ts"

// Looks at a live agent from all sides at one moment. Nothing is typed or changed.

/** What is asked about. */
export interface Subject {
  readonly transport: Transport
  readonly provider: Provider
  readonly agent: ProviderAgent
  readonly pane: PaneIdentity
  /** The conversation that it is known to be in, as far as that is known. */
  readonly conversation: Conversation
  /** When its process was started, in milliseconds of the epoch, if that is not what `agent` says; null where unknown. */
  readonly startedAt?: number | null
}

export interface Conversation {
  readonly sessionId: string | null
  readonly transcript: string | null
}

/** What was seen, and what that comes to. */
export interface AgentLook extends AgentSight {
  readonly reading: EvidenceReading
  readonly screen: ScreenLook
  /** Why its screen could not be captured. */
  readonly unreached: TransportFailure | null
}

/** When it was started; null where that can't be told. */
const startOf = ({ agent, startedAt = agent.startedAt === null ? null : Date.parse(agent.startedAt) }: Subject): number | null =>
  startedAt === null || Number.isNaN(startedAt) ? null : startedAt

/** Where the conversation that an agent is in now is written; null where that can't be told (yet). */
export const conversationOf = (
  provider: Provider,
  agent: ProviderAgent,
  known: Conversation,
  reading: EvidenceReading
): Effect.Effect<string | null, never, FileSystem.FileSystem> => {
  const own = reading._tag === "Read" ? reading.evidence : null
  if (own !== null && own.transcript !== null) return Effect.succeed(own.transcript)
  const moved = own !== null && own.sessionId !== null && own.sessionId !== known.sessionId
  if (!moved && known.transcript !== null) return Effect.succeed(known.transcript)
  return transcriptPathOf(provider, agent, own?.sessionId ?? known.sessionId)
}

const nothingTold: Spoken = { at: null, sinceStart: null }

/** Whether a time is since the start. One in the future is from before the clock was set back, and so from before this start. */
const isSince = (at: number, startedAt: number, now: number): boolean => at >= startedAt && !(at > now && startedAt <= now)

/** When its conversation was added to last. Where its CLI does not say when, the file itself says whether anything was. */
const spokenOf = (subject: Subject, reading: EvidenceReading): Effect.Effect<Spoken, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { agent, provider } = subject
    const startedAt = startOf(subject)
    const path = yield* conversationOf(provider, agent, subject.conversation, reading)
    if (path === null || startedAt === null) return nothingTold
    const now = yield* Clock.currentTimeMillis
    if (provider.lastTurnAt === undefined) {
      const at = yield* changedAt(path)
      return at === null ? nothingTold : { at: null, sinceStart: isSince(at, startedAt, now) }
    }
    const file = yield* readTranscriptFile(path)
    if (file._tag === "Missing") return { at: null, sinceStart: false }
    if (file._tag !== "Present") return nothingTold
    const last = provider.lastTurnAt(file.tail)
    const at = last === null ? Number.NaN : Date.parse(last)
    // What has no time in this part of it is longer ago than all that has.
    return Number.isNaN(at) ? { at: null, sinceStart: file.truncated ? null : false } : { at, sinceStart: isSince(at, startedAt, now) }
  })

/** Looks at an agent whose process lives. */
export const lookAt = (subject: Subject): Effect.Effect<AgentLook, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { agent, pane, provider, transport } = subject
    const host = yield* HostProcesses
    const reading = yield* readEvidence(provider, pane, agent)
    const suspension = yield* suspensionAmong(pane, reading)
    const now = yield* Clock.currentTimeMillis
    const lostDirectory = yield* host.lostDirectory(pane, agent.cwd, startOf(subject) ?? now)
    // The screen is captured last: it is what keys go into.
    const captured = yield* Effect.either(transport.capture(pane))
    const screen: ScreenLook = Either.isRight(captured)
      ? { _tag: "Shown", screen: captured.right }
      : { _tag: "Unread", why: captured.left.message }
    const seen: Seen = { screen, reading, suspension, lostDirectory, spoken: nothingTold, now }
    const sight = sightOf(provider, seen)
    // Only what a conversation shows to be wrong has to be dated.
    const dated = sight.failure === null && sight.shown !== "error"
      ? sight
      : sightOf(provider, { ...seen, spoken: yield* spokenOf(subject, reading) })
    return { ...dated, reading, screen, unreached: Either.isLeft(captured) ? captured.left : null }
  })

/** What keeps the agent's process from running, or the one that it says it works in, where a wrapper started that. */
const suspensionAmong = (pane: PaneIdentity, reading: EvidenceReading): Effect.Effect<Suspension | null> =>
  Effect.gen(function*() {
    const host = yield* HostProcesses
    const own = yield* host.suspension(pane)
    const worker = reading._tag === "Read" ? reading.evidence.process ?? null : null
    return own !== null || worker === null ? own : yield* host.suspension(worker)
  })

/** What is known of a pane's process, as far as the host and its transport say. Suspended is not alive, and not dead. */
export interface Inspected extends PaneInspection {
  readonly suspension?: Suspension
}

/** Inspects a pane. A process that was stopped by a signal does nothing, so what it would do is unknown. */
export const inspectPane = (transport: Transport, pane: PaneIdentity): Effect.Effect<Inspected> =>
  Effect.gen(function*() {
    const seen = yield* transport.inspect(pane)
    if (seen.state !== "alive" && seen.state !== "orphaned") return seen
    const suspension = yield* Effect.flatMap(HostProcesses, (host) => host.suspension(pane))
    return suspension === null ? seen : { state: "unknown", evidence: `It lives, and ${suspension.why}.`, exit: null, suspension }
  })
