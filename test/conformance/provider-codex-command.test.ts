import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { CommandRequest, ProviderAgent } from "reprise/plugin"
import { commandOf } from "../../plugins/providers/codex/command.ts"
import codex from "../../plugins/providers/codex/index.ts"
import { modeOfFlags, permissionModes } from "../../plugins/providers/codex/permissions.ts"
import { tomlString } from "../../plugins/providers/codex/toml.ts"
import { providerOf, testPluginServices } from "reprise/testing"

const id = "01a205c5-0bb3-7631-8c50-c98ed016aa0e"
const around = { home: "/home/ada", codexHome: null }

const agentWith = (over: Partial<ProviderAgent> = {}): ProviderAgent => ({
  team: "alpha",
  id: "coder-1",
  role: null,
  prompt: null,
  workspace: "/work",
  cwd: "/work",
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  options: {},
  env: {},
  configHome: null,
  mcp: {},
  startedAt: null,
  ...over
})

const planned = (mode: CommandRequest["mode"], over: Partial<ProviderAgent> = {}, codexHome: string | null = null) =>
  commandOf({
    mode,
    agent: agentWith(over),
    sessionId: mode === "resume" ? id : null,
    sourceSessionId: mode === "fork" ? id : null,
    stateDirectory: "/state"
  }, { ...around, codexHome })

const modes = ["fresh", "resume", "fork"] as const

/** Reads a TOML basic string as TOML says, strictly: null for what is none. */
const readBasic = (text: string): string | null => {
  const inner = /^"((?:[^"\\\u0000-\u0008\u000a-\u001f\u007f]|\\(?:["\\btnfr]|u[0-9A-Fa-f]{4}))*)"$/.exec(text)?.[1]
  return inner?.replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (_, hex: string | undefined, letter: string | undefined) =>
    hex !== undefined
      ? String.fromCharCode(Number.parseInt(hex, 16))
      : ({ b: "\b", t: "\t", n: "\n", f: "\f", r: "\r" })[letter ?? ""] ?? letter ?? "") ?? null
}

describe("codex command", () => {
  it("the mode of a person's flags is never wider than they allow", () => {
    const mode = (sandbox: string | null, approval: string | null, bypass = false) => modeOfFlags({ bypass, sandbox, approval })
    expect(mode("workspace-write", "on-request")).toBe("workspace-write")
    expect(mode("danger-full-access", "never")).toBe("bypass")
    expect(mode("danger-full-access", "on-request")).toBe("full-access")
    for (const sandbox of ["read-only", "workspace-write", "danger-full-access"]) expect(mode(sandbox, "untrusted")).toBe("read-only")
    expect(mode(null, "untrusted")).toBe("read-only")
  })

  it.effect("never joins a background server, whatever the mode", () =>
    Effect.gen(function*() {
      for (const mode of modes) expect((yield* planned(mode)).argv).toContain("--no-daemon")
    }))

  it.effect("names the conversation as the last word", () =>
    Effect.gen(function*() {
      expect((yield* planned("resume")).argv.at(1)).toBe("resume")
      expect((yield* planned("resume")).argv.at(-1)).toBe(id)
      expect((yield* planned("fork")).argv.at(1)).toBe("fork")
      expect((yield* planned("fork")).argv.at(-1)).toBe(id)
      expect((yield* planned("fresh")).argv.includes(id)).toBe(false)
      expect((yield* planned("resume")).expectedSession).toBe(id)
      expect((yield* planned("fork")).expectedSession).toBeNull()
    }))

  it.effect("says the permissions at all times, one way only, and refuses a mode that it does not know", () =>
    Effect.gen(function*() {
      for (const mode of modes) {
        for (const permissions of [null, ...permissionModes]) {
          const { argv } = yield* planned(mode, { permissions })
          const asks = argv.includes("--ask-for-approval") && argv.includes("--sandbox")
          expect(asks).toBe(!argv.includes("--dangerously-bypass-approvals-and-sandbox"))
          expect(asks).toBe(permissions !== "bypass")
        }
        expect((yield* Effect.flip(planned(mode, { permissions: "yolo" }))).detail).toContain("read-only, workspace-write")
      }
    }))

  it.effect("keeps the trust of a directory with the user", () =>
    Effect.gen(function*() {
      const trusting = (words: ReadonlyArray<string>) => words.some((word) => word.includes("trust_level"))
      expect(trusting((yield* planned("fresh")).argv)).toBe(false)
      expect(trusting((yield* planned("fresh", { options: { trust: false } })).argv)).toBe(false)
      const { argv } = yield* planned("fresh", { options: { trust: true } })
      expect(argv).toContain(`projects={"/work"={"trust_level"="trusted"}}`)
    }))

  it.effect("names the configuration's home unless it is the default one", () =>
    Effect.gen(function*() {
      const homeOf = (over: Partial<ProviderAgent>, codexHome: string | null = null) =>
        Effect.map(planned("fresh", over, codexHome), ({ configHome, env }) => [configHome, env["CODEX_HOME"]])
      expect(yield* homeOf({})).toEqual(["/home/ada/.codex", null])
      expect(yield* homeOf({}, "/else")).toEqual(["/else", "/else"])
      expect(yield* homeOf({ env: { CODEX_HOME: "/team" } }, "/else")).toEqual(["/team", "/team"])
      expect(yield* homeOf({ options: { home: "/chosen" } }, "/else")).toEqual(["/chosen", "/chosen"])
      // A conversation is only found where the spawn before it was, and that may be the default one.
      expect(yield* homeOf({ configHome: "/before" }, "/else")).toEqual(["/before", "/before"])
      expect(yield* homeOf({ configHome: "/home/ada/.codex" }, "/else")).toEqual(["/home/ada/.codex", null])
    }))

  it.effect("puts the marker above all that the agent is told, as one TOML string", () =>
    Effect.gen(function*() {
      const prompt = "Say \"hi\".\nThen C:\\temp, \u0007 and 漢字 🎭 \u007f"
      const { argv } = yield* planned("fresh", { role: "Engineer", prompt })
      const word = argv.find((one) => one.startsWith("developer_instructions="))
      expect(readBasic(word?.slice("developer_instructions=".length) ?? ""))
        .toBe(`[reprise agent alpha/coder-1]\n\nYour role: Engineer\n\n${prompt}`)
    }))

  it("writes each text as a TOML string that reads as the same text", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ unit: "binary", maxLength: 60 }), (text) =>
        readBasic(tomlString(text)) === text),
      { numRuns: 500 }
    )
    expect(readBasic(tomlString("half \ud800 pair"))).toBe("half \ufffd pair")
  })

  it.effect("refuses what no command can carry, and says what to do", () =>
    Effect.gen(function*() {
      const { detail } = yield* Effect.flip(planned("fresh", { prompt: "x".repeat(131_072) }))
      expect(detail).toContain("developer_instructions")
      expect(detail).toContain("from a file")
      expect((yield* Effect.flip(commandOf({
        mode: "resume",
        agent: agentWith(),
        sessionId: "--last",
        sourceSessionId: null,
        stateDirectory: "/state"
      }, around))).detail).toContain("not a session ID")
    }))

  it.scoped("inherits nothing of another agent, and keeps the home of its configuration", () =>
    Effect.gen(function*() {
      const { scrubbed = [] } = yield* testPluginServices(providerOf(codex, "codex"))
      for (const name of ["TMUX", "CODEX_THREAD_ID", "CODEX_SESSION_ID", "CLAUDE_CODE_*"]) expect(scrubbed).toContain(name)
      const takes = (name: string) => scrubbed.some((one) => one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name)
      for (const name of ["CODEX_HOME", "CODEX_API_KEY", "OPENAI_API_KEY", "PATH"]) expect(takes(name)).toBe(false)
    }))
})

