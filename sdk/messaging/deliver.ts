import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf, type PendingMessage, type TeamState } from "../event-log/TeamState.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { noEvidence } from "../session/agent-state.ts"
import { isInItsConversation } from "../session/conversation.ts"
import { conversationOf } from "../session/look.ts"
import { holdInput } from "./input-lease.ts"
import { bornSince, recordedSince } from "./record.ts"
import { showsText } from "./entry.ts"
import { type Typed, type TypingDeadlines, typingDeadlines } from "./typed.ts"
import { type LeftDraft, typeMessage } from "./typing.ts"

/** What a conversation or an input line showed is kept as evidence, cut off. */
const shortened = (text: string): string => text.length > 2000 ? `${text.slice(0, 1999)}…` : text

/** What became of one queued message. */
export interface Delivery {
  readonly messageId: string
  readonly state: "submitted" | "waiting" | "unconfirmed" | "altered" | "refused"
  readonly consumed: boolean
  readonly why: string
}

interface Deliver {
  readonly team: TeamState
  readonly agent: AgentId
  readonly transport: Transport
  readonly provider: Provider
  readonly deadlines?: TypingDeadlines
}

/**
 * Types the messages that wait for one agent, oldest first, under the lease of its input. Stops at the first that can't be
 * typed now: order is kept. A row that crossed the physical submit is never typed again; it is settled by the transcript.
 */
export const deliverPending = (
  { agent: id, deadlines = typingDeadlines, provider, team, transport }: Deliver
): Effect.Effect<
  ReadonlyArray<Delivery>,
  AppendError | EventLogError | LeaseHeld,
  EventLog | FileSystem.FileSystem
