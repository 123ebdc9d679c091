import { describe, expect, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import type { CommandRequest, ProviderAgent } from "reprise/plugin"
import { providerOf, testPluginServices } from "reprise/testing"
import { explainExit } from "../../plugins/providers/fake/exit.ts"
import plugin from "../../plugins/providers/fake/index.ts"
import { classify, draft, placeholder, sessionOn } from "../../plugins/providers/fake/screen.ts"
import { readTranscript } from "../../plugins/providers/fake/transcript.ts"

// What is special to the fake provider; the rest is in the conformance suite.

const agent: ProviderAgent = {
  team: "alpha",
  id: "coder",
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
  startedAt: null
}
const request = (mode: CommandRequest["mode"], options: ProviderAgent["options"] = {}): CommandRequest => ({
  mode,
  agent: { ...agent, options },
  sessionId: "id-1",
  sourceSessionId: mode === "fork" ? "id-0" : null,
  stateDirectory: "/state"
})
const driver = testPluginServices(providerOf(plugin, "fake")).pipe(Effect.provide(NodeContext.layer))

const rule = "─".repeat(30)
const frame = (footer: string, input: string, column = 2) => ({
  lines: ["Fake worker", "session id-1", rule, input, rule, footer],
  title: "",
  cursor: { row: 3, column }
})

describe("command", () => {
  it.scoped("each option becomes a flag of its own", () =>
    Effect.gen(function*() {
      const { command } = yield* driver
      const options = { session: "at-first-message", startup: "trust", turn: 5, onResume: "exit", root: "sessions" }
      const { argv } = yield* command(request("fresh", options))
      expect(argv[0]).toBe(process.execPath)
      expect(argv[1]).toMatch(/\/worker\.mjs$/)
      expect(argv.slice(2)).toEqual([
        "--root", "/work/sessions", "--session-id", "id-1", "--agent", "alpha/coder", "--session", "at-first-message",
        "--startup", "trust", "--turn", "5", "--onResume", "exit"
      ])
    }))

  it.scoped("a worker that chooses its own id is given none, but resumes the one it had", () =>
    Effect.gen(function*() {
      const { command } = yield* driver
      const fresh = yield* command(request("fresh", { assign: false, marker: false }))
      expect(fresh.expectedSession).toBeNull()
      expect(fresh.argv.slice(2)).toEqual(["--root", "/work/.reprise/fake/sessions"])
      const fork = yield* command(request("fork", { assign: false }))
      expect(fork.argv).not.toContain("--session-id")
      const resume = yield* command(request("resume", { assign: false }))
      expect(resume.expectedSession).toBe("id-1")
      expect(resume.argv.join(" ")).toContain("--resume id-1")
    }))

  it.scoped("a prompt goes into a file, never into the arguments", () =>
    Effect.gen(function*() {
      const { command } = yield* driver
      const prompt = "x".repeat(300_000)
      const plan = yield* command({ ...request("fresh"), agent: { ...agent, prompt } })
      expect(plan.files).toEqual([{ path: "/state/prompt.md", content: prompt }])
      expect(plan.argv.some((word) => word.includes("xxx"))).toBe(false)
    }))

  it.scoped("options that nobody knows are refused by name", () =>
    Effect.gen(function*() {
      const { checkOptions, command } = yield* driver
      const wrong = { startup: "often", turn: -1, rooot: "x" }
      expect(checkOptions(wrong).map((problem) => problem.path.join(".")).sort()).toEqual(["rooot", "startup", "turn"])
      expect((yield* Effect.exit(command(request("fresh", wrong))))._tag).toBe("Failure")
    }))
})

describe("screen", () => {
  it("a frame is read by its whole shape", () => {
    expect(classify(frame("⏵ ready · ? for shortcuts", `› ${placeholder}`))).toBe("idle")
    expect(classify(frame("⏵ something new", `› ${placeholder}`))).toBe("unknown")
    expect(classify({ ...frame("", ""), lines: ["⏵ ready · ? for shortcuts"] })).toBe("unknown")
    expect(classify({ ...frame("", ""), lines: [`› ${placeholder}`, rule, "⏵ ready"] })).toBe("unknown")
  })

  it("the placeholder is no draft, unless somebody typed it", () => {
    expect(draft(frame("⏵ ready", `› ${placeholder}`))).toBe("")
    expect(draft(frame("⏵ ready", `› ${placeholder}`, 2 + placeholder.length))).toBe(placeholder)
    expect(draft(frame("⏵ ready", "› "))).toBe("")
  })

  it("a session that is cut off is not reported", () => {
    expect(sessionOn(frame("⏵ ready", "› "))).toBe("id-1")
    expect(sessionOn({ ...frame("", ""), lines: ["Fake worker", "session 0c5ab1de-00…"] })).toBeNull()
    expect(sessionOn({ ...frame("", ""), lines: ["> something", "session id-1"] })).toBeNull()
  })
})

describe("transcript", () => {
  const head = `${JSON.stringify({ sessionId: "s", cwd: "/w", agent: null })}\n`
  it("only what was read whole proves silence", () => {
    const silent = (text: string, truncated = false) => !readTranscript(text, { truncated }).spokenTo
    expect(silent(head)).toBe(true)
    expect(silent("")).toBe(true)
    expect(silent(head, true)).toBe(false)
    expect(silent(`${head}{"role":"us`)).toBe(false)
    expect(silent(`${head}garbage\n`)).toBe(false)
    expect(silent(`garbage\n`)).toBe(false)
  })
})

describe("exit", () => {
  it("its own words are the reason, where there are any", () => {
    const words = "No conversation found with session ID x."
    expect(explainExit({ exit: { code: 3, signal: null }, lines: [words, ""] }))
      .toEqual({ kind: "missing_transcript", reason: words, retryable: false, retryAt: null })
    expect(explainExit({ exit: { code: 3, signal: null }, lines: [] }).kind).toBe("missing_transcript")
    expect(explainExit({ exit: null, lines: [words] }).kind).toBe("unknown")
    expect(explainExit({ exit: { code: 0, signal: null }, lines: ["Not trusted."] }).kind).toBe("not_ready")
  })
})
