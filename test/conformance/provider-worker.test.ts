import { describe, expect, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Key, Screen } from "reprise/plugin"
import type { ProviderTerminal } from "reprise/testing"
import { eventually, openProviderTerminal } from "reprise/testing"
import { approvalPrompt, classify, draft, sessionOn, startupPrompt } from "../../plugins/providers/fake/screen.ts"

// The fake provider's worker as a process in a terminal: each option and each text that it takes specially.

const worker = fileURLToPath(new URL("../../plugins/providers/fake/worker.mjs", import.meta.url))

interface Line {
  readonly sessionId?: string
  readonly cwd?: string
  readonly agent?: string | null
  readonly role?: string
  readonly text?: string
  readonly at?: string
}

const place = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const cwd = yield* files.realPath(yield* files.makeTempDirectoryScoped({ prefix: "reprise-worker-" }))
  const root = `${cwd}/sessions`
  const read = (id: string) =>
    files.readFileString(`${root}/${id}.jsonl`).pipe(
      Effect.map((content) => content.split("\n").filter((line) => line !== "").map((line): Line => JSON.parse(line))),
      Effect.orElseSucceed((): ReadonlyArray<Line> => [])
    )
  return {
    cwd,
    root,
    files,
    read,
    exists: (id: string) => Effect.orDie(files.exists(`${root}/${id}.jsonl`)),
    open: (args: ReadonlyArray<string>, size: { readonly columns?: number; readonly rows?: number } = {}) =>
      openProviderTerminal(
        { argv: [process.execPath, worker, "--root", root, ...args], env: {} },
        { cwd, env: {}, ...size }
      ),
    /** Waits until the last record is the assistant's. */
    answer: (id: string, records: number) =>
      eventually(
        `record ${records} of ${id}`,
        Effect.map(read(id), (lines) => {
          const last = lines.at(-1)
          return lines.length > records && last?.role === "assistant" ? last.text ?? "" : null
        })
      )
  }
})

const sees = (terminal: ProviderTerminal, what: string, holds: (screen: Screen) => boolean) =>
  eventually(what, Effect.map(terminal.screen, (screen) => holds(screen) ? screen : null))
const idle = (terminal: ProviderTerminal) => sees(terminal, "idle", (screen) => classify(screen) === "idle")
const ends = (terminal: ProviderTerminal) => eventually("its end", terminal.exit)
const say = (terminal: ProviderTerminal, text: string) =>
  terminal.paste(text).pipe(Effect.zipRight(terminal.press(["Enter"])))
const shows = (terminal: ProviderTerminal, pattern: RegExp) =>
  sees(terminal, String(pattern), (screen) => screen.lines.some((line) => pattern.test(line)))

const live = (name: string, body: Effect.Effect<void, unknown, Effect.Effect.Context<typeof place>>) =>
  it.scopedLive(name, () => Effect.provide(body, NodeContext.layer), 120_000)

