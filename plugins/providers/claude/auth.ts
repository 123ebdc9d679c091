import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { ProviderAgent, ProviderLogin } from "reprise/plugin"
import { configHomeFor } from "./places.ts"

// How an agent is let in. Of secrets only whether there is one: no value is read.

type Env = Readonly<Record<string, string>>

/** The names of the environment by which that is told. */
export const authNames = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "ANTHROPIC_BASE_URL",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_FOUNDRY",
  "CLAUDE_CODE_USE_VERTEX"
] as const

/** Whether a base URL leads to Anthropic itself. What is no URL surely does not. */
const isOfficial = (url: string): boolean => {
  const host = URL.canParse(url) ? new URL(url).hostname : ""
  return host === "anthropic.com" || host.endsWith(".anthropic.com")
}

/** Whether settings may say it otherwise than the environment; a file that can't be read may. */
const settingsMaySay = (path: string): boolean => {
  if (!existsSync(path)) return false
  try {
    return /ANTHROPIC_|CLAUDE_CODE_USE_|apiKeyHelper|forceLogin/.test(readFileSync(path, "utf8"))
  } catch {
    return true
  }
}

const settingsOf = ({ cwd }: Pick<ProviderAgent, "cwd">, configHome: string): ReadonlyArray<string> => [
  join(configHome, "settings.json"),
  join(cwd, ".claude", "settings.json"),
  join(cwd, ".claude", "settings.local.json"),
  "/etc/claude-code/managed-settings.json"
]

/** What a cloud's login consists of, beside the switch that chooses the cloud. */
const clouds: Readonly<Record<string, RegExp>> = {
  CLAUDE_CODE_USE_BEDROCK: /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|BEARER_TOKEN_BEDROCK)|ANTHROPIC_BEDROCK_BASE_URL)$/,
  CLAUDE_CODE_USE_VERTEX: /^(GOOGLE_APPLICATION_CREDENTIALS|ANTHROPIC_VERTEX_(PROJECT_ID|BASE_URL))$/,
  CLAUDE_CODE_USE_FOUNDRY: /^ANTHROPIC_FOUNDRY_(API_KEY|BASE_URL|RESOURCE)$/
}

/** In the order in which Claude Code takes them. */
const keys = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"]

/** The variables that let Claude Code in, the address that they are for among them, and whether there is a login in files. */
export const loginOf = (agent: ProviderAgent, env: Env): ProviderLogin => {
  const set = (name: string): boolean => (env[name] ?? "") !== ""
  const cloud = Object.keys(clouds).find(set)
  const key = keys.find(set)
  const configHome = configHomeFor(agent, env).path
  return {
    variables: cloud !== undefined
      ? [cloud, ...Object.keys(env).filter((name) => clouds[cloud]?.test(name) === true && set(name)).toSorted()]
      : key === undefined
      ? []
      : [key, ...["ANTHROPIC_BASE_URL"].filter(set)],
    stored: existsSync(join(configHome, ".credentials.json")) || settingsOf(agent, configHome).some(settingsMaySay)
  }
}

/** `compatible_api` for an endpoint of somebody else's, `official_api`, `subscription`; null where it can't be told. */
export const authModeOf = (agent: Pick<ProviderAgent, "cwd" | "env">, host: Env, configHome: string): string | null => {
  const env = { ...host, ...agent.env }
  const set = (name: (typeof authNames)[number]): boolean => (env[name] ?? "") !== ""
  if (set("ANTHROPIC_BASE_URL") && !isOfficial(env["ANTHROPIC_BASE_URL"] ?? "")) return "compatible_api"
  if (set("CLAUDE_CODE_USE_BEDROCK") || set("CLAUDE_CODE_USE_FOUNDRY") || set("CLAUDE_CODE_USE_VERTEX")) return null
  if (settingsOf(agent, configHome).some(settingsMaySay)) return null
  if (set("ANTHROPIC_API_KEY") || set("ANTHROPIC_AUTH_TOKEN")) return "official_api"
  return set("CLAUDE_CODE_OAUTH_TOKEN") || existsSync(join(configHome, ".credentials.json")) ? "subscription" : null
}
