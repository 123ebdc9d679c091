import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { ProviderAgent } from "reprise/plugin"

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

/** `compatible_api` for an endpoint of somebody else's, `official_api`, `subscription`; null where it can't be told. */
export const authModeOf = (agent: Pick<ProviderAgent, "cwd" | "env">, host: Env, configHome: string): string | null => {
  const env = { ...host, ...agent.env }
  const set = (name: (typeof authNames)[number]): boolean => (env[name] ?? "") !== ""
  if (set("ANTHROPIC_BASE_URL") && !isOfficial(env["ANTHROPIC_BASE_URL"] ?? "")) return "compatible_api"
  if (set("CLAUDE_CODE_USE_BEDROCK") || set("CLAUDE_CODE_USE_FOUNDRY") || set("CLAUDE_CODE_USE_VERTEX")) return null
  const settings = [
    join(configHome, "settings.json"),
    join(agent.cwd, ".claude", "settings.json"),
    join(agent.cwd, ".claude", "settings.local.json"),
    "/etc/claude-code/managed-settings.json"
  ]
  if (settings.some(settingsMaySay)) return null
  if (set("ANTHROPIC_API_KEY") || set("ANTHROPIC_AUTH_TOKEN")) return "official_api"
  return set("CLAUDE_CODE_OAUTH_TOKEN") || existsSync(join(configHome, ".credentials.json")) ? "subscription" : null
}
