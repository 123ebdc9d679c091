import type { Event, EventOf } from "../../sdk/domain/event.ts"
import { AgentId, OperationId, SpawnToken, TeamKey } from "../../sdk/domain/ids.ts"
import type { AgentSpec, LaunchContext } from "../../sdk/domain/team.ts"

export const team = (key: string): TeamKey => TeamKey.make(key)
export const agent = (id: string): AgentId => AgentId.make(id)

export const spec = (id: string): AgentSpec => ({
  id: agent(id),
  role: null,
  provider: "fake",
  cwd: "/tmp",
  paused: false,
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  prompt: null,
  env: {},
  options: {},
  mcp: {}
})

export const recorded = (key: string, ids: ReadonlyArray<string> = ["coder-1", "coder-2"]): EventOf<"team.recorded"> => ({
  type: "team.recorded",
  team: team(key),
  spec: { name: team(key), objective: null, agents: ids.map(spec) },
  workspace: "/tmp",
  transport: "memory",
  plugins: []
})

const launchContext: LaunchContext = {
  argv: ["fake"],
  cwd: "/tmp",
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  configHome: null,
  account: null,
  envNames: [],
  options: {}
}

export const intended = (key: string, id: string, generation: number): EventOf<"agent.spawn_intended"> => ({
  type: "agent.spawn_intended",
  team: team(key),
  agent: agent(id),
  generation,
  spawn: SpawnToken.make(`${id}-${generation}`),
  mode: "fresh",
  session_id: null,
  rollout_path: null,
  launch_context: launchContext
})

export const step = (key: string, name: string, phase: "intent" | "result" = "intent"): EventOf<"operation.step"> => ({
  type: "operation.step",
  team: team(key),
  operation: OperationId.make("op-1"),
  step: name,
  phase
})

export const accepted = (key: string, id: string, message: string, text = "hello"): EventOf<"message.accepted"> => ({
  type: "message.accepted",
  team: team(key),
  agent: agent(id),
  generation: 1,
  message_id: message,
  from: "leader",
  text
})

export const consumed = (key: string, id: string, message: string): EventOf<"message.consumed"> => ({
  type: "message.consumed",
  team: team(key),
  agent: agent(id),
  generation: 1,
  message_id: message,
  evidence: "seen in the transcript"
})

export const captured = (key: string, id: string, session: string, generation = 1): EventOf<"session.captured"> => ({
  type: "session.captured",
  team: team(key),
  agent: agent(id),
  agent_id: agent(id),
  generation,
  provider: "fake",
  session_id: session,
  rollout_path: `/tmp/${session}.jsonl`,
  captured_via: "assigned_id",
  attribution_confidence: "high"
})

export const tombstone = (key: string, id: string, session: string): Event => ({
  type: "discard.session_tombstone",
  team: team(key),
  agent: agent(id),
  agent_id: agent(id),
  generation: 1,
  session_id: session,
  reason: "told so"
})
