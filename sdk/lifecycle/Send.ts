import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { AgentId, TeamKey } from "../domain/ids.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import { type Delivery, deliverPending } from "../messaging/deliver.ts"
import { HostProcesses } from "../session/host-processes.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import { captureSessions } from "./capture.ts"
import { observeTeam } from "./observe.ts"
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
  readonly outcome: "submitted" | "accepted" | "unverified"
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly team: string
  readonly agent: string
  readonly messageId: string
  readonly accepted: string
  readonly submitted: string | null
  readonly consumed: string | null
}

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
          ? { messageId, state: "unverified", consumed: false, why: event.reason }
          : undefined
      }
    })
  })

const isoNow = Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString())

/**
 * Sends a message to an agent. It is a row in the log before any key is pressed, and submitted only to an agent that was
 * seen to be idle; else it stays accepted, and goes out with the next send or restart.
 */
export const send = (
  selector: string | undefined,
  to: string,
  text: string,
  from = "leader"
): Effect.Effect<
  SendReport,
  AppendError | EventLogError | PluginMissing | TeamTargetAmbiguous | TeamTargetUnresolved | AgentUnknown | AgentNotOurs,
  EventLog | PluginHost | FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const host = yield* PluginHost
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
    const provider = yield* host.provider(agent.spec.provider)
    const messageId = yield* Effect.sync(() => randomUUID())
    const accepted = yield* isoNow
    yield* log.append([{
      type: "message.accepted",
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      message_id: messageId,
      from,
      text
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
    if (own?.state === "unverified") {
      return {
        ...base,
        outcome: "unverified",
        ok: false,
        message: `The message to ${to} is of unknown fate: ${own.why}. It will not be typed again. Look at the agent before sending it anew.`,
        next: [`reprise status --team ${team.key}`],
        submitted: null,
        consumed: null
      }
    }
    const why = (own?.why ?? last?.why ?? "an earlier message waits").replace(/\.$/, "")
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
