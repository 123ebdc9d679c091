import { describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Screen } from "reprise/plugin"
import { explainExit } from "../../plugins/providers/codex/exit.ts"
import { approvalPrompt, classify, draft, placeholder, startupPrompt } from "../../plugins/providers/codex/screen.ts"
import { holdsUserMessage, isOfPerson, readTranscript, turnIn } from "../../plugins/providers/codex/transcript.ts"
import { limitEnd, troubleAt } from "../../plugins/providers/codex/trouble.ts"
import { parseRecordedScreen } from "../../sdk/testing/provider-screens.ts"

const screens = new URL("../../plugins/providers/codex/screens/0.169.0/", import.meta.url)

const recorded = (name: string): Screen => {
  const found = parseRecordedScreen(`${name}.txt`, readFileSync(fileURLToPath(new URL(`${name}.txt`, screens)), "utf8"))
  if (found === null) throw new Error(`There is no recording ${name}.`)
  return found.screen
}

const line = (record: object): string => `${JSON.stringify(record)}\n`
const id = "01a205c5-0bb3-7631-8c50-c98ed016aa0e"
const meta = (over: object = {}) => line({ type: "session_meta", payload: { id, cwd: "/work", source: "cli", ...over } })
const said = (role: string, ...texts: ReadonlyArray<string>) =>
  line({ type: "response_item", payload: { type: "message", role, content: texts.map((text) => ({ type: "input_text", text })) } })
const event = (type: string) => line({ type: "event_msg", payload: { type } })
const environment = said("user", "<environment_context>\n  <cwd>/work</cwd>\n</environment_context>")
const whole = { truncated: false }

describe("codex approval", () => {
  it("is none of the questions at a start, whatever stands above it", () => {
    const asking = recorded("awaiting_approval--command")
    for (const words of ["Do you trust the files in this folder?", "Update available", "Working directory · resume"]) {
      const lines = asking.lines.map((text, at) => at === asking.lines.findIndex((one) => /^\s*Would you like/.test(one)) - 1 ? `  ${words}` : text)
      expect(lines).toContain(`  ${words}`)
      expect(startupPrompt({ ...asking, lines })).toBeNull()
      expect(classify({ ...asking, lines })).toBe("awaiting_approval")
    }
  })
})

describe("codex transcript", () => {
  it("takes a marker from the instructions alone, never from what somebody quoted", () => {
    const own = said("developer", "[reprise agent alpha/coder-1]\n\nYou write code.", "<skills_instructions>")
    expect(readTranscript(meta() + own + environment, whole).marker).toBe("alpha/coder-1")
    const quoted = said("user", "[reprise agent alpha/coder-2]")
    const answered = said("assistant", "[reprise agent alpha/coder-2]")
    expect(readTranscript(meta() + environment + quoted + answered, whole).marker).toBeNull()
    expect(readTranscript(meta() + own + quoted + answered, whole).marker).toBe("alpha/coder-1")
    // In the middle of instructions, as a project's own file may quote it, or later than the first word.
    expect(readTranscript(meta() + said("developer", "See: [reprise agent alpha/coder-2]"), whole).marker).toBeNull()
    expect(readTranscript(meta() + quoted + said("developer", "[reprise agent alpha/coder-2]"), whole).marker).toBeNull()
    expect(readTranscript(meta({ base_instructions: { text: "[reprise agent alpha/coder-2]\n" } }), whole).marker).toBeNull()
  })

  it("does not give a fork its source's marker, and takes it for spoken to", () => {
    const own = said("developer", "[reprise agent alpha/coder-1]\n\nYou write code.")
    const fork = readTranscript(meta({ forked_from_id: "01a205c5-0bb3-7631-8c50-c98ed016aa0f" }) + own, whole)
    expect([fork.marker, fork.spokenTo, fork.sessionId]).toEqual([null, true, id])
  })

  it("does not take for a person's words what Codex adds in a person's name", () => {
    const added = ["# AGENTS.md instructions for /work\n…", "<user_instructions>x</user_instructions>", "<turn_aborted>\n</turn_aborted>"]
    const silent = meta() + environment + added.map((text) => said("user", text)).join("") + event("task_started")
    expect(readTranscript(silent, whole).spokenTo).toBe(false)
    expect(readTranscript(silent + said("user", "hello"), whole).spokenTo).toBe(true)
    for (const text of added) expect(holdsUserMessage(silent, text)).toBe(false)
    // Its kind says so, where the words don't: and a person may well begin with such a word.
    const kind = (kinds: ReadonlyArray<string>, text: string) =>
      line({
        type: "response_item",
        payload: {
          type: "message",
          role: "user",
          content: [{ type: "input_text", text }],
          internal_chat_message_metadata_passthrough: { content_item_kinds: kinds }
        }
      })
    expect(readTranscript(meta() + kind(["generic.hint"], "a hint"), whole).spokenTo).toBe(false)
    expect(holdsUserMessage(kind(["user.text"], "<environment_context> is what?"), "<environment_context> is what?")).toBe(true)
  })

  it("counts what it does not know, and what was compacted, as words", () => {
    for (const more of ["garbage\n", line({ type: "compacted", payload: {} }), line({ type: "new_kind", payload: {} })]) {
      expect(readTranscript(meta() + more, whole).spokenTo).toBe(true)
    }
  })

  it("finds a message word for word", () => {
    expect(holdsUserMessage(said("user", "one\ntwo"), "one\ntwo")).toBe(true)
    for (const changed of ["one\r\ntwo", "one\ntwo\n", " one\ntwo"]) {
      expect(holdsUserMessage(said("user", "one\ntwo"), changed)).toBe(false)
    }
    expect(holdsUserMessage(said("user", "one\ntwo"), "one")).toBe(false)
  })

  it("tells the turn by the newest record that does, and nothing from none", () => {
    expect(turnIn(event("task_started") + said("assistant", "task_complete"))).toBe("open")
    expect(turnIn(event("task_started") + event("token_count") + event("task_complete"))).toBe("closed")
    expect(turnIn(event("task_started") + event("turn_aborted") + `{"type":"event_m`)).toBe("closed")
    expect(turnIn(said("user", "{\"type\":\"event_msg\",\"payload\":{\"type\":\"task_started\"}}"))).toBeNull()
  })

  it("tells a person's conversation from one that an agent opened", () => {
    expect(isOfPerson(meta())).toBe(true)
    expect(isOfPerson(meta({ source: { subagent: { thread_spawn: {} } } }))).toBe(false)
    expect(isOfPerson(meta({ thread_source: "thread_title" }))).toBe(false)
    expect(isOfPerson("torn")).toBeNull()
  })
})

