import type { AgentSpec, LaunchContext } from "../domain/team.ts"
import { redact, redacted } from "../event-log/redact.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { CommandPlan, ProviderLogin } from "../plugin/provider-driver.ts"
import { wasAnothers } from "./changed-provider.ts"
import { mayBeWider, meantPermissions, type Modes } from "./permissions.ts"

/** Whether a spawn restores what the spawn before it ran with, or takes the team file as it is now. */
export type OnDrift = "keep" | "adopt"

/** The agent's spec as its spawn is to have it. */
export const specForSpawn = (agent: AgentState, onDrift: OnDrift): AgentSpec => {
  if (onDrift === "adopt" || agent.spawn === null || wasAnothers(agent)) return agent.spec
  const { cwd, effort, model, options, permissions, tools } = agent.spawn.launchContext
  return { ...agent.spec, cwd, effort, model, options, permissions: permissions ?? agent.spec.permissions, tools }
}

const show = (value: unknown): string => value === null ? "none" : JSON.stringify(value)

/** What an agent with this context and this mode would be started with. */
const withMode = <A extends { readonly permissions: string | null }>(context: A, provider: Modes | undefined): A => ({
  ...context,
  permissions: meantPermissions(context, provider)
})

/**
 * What the team file says now that the last spawn did not run with, as sentences. `next` is the permission mode of the next
 * start, where that was decided.
 */
export const driftOf = (agent: AgentState, provider?: Modes, next?: string | null): ReadonlyArray<string> => {
  if (agent.spawn === null) return []
  const another = wasAnothers(agent)
  const then = withMode(agent.spawn.launchContext, another ? undefined : provider)
  const now = withMode(agent.spec, provider)
  const kept = next !== undefined && next !== now.permissions && mayBeWider(now.permissions, next, provider)
  const members = ["cwd", "model", "effort", "permissions", "tools", "options"] as const
  const lost = Object.entries(now.env).flatMap(([name, value]) =>
    value === redacted ? `${name} was given in the team file, looks like a secret, and is taken from the environment instead` : []
  )
  const changed = members.flatMap((member) =>
    JSON.stringify(then[member]) === JSON.stringify(now[member])
      ? []
      : `${member} was ${show(then[member])} at its last start and is ${show(now[member])} in the team file` +
        (member === "permissions" && kept ? "; a start without a person never widens it: reprise down, then reprise up FILE" : "")
  )
  const moved = another ? [`provider was ${agent.spawn.launchContext.provider} at its last start and is ${agent.spec.provider} in the team file`] : []
  return [...moved, ...changed, ...lost]
}

/** What of the account and the environment would differ from the spawn before, as sentences. */
export const contextDrift = (then: LaunchContext, now: LaunchContext): ReadonlyArray<string> => {
  const differs = (what: string, before: string | null, after: string | null) =>
    before === null || after === null || before === after ? [] : `${what} was ${before} at its last start and would be ${after}`
  const names = (what: string, list: ReadonlyArray<string>) => list.length === 0 ? [] : `${list.join(", ")} ${what}`
  return [
    differs("the place of its configuration and account", then.configHome, now.configHome),
    differs("its account", then.account, now.account),
    names("was in its environment at its last start and would not be", then.envNames.filter((name) => !now.envNames.includes(name))),
    names("was not in its environment at its last start and would be", now.envNames.filter((name) => !then.envNames.includes(name)))
  ].flat()
}

const credentialLike = /(_API_KEY|_TOKEN|_BASE_URL|CONFIG_DIR|_HOME)$/

/** What the team file gives an agent, or the servers of an agent, under names of secrets. */
const secretsOf = (spec: AgentSpec, read: ReadonlyArray<string>): ReadonlyArray<string> => {
  const servers = Object.values(spec.mcp)
  return [
    // A short value stands in other words, too.
    ...read.filter((value) => value.length >= 8),
    ...[spec.env, ...servers.map(({ env }) => env)].flatMap((env) =>
      Object.entries(env).flatMap(([name, value]) => value !== "" && isSecret(name, value) ? value : [])),
    ...servers.flatMap(({ args }) => {
      const kept = redact(args)
      return Array.isArray(kept) ? args.filter((word, at) => word !== "" && kept[at] !== word) : []
    })
  ]
}

