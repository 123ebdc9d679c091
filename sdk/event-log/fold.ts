import type { Event, EventOf, LogEntry } from "../domain/event.ts"
import { isLifecycleEvent } from "../domain/event.ts"
import { classifyFirstSend } from "../domain/first-send.ts"
import type { Confidence, SessionRef } from "../domain/session.ts"
import type { AgentSpec } from "../domain/team.ts"
import { noHistory, type StartCause } from "../domain/history.ts"
import { advancedTeam, changedAgent } from "./changed.ts"
import { foldHistory } from "./fold-history.ts"
import { foldMove } from "./fold-move.ts"
import { begun, foldOperation } from "./fold-operation.ts"
import { foldSupervision } from "./fold-supervision.ts"
import { type AgentState, noSupervision, type TeamState } from "./TeamState.ts"

const capturesKept = 32
const unreadableKept = 16

const newAgent = (spec: AgentSpec): AgentState => ({
  spec,
  removed: false,
  generation: 0,
  phase: "absent",
  spawn: null,
  adopted: null,
  forkOf: null,
  session: null,
  captures: [],
  openSessions: [],
  firstSend: { _tag: "Absent" },
  typedInto: false,
  draft: null,
  rawMessage: null,
  exit: null,
  endedAt: null,
  failure: null,
  attributionAmbiguous: false,
  history: noHistory
})

/** Nothing was ever started or said in its name. */
const isUnused = ({ firstSend, session, spawn }: AgentState): boolean =>
  spawn === null && session === null && firstSend._tag === "Absent"

const recordTeam = (state: TeamState | undefined, event: EventOf<"team.recorded">, at: string): TeamState => ({
  key: event.team,
  objective: event.spec.objective,
  workspace: event.workspace,
  transport: event.transport,
  plugins: event.plugins,
  recordedAt: at,
  stopped: state?.stopped ?? false,
  agents: [
    ...event.spec.agents.map((spec) => {
      const known = state?.agents.find((agent) => agent.spec.id === spec.id)
      return known === undefined ? newAgent(spec) : { ...known, spec, removed: false }
    }),
    // A conversation, and perhaps a process, is nothing that leaving a file ends.
    ...(state?.agents ?? []).flatMap((agent) =>
      event.spec.agents.some(({ id }) => id === agent.spec.id) || isUnused(agent) ? [] : { ...agent, removed: true }
    )
  ],
  tasks: event.spec.tasks ?? [],
  operation: state?.operation ?? null,
  boot: state?.boot ?? null,
  supervision: state?.supervision ?? noSupervision,
  pendingMessages: state?.pendingMessages ?? [],
  messagesSubmitted: state?.messagesSubmitted ?? 0,
  lifecycleVersion: state?.lifecycleVersion ?? 0,
  position: state?.position ?? 0,
  unreadable: state?.unreadable ?? []
})

const rank: Record<Confidence, number> = { high: 3, medium: 2, low: 1 }

/**
 * A weaker capture never replaces a stronger one; the same conversation may be told again in more detail. Where a process
 * went on to another conversation, only its own word tells of a further one: what was asked of it at its start is older.
 */
const prefer = (held: SessionRef | null, captured: SessionRef): SessionRef => {
  if (held === null) return captured
  const toldItself = held.capturedVia === "process_report" && held.generation === captured.generation
  if (toldItself && held.id !== captured.id && captured.capturedVia !== "process_report") return held
  return rank[captured.confidence] >= rank[held.confidence] ? captured : held
}

const capture = (agent: AgentState, event: EventOf<"session.captured" | "resume.session_repaired">, at: string) => {
  const session: SessionRef = {
    provider: event.provider,
    id: event.session_id,
    transcript: event.rollout_path,
    capturedVia: event.captured_via,
    confidence: event.attribution_confidence,
    capturedAt: at,
    generation: event.generation
  }
  const captures = [...agent.captures.filter((known) => known.id !== session.id), session].slice(-capturesKept)
  // One that takes the place of another by name does so however well that one is known.
  const replaces = agent.session !== null && event.old_session_id === agent.session.id
  return changedAgent(agent, { session: replaces ? session : prefer(agent.session, session), captures, forkOf: null, attributionAmbiguous: false })
}