describe("conversations", () => {
  live("the transcript says whose it is, and what was said, in order", Effect.gen(function*() {
    const { answer, cwd, open, read } = yield* place
    const terminal = yield* open(["--session-id", "one", "--agent", "alpha/coder"])
    expect(sessionOn(yield* idle(terminal))).toBe("one")
    yield* say(terminal, "hello")
    yield* answer("one", 2)
    const [head, user, assistant, ...more] = yield* read("one")
    expect(head).toEqual({ sessionId: "one", cwd, agent: "alpha/coder" })
    expect(user).toEqual({ role: "user", text: "hello", at: expect.stringMatching(/^\d{4}-.*Z$/) })
    expect(assistant).toMatchObject({ role: "assistant", text: "noted: hello" })
    expect(more).toEqual([])
  }))

  live("without an id it chooses one and shows it", Effect.gen(function*() {
    const { open, read } = yield* place
    const id = sessionOn(yield* idle(yield* open([])))
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(yield* read(id ?? "")).toMatchObject([{ sessionId: id, agent: null }])
  }))

  live("at-first-message: the transcript appears with the first message", Effect.gen(function*() {
    const { answer, exists, open, read } = yield* place
    const terminal = yield* open(["--session-id", "late", "--session", "at-first-message"])
    yield* idle(terminal)
    expect(yield* exists("late")).toBe(false)
    yield* say(terminal, "hello")
    yield* answer("late", 2)
    const [head, ...records] = yield* read("late")
    expect(head).toMatchObject({ sessionId: "late" })
    expect(records.map((line) => line.text)).toEqual(["hello", "noted: hello"])
  }))

  live("a resume appends to the same file and recalls all that was told", Effect.gen(function*() {
    const { answer, files, open, read, root } = yield* place
    const first = yield* open(["--session-id", "s"])
    yield* idle(first)
    yield* say(first, "the door is blue")
    yield* answer("s", 2)
    yield* say(first, "two\nlines")
    yield* answer("s", 4)
    yield* first.stop
    // A torn end, as a kill in the middle of a write leaves it.
    yield* files.writeFileString(`${root}/s.jsonl`, "{\"role\":\"us", { flag: "a" })
    const second = yield* open(["--resume", "s"])
    yield* idle(second)
    yield* say(second, "recall")
    yield* shows(second, /^● the door is blue/)
    const content = yield* files.readFileString(`${root}/s.jsonl`)
    const whole = content.split("\n").filter((line) => line !== "{\"role\":\"us" && line !== "")
    expect(whole.map((line): Line => JSON.parse(line)).map((line) => line.text)).toEqual([
      undefined,
      "the door is blue",
      "noted: the door is blue",
      "two\nlines",
      "noted: two lines",
      "recall",
      "the door is blue\ntwo lines"
    ])
    expect(yield* read("other")).toEqual([])
  }))

  live("a fork copies, and its source stays as it was", Effect.gen(function*() {
    const { answer, files, open, read, root } = yield* place
    const source = yield* open(["--session-id", "a"])
    yield* idle(source)
    yield* say(source, "the door is blue")
    yield* answer("a", 2)
    const before = yield* files.readFileString(`${root}/a.jsonl`)
    const fork = yield* open(["--fork", "a", "--session-id", "b"])
    yield* idle(fork)
    yield* say(fork, "recall")
    expect(yield* answer("b", 4)).toBe("the door is blue")
    expect((yield* read("b"))[0]).toMatchObject({ sessionId: "b" })
    expect(yield* files.readFileString(`${root}/a.jsonl`)).toBe(before)
  }))

  live("what can't be started is refused with a code and words", Effect.gen(function*() {
    const { open } = yield* place
    const used = yield* open(["--session-id", "used"])
    yield* idle(used)
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
      [["--resume", "nobody"], 3, /^No conversation found with session ID nobody\.$/],
      [["--fork", "nobody", "--session-id", "n"], 3, /^No conversation found with session ID nobody\.$/],
      [["--resume", "used", "--onResume", "missing"], 3, /^No conversation found with session ID used\.$/],
      [["--resume", "used", "--onResume", "exit"], 1, /^Told to exit on resume\.$/],
      [["--session-id", "used"], 4, /^Session ID used is already in use\.$/],
      [["--resume", "used", "--session-id", "x"], 2, /stands alone/],
      [["--session-id", "../x"], 2, /^Not a session ID/],
      [["--startup", "often"], 2, /is one of/],
      [["--what"], 2, /^Unknown argument/]
    ]
    for (const [args, code, words] of cases) {
      const terminal = yield* open(args)
      expect(yield* ends(terminal)).toEqual({ code, signal: null })
      yield* shows(terminal, words)
    }
  }))

  live("a transcript that was lost does not come back", Effect.gen(function*() {
    const { exists, open } = yield* place
    const terminal = yield* open(["--session-id", "s"])
    yield* idle(terminal)
    yield* say(terminal, "/lose-transcript")
    yield* shows(terminal, /^● lost the transcript/)
    yield* say(terminal, "hello")
    yield* shows(terminal, /^● noted: hello/)
    expect(yield* exists("s")).toBe(false)
  }))
})

