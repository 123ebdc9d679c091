import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { AgentId, TeamKey } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import { type Delivery, deliverPending } from "../messaging/deliver.ts"
import { entryOf } from "../messaging/entry.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { HostProcesses } from "../session/host-processes.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { captureSessions } from "./capture.ts"
import { demandCurrentLog, demandKnownSpawns } from "./current-log.ts"
import { listedPanes, observeTeam } from "./observe.ts"
import { currentState } from "./prepare.ts"
import { AgentUnknown } from "./Restart.ts"
import { teamState } from "./team.ts"

/** The agent's process is a person's: Reprise types into none that it did not start. Nothing was written down or typed. */
export class AgentNotOurs extends Schema.TaggedError<AgentNotOurs>("reprise/AgentNotOurs")("AgentNotOurs", {
  team: Schema.String,
  agent: Schema.String,
  pid: Schema.Int,
  place: Schema.String
}) {
  override get message(): string {
    return `${this.agent} is process ${this.pid} (${this.place}), which a person started, and Reprise types into none that ` +
      "it did not start. Nothing was done. Type it there, or let Reprise take the agent over."
  }
}

/** What became of one message. The three times are three facts; null is "not known to have happened". */
export interface SendReport {
  /**
   * `text_refused`: no key was pressed and nothing recorded. `altered`: the conversation holds something else in its place.
   * `unconfirmed`: keys were pressed, and what came of them is not known.
   */
  readonly outcome: "submitted" | "accepted" | "unconfirmed" | "altered" | "text_refused"
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly team: string
  readonly agent: string
  /** Null, as `accepted`, where the text was refused. */
  readonly messageId: string | null
  readonly accepted: string | null
  readonly submitted: string | null
  readonly consumed: string | null
}

/** How a message failed; older logs say `unverified`. */
const failedAs = (code: string): Delivery["state"] =>
  code === "altered" ? "altered" : code === "text_refused" ? "refused" : "unconfirmed"

/** A word as a shell reads it. */
const shellWord = (text: string): string => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The command that types a text raw; null for a text that is no line of a shell. */
const rawCommand = (to: string, text: string): string | null =>
  text.length > 200 || /[\n\t]/.test(text) ? null : `reprise send --raw ${shellWord(to)} -- ${shellWord(text)}`

const waits = (messageId: string, why: string): Delivery => ({ messageId, state: "waiting", consumed: false, why })

/** What another sender, who held the input before us, made of the message; undefined where it waits. */
const deliveredElsewhere = (team: TeamKey, agent: AgentId, messageId: string) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const ended = yield* log.read({ team, agent, types: ["message.submitted", "message.failed"] }).pipe(
      Stream.filter((entry) => entry._tag === "Event" && "message_id" in entry.event && entry.event.message_id === messageId),
      Stream.runHead
    )
    return Option.match(ended, {
      onNone: () => undefined,
      onSome: (entry): Delivery | undefined => {
        if (entry._tag !== "Event") return undefined
        const { event } = entry
        return event.type === "message.submitted"
          ? { messageId, state: "submitted", consumed: false, why: event.evidence }
          : event.type === "message.failed"
          ? { messageId, state: failedAs(event.code), consumed: false, why: event.reason }
          : undefined
      }
    })
  })

const failedWords = { unconfirmed: "is of unknown fate", altered: "arrived changed", text_refused: "was refused" } as const
const failedAdvice = {
  unconfirmed: "It will not be typed again. Look at the agent before you send it again.",
  altered: "It will not be typed again. Tell the agent what was changed.",
  text_refused: "Change the text, or use --raw to type it as it is."
} as const

const isoNow = Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString())

export interface SendOptions {
  /** Types the text as it is, although the agent's CLI may read it as a command. */
  readonly raw?: boolean
}

/**
 * Sends a message to an agent. A text that would not arrive as it is is refused first. Then it is a row in the log before any key is pressed, and submitted only to an agent that was
 * seen to be idle; else it stays accepted, and goes out with the next send or restart.
 */
