import * as Either from "effect/Either"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type ProviderAgent, Schema } from "reprise/plugin"
import type { Surroundings } from "./home.ts"

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