type AgentEvent = Extract<Event, { readonly agent: string; readonly generation: number }>

/** What an event does to its agent. Observations of another generation change nothing. */
const foldAgent = (agent: AgentState, event: AgentEvent, at: string): AgentState => {
  const current = event.generation === agent.generation
  const spawn = agent.spawn
  switch (event.type) {
    case "agent.spawn_intended": {
      const started = changedAgent(agent, {
        generation: event.generation,
        phase: "intended",
        spawn: {
          token: event.spawn,
          generation: event.generation,
          mode: event.mode,
          sessionId: event.session_id,
          transcript: event.rollout_path,
          launchContext: event.launch_context,
          intendedAt: at,
          pane: null,
          spawnedAt: null,
          readyAt: null,
          promptsAnswered: []
        },
        exit: null,
        endedAt: null,
        failure: null,
        adopted: null,
        draft: null,
        rawMessage: null,
        openSessions: [],
        attributionAmbiguous: false
      })
      // What belongs to a conversation ends with it.
      return event.mode === "resume" ? started : changedAgent(started, { session: null, firstSend: { _tag: "Absent" }, typedInto: false })
    }
    case "agent.spawned":
      return spawn === null || spawn.token !== event.spawn
        ? agent
        : changedAgent(agent, { phase: "spawned", spawn: { ...spawn, pane: event.pane, spawnedAt: at } })
    case "agent.spawn_failed":
      return spawn === null || spawn.token !== event.spawn ? agent : changedAgent(agent, { phase: "failed", failure: event.failure })
    case "agent.ready":
      return current && spawn !== null
        ? changedAgent(agent, { phase: "running", failure: null, spawn: { ...spawn, readyAt: at } })
        : agent
    case "agent.failed":
      return current ? changedAgent(agent, { phase: "failed", failure: event.failure }) : agent
    case "agent.adopted": {
      const { evidence, pid, place, start_time: startTime, started_at: startedAt, transcript } = event
      return changedAgent(agent, {
        generation: event.generation,
        phase: "running",
        adopted: { pid, startTime, place, startedAt, evidence, adoptedAt: at, ...transcript === undefined ? {} : { transcript } },
        exit: null,
        endedAt: null,
        failure: null
      })
    }
    case "agent.forked":
      return changedAgent(agent, { forkOf: { agent: event.source_agent, sessionId: event.source_session_id } })
    case "agent.stopped":
      return current ? changedAgent(agent, { phase: "stopped", endedAt: agent.endedAt ?? at }) : agent
    case "agent.exited":
      return current && agent.phase !== "stopped" && agent.phase !== "exited"
        ? changedAgent(agent, { phase: agent.phase === "failed" ? "failed" : "exited", exit: event.exit, endedAt: agent.endedAt ?? at })
        : agent
    case "agent.first_send_recorded":
      return changedAgent(agent, { firstSend: classifyFirstSend(event.first_send_at) })
    case "message.submitting":
      // It is typed into an empty input line only.
      return current
        ? changedAgent(agent, { typedInto: true, draft: null, ...event.raw === true ? { rawMessage: event.message_id } : {} })
        : agent
    case "message.failed":
      return !current ? agent : changedAgent(agent, {
        ...event.draft === undefined ? {} : { draft: { message: event.message_id, shown: event.draft } },
        // What arrived changed was said, too.
        ...event.code === "altered" && agent.firstSend._tag === "Absent" ? { firstSend: { _tag: "Valid" as const, at } } : {}
      })
    case "message.submitted":
      return current && agent.firstSend._tag === "Absent" ? changedAgent(agent, { firstSend: { _tag: "Valid", at } }) : agent
    case "session.captured":
      return current ? capture(agent, event, at) : agent
    case "resume.session_repaired":
      return capture(agent, event, at)
    case "provider.session.open_seen":
      return current ? changedAgent(agent, { openSessions: event.sessions }) : agent
    case "provider.session.attribution_ambiguous":
      return current ? changedAgent(agent, { attributionAmbiguous: true }) : agent
    case "discard.session_tombstone":
      return changedAgent(agent, { session: null, captures: [], openSessions: [] })
    case "startup_prompt_handled":
      return current && spawn !== null
        ? changedAgent(agent, { spawn: { ...spawn, promptsAnswered: [...spawn.promptsAnswered, event.prompt] } })
        : agent
    default:
      return agent
  }
}