describe("codex screen", () => {
  it("does not take the composer for a sign of idleness", () => {
    for (const name of ["busy--streaming", "busy--working", "busy--reconnecting", "starting--loading", "busy--mcp-servers-start"]) {
      const screen = recorded(name)
      expect(screen.lines.some((text) => text.includes(placeholder))).toBe(true)
      expect(classify(screen)).not.toBe("idle")
    }
    // While an answer streams nothing but the title tells: a title of another shape is no proof of either.
    const streaming = recorded("busy--streaming")
    for (const title of ["work", "", "host.example", "Ready", "⠧ Ready | work"]) {
      expect(classify({ ...streaming, title })).not.toBe("idle")
    }
  })

  it("is not idle while a dialog is open, though the title says Ready", () => {
    for (const name of ["awaiting_approval--command", "awaiting_approval--narrow", "unknown--model-picker", "error--open-elsewhere"]) {
      const screen = recorded(name)
      for (const title of [screen.title, "Ready | work", "work"]) {
        expect(classify({ ...screen, title })).not.toBe("idle")
        expect(draft({ ...screen, title })).toBeNull()
      }
    }
  })

  it("reads the choices of an approval, and their keys", () => {
    const prompt = approvalPrompt(recorded("awaiting_approval--command"))
    expect(prompt?.question).toBe(
      "Would you like to run the following command? Environment: local Reason: it is needed $ touch made-by-the-agent"
    )
    expect(prompt?.choices).toEqual([
      { label: "Yes, proceed", keys: ["1"] },
      { label: "Yes, and don't ask again for commands that start with `touch made-by-the-agent`", keys: ["2"] },
      { label: "No, and tell Codex what to do differently", keys: ["3"] }
    ])
    const tool = approvalPrompt(recorded("awaiting_approval--mcp-tool"))
    expect(tool?.question).toBe("Allow the docs MCP server to run tool \"search\"?")
    expect(tool?.choices.map(({ label }) => label)).toEqual(["Allow", "Allow for this session", "Always allow", "Cancel"])
    expect(approvalPrompt(recorded("awaiting_approval--edit"))?.question).toMatch(/^Would you like to make the following edits\?.* Destination: /)
  })

  it("leaves trust to the user", () => {
    const prompt = startupPrompt(recorded("starting--trust"))
    expect(prompt).toMatchObject({ name: "trust", answer: ["Enter"], consent: { option: "trust" } })
    expect(startupPrompt(recorded("starting--directory"))).toMatchObject({ name: "directory", answer: ["Down", "Enter"] })
    // Somebody quoted the question in a conversation.
    const quoting = recorded("idle--after-a-turn")
    const quoted = ["  Trust this folder? Codex can read", "", "› 1. Trust and continue", "  2. Back", "", "  enter continue · esc back"]
    expect(startupPrompt({ ...quoting, lines: [...quoted, ...quoting.lines] })).toBeNull()
  })

  it("tells the placeholder from the same words typed", () => {
    const screen = recorded("idle--fresh")
    expect(draft(screen)).toBe("")
    expect(draft({ ...screen, cursor: { ...screen.cursor, column: 2 + placeholder.length } })).toBe(placeholder)
    // A placeholder of another version is not known, and so is taken for somebody's draft.
    const lines = screen.lines.map((text) => text.replace(placeholder, "Explain this codebase"))
    expect(draft({ ...screen, lines })).toBe("Explain this codebase")
  })
})

