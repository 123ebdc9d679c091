import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { SessionRef } from "../domain/session.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { sessionAddressOf } from "./session-address.ts"
import { readTranscriptFile, type TranscriptFile } from "./transcript.ts"

/** Whether a conversation can be continued. One function answers for plan, spawn and status alike. */
export type Resumability = Data.TaggedEnum<{
  /** `warning`: what may be lost all the same. */
  Resumable: { readonly transcript: string | null; readonly warning?: string }
  NotResumable: { readonly code: NotResumableCode; readonly why: string }
  /** Could not be told: authorises nothing. */
  Unknown: { readonly why: string }
}>
export const Resumability = Data.taggedEnum<Resumability>()

export type NotResumableCode =
  | "no_persisted_session_id"
  | "session_unresumable"
  | "missing_transcript"
  | "torn_transcript"
  | "session_identity_mismatch"

const judge = (
  session: SessionRef,
  agent: ProviderAgent,
  provider: Provider,
  path: string,
  file: TranscriptFile
): Resumability => {
  if (file._tag === "Missing") {
    return Resumability.NotResumable({
      code: "missing_transcript",
      why: `the transcript of session ${session.id} is not at ${path}: it was deleted, moved or never written`
    })
  }
  if (file._tag === "NotAFile") {
    return Resumability.NotResumable({ code: "missing_transcript", why: `${path} is not a file, so it is no transcript` })
  }
  if (file._tag === "Unreadable") return Resumability.Unknown({ why: `${path} could not be read: ${file.detail}` })
  const identity = provider.readTranscript(file.head, { path, truncated: file.truncated })
  const own = `${agent.team}/${agent.id}`
  if (identity.sessionId !== null && identity.sessionId !== session.id) {
    return Resumability.NotResumable({
      code: "session_identity_mismatch",
      why: `${path} says that it is session ${identity.sessionId}, not ${session.id}`
    })
  }
  if (identity.marker !== null && identity.marker !== own) {
    return Resumability.NotResumable({
      code: "session_identity_mismatch",
      why: `session ${session.id} belongs to ${identity.marker} by its transcript, not to ${own}`
    })
  }
  if (identity.sessionId === null) {
    return Resumability.NotResumable({
      code: "torn_transcript",
      why: `${path} does not begin as a transcript does: it was truncated or overwritten`
    })
  }
  return Resumability.Resumable({
    transcript: path,
    // A CLI that was killed while it wrote leaves this behind, and most mend it when they resume.
    ...identity.whole ? {} : { warning: "the last line of its transcript is torn, and the CLI may drop it" }
  })
}

/** Looks where the process that would resume the session will look. */
export const resumability = (
  session: SessionRef | null,
  agent: ProviderAgent,
  provider: Provider
): Effect.Effect<Resumability, never, Effect.Effect.Context<ReturnType<typeof readTranscriptFile>>> => {
  if (session === null) {
    return Effect.succeed(Resumability.NotResumable({ code: "no_persisted_session_id", why: "no session is known" }))
  }
  if (!provider.capabilities.resume) {
    return Effect.succeed(
      Resumability.NotResumable({ code: "session_unresumable", why: `${provider.name} cannot resume a conversation` })
    )
  }
  if (session.provider !== provider.name) {
    return Effect.succeed(Resumability.NotResumable({
      code: "session_unresumable",
      why: `session ${session.id} is one of ${session.provider}, and the agent runs ${provider.name} now`
    }))
  }
  const address = sessionAddressOf(provider, agent, session.id)
  if (address === null) {
    return Effect.succeed(Resumability.Unknown({ why: `${provider.name} can't say where its conversations are` }))
  }
  const path = address.transcript ?? session.transcript
  if (path === null) return Effect.succeed(Resumability.Resumable({ transcript: null }))
  return Effect.map(readTranscriptFile(path), (file) => judge(session, agent, provider, path, file))
}
