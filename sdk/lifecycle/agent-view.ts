import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgentFailure, failureWords } from "../domain/failure.ts"
import { paneAddress, type PaneIdentity } from "../domain/pane.ts"
import { CapturedVia, Confidence } from "../domain/session.ts"
import type { AdoptedProcess, AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { ScreenState } from "../plugin/provider-screen.ts"
import { type AgentSight, readEvidence, sightOf } from "../session/agent-state.ts"
import { HostProcesses } from "../session/host-processes.ts"
import { type AgentLook, lookAt } from "../session/look.ts"
import { ownerOf } from "../messaging/typing.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import type { Resumability } from "../session/resumability.ts"
import { wasPersons } from "../session/spoken.ts"
import { isShown, mayLive, type AgentObservation, type TeamObservation } from "./observe.ts"

export const AgentStatus = Schema.Literal(
  "running",
  "busy",
  "idle",
  "awaiting_approval",
  "starting",
  "stopped",
  "dead",
  "paused",
  "unknown"
)
export type AgentStatus = typeof AgentStatus.Type

/** A conversation that an agent may have been in last. */
export const CandidateView = Schema.Struct({
  sessionId: Schema.String,
  transcript: Schema.NullOr(Schema.String),
  /** ISO 8601, UTC; null where that is not known. */
  writtenAt: Schema.NullOr(Schema.String)
})
export type CandidateView = typeof CandidateView.Type

/** The candidates of a conversation that is not certain, the newest first; nothing where there are none. */
export const candidatesOf = (judged: Resumability): { readonly candidates?: ReadonlyArray<CandidateView> } =>
  judged._tag !== "NotResumable" || judged.candidates === undefined ? {} : {
    candidates: judged.candidates.map(({ sessionId, transcript, writtenAt }) => ({
      sessionId,
      transcript,
      writtenAt: writtenAt === null ? null : new Date(writtenAt).toISOString()
    }))
  }

/** An agent as programs and people are shown it. */
export const AgentView = Schema.Struct({
  id: Schema.String,
  provider: Schema.String,
  status: AgentStatus,
  /** A sentence: how the status is known. */
  evidence: Schema.String,
  generation: Schema.Int,
  /** The agent's own process; null when none lives. */
  pid: Schema.NullOr(Schema.Int),
  startedAt: Schema.NullOr(Schema.String),
  pane: Schema.NullOr(Schema.String),
  cwd: Schema.String,
  session: Schema.NullOr(Schema.Struct({
    id: Schema.String,
    transcript: Schema.NullOr(Schema.String),
    capturedVia: CapturedVia,
    confidence: Confidence
  })),
  firstSendAt: Schema.NullOr(Schema.String),
  /**
   * Whether it was ever spoken to by Reprise; null where that can't be told, or its conversation may hold a person's words:
   * a damaged record, a message of unknown fate, an agent that a person started.
   */
  interacted: Schema.NullOr(Schema.Boolean),
  /** What its CLI says is wrong with it, or why it could not be brought up; a usage limit has a `retryAt`. */
  failure: Schema.NullOr(AgentFailure),
  /** What it asks before it goes on, with the answers that it offers; null where it asks nothing. */
  approval: Schema.NullOr(Schema.Struct({ question: Schema.String, choices: Schema.Array(Schema.String) })),
  /** Whether a message would be typed into it now, by what `send` goes by, and else why not. */
  ready: Schema.Struct({ ok: Schema.Boolean, reasons: Schema.Array(Schema.String) }),
  /** Whether its conversation could be continued now, as far as that was looked at; null where none is known. */
  resumable: Schema.optional(Schema.NullOr(Schema.Struct({
    answer: Schema.Literal("yes", "no", "unknown"),
    /** For `no`: the code with which a restart would refuse. */
    code: Schema.NullOr(Schema.String),
    /** A sentence, or empty. */
    why: Schema.String,
    /** For `session_ambiguous`: the conversations that it may have been in last, the newest first. */
    candidates: Schema.optional(Schema.Array(CandidateView))
  })))
})
export type AgentView = typeof AgentView.Type

const statusBySight: Record<ScreenState, AgentStatus> = {
  starting: "starting",
  idle: "idle",
  busy: "busy",
  awaiting_approval: "awaiting_approval",
  error: "running",
  unknown: "running"
}

/** What an agent that lives is doing; what can't be told at all is unknown, and no running. */
const statusBy = ({ source, state }: AgentSight): AgentStatus => state === "unknown" && source === "none" ? "unknown" : statusBySight[state]

const statusOf = (
  agent: AgentState,
  observation: AgentObservation,
  look: AgentSight | null
): { readonly status: AgentStatus; readonly evidence: string } => {
  const process = { ...observation.process, evidence: observation.process.evidence.replace(/\.$/, "") }
  switch (process.state) {
    case "alive":
      return {
        status: look === null ? "running" : statusBy(look),
        evidence: [
          process.evidence,
          look?.evidence ?? "its screen was not read",
          ...look === null || look.failure === null ? [] : [failureWords(look.failure)]
        ].join("; ")
      }
    case "orphaned":
      return { status: "running", evidence: `${process.evidence}; its pane is gone, so it can't be reached` }
    case "absent":
      return { status: agent.spec.paused ? "paused" : "stopped", evidence: process.evidence }
    case "unknown":
      return { status: "unknown", evidence: process.evidence }
    case "dead":
    case "foreign":
      return agent.spec.paused
        ? { status: "paused", evidence: process.evidence }
        : {
          status: agent.phase === "stopped" ? "stopped" : "dead",
          evidence: agent.failure === null ? process.evidence : `${process.evidence}; ${failureWords(agent.failure)}`
        }
  }
}

/** Whether a message would be typed into it now. Nothing is typed into what was not looked at. */
const readyBy = ({ process }: AgentObservation, look: AgentSight | null): AgentView["ready"] => {
  const reasons = process.state !== "alive"
    ? [process.evidence.replace(/\.$/, "")]
    : look === null
    ? ["its screen was not read"]
    : look.obstacles.map(({ why }) => why)
  return { ok: reasons.length === 0, reasons }
}

/** The session as far as it is known now: what a process names before anything was written counts. */
const sessionOf = ({ session }: AgentState, look: AgentSight | null): AgentView["session"] => {
  if (session !== null) {
    const { capturedVia, confidence, id, transcript } = session
    return { id, transcript, capturedVia, confidence }
  }
  return look === null || look.named === null
    ? null
    : { id: look.named.sessionId, transcript: null, capturedVia: "process_report", confidence: look.named.confidence }
}

/** Renders one agent; pure. `look` is null where nobody looked at what it does. */
export const viewAgent = (agent: AgentState, observation: AgentObservation, look: AgentSight | null): AgentView => {
  const lives = mayLive(observation.process) && observation.pane !== null
  const adopted = mayLive(observation.process) ? agent.adopted : null
  return {
    id: agent.spec.id,
    provider: agent.spec.provider,
    ...statusOf(agent, observation, look),
    generation: agent.generation,
    pid: lives ? observation.pane?.pid ?? null : adopted?.pid ?? null,
    startedAt: agent.adopted?.startedAt ?? agent.spawn?.spawnedAt ?? null,
    pane: lives && observation.pane !== null ? paneAddress(observation.pane) : adopted?.place ?? null,
    cwd: agent.spec.cwd,
    session: sessionOf(agent, look),
    firstSendAt: agent.firstSend._tag === "Valid" ? agent.firstSend.at : null,
    interacted: agent.firstSend._tag === "Valid"
      ? true
      : agent.firstSend._tag === "Corrupt" || agent.typedInto || wasPersons(agent) ? null : false,
    failure: mayLive(observation.process) ? look?.failure ?? null : agent.failure,
    approval: look === null || look.approval === null ? null : {
      question: look.approval.question,
      choices: look.approval.choices.map(({ label }) => label)
    },
    ready: readyBy(observation, look)
  }
}

const unseen: AgentObservation = {
  process: { state: "unknown", evidence: "it was not looked at" },
  pane: null,
  exit: null,
  strays: []
}

/** What is told of a text in the input line that was not sent, and whose it is where it is proved to be ours; empty without one. */
const draftNote = (team: TeamState, agent: AgentState, draft: string | null): string => {
  if (draft === null || draft === "") return ""
  const crossed = team.pendingMessages.flatMap(({ agent: of, id, submittingAt, text }) =>
    of === agent.spec.id && submittingAt !== null ? [{ message: id, text }] : [])
  const owner = ownerOf(draft, [...agent.draft === null ? [] : [agent.draft], ...crossed])
  return owner === undefined
    ? "; its input line holds a text that was not sent"
    : `; its input line holds the text of message ${owner.message}, which was not sent`
}

/** Looks at what an agent that lives is doing, by its own records and its screen. Changes nothing, and never fails. */
export const lookAtAgent = (
  team: TeamState,
  agent: AgentState,
  pane: PaneIdentity,
  transport: Transport,
  provider: Provider
): Effect.Effect<AgentLook, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const sight = yield* lookAt({
      transport,
      provider,
      agent: providerAgentOf(team, agent, "keep"),
      pane,
      conversation: {
        sessionId: agent.session?.id ?? agent.spawn?.sessionId ?? null,
        transcript: agent.session?.transcript ?? null
      }
    })
    const waits = sight.source !== "none" && (sight.state === "idle" || sight.state === "unknown")
    return { ...sight, evidence: `${sight.evidence}${waits ? draftNote(team, agent, sight.draft) : ""}` }
  })

