import { homedir } from "node:os"
import { join } from "node:path"
import type { ProviderAgent } from "reprise/plugin"

/** What of the environment of this process says where Codex keeps things. */
export interface Surroundings {
  readonly home: string
  readonly codexHome: string | null
  /** Where its environment sends what it asks the model, if anywhere else. */
  readonly baseUrl?: string | null
}

export const surroundingsOf = (env: Readonly<Record<string, string | undefined>>): Surroundings => ({
  home: filled(env["HOME"]) ?? homedir(),
  codexHome: filled(env["CODEX_HOME"]),
  baseUrl: filled(env["OPENAI_BASE_URL"])
})

const filled = (value: unknown): string | null => typeof value === "string" && value !== "" ? value : null

/** Where Codex keeps things when nobody says otherwise. */
export const defaultHome = (agent: Pick<ProviderAgent, "env">, around: Surroundings): string =>
  join(filled(agent.env["HOME"]) ?? around.home, ".codex")

/**
 * Where this agent's account, configuration and conversations are: where the spawn before had them, for a conversation is
 * only found there; else as its options or the environment say.
 */
export const configHomeOf = (
  agent: Pick<ProviderAgent, "env" | "options" | "configHome">,
  around: Surroundings
): string =>
  filled(agent.configHome) ?? filled(agent.options["home"]) ?? filled(agent.env["CODEX_HOME"]) ?? around.codexHome ??
    defaultHome(agent, around)
