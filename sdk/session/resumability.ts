import type * as FileSystem from "@effect/platform/FileSystem"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { SessionRef } from "../domain/session.ts"
import type { ProcessRef } from "../plugin/process-table.ts"
import type { ProviderAgent, SessionAddress, SessionHolder } from "../plugin/provider-driver.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { SessionCandidate } from "./attribution.ts"
import { heldElsewhere, type NotFree } from "./holders.ts"
import { locateForm, locateTranscript } from "./locate-transcript.ts"
import { findMoved } from "./moved-transcript.ts"
import { sessionAddressOf } from "./session-address.ts"
import { realPathOf } from "./sighting.ts"
import { readTranscriptFile } from "./transcript.ts"

/** Whether a conversation can be continued. One function answers for plan, repair and spawn alike. */
export type Resumability = Data.TaggedEnum<{
  /** `warning`: what may be lost all the same. */
  Resumable: { readonly transcript: string | null; readonly warning?: string }
  NotResumable: {
    readonly code: NotResumableCode
    readonly why: string
    /** For `session_held`: who has it open. */
    readonly heldBy?: ReadonlyArray<SessionHolder>
    /** A file of the conversation that was found all the same: nothing may advise to let it go. */
    readonly found?: string
    /** Where its CLI looks for that file. */
    readonly expected?: string
    /** The command that brings an archived one back. */
    readonly restore?: string
    /** For `session_ambiguous`: the conversations that it may have been in last. */
    readonly candidates?: ReadonlyArray<SessionCandidate>
  }
  /** Could not be told: authorises nothing. */
  Unknown: { readonly why: string }
}>
/** Why a conversation can't be continued. */
export type Unresumable = Exclude<Resumability, { readonly _tag: "Resumable" }>
export const Resumability = Data.taggedEnum<Resumability>()

export type NotResumableCode =
  | "no_persisted_session_id"
  | "session_unresumable"
  | "missing_transcript"
  | "torn_transcript"
  | "session_identity_mismatch"
  | "session_cwd_mismatch"
  | "session_held"
  | "session_ambiguous"
  | "archived_transcript"

type Looked = Effect.Effect<Resumability, never, FileSystem.FileSystem>

const not = (code: NotResumableCode, why: string, found?: string, expected?: string | null): Unresumable =>
  Resumability.NotResumable({
    code,
    why,
    ...found === undefined ? {} : { found },
    ...expected === undefined || expected === null ? {} : { expected }
  })

const archived = (sessionId: string, path: string, restore: string | null): Unresumable =>
  Resumability.NotResumable({
    code: "archived_transcript",
    why: `session ${sessionId} is archived: its transcript lies at ${path}` +
      (restore === null ? "; bring it back in its CLI, then restart" : `; ${restore} brings it back`),
    found: path,
    ...restore === null ? {} : { restore }
  })

const unchecked = "its transcript is compressed, so what it holds was not checked"

/** Its transcript is not where its CLI will look: gone, never written, moved to where it is seen, or of another directory. */
const judgeMissing = (session: SessionRef, agent: ProviderAgent, provider: Provider, address: SessionAddress): Looked =>
  Effect.gen(function*() {
    const place = address.transcript === null
      ? `in ${(address.search?.directories ?? [address.directory]).join(", ")}`
      : `at ${address.transcript}`
    const gone = `the transcript of session ${session.id} is not ${place}`
    const form = yield* locateForm(address)
    if (form?._tag === "Unknown") return Resumability.Unknown({ why: form.why })
    if (form?._tag === "Archived") return archived(session.id, form.path, form.restore)
    if (form?._tag === "At") return Resumability.Resumable({ transcript: form.path, warning: unchecked })
    const moved = yield* findMoved(session, provider, address)
    if (moved._tag === "Unknown") {
      return not("missing_transcript", `${gone}; whether it was moved or deleted can't be told: ${moved.why}`)
    }
    if (moved._tag === "Nowhere") {
      const seen = session.transcript !== null && session.capturedVia !== "process_report"
      return not("missing_transcript", `${gone}: it was deleted or moved${seen ? "" : ", or never written"}`)
    }
    if (moved._tag === "Named") {
      return not("missing_transcript", `${gone}: ${moved.path} has its ID in the name and could not be read, so it may be another form of it`, moved.path)
    }
    if (moved._tag === "Several") {
      return not("missing_transcript", `${gone}: more than one file could be it: ${moved.paths.join(", ")}`, moved.paths[0])
    }
    const { cwd, path } = moved
    if (cwd !== null && (yield* realPathOf(cwd)) !== (yield* realPathOf(agent.cwd))) {
      return not(
        "session_cwd_mismatch",
        `session ${session.id} belongs to ${cwd}, as its transcript ${path} says, and the agent works in ${agent.cwd}, ` +
          "where its CLI would not find it",
        path,
        address.transcript
      )
    }
    return not("missing_transcript", `${gone}: it was moved, and lies at ${path}`, path, address.transcript)
  })

