import type { AgentState, TeamState } from "./TeamState.ts"

// Each member is named: a spread with changes costs several times as much, and a simulation folds millions of events.

/** The agent with these members changed. */
export const changedAgent = (agent: AgentState, {
  adopted = agent.adopted,
  attributionAmbiguous = agent.attributionAmbiguous,
  captures = agent.captures,
  draft = agent.draft,
  endedAt = agent.endedAt,
  exit = agent.exit,
  failure = agent.failure,
  firstSend = agent.firstSend,
  forkOf = agent.forkOf,
  generation = agent.generation,
  history = agent.history,
  openSessions = agent.openSessions,
  phase = agent.phase,
  rawMessage = agent.rawMessage,
  removed = agent.removed,
  session = agent.session,
  spawn = agent.spawn,
  spec = agent.spec,
  typedInto = agent.typedInto
}: Partial<AgentState>): AgentState => ({
  spec,
  removed,
  generation,
  phase,
  spawn,
  adopted,
  forkOf,
  session,
  captures,
  openSessions,
  firstSend,
  typedInto,
  draft,
  rawMessage,
  exit,
  endedAt,
  failure,
  attributionAmbiguous,
  history
})

type Advance = Pick<TeamState, "agents" | "lifecycleVersion" | "operation" | "position" | "supervision">

/** The team after one more event. */
export const advancedTeam = (team: TeamState, { agents, lifecycleVersion, operation, position, supervision }: Advance): TeamState => ({
  key: team.key,
  objective: team.objective,
  workspace: team.workspace,
  transport: team.transport,
  plugins: team.plugins,
  recordedAt: team.recordedAt,
  stopped: team.stopped,
  agents,
  tasks: team.tasks,
  operation,
  boot: team.boot,
  supervision,
  pendingMessages: team.pendingMessages,
  messagesSubmitted: team.messagesSubmitted,
  lifecycleVersion,
  position,
  unreadable: team.unreadable
})