describe("starting", () => {
  live("trust: the highlighted answer is no, and ends it", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open(["--startup", "trust"])
    const asked = yield* shows(terminal, /^Enter to confirm/)
    expect(classify(asked)).toBe("starting")
    yield* say(terminal, "a message that comes too early")
    expect(yield* ends(terminal)).toEqual({ code: 0, signal: null })
  }))

  live("trust: its keys answer it", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open(["--startup", "trust"])
    const prompt = startupPrompt(yield* shows(terminal, /^Enter to confirm/))
    expect(prompt?.name).toBe("trust")
    yield* terminal.press(prompt?.answer ?? [])
    yield* idle(terminal)
  }))

  live("slow: it says that it is starting, keeps what is typed, and becomes ready", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open(["--startup", "slow"])
    const starting = yield* sees(terminal, "starting", (screen) => classify(screen) === "starting")
    expect(draft(starting)).toBe("")
    yield* terminal.paste("early")
    expect(draft(yield* idle(terminal))).toBe("early")
  }))

  live("hang: it never becomes ready, and ends when told to", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open(["--startup", "hang"])
    yield* sees(terminal, "starting", (screen) => classify(screen) === "starting")
    yield* terminal.stop
    expect(yield* terminal.exit).toEqual({ code: 143, signal: null })
  }))
})

describe("turns", () => {
  live("a turn takes its time, and what is said meanwhile waits", Effect.gen(function*() {
    const { answer, open, read } = yield* place
    const terminal = yield* open(["--session-id", "s", "--turn", "300"])
    yield* idle(terminal)
    yield* say(terminal, "one")
    yield* sees(terminal, "busy", (screen) => classify(screen) === "busy")
    yield* say(terminal, "two")
    expect(yield* answer("s", 4)).toBe("noted: two")
    expect((yield* read("s")).map((line) => line.text)).toEqual([undefined, "one", "noted: one", "two", "noted: two"])
  }))

  live("busy is interrupted by escape, a hang is not over by itself", Effect.gen(function*() {
    const { answer, open } = yield* place
    const terminal = yield* open(["--session-id", "s"])
    yield* idle(terminal)
    for (const [text, records] of [["/busy 600000", 2], ["/hang", 4]] as const) {
      yield* say(terminal, text)
      yield* sees(terminal, "busy", (screen) => classify(screen) === "busy" && screen.title.startsWith("◐"))
      yield* terminal.press(["\x1b"])
      expect(yield* answer("s", records)).toBe("interrupted")
      yield* idle(terminal)
    }
  }))

  for (
    const [how, keys, result] of [
      ["a paste and Enter take the highlighted yes", null, "approved"],
      ["its key for yes", ["1"], "approved"],
      ["its key for no", ["2"], "denied"],
      ["down and Enter", ["Down", "Enter"], "denied"],
      ["escape", ["\x1b"], "denied"]
    ] satisfies ReadonlyArray<readonly [string, ReadonlyArray<Key> | null, string]>
  ) {
    live(`an approval dialog: ${how}`, Effect.gen(function*() {
      const { answer, open } = yield* place
      const terminal = yield* open(["--session-id", "s"])
      yield* idle(terminal)
      yield* say(terminal, "/approve")
      const asked = yield* sees(terminal, "the dialog", (screen) => classify(screen) === "awaiting_approval")
      expect(approvalPrompt(asked)?.choices).toEqual([{ label: "Yes", keys: ["1"] }, { label: "No", keys: ["2"] }])
      expect(asked.title).toMatch(/^\[ ! \]/)
      yield* keys === null ? say(terminal, "not an answer") : terminal.press(keys)
      expect(yield* answer("s", 2)).toBe(result)
    }))
  }

  live("an error shows, until something is said again", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open(["--session-id", "s"])
    yield* idle(terminal)
    yield* say(terminal, "/error overloaded")
    yield* sees(terminal, "an error", (screen) => classify(screen) === "error")
    yield* say(terminal, "again")
    yield* idle(terminal)
  }))

  live("it ends as it is told to", Effect.gen(function*() {
    const { open } = yield* place
    for (const [text, code] of [["/crash 7", 7], ["/crash", 1], ["/exit", 0]] as const) {
      const terminal = yield* open([])
      yield* idle(terminal)
      yield* say(terminal, text)
      expect(yield* ends(terminal)).toEqual({ code, signal: null })
      // Its last words may still be on their way to the screen.
      yield* sees(terminal, "no worker", (screen) => classify(screen) === "unknown")
    }
  }))

  live("a title is any text, and tells nothing", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open([])
    yield* idle(terminal)
    yield* say(terminal, "/title ◐ #(touch pwned)")
    const named = yield* sees(terminal, "the title", (screen) => screen.title === "◐ #(touch pwned)")
    expect(classify(named)).not.toBe("unknown")
    yield* idle(terminal)
  }))

  live("a child lives in its own session and ignores what would end it", Effect.gen(function*() {
    const { answer, open } = yield* place
    const terminal = yield* open(["--session-id", "s"])
    yield* idle(terminal)
    yield* say(terminal, "/child")
    const pid = Number(/^child (\d+)$/.exec(yield* answer("s", 2))?.[1])
    expect(pid).toBeGreaterThan(1)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        process.kill(pid, "SIGKILL")
      })
    )
    process.kill(pid, "SIGTERM")
    process.kill(pid, "SIGHUP")
    yield* terminal.stop
    expect(process.kill(pid, 0)).toBe(true)
  }))
})

