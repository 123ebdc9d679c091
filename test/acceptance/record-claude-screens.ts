// Records the screens of Claude Code anew, from the pinned program itself against the mock model:
//   npx tsx --conditions=source test/acceptance/record-screens.ts claude [NAME…]
// What a recording is expected to be read as stands in its name and head, so look at the difference before committing.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { CommandRequest, Key, ProviderAgent, Screen } from "reprise/plugin"
import { eventually, openProviderTerminal, providerOf, type ProviderTerminal, testPluginServices } from "reprise/testing"
import claude from "../../plugins/providers/claude/index.ts"
import { newSessionId } from "./command-lines.ts"
import { type Home, makeHome } from "./home.ts"
import { install } from "./install.ts"
import { startMock } from "./mock/server.ts"
import { againInside } from "./namespace.ts"
import { pins } from "./pins.ts"

type Step =
  | { readonly paste: string }
  | { readonly press: ReadonlyArray<Key> }
  | { readonly see: RegExp }
  | { readonly title: RegExp }
  /** A text is sent, and the end of its turn is waited for. */
  | { readonly tell: string }

interface Recording {
  readonly file: string
  readonly mode?: CommandRequest["mode"]
  /** What a conversation is told before it is resumed or copied. */
  readonly before?: ReadonlyArray<Step>
  readonly agent?: Partial<ProviderAgent>
  readonly env?: Readonly<Record<string, string | null>>
  readonly argv?: (argv: ReadonlyArray<string>) => ReadonlyArray<string>
  readonly prepare?: (home: Home) => void
  readonly untrusted?: boolean
  readonly size?: readonly [columns: number, rows: number]
  readonly steps: ReadonlyArray<Step>
  readonly draft?: string
  readonly prompt?: string
}

const enter: Step = { press: ["Enter"] }
const idle: ReadonlyArray<Step> = [{ see: /^❯/ }, { see: /^ {2}(?:⏸|⏵⏵) (?!.*esc to interrupt)/ }]
const typed = (text: string, see: RegExp): ReadonlyArray<Step> => [...idle, { paste: text }, { see }]
const sent = (text: string): ReadonlyArray<Step> => [...typed(text, new RegExp(`^❯.${text.slice(0, 5)}`)), enter]
const dialog: Step = { see: /^ Esc to cancel/ }
const narrow = [44, 16] as const
const lines = (count: number): string => Array.from({ length: count }, (_, line) => `line ${line}`).join("\n")
const scrolled: ReadonlyArray<Step> = [
  ...Array.from({ length: 15 }, (_, piece): Step => ({ paste: `line ${2 * piece}\nline ${2 * piece + 1}${piece < 14 ? "\n" : ""}` })),
  { see: /^ {2}line 29/ }
]
const wrapped = "a draft that is longer than a line of this narrow screen is"

const write = (home: Home, path: string, content: string) => writeFileSync(join(home.home, path), content)