describe("codex MCP servers", () => {
  const identity = { REPRISE_WORKSPACE: "/work", REPRISE_TEAM: "alpha", REPRISE_AGENT: "coder-1" }
  const server = { command: "tracker", args: ["--stdio", "a \"b\" \\ c"], env: { ...identity, TRACKER_TOKEN: "s3cret", PATH: "/odd" } }

  it.effect("are given with the agent's identity, and nothing else of their environment is in the command", () =>
    Effect.gen(function*() {
      for (const mode of modes) {
        const plan = yield* planned(mode, { mcp: { tracker: server } })
        const words = plan.argv.join("\n")
        expect(words).toContain(`"REPRISE_AGENT"="coder-1"`)
        expect(words).not.toContain("s3cret")
        // Codex itself would else run with the server's PATH, and its shell commands would see the token.
        expect(Object.keys(plan.env)).toEqual(["CODEX_HOME"])
        expect(plan.files.map(({ path }) => path)).toEqual(["/state/mcp-tracker.json"])
        expect(JSON.parse(plan.files[0]?.content ?? "")).toEqual({ TRACKER_TOKEN: "s3cret", PATH: "/odd" })
      }
    }))

  it.effect("need no launcher without an environment of their own", () =>
    Effect.gen(function*() {
      const { argv, files } = yield* planned("fresh", { mcp: { docs: { command: "docs", args: ["-x"], env: identity } } })
      expect(files).toEqual([])
      expect(argv).toContain(
        `mcp_servers={"docs"={"command"="docs","args"=["-x"],"env"={"REPRISE_WORKSPACE"="/work",` +
          `"REPRISE_TEAM"="alpha","REPRISE_AGENT"="coder-1"}}}`
      )
    }))

  it("are started by the launcher with the file's environment, their words and their exit code", () => {
    const directory = mkdtempSync(join(tmpdir(), "reprise-codex-"))
    try {
      const file = join(directory, "mcp.json")
      writeFileSync(file, JSON.stringify({ TRACKER_TOKEN: "s3cret" }))
      const launcher = fileURLToPath(new URL("../../plugins/providers/codex/mcp-launcher.mjs", import.meta.url))
      const script = "process.stdin.pipe(process.stdout);process.stderr.write(process.env.TRACKER_TOKEN+process.argv[1]);process.exitCode=7"
      const ran = spawnSync(process.execPath, [launcher, file, process.execPath, "-e", script, "a b"], {
        input: "asked",
        encoding: "utf8"
      })
      expect([ran.stdout, ran.stderr, ran.status]).toEqual(["asked", "s3creta b", 7])
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
