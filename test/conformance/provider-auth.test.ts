import { describe, expect, it } from "@effect/vitest"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { authModeOf as claude, loginOf as claudeLogin } from "../../plugins/providers/claude/auth.ts"
import { authModeOf as codex, loginOf as codexLogin } from "../../plugins/providers/codex/auth.ts"

// How a CLI is let in: an endpoint of somebody else's is told as that, and what can't be told is not guessed.

const inHome = (test: (home: string, write: (name: string, text: string) => void) => void) => () => {
  const home = mkdtempSync(join(tmpdir(), "reprise-auth-"))
  try {
    test(home, (name, text) => {
      mkdirSync(join(home, name, ".."), { recursive: true })
      writeFileSync(join(home, name), text)
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

describe("Claude Code", () => {
  it("is let in by a subscription, a key, or at somebody else's endpoint", inHome((home, write) => {
    const mode = (env: Record<string, string> = {}, host: Record<string, string> = {}) => claude({ cwd: join(home, "work"), env }, host, home)
    expect(mode()).toBeNull()
    expect(mode({ ANTHROPIC_API_KEY: "k" })).toBe("official_api")
    expect(mode({}, { CLAUDE_CODE_OAUTH_TOKEN: "t" })).toBe("subscription")
    expect(mode({ ANTHROPIC_BASE_URL: "https://api.anthropic.com", ANTHROPIC_API_KEY: "k" })).toBe("official_api")
    for (const url of ["http://127.0.0.1:1", "https://anthropic.com.example.org", "https://api.anthropic.com@example.org", "nonsense"]) {
      expect(mode({}, { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "k" })).toBe("compatible_api")
    }
    expect(mode({ CLAUDE_CODE_USE_BEDROCK: "1" })).toBeNull()
    write(".credentials.json", "{}")
    expect(mode()).toBe("subscription")
    write("work/.claude/settings.json", JSON.stringify({ env: { ANTHROPIC_BASE_URL: "https://example.org" } }))
    expect(mode()).toBeNull()
  }))
})

describe("Codex", () => {
  it("is let in by a subscription, a key, or at somebody else's endpoint", inHome((home, write) => {
    const mode = (env: Record<string, string> = {}, options: Record<string, string> = {}) => codex({ env, options }, { baseUrl: null }, home)
    expect(mode()).toBeNull()
    write("auth.json", JSON.stringify({ OPENAI_API_KEY: "k" }))
    expect(mode()).toBe("official_api")
    write("auth.json", JSON.stringify({ OPENAI_API_KEY: null, tokens: { access_token: "t" } }))
    expect(mode()).toBe("subscription")
    write("auth.json", JSON.stringify({ auth_mode: "chatgpt", OPENAI_API_KEY: "k" }))
    expect(mode()).toBe("subscription")
    expect(mode({ OPENAI_BASE_URL: "https://api.openai.com/v1" })).toBe("subscription")
    expect(mode({ OPENAI_BASE_URL: "http://127.0.0.1:1" })).toBe("compatible_api")
    expect(mode({}, { profile: "work" })).toBeNull()
    write("config.toml", "model = \"m\"\n[model_providers.mock]\nmodel_provider = \"mock\"\n")
    expect(mode()).toBe("subscription")
    write("config.toml", "model_provider = \"mock\"\n[model_providers.mock]\nname = \"mock\"\n")
    expect(mode()).toBe("compatible_api")
    write("config.toml", "openai_base_url = 'https://example.org/v1'\n")
    expect(mode()).toBe("compatible_api")
    write("auth.json", "torn")
    rmSync(join(home, "config.toml"))
    expect(mode()).toBeNull()
  }))
})

/** An agent as its provider sees it. */
const agentIn = (home: string, options: Readonly<Record<string, string>> = {}) => ({
  team: "alpha", id: "one", role: null, prompt: null, workspace: home, cwd: join(home, "work"), model: null, effort: null, permissions: null,
  tools: [], options, env: {}, configHome: home, mcp: {}, startedAt: null
})

describe("the variables of a login", () => {
  it("of Claude Code are the ones that it takes first, with their address", inHome((home, write) => {
    const login = (env: Record<string, string>) => claudeLogin(agentIn(home), { HOME: home, ...env })
    expect(login({})).toEqual({ variables: [], stored: false })
    expect(login({ ANTHROPIC_API_KEY: "" })).toEqual({ variables: [], stored: false })
    expect(login({ ANTHROPIC_API_KEY: "k", CLAUDE_CODE_OAUTH_TOKEN: "t" }).variables).toEqual(["ANTHROPIC_API_KEY"])
    expect(login({ CLAUDE_CODE_OAUTH_TOKEN: "t" }).variables).toEqual(["CLAUDE_CODE_OAUTH_TOKEN"])
    expect(login({ ANTHROPIC_AUTH_TOKEN: "t", ANTHROPIC_BASE_URL: "http://127.0.0.1:1" }).variables).toEqual(["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"])
    expect(login({ CLAUDE_CODE_USE_BEDROCK: "1", AWS_PROFILE: "p", AWS_REGION: "r", ANTHROPIC_API_KEY: "k" }).variables)
      .toEqual(["CLAUDE_CODE_USE_BEDROCK", "AWS_PROFILE"])
    write("settings.json", JSON.stringify({ theme: "dark" }))
    expect(login({}).stored).toBe(false)
    write("settings.json", JSON.stringify({ apiKeyHelper: "key" }))
    expect(login({}).stored).toBe(true)
    write("settings.json", "{}")
    write(".credentials.json", "")
    expect(login({}).stored).toBe(true)
  }))

  it("of Codex are those that its model provider names", inHome((home, write) => {
    const login = (env: Record<string, string>, options: Record<string, string> = {}) => codexLogin(agentIn(home, options), env, { home, codexHome: null })
    const env = { OPENAI_API_KEY: "k", MOCK_KEY: "m", TEAM_KEY: "t", WORK_KEY: "w" }
    expect(login(env)).toEqual({ variables: ["OPENAI_API_KEY"], stored: false })
    expect(login({})).toEqual({ variables: [], stored: false })
    write("config.toml", `model_provider = "mock"
[model_providers.other]
env_key = "OTHER_KEY"
[model_providers.mock]
name = "mock" # the provider of tests
env_key = "MOCK_KEY"
env_http_headers = { "X-Team" = "TEAM_KEY", "X-None" = "NOT_SET" }
[model_providers."work"]
env_key = 'WORK_KEY'
[profiles.day]
model_provider = "work"
`)
    expect(login(env)).toEqual({ variables: ["MOCK_KEY", "TEAM_KEY"], stored: false })
    expect(login({ ...env, MOCK_KEY: "" }).variables).toEqual(["TEAM_KEY"])
    expect(login(env, { profile: "day" }).variables).toEqual(["WORK_KEY"])
    write("night.config.toml", "model_provider = \"work\"\n")
    expect(login(env, { profile: "night" }).variables).toEqual(["WORK_KEY"])
    write("config.toml", "model_provider = \"mock\"\nmodel_providers.mock.env_key = \"MOCK_KEY\"\n")
    expect(login(env).variables).toEqual(["MOCK_KEY"])
    rmSync(join(home, "config.toml"))
    write("auth.json", "{}")
    expect(login(env)).toEqual({ variables: [], stored: true })
  }))
})