const recordings: ReadonlyArray<Recording> = [
  { file: "starting--trust", untrusted: true, steps: [{ see: /Enter to confirm/ }], prompt: "trust" },
  { file: "starting--trust-yes-chosen", untrusted: true, steps: [{ see: /Enter to confirm/ }, { press: ["Down"] }, { see: /❯ Yes/ }], prompt: "trust" },
  { file: "starting--trust-narrow", untrusted: true, size: narrow, steps: [{ see: /Enter to/ }], prompt: "trust" },
  { file: "starting--api-key", env: { ANTHROPIC_API_KEY: "dummy-key-that-is-long-enough", ANTHROPIC_AUTH_TOKEN: null }, steps: [{ see: /Enter to confirm/ }], prompt: "api-key" },
  {
    file: "starting--bypass",
    agent: { permissions: "bypassPermissions" },
    prepare: (home) => write(home, ".claude/settings.json", "{}"),
    steps: [{ see: /Enter to confirm/ }],
    prompt: "bypass"
  },
  {
    file: "error--not-logged-in",
    env: { ANTHROPIC_AUTH_TOKEN: null, ANTHROPIC_BASE_URL: null },
    steps: [...idle, { see: /Not logged in/ }],
    draft: ""
  },
  { file: "unknown--theme", prepare: (home) => rmSync(join(home.home, ".claude.json")), steps: [{ see: /\S/ }, { see: /Unable to connect|text style|Failed/ }] },
  { file: "unknown--missing-session", mode: "resume", steps: [{ see: /No conversation found/ }] },
  {
    file: "unknown--picker",
    mode: "resume",
    argv: (argv) => [...argv.slice(0, -1), "not-a-uuid"],
    steps: [{ see: /Resume session/i }]
  },
  { file: "unknown--farewell", steps: [{ tell: "say hello" }, { paste: "/exit" }, { see: /^❯.\/exit/ }, enter, { see: /^claude .*--resume/ }] },
  { file: "idle--fresh", steps: idle, draft: "" },
  { file: "idle--bypass", agent: { permissions: "bypassPermissions" }, steps: idle, draft: "" },
  { file: "idle--plan", agent: { permissions: "plan" }, steps: idle, draft: "" },
  { file: "idle--accept-edits", agent: { permissions: "acceptEdits" }, steps: idle, draft: "" },
  { file: "idle--auto", agent: { permissions: "auto" }, steps: idle, draft: "" },
  { file: "idle--dont-ask", agent: { permissions: "dontAsk" }, steps: idle, draft: "" },
  { file: "idle--after-a-turn", steps: [{ tell: "say hello" }], draft: "" },
  { file: "idle--narrow", size: narrow, steps: [{ tell: "say hello" }], draft: "" },
  { file: "idle--draft", steps: typed("half a thought", /half a thought/), draft: "half a thought" },
  { file: "idle--multi-line-draft", steps: typed("one\ntwo\n  three", /three/) },
  // A text that is longer than the input line comes in small pieces: a large one would be shown as a paste.
  { file: "idle--scrolled-draft", steps: [...idle, ...scrolled] },
  { file: "idle--scrolled-up-draft", steps: [...idle, ...scrolled, { press: Array.from({ length: 22 }, () => "Up" as const) }, { see: /↓ \d+ more/ }] },
  { file: "idle--wrapped-draft", size: narrow, steps: typed(wrapped, /screen is/) },
  { file: "idle--pasted", steps: typed(lines(121), /Pasted text/), draft: "[Pasted text #1 +120 lines]" },
  { file: "idle--placeholder-as-draft", steps: typed("Try \"something\"", /^❯.Try "some/), draft: "Try \"something\"" },
  { file: "idle--says-working", steps: [{ tell: "say ✻ Working… (2s · esc to interrupt)" }], draft: "" },
  { file: "idle--says-api-error", steps: [{ tell: "say API Error: 500 is what it was" }, { tell: "say hello" }], draft: "" },
  { file: "idle--asks-in-words", steps: [{ tell: "say Do you want to proceed?" }], draft: "" },
  { file: "idle--resumed", mode: "resume", before: [{ tell: "say hello" }], steps: [{ see: /^● hello/ }, ...idle], draft: "" },
  { file: "idle--forked", mode: "fork", before: [{ tell: "say hello" }], steps: [{ see: /^● hello/ }, ...idle], draft: "" },
  { file: "idle--denied", steps: [...sent("bash touch made-by-the-agent"), dialog, { press: ["4"] }, { see: /Interrupted/ }, ...idle], draft: "" },
  { file: "idle--interrupted", steps: [...sent("slow 60 say a long answer that comes piece by piece, so that there is time to look"), { see: /^●/ }, { press: ["\u001b"] }, { see: /Interrupted/ }, ...idle], draft: "" },
  { file: "idle--compacted", steps: [{ tell: "say hello" }, { paste: "/compact" }, { see: /^❯.\/compact/ }, enter, { see: /[Cc]ompacted/ }, ...idle], draft: "" },
  { file: "idle--slash-menu", steps: typed("/mod", /\/model/), draft: "/mod" },
  { file: "busy--turn", steps: [...sent("hang"), { see: /^[·✢✳✶✻✽*] \S+…/ }], draft: "" },
  { file: "busy--narrow", size: narrow, steps: [...sent("hang"), { see: /^[·✢✳✶✻✽*] \S+…/ }], draft: "" },
  { file: "busy--streaming", steps: [...sent("slow 60 say a long answer that comes piece by piece, so that there is time to look"), { see: /^●/ }], draft: "" },
  { file: "busy--queued", steps: [...sent("hang"), { see: /^[·✢✳✶✻✽*] \S+…/ }, { paste: "and more" }, { see: /^❯.and more/ }, enter, { see: /Press up to edit/ }], draft: "" },
  { file: "busy--with-a-draft", steps: [...sent("hang"), { see: /^[·✢✳✶✻✽*] \S+…/ }, { paste: "and more" }, { see: /^❯.and more/ }], draft: "and more" },
  { file: "busy--with-a-paste", steps: [...sent("hang"), { see: /^[·✢✳✶✻✽*] \S+…/ }, { paste: lines(60) }, { see: /Pasted text/ }], draft: "[Pasted text #1 +59 lines]" },
  { file: "busy--tool", agent: { permissions: "bypassPermissions" }, steps: [...sent("bash node -e 'setTimeout(() => {}, 60000)'"), { see: /^ {2}⎿ / }], draft: "" },
  { file: "busy--retrying", steps: [...sent("error 500"), { see: /retrying in/ }], draft: "" },
  { file: "error--not-authorised", env: { CLAUDE_CODE_MAX_RETRIES: "0" }, steps: [...sent("error 401"), { see: /^●.*API Error/ }, ...idle], draft: "" },
  { file: "error--model", env: { CLAUDE_CODE_MAX_RETRIES: "0" }, steps: [...sent("error 500"), { see: /^●.*API Error/ }, ...idle], draft: "" },
  { file: "error--overloaded", env: { CLAUDE_CODE_MAX_RETRIES: "0" }, steps: [...sent("error 529"), { see: /^●.*(?:API Error|Overloaded)/i }, ...idle], draft: "" },
  { file: "error--usage-limit", env: { CLAUDE_CODE_MAX_RETRIES: "0" }, steps: [...sent("error 429 reset 172800"), { see: /^ {0,2}[●⎿].*(?:API Error|limit)/ }, ...idle], draft: "" },
  { file: "busy--retrying-overloaded", steps: [...sent("error 529"), { see: /retrying in/ }], draft: "" },
  { file: "busy--retrying-no-server", env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:9" }, steps: [...sent("say hello"), { see: /retrying in/ }], draft: "" },
  { file: "error--no-server", env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:9", CLAUDE_CODE_MAX_RETRIES: "0" }, steps: [...sent("say hello"), { see: /^ {0,2}[●⎿]/ }, ...idle], draft: "" },
  { file: "error--unknown-model", env: { CLAUDE_CODE_MAX_RETRIES: "0" }, steps: [...sent("error 404"), { see: /^ {0,2}[●⎿]/ }, ...idle], draft: "" },
  {
    file: "error--resumed-not-authorised",
    mode: "resume",
    env: { CLAUDE_CODE_MAX_RETRIES: "0" },
    before: [...sent("error 401"), { see: /^●.*API Error/ }, ...idle],
    steps: [{ see: /^●.*API Error/ }, ...idle],
    draft: ""
  },
  {
    file: "error--resumed-usage-limit",
    mode: "resume",
    env: { CLAUDE_CODE_MAX_RETRIES: "0" },
    before: [...sent("error 429 reset 172800"), { see: /^ {0,2}[●⎿].*(?:API Error|limit)/ }, ...idle],
    steps: [{ see: /^ {0,2}[●⎿].*(?:API Error|limit)/ }, ...idle],
    draft: ""
  },
  { file: "awaiting_approval--command", steps: [...sent("bash touch made-by-the-agent"), dialog] },
  { file: "awaiting_approval--narrow", size: narrow, steps: [...sent("bash touch made-by-the-agent"), dialog] },
  { file: "awaiting_approval--write", steps: [...sent(`tool Write ${JSON.stringify({ file_path: "WORK/new.txt", content: "one\ntwo\n" })}`), dialog] },
  { file: "awaiting_approval--question", steps: [...sent(`tool AskUserQuestion ${JSON.stringify({ questions: [{ question: "Which colour?", header: "Colour", multiSelect: false, options: [{ label: "Blue", description: "like the sky" }, { label: "Red", description: "like a rose" }] }] })}`), { see: /Which colour\?/ }, { see: /Esc to cancel/ }] },
  { file: "awaiting_approval--plan", agent: { permissions: "plan" }, steps: [...sent(`tool ExitPlanMode ${JSON.stringify({ plan: "1. Look\n2. Leap" })}`), { see: /❯ 1\./ }] },
  { file: "unknown--model-picker", steps: [...idle, { paste: "/model" }, { see: /^❯.\/model/ }, enter, { see: /Select model/i }] }
]

const driver = await Effect.runPromise(Effect.scoped(testPluginServices(providerOf(claude, "claude"))))
const cli = await install("claude")
const screens = fileURLToPath(new URL(`../../plugins/providers/claude/screens/${pins.claude.version}/`, import.meta.url))

const take = (terminal: ProviderTerminal, file: string, steps: ReadonlyArray<Step>): Effect.Effect<Screen, unknown> =>
  Effect.gen(function*() {
    const until = (what: string, holds: (screen: Screen) => boolean) =>
      eventually(`${file}: ${what}`, Effect.map(terminal.screen, (now) => holds(now) ? now : null)).pipe(
        Effect.tapError(() => Effect.flatMap(terminal.screen, (now) =>
          Effect.sync(() => console.error(`${file}: ${now.title}\n${now.lines.join("\n")}`))))
      )
    let screen = yield* terminal.screen
    for (const step of steps) {
      if ("paste" in step) yield* terminal.paste(step.paste)
      else if ("press" in step) yield* terminal.press(step.press)
      else if ("tell" in step) {
        yield* take(terminal, file, sent(step.tell))
        screen = yield* take(terminal, file, [{ see: /^✻ \S+ for \d/ }, ...idle])
      } else if ("title" in step) screen = yield* until(String(step.title), ({ title }) => step.title.test(title))
      else screen = yield* until(String(step.see), (now) => now.lines.some((line) => step.see.test(line)))
    }
    // What moves in the corner a moment later is part of the picture.
    yield* Effect.sleep("300 millis")
    const last = steps.at(-1)
    const later = yield* terminal.screen
    return last !== undefined && "see" in last && later.lines.some((line) => last.see.test(line)) ? later : screen
  })

const record = (recording: Recording, home: Home) =>
  Effect.gen(function*() {
    const { agent: over = {}, argv = (words) => words, before, draft, env = {}, file, mode = "fresh", prompt } = recording
    const agent: ProviderAgent = {
      team: "alpha", id: "coder-1", role: null, prompt: null, workspace: home.work, cwd: home.work, model: null,
      effort: null, permissions: null, tools: [], options: {}, env: { HOME: home.home }, configHome: null, mcp: {},
      startedAt: null, ...over
    }
    const open = (request: Pick<CommandRequest, "mode" | "sessionId" | "sourceSessionId">) =>
      Effect.gen(function*() {
        const plan = yield* driver.command({ ...request, agent, stateDirectory: home.root })
        const [columns, rows] = recording.size ?? [100, 30]
        const command = { argv: argv(plan.argv), env: { ...plan.env, ...env } }
        return yield* openProviderTerminal(command, { cwd: home.work, env: home.env, columns, rows })
      })
    const id = newSessionId()
    if (before !== undefined) {
      const first = yield* open({ mode: "fresh", sessionId: id, sourceSessionId: null })
      yield* take(first, file, before)
      yield* first.stop
    }
    const terminal = yield* open(
      mode === "fork" ? { mode, sessionId: newSessionId(), sourceSessionId: id } : { mode, sessionId: id, sourceSessionId: null }
    )
    const steps = recording.steps.map((step): Step =>
      "paste" in step ? { paste: step.paste.replace("WORK", home.work) } : step)
    const screen = yield* take(terminal, file, steps)
    // The directory's name differs from run to run, and no reading depends on it.
    const shown = screen.lines.map((line) => line.replaceAll(home.root, "/tmp/ra-000000"))
    const head = [
      `# title: ${screen.title}`,
      `# cursor: ${screen.cursor.row},${screen.cursor.column}`,
      ...draft === undefined ? [] : [`# draft:${draft === "" ? "" : ` ${draft}`}`],
      ...prompt === undefined ? [] : [`# prompt: ${prompt}`]
    ]
    writeFileSync(join(screens, `${file}.txt`), `${[...head, ...shown].join("\n")}\n`)
    const read = driver.classify(screen)
    console.log(`${file.startsWith(`${read}--`) ? "ok  " : "WRONG"} ${file}: ${read}`)
  }).pipe(Effect.scoped)

const one = async (recording: Recording): Promise<void> => {
  const mock = await startMock()
  const home = makeHome({
    anthropic: mock.anthropic,
    openai: mock.openai,
    clis: [cli],
    ...recording.untrusted === true ? { trusted: [] } : {}
  })
  recording.prepare?.(home)
  try {
    await Effect.runPromise(record(recording, home).pipe(Effect.provide(NodeContext.layer)))
  } finally {
    await mock.close()
    home.remove()
  }
}

/** Records those whose names hold one of these words; all where there is none. */
export const recordAll = async (asked: ReadonlyArray<string>): Promise<void> => {
  mkdirSync(screens, { recursive: true })
  for (const recording of recordings) {
    if (asked.length > 0 && !asked.some((word) => recording.file.includes(word))) continue
    await one(recording).catch((error: unknown) => {
      console.error(`FAILED ${recording.file}: ${String(error)}`)
      process.exitCode = 1
    })
  }
}

const [, program = "", ...args] = process.argv
if (program.endsWith("record-claude-screens.ts")) {
  const code = await againInside([program, ...args])
  if (code !== null) process.exitCode = code
  else await recordAll(args)
}