describe("codex trouble", () => {
  const now = new Date(2026, 10, 23, 10, 0)

  it("says when a limit is lifted, and that it is over", () => {
    const limit = troubleAt(recorded("idle--usage-limit"), now)
    expect(limit).toMatchObject({ kind: "usage_limit", retryable: true, retryAt: new Date(2026, 10, 25, 0, 44).toISOString() })
    expect(troubleAt(recorded("idle--usage-limit"), new Date(2026, 10, 25, 0, 45))).toBeNull()
    expect(limitEnd("or try again at 2:19 PM.", now)).toEqual(new Date(2026, 10, 23, 14, 19))
    expect(limitEnd("or try again at 12:05 AM.", now)).toEqual(new Date(2026, 10, 23, 0, 5))
    expect(limitEnd("Try again later.", now)).toBeNull()
  })

  it("tells a login, a key and a model's error apart, and nothing from a conversation that went on", () => {
    expect(troubleAt(recorded("error--login"), now)?.kind).toBe("auth")
    expect(troubleAt(recorded("idle--not-authorised"), now)?.kind).toBe("auth")
    expect(troubleAt(recorded("idle--model-error"), now)).toMatchObject({ kind: "unknown", retryable: true })
    expect(troubleAt(recorded("idle--resumed-not-authorised"), now)).toMatchObject({ kind: "auth", inConversation: true })
    expect(troubleAt(recorded("idle--resumed-usage-limit"), now)).toMatchObject({ kind: "usage_limit", inConversation: true })
    expect(troubleAt(recorded("busy--reconnecting"), now)).toMatchObject({ kind: "unknown", reason: expect.stringContaining("high demand") })
    expect(troubleAt(recorded("busy--no-server"), now)?.reason).toBe(
      "Codex gets no answer and tries again: Connection failed: error sending request"
    )
    const waiting = recorded("busy--no-server")
    const reason = waiting.lines.findIndex((text) => text.includes("Connection failed"))
    const tip = "  └ Tip: Moving from Claude Code? Use /import to bring over your setup, project, and recent chats."
    expect(troubleAt({ ...waiting, lines: waiting.lines.toSpliced(reason + 1, 0, tip) }, now)?.reason).toBe(troubleAt(waiting, now)?.reason)
    expect(troubleAt(recorded("error--open-elsewhere"), now)?.reason).toContain("another app")
    for (const name of ["idle--fresh", "idle--interrupted", "idle--after-a-turn", "busy--working"]) {
      expect(troubleAt(recorded(name), now)).toBeNull()
    }
    const old = recorded("idle--model-error")
    const at = old.lines.findIndex((text) => text.startsWith("■"))
    const lines = old.lines.toSpliced(at + 1, 1, "", "› again", "", "• done", "")
    expect(troubleAt({ ...old, lines }, now)).toBeNull()
  })
})

describe("codex exit", () => {
  const missing = recorded("unknown--missing-session").lines

  it("explains a missing conversation by its words, also where the exit code was lost", () => {
    for (const exit of [{ code: 1, signal: null }, { code: null, signal: null }, null]) {
      const failure = explainExit({ exit, lines: missing })
      expect([failure.kind, failure.retryable]).toEqual(["missing_transcript", false])
      expect(failure.reason).toContain("without an ID to choose from existing sessions.")
    }
  })

  it("does not guess from what a conversation said, nor after a signal", () => {
    const quoted = ["• The log says:", "  ERROR: No saved session found with ID x", "› next"]
    expect(explainExit({ exit: null, lines: quoted }).kind).toBe("unknown")
    expect(explainExit({ exit: { code: null, signal: 9 }, lines: missing }).kind).toBe("crash")
    expect(explainExit({ exit: { code: 0, signal: null }, lines: missing }).kind).toBe("unknown")
  })

  it("tells refused flags, an old version and a broken configuration", () => {
    const bad = explainExit({ exit: { code: 2, signal: null }, lines: ["error: unexpected argument '--nonsense' found", "", "Usage: codex"] })
    expect([bad.kind, bad.retryable]).toEqual(["bad_flags", false])
    const old = explainExit({ exit: { code: 2, signal: null }, lines: ["error: unexpected argument '--no-daemon' found"] })
    expect(old.reason).toContain("update it")
    const config = ["Error: loading config.toml:", "/home/ada/.codex/config.toml:1:10: unclosed array, expected `]`"]
    expect(explainExit({ exit: { code: 1, signal: null }, lines: config }).kind).toBe("bad_flags")
  })
})