/** What an event does to the team as a whole. */
const foldTeam = (state: TeamState, event: Event, at: string): TeamState => {
  switch (event.type) {
    case "operation.started":
      return {
        ...state,
        stopped: event.kind === "shutdown",
        operation: begun(event, at)
      }
    case "workspace.moved":
      return foldMove(state, event)
    case "boot.decided":
      return { ...state, boot: { id: event.boot_id, decision: event.decision, at } }
    case "operation.finished":
      return state.operation?.id === event.operation ? { ...state, operation: null } : state
    case "message.accepted":
      return {
        ...state,
        pendingMessages: [...state.pendingMessages, {
          id: event.message_id,
          agent: event.agent,
          from: event.from,
          text: event.text,
          raw: event.raw ?? false,
          acceptedAt: at,
          submittingAt: null
        }]
      }
    case "message.submitting":
      return {
        ...state,
        pendingMessages: state.pendingMessages.map((message) =>
          message.id === event.message_id ? { ...message, submittingAt: at } : message
        )
      }
    case "message.submitted":
    case "message.failed":
      return {
        ...state,
        pendingMessages: state.pendingMessages.filter((message) => message.id !== event.message_id),
        messagesSubmitted: state.messagesSubmitted + (event.type === "message.submitted" ? 1 : 0)
      }
    default:
      return state
  }
}

const isAgentEvent = (event: Event): event is AgentEvent =>
  "agent" in event && event.agent !== undefined && "generation" in event && event.generation !== undefined

/** What the operation that an event belongs to was for. */
const causeOf = ({ operation }: TeamState, event: AgentEvent): StartCause =>
  operation === null || operation.id !== event.operation ? "person" : operation.kind === "launch" ? "launch" : operation.trigger

/** What changed nothing of the agent, as an observation of another generation, is no history either. */
const withHistory = (after: AgentState, before: AgentState, event: AgentEvent, at: string, cause: StartCause): AgentState => {
  if (after === before && !event.type.startsWith("budget.")) return after
  const history = foldHistory(before.history, event, at, cause)
  return history === before.history ? after : changedAgent(after, { history })
}

/** Most events, messages above all, leave most agents as they are. */
const foldAgents = (team: TeamState, event: AgentEvent, at: string): ReadonlyArray<AgentState> => {
  const { agents } = team
  const index = agents.findIndex((agent) => agent.spec.id === event.agent)
  const before = agents[index]
  const after = before === undefined ? undefined : withHistory(foldAgent(before, event, at), before, event, at, causeOf(team, event))
  return after === undefined || after === before ? agents : agents.with(index, after)
}

/**
 * Folds one entry into a team's state; pure. Entries of other teams change nothing. An unreadable row of the team is
 * noted and passed over. Undefined before the team's first `team.recorded`.
 */
export const fold = (state: TeamState | undefined, entry: LogEntry): TeamState | undefined => {
  if (entry._tag === "Unreadable") {
    return state === undefined || entry.team !== state.key ? state : {
      ...state,
      position: entry.position,
      unreadable: [...state.unreadable, { position: entry.position, problem: entry.problem }].slice(-unreadableKept)
    }
  }
  const { at, event, position } = entry
  if (event.type === "team.recorded" && (state === undefined || state.key === event.team)) {
    return { ...recordTeam(state, event, at), position, lifecycleVersion: position }
  }
  if (state === undefined || event.team !== state.key) return state
  const team = foldTeam(state, event, at)
  return advancedTeam(team, {
    operation: foldOperation(team.operation, event),
    supervision: foldSupervision(team.supervision, event, at),
    agents: isAgentEvent(event) ? foldAgents(team, event, at) : team.agents,
    position,
    lifecycleVersion: isLifecycleEvent(event) ? position : team.lifecycleVersion
  })
}
