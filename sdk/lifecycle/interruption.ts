import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { redactText } from "../event-log/redact.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing, type Provider, type Transport } from "../plugin/PluginHost.ts"
import type { ScreenState } from "../plugin/provider-screen.ts"
import type { AgentSight } from "../session/agent-state.ts"
import { lookAtAdopted, lookAtAgent } from "./agent-view.ts"
import { type AgentObservation, mayLive } from "./observe.ts"
import type { Prepared } from "./prepare.ts"
import { type AgentPlan, type Refusal, type RestartPlan, touches } from "./plan.ts"
import { loadProviders, providerNames } from "./plugins-of.ts"
import { untouchedToo } from "./refuse.ts"

// Which agents a command would interrupt in the middle of their work.

/** An agent that is at work, or that may be. */
export interface AgentAtWork {
  readonly agent: string
  readonly state: ScreenState
  /** The end of a sentence: what it does, and how that is known. */
  readonly evidence: string
  /** The newest message that Reprise typed into it; null where there is none. */
  readonly lastMessage: string | null
}

interface Candidate {
  readonly agent: AgentState
  readonly observation: AgentObservation
}

/** A turn that waits for an approval is unfinished too. */
const working: ReadonlySet<ScreenState> = new Set<ScreenState>(["busy", "awaiting_approval"])
/** What is unknown is no proof of rest. */
const maybeWorking: ReadonlySet<ScreenState> = new Set<ScreenState>([...working, "unknown"])

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`
}

const lastMessageOf = (team: TeamState, { spec: { id } }: AgentState): Effect.Effect<string | null, EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const texts = new Map<string, string>()
    const newest = yield* log.read({ team: team.key, agent: id, types: ["message.accepted", "message.submitting"] }).pipe(
      Stream.filterMap((entry) => {
        if (entry._tag !== "Event") return Option.none()
        if (entry.event.type === "message.accepted") texts.set(entry.event.message_id, entry.event.text)
        return entry.event.type === "message.submitting" ? Option.fromNullable(texts.get(entry.event.message_id)) : Option.none()
      }),
      Stream.runLast
    )
    return Option.match(newest, { onNone: () => null, onSome: (text) => shortened(redactText(text)) })
  })

const unseen = (evidence: string): Pick<AgentSight, "state" | "evidence"> => ({ state: "unknown", evidence })

const lookAt = (
  team: TeamState,
  { agent, observation: { pane, process } }: Candidate,
  transport: Transport,
  provider: Provider | undefined
): Effect.Effect<Pick<AgentSight, "state" | "evidence">, never, FileSystem.FileSystem> => {
  if (provider === undefined) return Effect.succeed(unseen(`its provider ${agent.spec.provider} is not loaded`))
  if (agent.adopted !== null) return lookAtAdopted(team, agent, agent.adopted, provider)
  return process.state !== "alive" || pane === null
    ? Effect.succeed(unseen(process.evidence.replace(/\.$/, "")))
    : lookAtAgent(team, agent, pane, transport, provider)
}

/** Which of these agents are at work; with `unknown`, also those of which that can't be told. */
export const agentsAtWork = (
  team: TeamState,
  candidates: ReadonlyArray<Candidate>,
  transport: Transport,
  findProvider: (name: string) => Provider | undefined,
  { unknown }: { readonly unknown: boolean }
): Effect.Effect<ReadonlyArray<AgentAtWork>, EventLogError, EventLog | FileSystem.FileSystem> =>
  Effect.map(
    // A process whose terminal is gone can finish no turn that a user would see.
    Effect.forEach(candidates.filter(({ observation: { process } }) => mayLive(process) && process.state !== "orphaned"), (candidate) =>
      Effect.gen(function*() {
        const { agent } = candidate
        const { evidence, state } = yield* lookAt(team, candidate, transport, findProvider(agent.spec.provider))
        if (!(unknown ? maybeWorking : working).has(state)) return []
        return [{ agent: agent.spec.id, state, evidence, lastMessage: yield* lastMessageOf(team, agent) }]
      }), { concurrency: 16 }),
    (found) => found.flat()
  )

/** The agents in words: who, what it does, and on what. */
export const atWorkWords = (agents: ReadonlyArray<AgentAtWork>): string =>
  agents.map(({ agent, evidence, lastMessage }) =>
    `${agent}: ${evidence.replace(/\.$/, "")}${lastMessage === null ? "" : `; its last message was ${JSON.stringify(lastMessage)}`}`).join(". ")

/** The refusal of a command that would interrupt agents at work and was not confirmed. `again` is the command to repeat. */
export const confirmationRefusal = (agents: ReadonlyArray<AgentAtWork>, again: string): Refusal => ({
  outcome: "confirmation_required",
  message: `This would interrupt ${agents.length === 1 ? "an agent" : `${agents.length} agents`} at work. ${atWorkWords(agents)}. ` +
    `${untouchedToo} Wait until the work is done, or confirm with --yes.`,
  next: [`${again} --yes`],
  details: {
    reason: "agents_at_work",
    at_work: agents.map(({ agent, evidence, lastMessage, state }) => ({ agent, status: state, evidence, last_message: lastMessage }))
  }
})

const isTouched = ({ alreadyBack, decided, rolloutEnded, stoppedAgain, untouched }: AgentPlan<unknown, unknown>): boolean =>
  !untouched && !alreadyBack && rolloutEnded === undefined && (touches(decided.decision) || stoppedAgain === true)

const interruptedBy = ({ plan, providers, transport }: Pick<Prepared<unknown, unknown>, "plan" | "providers" | "transport">) =>
  agentsAtWork(
    plan.team,
    plan.agents.flatMap((entry) => isTouched(entry) ? { agent: entry.facts.agent, observation: entry.observation } : []),
    transport,
    providers.find,
    { unknown: true }
  )

/** The agents at work whose processes a plan would end. */
export const interruptedIn = (
  plan: RestartPlan<unknown, unknown>
): Effect.Effect<ReadonlyArray<AgentAtWork>, EventLogError | PluginMissing, EventLog | PluginHost | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const host = yield* PluginHost
    const transport = yield* host.transport(plan.team.transport)
    return yield* interruptedBy({ plan, transport, providers: yield* loadProviders(providerNames([plan.team])) })
  })

/** Refuses a plan that would interrupt agents at work and was not confirmed; null where it may go on. */
export const refuseInterruption = <E, R>(prepared: Prepared<E, R>, again: string): Effect.Effect<Refusal | null, EventLogError, EventLog | FileSystem.FileSystem> =>
  prepared.plan.request.interruptBusy === true
    ? Effect.succeed(null)
    : Effect.map(interruptedBy(prepared), (agents) => agents.length === 0 ? null : confirmationRefusal(agents, again))