describe("the input line", () => {
  live("a paste of many lines is one message, and a long one is shown short", Effect.gen(function*() {
    const { answer, open, read } = yield* place
    const terminal = yield* open(["--session-id", "s"])
    yield* idle(terminal)
    yield* terminal.paste("one\ntwo")
    yield* sees(terminal, "both lines", (screen) => draft(screen) === "one\ntwo")
    yield* terminal.press(["Enter"])
    yield* answer("s", 2)
    const long = Array.from({ length: 5000 }, (_, line) => `line ${line} of a long text`).join("\n")
    yield* terminal.paste(long)
    yield* sees(terminal, "a short form", (screen) => draft(screen) === "[Pasted text #1 +4999 lines]")
    yield* terminal.press(["Enter"])
    yield* answer("s", 4)
    const told = (yield* read("s")).filter((line) => line.role === "user")
    expect(told.map((line) => line.text)).toEqual(["one\ntwo", long])
  }))

  live("keys edit it", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open([])
    yield* idle(terminal)
    yield* terminal.press(["a", "b", "漢", "\x7f", "Space", "c", "Left"])
    yield* sees(terminal, "a draft", (screen) => draft(screen) === "ab c")
    yield* terminal.press(["\x15"])
    yield* sees(terminal, "nothing", (screen) => draft(screen) === "")
  }))

  live("what is said does not steer the terminal", Effect.gen(function*() {
    const { answer, open, read } = yield* place
    const terminal = yield* open(["--session-id", "s"])
    const { title } = yield* idle(terminal)
    const text = "\x1b]2;pwned\x07 \x1b[2J #(touch pwned) $HOME `id` 漢字"
    yield* say(terminal, text)
    yield* answer("s", 2)
    expect((yield* read("s"))[1]?.text).toBe(text)
    const after = yield* idle(terminal)
    expect(after.title).toBe(title)
    expect(after.lines[0]).toBe("Fake worker")
  }))

  live("any size will do, and a change of size", Effect.gen(function*() {
    const { open } = yield* place
    const terminal = yield* open(["--session-id", "s"], { columns: 12, rows: 4 })
    yield* idle(terminal)
    for (const [columns, rows, typed] of [[200, 60, "x"], [20, 6, "xx"], [80, 24, "xxx"]] as const) {
      yield* terminal.resize(columns, rows)
      yield* terminal.paste("x")
      yield* sees(terminal, `its rule at ${columns} and what was typed`, (screen) =>
        screen.lines.some((line) => line === "─".repeat(columns)) && classify(screen) === "idle" && draft(screen) === typed)
    }
  }))
})

describe("without a terminal", () => {
  live("a line is a message, and the end of input ends it", Effect.gen(function*() {
    const { cwd, read, root } = yield* place
    const output = yield* Effect.async<string>((resume) => {
      const child = spawn(process.execPath, [worker, "--root", root, "--session-id", "s"], { cwd, stdio: "pipe" })
      let text = ""
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
      })
      child.on("close", (code) => resume(Effect.succeed(`${text}${code}`)))
      child.stdin.end("the door is blue\n/approve\n1\nrecall\n")
    })
    expect(output.split("\n")).toEqual([
      "ready",
      "noted: the door is blue",
      "approved",
      "the door is blue",
      "/approve",
      "To go on with this conversation: --resume s",
      "0"
    ])
    expect((yield* read("s")).length).toBe(7)
  }))
})