/** A text without a secret, also where it stands in quotes with what they escape. */
const without = (text: string, secret: string): string =>
  text.replaceAll(secret, redacted).replaceAll(JSON.stringify(secret).slice(1, -1), redacted)

const isSecret = (name: string, value: string): boolean => {
  const entry = { [name]: value }
  return redact(entry) !== entry
}

/** What is recorded of a spawn. Of the environment only names: values may be secrets. */
export const launchContextOf = (
  spec: AgentSpec,
  plan: CommandPlan,
  env: Readonly<Record<string, string>>,
  { fileNames = [], login, secrets = [] }: {
    readonly login?: ProviderLogin | undefined
    readonly fileNames?: ReadonlyArray<string>
    readonly secrets?: ReadonlyArray<string>
  } = {}
): LaunchContext => ({
  provider: spec.provider,
  // A command may have to name a server's environment in its arguments; the log keeps no secret of it.
  argv: secretsOf(spec, secrets).reduce<ReadonlyArray<string>>((argv, secret) => argv.map((word) => without(word, secret)), plan.argv),
  cwd: spec.cwd,
  model: spec.model,
  effort: spec.effort,
  permissions: spec.permissions,
  tools: spec.tools,
  configHome: plan.configHome,
  account: plan.account,
  ...plan.authMode === undefined ? {} : { authMode: plan.authMode },
  envNames: [
    ...new Set([...Object.keys(spec.env), ...Object.keys(plan.env), ...Object.keys(env).filter((name) => credentialLike.test(name))])
  ].filter((name) => name in env).toSorted(),
  ...login === undefined ? {} : { login: { variables: login.variables, stored: login.stored } },
  ...fileNames.length === 0 ? {} : { envFileNames: fileNames },
  options: spec.options
})

/** What says that somebody is in another terminal, or is another agent: no source may. */
const neverGiven = /^(TMUX|TMUX_.*|STY|REPRISE_.*)$/
/** What belongs to the command that runs Reprise. */
const neverInherited = /^(npm_.*|NODE_OPTIONS|TSX_.*)$/

/** Whether a name stands in a list of names, of which a trailing `*` stands for any ending. */
const isListed = (list: ReadonlyArray<string>, name: string): boolean =>
  list.some((entry) => entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : name === entry)

/** A name that is scrubbed by itself always goes; one that only a wildcard takes stays where it is `kept`. */
const isScrubbed = (scrubbed: ReadonlyArray<string>, kept: ReadonlyArray<string>, name: string): boolean =>
  scrubbed.includes(name) || (isListed(scrubbed, name) && !isListed(kept, name))

/** The names of an agent's own environment that no agent is given, whatever its team file says. */
export const refusedNames = (
  spec: AgentSpec,
  scrubbed: ReadonlyArray<string>,
  kept: ReadonlyArray<string> = []
): ReadonlyArray<string> =>
  Object.keys(spec.env).filter((name) => neverGiven.test(name) || isScrubbed(scrubbed, kept, name))

/**
 * The whole environment of an agent's process: the host's and the agent's own, less what ties it to another terminal,
 * another agent or another session of a CLI (`scrubbed`, of all providers), then what its command sets, and last who it is.
 */
export const spawnEnvironment = (
  host: Readonly<Record<string, string>>,
  spec: AgentSpec,
  plan: CommandPlan,
  identity: { readonly team: string; readonly workspace: string; readonly workspaceId: string | null; readonly generation: number },
  scrubbed: ReadonlyArray<string>,
  kept: ReadonlyArray<string> = []
): Readonly<Record<string, string>> => {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(host)) if (!neverInherited.test(name)) env[name] = value
  // A secret of the team file is not in the log: it has to come from the host's environment.
  for (const [name, value] of Object.entries(spec.env)) if (value !== redacted) env[name] = value
  for (const name of Object.keys(env)) if (isScrubbed(scrubbed, kept, name)) delete env[name]
  for (const [name, value] of Object.entries(plan.env)) {
    if (value === null) delete env[name]
    else env[name] = value
  }
  for (const name of Object.keys(env)) if (neverGiven.test(name)) delete env[name]
  return {
    ...env,
    REPRISE_WORKSPACE: identity.workspace,
    ...identity.workspaceId === null ? {} : { REPRISE_WORKSPACE_ID: identity.workspaceId },
    REPRISE_TEAM: identity.team,
    REPRISE_AGENT: spec.id,
    REPRISE_GENERATION: String(identity.generation)
  }
}
