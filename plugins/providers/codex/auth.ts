import * as Either from "effect/Either"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type ProviderAgent, type ProviderLogin, Schema } from "reprise/plugin"
import { configHomeOf, type Surroundings } from "./home.ts"

// How an agent is let in. Of its login only what kind it is: no value of it is kept.

const Login = Schema.parseJson(Schema.Struct({
  auth_mode: Schema.optional(Schema.NullOr(Schema.String)),
  OPENAI_API_KEY: Schema.optional(Schema.Unknown),
  tokens: Schema.optional(Schema.Unknown)
}))
const readLogin = Schema.decodeUnknownEither(Login)

/** Null where it is not there, or can't be read. */
const textOf = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

/** Whether a base URL leads to OpenAI itself. What is no URL surely does not. */
const isOfficial = (url: string): boolean => {
  const host = URL.canParse(url) ? new URL(url).hostname : ""
  return ["openai.com", "chatgpt.com"].some((own) => host === own || host.endsWith(`.${own}`))
}

/** What a configuration sets before its first table; null where it does not. */
const topLevel = (config: string, key: string): string | null => {
  const top = config.split(/^\s*\[/m)[0] ?? ""
  return new RegExp(`^\\s*${key}\\s*=\\s*["']([^"'\\n]*)["']`, "m").exec(top)?.[1] ?? null
}

const byLogin = (configHome: string): string | null => {
  const login = readLogin(textOf(join(configHome, "auth.json")))
  if (Either.isLeft(login)) return null
  const { auth_mode: mode, OPENAI_API_KEY: key, tokens } = login.right
  if (mode !== undefined && mode !== null) return mode === "apikey" ? "official_api" : mode === "chatgpt" ? "subscription" : null
  if (key !== undefined && key !== null) return "official_api"
  return tokens === undefined || tokens === null ? null : "subscription"
}

/** `compatible_api` for an endpoint of somebody else's, `official_api`, `subscription`; null where it can't be told. */
export const authModeOf = (
  agent: Pick<ProviderAgent, "env" | "options">,
  around: Pick<Surroundings, "baseUrl">,
  configHome: string
): string | null => {
  const path = join(configHome, "config.toml")
  const config = textOf(path)
  // What it says of providers and profiles is not known.
  if (config === null && existsSync(path)) return null
  const urls = [agent.env["OPENAI_BASE_URL"] ?? around.baseUrl, topLevel(config ?? "", "openai_base_url"), topLevel(config ?? "", "chatgpt_base_url")]
  if (urls.some((url) => url !== null && url !== undefined && url !== "" && !isOfficial(url))) return "compatible_api"
  // A profile may name another provider.
  if (typeof agent.options["profile"] === "string" || topLevel(config ?? "", "profile") !== null) return null
  const provider = topLevel(config ?? "", "model_provider")
  return provider !== null && provider !== "openai" ? "compatible_api" : byLogin(configHome)
}

/** The body of a table of a configuration, by its whole name; empty where it has none. */
const tableOf = (config: string, table: string): string =>
  config.split(/^(?=\s*\[)/m).find((part) => /^\s*\[([^\]]*)\]/.exec(part)?.[1]?.replace(/["'\s]/g, "") === table) ?? ""

const valueIn = (body: string, key: string): string | null =>
  new RegExp(`^\\s*${key}\\s*=\\s*["']([^"'\\n]*)["']`, "m").exec(body)?.[1] ?? null

/** Variables that an inline table names: `{ "X-Key" = "NAME" }`. */
const namesIn = (body: string, key: string): ReadonlyArray<string> =>
  [...(new RegExp(`^\\s*${key}\\s*=\\s*\\{([^}]*)\\}`, "m").exec(body)?.[1] ?? "").matchAll(/=\s*["']([^"']*)["']/g)]
    .flatMap(([, name]) => name ?? [])

/** The variables with which a model provider of the configuration lets itself be asked. */
const providerVariables = (config: string, provider: string): ReadonlyArray<string> => {
  const body = tableOf(config, `model_providers.${provider}`)
  const inline = new RegExp(`^\\s*model_providers\\.["']?${provider.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}["']?\\.env_key\\s*=\\s*["']([^"'\\n]*)["']`, "m")
  const key = valueIn(body, "env_key") ?? inline.exec(config)?.[1] ?? null
  return [...key === null ? [] : [key], ...namesIn(body, "env_http_headers"), ...namesIn(tableOf(config, `model_providers.${provider}.env_http_headers`), "[^=\\s]+")]
}

/** The configurations that count, the strongest first: a profile's own file, the user's, the machine's. */
const configsOf = (configHome: string, profile: unknown): ReadonlyArray<string> =>
  [
    ...typeof profile === "string" ? [join(configHome, `${profile}.config.toml`)] : [],
    join(configHome, "config.toml"),
    "/etc/codex/config.toml"
  ].map((path) => textOf(path) ?? "")

/** The variables that let Codex in, by its configuration, and whether it has a login of its own. */
export const loginOf = (agent: ProviderAgent, env: Readonly<Record<string, string>>, around: Surroundings): ProviderLogin => {
  const set = (name: string): boolean => (env[name] ?? "") !== ""
  const configHome = configHomeOf(agent, { ...around, codexHome: env["CODEX_HOME"] || around.codexHome })
  const configs = configsOf(configHome, agent.options["profile"])
  const profile = typeof agent.options["profile"] === "string" ? agent.options["profile"] : configs.map((config) => topLevel(config, "profile")).find((name) => name !== null)
  const ofProfile = profile === undefined || profile === null ? [] : configs.map((config) => valueIn(tableOf(config, `profiles.${profile}`), "model_provider"))
  const provider = [...ofProfile, ...configs.map((config) => topLevel(config, "model_provider"))].find((name) => name !== null) ?? "openai"
  const named = [...new Set(configs.flatMap((config) => providerVariables(config, provider)))].filter(set)
  if (provider !== "openai") return { variables: named, stored: false }
  const stored = existsSync(join(configHome, "auth.json"))
  const keys = ["CODEX_API_KEY", "CODEX_ACCESS_TOKEN", ...stored ? [] : ["OPENAI_API_KEY"]].filter(set)
  return { variables: keys.length === 0 ? [] : [...keys.slice(0, 1), ...["OPENAI_BASE_URL"].filter(set)], stored }
}
