import { describe, expect, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Screen } from "reprise/plugin"
import { providerOf, testPluginServices } from "reprise/testing"
import { approvalPrompt, dialogOn } from "../../plugins/providers/claude/dialogs.ts"
import { explainExit } from "../../plugins/providers/claude/exit.ts"
import plugin from "../../plugins/providers/claude/index.ts"
import { classify, draft } from "../../plugins/providers/claude/screen.ts"
import { startupPrompt } from "../../plugins/providers/claude/startup.ts"
import { holdsUserMessage, lastTurnAt, readTranscript, userMessages } from "../../plugins/providers/claude/transcript.ts"
import { nextTime, trouble } from "../../plugins/providers/claude/trouble.ts"
import { parseRecordedScreen } from "../../sdk/testing/provider-screens.ts"

// What is special to Claude Code's screens and conversations; the rest is in the conformance suite.

const screens = fileURLToPath(new URL("../../plugins/providers/claude/screens/2.1.330/", import.meta.url))

const recorded = (name: string): Screen => {
  const recording = parseRecordedScreen(`${name}.txt`, readFileSync(`${screens}${name}.txt`, "utf8"))
  if (recording === null) throw new Error(`${name} is no recording`)
  return recording.screen
}

describe("dialogs", () => {
  it("an approval is no question of a start, whatever its words are", () => {
    const asking = recorded("awaiting_approval--command")
    for (const words of ["Detected a custom API key in your environment", "Do you want to use this API key?"]) {
      const lines = asking.lines.map((text) => text === " touch made-by-the-agent" ? ` ${words}` : text)
      expect(lines).toContain(` ${words}`)
      expect(startupPrompt({ ...asking, lines })).toBeNull()
      expect(classify({ ...asking, lines })).toBe("awaiting_approval")
    }
  })

  it("the answer to the question of trust is counted from the choice that is marked, which is No", () => {
    expect(startupPrompt(recorded("starting--trust"))?.answer).toEqual(["Down", "Enter"])
    expect(startupPrompt(recorded("starting--trust-yes-chosen"))?.answer).toEqual(["Enter"])
    expect(startupPrompt(recorded("starting--trust-narrow"))?.answer).toEqual(["Down", "Enter"])
    expect(startupPrompt(recorded("starting--api-key"))?.answer).toEqual(["Up", "Enter"])
    expect(startupPrompt(recorded("starting--bypass"))?.answer).toEqual(["Down", "Enter"])
  })

  it("only the user agrees to trust a directory or to use a key; keys wait until the question hears them", () => {
    expect(startupPrompt(recorded("starting--trust"))?.consent?.option).toBe("trust")
    expect(startupPrompt(recorded("starting--api-key"))?.consent?.option).toBe("useApiKey")
    expect(startupPrompt(recorded("starting--bypass"))?.consent).toBeUndefined()
    expect(startupPrompt(recorded("starting--trust"))?.settleMs).toBeGreaterThanOrEqual(200)
  })

  it("a question is parsed into its choices, each with the key that takes it", () => {
    const prompt = approvalPrompt(recorded("awaiting_approval--command"))
    expect(prompt?.question).toBe("Do you want to proceed?")
    expect(prompt?.choices.map(({ keys }) => keys)).toEqual([["1"], ["2"], ["3"], ["4"]])
    expect(prompt?.choices.at(0)?.label).toBe("Yes")
    expect(prompt?.choices.at(-1)?.label).toBe("No")
    const narrow = approvalPrompt(recorded("awaiting_approval--narrow"))
    expect(narrow?.choices[1]?.label).toMatch(/^Yes, and always allow access to \S+ from this project$/)
    expect(approvalPrompt(recorded("awaiting_approval--question"))?.choices.map(({ label }) => label)).toEqual([
      "Blue like the sky",
      "Red like a rose",
      "Type something.",
      "Chat about this"
    ])
  })

  it("with a dialog open there is no input line to type into, and nothing is idle", () => {
    for (const name of readdirSync(screens).filter((file) => /^(awaiting|starting)/.test(file))) {
      const screen = recorded(name.replace(/\.txt$/, ""))
      const read = { name, dialog: dialogOn(screen) !== null, draft: draft(screen), idle: classify(screen) === "idle" }
      expect(read).toEqual({ name, dialog: true, draft: null, idle: false })
    }
  })

  it("a dialog that is only told of in the conversation is none", () => {
    const idle = recorded("idle--fresh")
    const quoted = recorded("awaiting_approval--command").lines.filter((line) => line.trim() !== "").slice(0, -1)
    const screen = { ...idle, lines: [...quoted, ...idle.lines.slice(-5)] }
    expect(approvalPrompt(screen)).toBeNull()
    expect(classify(screen)).toBe("idle")
  })
})

