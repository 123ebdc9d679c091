import type { AgentSpec } from "../domain/team.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"
import { wasAnothers } from "./changed-provider.ts"
import { type OnDrift, specForSpawn } from "./launch-context.ts"

interface Team {
  readonly key: string
  readonly workspace: string
}

/** The agent as its provider sees it, with what its newest spawn was, if there was one. */
export const providerAgent = (
  team: Team,
  spec: AgentSpec,
  spawn: AgentState["spawn"]
): ProviderAgent => {
  const identity = { REPRISE_WORKSPACE: team.workspace, REPRISE_TEAM: team.key, REPRISE_AGENT: spec.id }
  return {
    team: team.key,
    id: spec.id,
    role: spec.role,
    prompt: spec.prompt,
    workspace: team.workspace,
    cwd: spec.cwd,
    model: spec.model,
    effort: spec.effort,
    permissions: spec.permissions,
    tools: spec.tools,
    options: spec.options,
    env: spec.env,
    // Another CLI's home is no home for this one: it would write into it.
    configHome: wasAnothers({ spawn, spec }) ? null : spawn?.launchContext.configHome ?? null,
    mcp: Object.fromEntries(
      Object.entries(spec.mcp).map(([name, server]) => [name, { ...server, env: { ...server.env, ...identity } }])
    ),
    startedAt: spawn?.intendedAt ?? null
  }
}

/** The agent as its provider is to see it for its next spawn, or to find its conversation (`keep`). */
export const providerAgentOf = (team: Team, agent: AgentState, onDrift: OnDrift): ProviderAgent =>
  providerAgent(team, specForSpawn(agent, onDrift), agent.spawn)
