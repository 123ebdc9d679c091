import type { AgentSpec, LaunchContext } from "../domain/team.ts"
import { redacted } from "../event-log/redact.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { CommandPlan } from "../plugin/provider-driver.ts"

/** Whether a spawn restores what the spawn before it ran with, or takes the team file as it is now. */
export type OnDrift = "keep" | "adopt"

/** The agent's spec as its spawn is to have it. */
export const specForSpawn = (agent: AgentState, onDrift: OnDrift): AgentSpec => {
  if (onDrift === "adopt" || agent.spawn === null) return agent.spec
  const { cwd, effort, model, options, permissions, tools } = agent.spawn.launchContext
  return { ...agent.spec, cwd, effort, model, options, permissions, tools }
}

const show = (value: unknown): string => value === null ? "none" : JSON.stringify(value)

/** What the team file says now that the last spawn did not run with, as sentences. */
export const driftOf = (agent: AgentState): ReadonlyArray<string> => {
  if (agent.spawn === null) return []
  const then = agent.spawn.launchContext
  const now = agent.spec
  const members = ["cwd", "model", "effort", "permissions", "tools", "options"] as const
  const lost = Object.entries(now.env).flatMap(([name, value]) =>
    value === redacted ? `${name} was given in the team file, looks like a secret, and is taken from the environment instead` : []
  )
  const changed = members.flatMap((member) =>
    JSON.stringify(then[member]) === JSON.stringify(now[member])
      ? []
      : `${member} was ${show(then[member])} at its last start and is ${show(now[member])} in the team file`
  )
  return [...changed, ...lost]
}

const credentialLike = /(_API_KEY|_TOKEN|_BASE_URL|CONFIG_DIR|_HOME)$/

/** What is recorded of a spawn. Of the environment only names: values may be secrets. */
export const launchContextOf = (
  spec: AgentSpec,
  plan: CommandPlan,
  env: Readonly<Record<string, string>>
): LaunchContext => ({
  argv: plan.argv,
  cwd: spec.cwd,
  model: spec.model,
  effort: spec.effort,
  permissions: spec.permissions,
  tools: spec.tools,
  configHome: plan.configHome,
  account: plan.account,
  envNames: [
    ...new Set([...Object.keys(spec.env), ...Object.keys(plan.env), ...Object.keys(env).filter((name) => credentialLike.test(name))])
  ].filter((name) => name in env).toSorted(),
  options: spec.options
})

const neverInherited = /^(TMUX|TMUX_PANE|STY|REPRISE_.*|npm_.*|NODE_OPTIONS|TSX_.*)$/

/**
 * The whole environment of an agent's process: the host's, less what ties it to another terminal or another agent, plus
 * the agent's own, the provider's, and last who it is.
 */
export const spawnEnvironment = (
  host: Readonly<Record<string, string>>,
  spec: AgentSpec,
  plan: CommandPlan,
  identity: { readonly team: string; readonly workspace: string; readonly generation: number }
): Readonly<Record<string, string>> => {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(host)) if (!neverInherited.test(name)) env[name] = value
  // A secret of the team file is not in the log: it has to come from the host's environment.
  for (const [name, value] of Object.entries(spec.env)) if (value !== redacted) env[name] = value
  for (const [name, value] of Object.entries(plan.env)) {
    if (value === null) delete env[name]
    else env[name] = value
  }
  return {
    ...env,
    REPRISE_WORKSPACE: identity.workspace,
    REPRISE_TEAM: identity.team,
    REPRISE_AGENT: spec.id,
    REPRISE_GENERATION: String(identity.generation)
  }
}
