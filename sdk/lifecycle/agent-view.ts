import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { paneAddress } from "../domain/pane.ts"
import { CapturedVia, Confidence } from "../domain/session.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import type { ScreenState } from "../plugin/provider-driver.ts"
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
  /** Whether Reprise ever spoke to it; null where that can't be told: a damaged record, a message of unknown fate. */
  interacted: Schema.NullOr(Schema.Boolean)
})
export type AgentView = typeof AgentView.Type

const told: Record<ScreenState, { readonly status: AgentStatus; readonly evidence: string }> = {
  starting: { status: "starting", evidence: "it is starting" },
  idle: { status: "idle", evidence: "it waits for input" },
  busy: { status: "busy", evidence: "it is at work" },
  awaiting_approval: { status: "awaiting_approval", evidence: "it asks for an approval" },
  error: { status: "running", evidence: "an error is on its screen" },
  unknown: { status: "running", evidence: "what its screen shows is not recognised" }
}

const statusOf = (
  agent: AgentState,
  observation: AgentObservation,
  screen: ScreenState | null
): { readonly status: AgentStatus; readonly evidence: string } => {
  const process = { ...observation.process, evidence: observation.process.evidence.replace(/\.$/, "") }
  switch (process.state) {
    case "alive": {
      const { evidence, status } = screen === null
        ? { status: "running" as const, evidence: "its screen was not read" }
        : told[screen]
      return { status, evidence: `${process.evidence}; ${evidence}` }
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
        : { status: agent.phase === "stopped" ? "stopped" : "dead", evidence: process.evidence }
  }
}

/** Renders one agent; pure. */
export const viewAgent = (agent: AgentState, observation: AgentObservation, screen: ScreenState | null): AgentView => {
  const lives = mayLive(observation.process) && observation.pane !== null
  return {
    id: agent.spec.id,
    provider: agent.spec.provider,
    ...statusOf(agent, observation, screen),
    generation: agent.generation,
    pid: lives ? observation.pane?.pid ?? null : null,
    startedAt: agent.spawn?.spawnedAt ?? null,
    pane: lives && observation.pane !== null ? paneAddress(observation.pane) : null,
    cwd: agent.spec.cwd,
    session: agent.session === null ? null : {
      id: agent.session.id,
      transcript: agent.session.transcript,
      capturedVia: agent.session.capturedVia,
      confidence: agent.session.confidence
    },
    firstSendAt: agent.firstSend._tag === "Valid" ? agent.firstSend.at : null,
    interacted: agent.firstSend._tag === "Valid" ? true : agent.firstSend._tag === "Corrupt" || agent.typedInto ? null : false
  }
}

const unseen: AgentObservation = {
  process: { state: "unknown", evidence: "it was not looked at" },
  pane: null,
  exit: null,
  strays: []
}

/** Reads the screens of the agents that live, and renders all. Changes nothing. */
export const viewTeam = (
  team: TeamState,
  observation: TeamObservation,
  transport: Transport,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<ReadonlyArray<AgentView>> =>
  Effect.forEach(team.agents.filter((agent) => isShown(agent, observation)), (agent) =>
    Effect.gen(function*() {
      const seen = observation.agents.get(agent.spec.id) ?? unseen
      const provider = findProvider(agent.spec.provider)
      if (seen.process.state !== "alive" || seen.pane === null || provider === undefined) {
        return viewAgent(agent, seen, null)
      }
      const screen = yield* Effect.either(transport.capture(seen.pane))
      return viewAgent(agent, seen, Either.isRight(screen) ? provider.classify(screen.right) : null)
    }), { concurrency: 16 })
