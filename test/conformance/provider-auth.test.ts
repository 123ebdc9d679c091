import { describe, expect, it } from "@effect/vitest"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { authModeOf as claude } from "../../plugins/providers/claude/auth.ts"
import { authModeOf as codex } from "../../plugins/providers/codex/auth.ts"

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