> =>
  Effect.scoped(Effect.gen(function*() {
    const log = yield* EventLog
    const lease = yield* holdInput(team.key, id, "send", "5 seconds")
    const current = Option.getOrElse(yield* log.state(team.key), () => team)
    const agent = agentOf(current, id)
    const deliveries: Array<Delivery> = []
    if (agent === undefined) return deliveries
    const waiting = current.pendingMessages.filter((message) => message.agent === id)
    const subject = providerAgentOf(current, agent, "keep")
    const conversation = {
      sessionId: agent.session?.id ?? agent.spawn?.sessionId ?? null,
      transcript: agent.session?.transcript ?? null
    }
    const scope = { team: current.key, agent: id, generation: agent.generation }

    /** Which transcript it was typed for, and how long that was; undefined where that was not recorded. */
    const submissionOf = (message: PendingMessage) =>
      log.read({ team: current.key, agent: id, types: ["message.submitting"] }).pipe(
        Stream.filterMap((entry) =>
          entry._tag === "Event" && entry.event.type === "message.submitting" && entry.event.message_id === message.id
            ? Option.some({ path: entry.event.rollout_path, size: entry.event.rollout_size, at: Date.parse(entry.at) })
            : Option.none()
        ),
        Stream.runLast,
        Effect.map(Option.getOrUndefined)
      )

    const left: Array<LeftDraft> = agent.draft === null ? [] : [agent.draft]

    /** What the input line shows now of a text that may not have been sent; null where that is not proved. */
    const unsentOf = (text: string) =>
      agent.spawn?.pane === null || agent.spawn?.pane === undefined
        ? Effect.succeed(null)
        : transport.capture(agent.spawn.pane).pipe(
          Effect.map((screen) => {
            const draft = provider.draft(screen)
            return draft !== null && showsText(draft, text) ? draft : null
          }),
          Effect.orElseSucceed(() => null)
        )

    const fail = (message: PendingMessage, failure: {
      readonly code: "unconfirmed" | "altered" | "text_refused"
      readonly reason: string
      readonly recorded?: string
      readonly draft?: string | null
    }) => {
      const { code, draft = null, reason, recorded } = failure
      deliveries.push({
        messageId: message.id,
        state: code === "text_refused" ? "refused" : code,
        consumed: false,
        why: recorded === undefined ? reason : `${reason}: ${JSON.stringify(recorded.slice(0, 200))}`
      })
      return log.append([{
        type: "message.failed",
        ...scope,
        message_id: message.id,
        code,
        reason,
        ...recorded === undefined ? {} : { recorded: shortened(recorded) },
        ...draft === null ? {} : { draft }
      }])
    }

    const settleCrossed = (message: PendingMessage) =>
      Effect.gen(function*() {
        // Only what was written since its first key: the same words may have been said before.
        const began = yield* submissionOf(message)
        const transcript = yield* conversationOf(provider, subject, conversation, noEvidence)
        const since = transcript === null || began === undefined
          ? null
          : began.path === transcript && began.size !== undefined
          ? began.size
          // It was typed before there was a file: one that was born since can hold nothing older.
          : began.path === undefined && (yield* bornSince(transcript, began.at)) ? 0 : null
        const found = transcript !== null && since !== null &&
          (yield* recordedSince(provider, transcript, since, message.text)).found
        if (!found) {
          const unsent = yield* unsentOf(message.text)
          left.push({ message: message.id, text: message.text })
          return yield* fail(message, {
            code: "unconfirmed",
            reason: unsent === null
              ? "its sender ended while typing it, and no transcript shows it; it is not typed again"
              : "its sender ended while typing it, and its text is still in the input line; it is not typed again",
            draft: unsent
          })
        }
        yield* log.append([
          { type: "message.submitted", ...scope, message_id: message.id, evidence: "it stands in the transcript" },
          { type: "message.consumed", ...scope, message_id: message.id, evidence: "it stands in the transcript" }
        ])
        deliveries.push({ messageId: message.id, state: "submitted", consumed: true, why: "it stands in the transcript" })
      })

    for (const message of waiting) {
      if (message.submittingAt !== null) {
        yield* settleCrossed(message)
        continue
      }
      if (!isInItsConversation(agent)) {
        deliveries.push({
          messageId: message.id,
          state: "waiting",
          consumed: false,
          why: "its process is in another conversation than the one that it will be brought back to"
        })
        break
      }
      const pane = agent.spawn?.pane
      if (pane === null || pane === undefined) {
        deliveries.push({ messageId: message.id, state: "waiting", consumed: false, why: "it is not running" })
        break
      }
      const typed = yield* typeMessage({
        transport,
        provider,
        pane,
        agent: subject,
        conversation,
        text: message.text,
        raw: message.raw,
        left,
        deadlines,
        beforeFirstKey: (transcript) =>
          log.append([{
            type: "message.submitting",
            ...scope,
            message_id: message.id,
            ...transcript === null ? {} : { rollout_path: transcript.path, rollout_size: transcript.size },
            ...message.raw ? { raw: true } : {}
            // Whoever was held up and taken for dead finds that somebody else types now.
          }], { lease })
      }).pipe(
        Effect.catchTag("LeaseLost", (error) =>
          Effect.succeed<Typed>({ _tag: "NotTyped", code: "input_lost", why: error.message })),
        Effect.catchTag("TransportFailure", (error) =>
          Effect.succeed<Typed>({ _tag: "Unknown", why: error.message, draft: null }))
      )
      if (typed._tag === "NotTyped") {
        deliveries.push({ messageId: message.id, state: "waiting", consumed: false, why: typed.why })
        break
      }
      if (typed._tag === "Refused") {
        // One that was queued before its text was known to be changed. It keeps no other message waiting.
        yield* fail(message, { code: "text_refused", reason: `${typed.why}; nothing was typed` })
        continue
      }
      if (typed._tag === "Altered") {
        yield* fail(message, { code: "altered", reason: typed.why, recorded: typed.recorded })
        continue
      }
      if (typed._tag === "Unknown") {
        // Whether a key was pressed decides: a row that never crossed may wait.
        const crossed = Option.getOrElse(yield* log.state(current.key), () => current).pendingMessages
          .some((row) => row.id === message.id && row.submittingAt !== null)
        if (crossed) yield* fail(message, { code: "unconfirmed", reason: typed.why, draft: typed.draft })
        else deliveries.push({ messageId: message.id, state: "waiting", consumed: false, why: typed.why })
        break
      }
      yield* log.append([
        { type: "message.submitted", ...scope, message_id: message.id, evidence: typed.evidence },
        ...typed.consumed
          ? [{ type: "message.consumed" as const, ...scope, message_id: message.id, evidence: typed.evidence }]
          : []
      ])
      deliveries.push({ messageId: message.id, state: "submitted", consumed: typed.consumed, why: typed.evidence })
    }
    return deliveries
  }))