/** What keeps Reprise from typing into what a person started. */
const personsOwn = "a person started its process, and Reprise types into none that it did not start"

/** An adopted process is asked for its records only: its screen is its person's. */
export const lookAtAdopted = (
  team: TeamState,
  agent: AgentState,
  process: AdoptedProcess,
  provider: Provider
): Effect.Effect<AgentSight> =>
  Effect.gen(function*() {
    const host = yield* HostProcesses
    const subject = providerAgentOf(team, agent, "adopt")
    const reading = yield* readEvidence(provider, process, subject)
    const now = yield* Clock.currentTimeMillis
    const sight = sightOf(provider, {
      screen: { _tag: "NotAsked" },
      reading,
      suspension: yield* host.suspension(process),
      lostDirectory: yield* host.lostDirectory(process, subject.cwd, Date.parse(process.startedAt ?? "") || now),
      spoken: { at: null, sinceStart: null },
      now
    })
    return { ...sight, obstacles: [...sight.obstacles, { code: "not_ours", why: personsOwn, retry: false }] }
  })

/** Looks at the agents that live, and renders all. Changes nothing. */
export const viewTeam = (
  team: TeamState,
  observation: TeamObservation,
  transport: Transport,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<ReadonlyArray<AgentView>, never, FileSystem.FileSystem> =>
  Effect.forEach(team.agents.filter((agent) => isShown(agent, observation)), (agent) => {
    const seen = observation.agents.get(agent.spec.id) ?? unseen
    const provider = findProvider(agent.spec.provider)
    if (seen.process.state === "alive" && agent.adopted !== null && provider !== undefined) {
      return Effect.map(lookAtAdopted(team, agent, agent.adopted, provider), (look) => viewAgent(agent, seen, look))
    }
    return seen.process.state !== "alive" || seen.pane === null || provider === undefined
      ? Effect.succeed(viewAgent(agent, seen, null))
      : Effect.map(lookAtAgent(team, agent, seen.pane, transport, provider), (look) => viewAgent(agent, seen, look))
  }, { concurrency: 16 })