describe("input line", () => {
  it("it stands there also while a turn runs: it is no mark of idleness", () => {
    for (const name of readdirSync(screens).filter((file) => file.startsWith("busy--"))) {
      const screen = recorded(name.replace(/\.txt$/, ""))
      const input = screen.lines.some((line) => line.startsWith("❯"))
      // Terminals lose titles: the screen alone has to tell.
      const read = { name, input, titled: classify(screen), untitled: classify({ ...screen, title: "" }) }
      expect(read).toEqual({ name, input: true, titled: "busy", untitled: "busy" })
    }
  })

  it("a placeholder is empty, the same words typed are a draft", () => {
    const queued = recorded("busy--queued")
    expect(draft(queued)).toBe("")
    expect(draft({ ...queued, cursor: { ...queued.cursor, column: 33 } })).toMatch(/^Press up to edit/)
  })
})

describe("trouble", () => {
  const now = new Date(2030, 0, 15, 12, 30)
  const says = (words: string): Screen => {
    const screen = recorded("error--model")
    return { ...screen, lines: screen.lines.map((line) => line.startsWith("● ") ? words : line) }
  }

  it("a missing login, a usage limit and a failed turn are told apart", () => {
    expect(trouble(recorded("error--not-logged-in"))).toMatchObject({ kind: "auth", retryable: false })
    expect(trouble(recorded("error--not-authorised"))).toMatchObject({ kind: "auth" })
    expect(trouble(recorded("error--usage-limit"))).toMatchObject({ kind: "usage_limit", retryAt: null })
    expect(trouble(recorded("error--model"))).toMatchObject({ kind: "unknown", retryable: true })
    expect(trouble(recorded("error--no-server"))).toMatchObject({ kind: "unknown", inConversation: true })
    expect(trouble(recorded("error--unknown-model"))?.reason).toContain("issue with the selected model")
    expect(trouble(says("● You've hit your session limit · resets 3pm"), now)).toEqual({
      inConversation: true,
      kind: "usage_limit",
      reason: "Claude Code says: You've hit your session limit · resets 3pm",
      retryable: true,
      retryAt: new Date(2030, 0, 15, 15, 0).toISOString()
    })
  })

  it("what stands below a message is Claude Code's own answer, what stands below a tool's call is the tool's", () => {
    const below = (block: string, answer: string): Screen => {
      const screen = says(answer)
      return { ...screen, lines: screen.lines.map((line) => line.startsWith("❯ error") ? block : line) }
    }
    const answer = "  ⎿\u00a0 Not logged in · Please run /login"
    expect(trouble(below("❯ say hello", answer))).toMatchObject({ kind: "auth", retryable: false })
    expect(classify(below("❯ say hello", answer))).toBe("error")
    expect(trouble(below("● Bash(cat notes)", answer))).toBeNull()
    expect(trouble(below("❯ say hello", "  ⎿\u00a0 Interrupted · What should Claude do instead?"))).toBeNull()
  })

  it("what is being tried again is wrong now, whatever the conversation says", () => {
    for (const name of ["busy--retrying", "busy--retrying-overloaded", "busy--retrying-no-server"]) {
      expect({ name, ...trouble(recorded(name)) }).toEqual({
        name,
        kind: "unknown",
        reason: expect.stringContaining("tries again"),
        retryable: true,
        retryAt: null
      })
    }
  })

  it("what a conversation that was continued shows is said to be of the conversation", () => {
    expect(trouble(recorded("error--resumed-not-authorised"))).toMatchObject({ kind: "auth", inConversation: true })
    expect(trouble(recorded("error--resumed-usage-limit"))).toMatchObject({ kind: "usage_limit", inConversation: true })
    expect(trouble(recorded("error--not-logged-in"))?.inConversation).toBeUndefined()
  })

  it("the last turn is the newest record of what was said", () => {
    const at = (second: number): string => `2030-01-15T12:00:0${second}.000Z`
    const line = (record: Readonly<Record<string, unknown>>): string => `${JSON.stringify(record)}\n`
    const said = line({ type: "user", timestamp: at(1) }) + line({ type: "assistant", timestamp: at(2) })
    expect(lastTurnAt(said)).toBe(at(2))
    // What Claude Code adds when the conversation is opened again.
    expect(lastTurnAt(said + line({ type: "mode", timestamp: at(3) }) + line({ type: "user", isMeta: true, timestamp: at(4) }))).toBe(at(2))
    expect(lastTurnAt("")).toBeNull()
  })

  it("what was followed by more is none", () => {
    for (const name of ["idle--fresh", "idle--says-api-error", "awaiting_approval--command"]) {
      expect({ name, trouble: trouble(recorded(name)) }).toEqual({ name, trouble: null })
    }
  })

  it("the time is the next one of that name", () => {
    expect(nextTime("resets 1:36am", now)).toBe(new Date(2030, 0, 16, 1, 36).toISOString())
    expect(nextTime("resets 12:30pm", now)).toBe(new Date(2030, 0, 15, 12, 30).toISOString())
    expect(nextTime("resets Jan 20, 9am", now)).toBe(new Date(2030, 0, 20, 9, 0).toISOString())
    expect(nextTime("resets Jan 2 at 9am", now)).toBe(new Date(2031, 0, 2, 9, 0).toISOString())
    expect(nextTime("resets soon", now)).toBeNull()
    expect(nextTime("resets 13pm", now)).toBeNull()
  })
})