const judgeFile = (session: SessionRef, agent: ProviderAgent, provider: Provider, address: SessionAddress, path: string): Looked =>
  Effect.gen(function*() {
    const file = yield* readTranscriptFile(path)
    if (file._tag === "Missing") return yield* judgeMissing(session, agent, provider, address)
    if (file._tag === "NotAFile") return not("missing_transcript", `${path} is not a file, so it is no transcript`)
    if (file._tag === "Unreadable") return Resumability.Unknown({ why: `${path} could not be read: ${file.detail}` })
    if (file.head === "") return not("torn_transcript", `${path} is empty: it was truncated`, path)
    const identity = provider.readTranscript(file.head, { path, truncated: file.truncated })
    const own = `${agent.team}/${agent.id}`
    if (identity.sessionId !== null && identity.sessionId !== session.id) {
      return not("session_identity_mismatch", `${path} says that it is session ${identity.sessionId}, not ${session.id}`, path)
    }
    if (identity.marker !== null && identity.marker !== own) {
      return not(
        "session_identity_mismatch",
        `session ${session.id} belongs to ${identity.marker} by its transcript, not to ${own}`,
        path
      )
    }
    if (identity.sessionId === null) {
      return not("torn_transcript", `${path} does not begin as a transcript does: it was truncated or overwritten`, path)
    }
    return Resumability.Resumable({
      transcript: path,
      // A CLI that was killed while it wrote leaves this behind, and most mend it when they resume.
      ...identity.unread === true ? { warning: unchecked } : identity.whole ? {} : { warning: "the last line of its transcript is torn, and the CLI may drop it" }
    })
  })

const judgeTranscript = (session: SessionRef, agent: ProviderAgent, provider: Provider): Looked =>
  Effect.gen(function*() {
    const address = sessionAddressOf(provider, agent, session.id)
    if (address === null) return Resumability.Unknown({ why: `${provider.name} can't say where its conversations are` })
    const place = yield* locateTranscript(address)
    switch (place._tag) {
      case "Unknown":
        return Resumability.Unknown({ why: place.why })
      case "Missing":
        return yield* judgeMissing(session, agent, provider, address)
      case "Archived":
        return archived(session.id, place.path, place.restore)
      case "Unnamed":
        return session.transcript === null
          ? Resumability.Resumable({ transcript: null })
          : yield* judgeFile(session, agent, provider, address, session.transcript)
      case "At":
        return yield* judgeFile(session, agent, provider, address, place.path)
    }
  })

/** A conversation has one live process: who has it open keeps everybody else from it. */
export const notFree = (sessionId: string, holding: NotFree): Unresumable => {
  if (holding._tag === "Unknown") {
    return Resumability.Unknown({ why: `whether another process has session ${sessionId} open can't be told: ${holding.why}` })
  }
  const who = holding.holders.map(({ evidence, pid }) => `process ${pid} (${evidence.replace(/\.$/, "")})`).join(" and ")
  return Resumability.NotResumable({
    code: "session_held",
    why: `session ${sessionId} is open in ${who}, and a conversation has one live process: end that one, then restart`,
    heldBy: holding.holders
  })
}

const judgeHolders = (session: SessionRef, agent: ProviderAgent, provider: Provider, own: ReadonlyArray<ProcessRef>) =>
  Effect.map(heldElsewhere(provider, agent, session.id, own), (holding) => holding._tag === "Free" ? null : notFree(session.id, holding))

/** Whose session is to be resumed, and by what. */
export interface Resuming {
  readonly session: SessionRef | null
  readonly agent: ProviderAgent
  readonly provider: Provider
  /** Processes that are ended before that: what they hold is in nobody's way. */
  readonly own: ReadonlyArray<ProcessRef>
}

const judgeKept = ({ agent, provider, session }: Resuming): Looked => {
  if (session === null) return Effect.succeed(not("no_persisted_session_id", "no session is known"))
  if (!provider.capabilities.resume) {
    return Effect.succeed(not("session_unresumable", `${provider.name} cannot resume a conversation`))
  }
  if (session.provider !== provider.name) {
    return Effect.succeed(not(
      "session_unresumable",
      `session ${session.id} is one of ${session.provider}, and the agent runs ${provider.name} now`
    ))
  }
  return judgeTranscript(session, agent, provider)
}

/** What can be resumed is, unless somebody has it open. */
const unlessHeld = ({ agent, own, provider, session }: Resuming, judged: Resumability) =>
  session === null || judged._tag !== "Resumable"
    ? Effect.succeed(judged)
    : Effect.map(judgeHolders(session, agent, provider, own), (held) => held ?? judged)

/** Looks where the processes that would resume the sessions will look, and answers in the order of the questions. */
export const resumabilities = (
  all: ReadonlyArray<Resuming>
): Effect.Effect<ReadonlyArray<Resumability>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const kept = yield* Effect.forEach(all, (resuming) =>
      Effect.map(judgeKept(resuming), (judged) => ({ resuming, judged })), { concurrency: 16 })
    // Asked at one time, since providers look once for all who do.
    return yield* Effect.forEach(kept, ({ judged, resuming }) => unlessHeld(resuming, judged), { concurrency: 64 })
  })

/** Looks where the process that would resume the session will look. */
export const resumability = (
  session: SessionRef | null,
  agent: ProviderAgent,
  provider: Provider,
  own: ReadonlyArray<ProcessRef> = []
): Looked => {
  const resuming = { session, agent, provider, own }
  return Effect.flatMap(judgeKept(resuming), (judged) => unlessHeld(resuming, judged))
}