export const send = (
  selector: string | undefined,
  to: string,
  text: string,
  from = "leader",
  { raw = false }: SendOptions = {}
): Effect.Effect<
  SendReport,
  AppendError | EventLogError | PluginMissing | TeamTargetAmbiguous | TeamTargetUnresolved | AgentUnknown | AgentNotOurs,
  EventLog | PluginHost | FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const host = yield* PluginHost
    yield* demandCurrentLog
    const team = yield* teamState(selector)
    const agent = agentOf(team, to)
    if (agent === undefined || agent.removed) {
      const known = team.agents.flatMap(({ removed, spec }) => removed ? [] : spec.id)
      return yield* new AgentUnknown({ team: team.key, agent: to, known })
    }
    if (agent.adopted !== null && (yield* (yield* HostProcesses).state(agent.adopted)) !== "dead") {
      return yield* new AgentNotOurs({ team: team.key, agent: to, pid: agent.adopted.pid, place: agent.adopted.place })
    }
    const transport = yield* host.transport(team.transport)
    yield* demandKnownSpawns(team, { panes: yield* listedPanes(transport) })
    const provider = yield* host.provider(agent.spec.provider)
    const entry = entryOf(provider, providerAgentOf(team, agent, "keep"), { text, raw })
    if (entry._tag === "Refused") {
      const command = entry.rawHelps ? rawCommand(to, text) : null
      return {
        outcome: "text_refused",
        ok: false,
        message: `The message to ${to} was refused: ${entry.why}. Nothing was typed or recorded.` +
          (entry.rawHelps ? " Change the text, or use --raw to type it as it is." : " Change the text."),
        next: command === null ? [] : [command],
        team: team.key,
        agent: agent.spec.id,
        messageId: null,
        accepted: null,
        submitted: null,
        consumed: null
      }
    }
    const messageId = yield* Effect.sync(() => randomUUID())
    const accepted = yield* isoNow
    yield* log.append([{
      type: "message.accepted",
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      message_id: messageId,
      from,
      text,
      ...raw ? { raw } : {}
    }], { key: `message/${messageId}` })
    const deliveries = yield* deliverPending({ team, agent: agent.spec.id, transport, provider }).pipe(
      // The message is accepted, whatever keeps it from being delivered now.
      Effect.catchTag("LeaseHeld", "EventLogError", (error) => Effect.succeed([waits(messageId, error.message)]))
    )
    const own = deliveries.find((delivery) => delivery.messageId === messageId) ??
      (yield* deliveredElsewhere(team.key, agent.spec.id, messageId))
    const last = deliveries.at(-1)
    const now = yield* isoNow
    if (provider.processEvidence !== undefined || (own?.state === "submitted" && agent.session === null)) {
      const current = yield* currentState(team.key, team)
      const observation = yield* observeTeam(current, transport)
      // What became of the message is known, whatever keeps its session from being found now.
      yield* captureSessions(current, (name) => name === provider.name ? provider : undefined, observation).pipe(
        Effect.catchAll((error) => Effect.logWarning(`Sessions could not be looked for: ${error.message}`))
      )
    }
    const base = { team: team.key, agent: agent.spec.id, messageId, accepted }
    if (own?.state === "submitted") {
      return {
        ...base,
        outcome: "submitted",
        ok: true,
        message: `The message to ${to} was submitted: ${own.why}.`,
        next: [],
        submitted: now,
        consumed: own.consumed ? now : null
      }
    }
    if (own !== undefined && own.state !== "waiting") {
      const outcome = own.state === "refused" ? "text_refused" as const : own.state
      return {
        ...base,
        outcome,
        ok: false,
        message: `The message to ${to} ${failedWords[outcome]}: ${own.why.replace(/\.$/, "")}. ${failedAdvice[outcome]}`,
        next: [`reprise status --team ${team.key}`],
        submitted: null,
        consumed: null
      }
    }
    const why = transport.residence !== null
      ? "the agents run in another process; if that is reprise, it delivers the message"
      : (own?.why ?? last?.why ?? "an earlier message waits").replace(/\.$/, "")
    return {
      ...base,
      outcome: "accepted",
      ok: true,
      message: `The message to ${to} is accepted and waits: ${why}.`,
      next: [`reprise status --team ${team.key}`],
      submitted: null,
      consumed: null
    }
  })

/**
 * Delivers the messages that wait for the agents of a team. A message that can't be typed now remains accepted. Fails with
 * `LeaseHeld` where another sender types into one of the agents.
 */
export const deliverWaiting = (
  selector: string | undefined
): Effect.Effect<
  void,
  AppendError | EventLogError | LeaseHeld | PluginMissing | TeamTargetAmbiguous | TeamTargetUnresolved,
  EventLog | PluginHost | FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const host = yield* PluginHost
    const team = yield* teamState(selector)
    const waitedFor = new Set(team.pendingMessages.map(({ agent }) => agent))
    const agents = team.agents.filter(({ removed, spec }) => !removed && waitedFor.has(spec.id))
    if (agents.length === 0) return
    const transport = yield* host.transport(team.transport)
    yield* demandKnownSpawns(team, { panes: yield* listedPanes(transport) })
    yield* Effect.forEach(agents, ({ spec }) =>
      Effect.flatMap(host.provider(spec.provider), (provider) => deliverPending({ team, agent: spec.id, transport, provider })), { discard: true })
  })