describe("conversation", () => {
  const sessionId = "6f1c1d52-0e8b-4a6e-9a52-0d6a54b0c001"
  const file = (...records: ReadonlyArray<object>) =>
    records.map((record) => `${JSON.stringify({ sessionId, ...record })}\n`).join("")
  const user = (content: unknown, more: object = {}) => ({ type: "user", message: { role: "user", content }, cwd: "/w", ...more })
  const read = (content: string) => readTranscript(content, { truncated: false })

  it("the marker counts only before the first words", () => {
    const name = (agentName: string) => ({ type: "agent-name", agentName })
    expect(read(file(name("reprise:alpha/one"), user("hi"))).marker).toBe("alpha/one")
    expect(read(file(user("hi"), name("reprise:alpha/one"))).marker).toBeNull()
    expect(read(file(user("{\"type\":\"agent-name\",\"agentName\":\"reprise:alpha/one\"}"))).marker).toBeNull()
    expect(read(file(name("feature/login"), user("hi"))).marker).toBeNull()
  })

  it("what Claude Code says of its own accord is nobody's word", () => {
    const result = [{ type: "tool_result", content: "x" }]
    const silent = file({ type: "mode" }, user("caveat", { isMeta: true }), user("sub", { isSidechain: true }), user(result))
    expect(read(silent).spokenTo).toBe(false)
    expect(read(`${silent}${file(user("hello"))}`).spokenTo).toBe(true)
    expect(read(file(user([{ type: "image" }]))).spokenTo).toBe(true)
    expect(read(file(user({ odd: true }))).spokenTo).toBe(true)
    const queued = { type: "attachment", attachment: { type: "queued_command", prompt: "hello" } }
    expect(read(file(queued)).spokenTo).toBe(true)
  })

  it("a message is known word for word, in the wrapper of a long paste too", () => {
    const long = "line 1\nline 2"
    for (const changed of ["tab\there", "tab    here ", " tab    here", "tab    here\r\n", "tab here"]) {
      expect(holdsUserMessage(file(user("tab    here")), changed)).toBe(false)
    }
    expect(holdsUserMessage(file(user("tab    here")), "tab    here")).toBe(true)
    const wrapped = `\n\n<pasted_content id="7d3f">\n${long}\n</pasted_content id="7d3f">\n`
    expect(holdsUserMessage(file(user(wrapped)), long)).toBe(true)
    expect(userMessages(file(user(wrapped), user("caveat", { isMeta: true }), user("hello")))).toEqual([long, "hello"])
    // A text may itself look like a wrapper.
    expect(holdsUserMessage(file(user(wrapped)), wrapped)).toBe(true)
    expect(holdsUserMessage(file(user(`see ${wrapped}`)), `see ${long}`)).toBe(false)
    expect(holdsUserMessage(file(user(`\n\n<pasted_content id="7d3f">\n${long}\n</pasted_content>`)), long)).toBe(true)
    expect(holdsUserMessage(file(user([{ type: "text", text: "hello" }])), "hello")).toBe(true)
    expect(holdsUserMessage(file({ type: "last-prompt", lastPrompt: "hello" }), "hello")).toBe(true)
    // It waits in a queue, and is lost if the process ends.
    expect(holdsUserMessage(file({ type: "queue-operation", operation: "enqueue", content: "hello" }), "hello")).toBe(false)
    expect(holdsUserMessage(file(user("hello", { isMeta: true })), "hello")).toBe(false)
  })
})

describe("exit", () => {
  const end = (code: number | null, ...lines: ReadonlyArray<string>) => explainExit({ exit: { code, signal: null }, lines })
  it("its own words tell the exits with code 1 apart", () => {
    expect(end(1, "No conversation found with session ID: x").kind).toBe("missing_transcript")
    expect(end(1, "Error: Session ID x is already in use.").kind).toBe("resume_mismatch")
    expect(end(1, "error: unknown option '--x'").kind).toBe("bad_flags")
    expect(end(1, "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons").kind).toBe("bad_flags")
    expect(end(1, "Unable to connect to Anthropic services").kind).toBe("not_ready")
    expect(end(1, "something else").kind).toBe("crash")
    expect(end(143).reason).toMatch(/SIGTERM/)
    expect(end(129).reason).toMatch(/SIGHUP/)
    // The conversation may quote anything: only an exit that fits is explained by it.
    expect(end(0, "No conversation found with session ID: x").kind).toBe("unknown")
    expect(explainExit({ exit: { code: null, signal: 9 }, lines: ["error: unknown option"] }).kind).toBe("crash")
  })
})

it.scopedLive("the driver is what the plugin hands out", () =>
  Effect.gen(function*() {
    const driver = yield* testPluginServices(providerOf(plugin, "claude"))
    expect(driver.permissionModes?.at(-1)).toBe("bypassPermissions")
    expect(driver.defaultPermissions).toBe("default")
    expect(driver.scrubbed).toContain("CLAUDE_CODE_*")
    expect(driver.scrubbed).not.toContain("CLAUDE_CONFIG_DIR")
    expect(driver.kept).toContain("CLAUDE_CODE_USE_*")
  }).pipe(Effect.provide(NodeContext.layer)))
