// Records the screens of Codex anew, from the pinned program itself against the mock model:
//   npx tsx --conditions=source test/acceptance/record-codex-screens.ts [NAME…]
// What a recording is expected to be read as stands in its name and head, so look at the difference before committing.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { CommandRequest, Key, ProviderAgent, Screen } from "reprise/plugin"
import { eventually, openProviderTerminal, providerOf, type ProviderTerminal, testPluginServices } from "reprise/testing"
import codex from "../../plugins/providers/codex/index.ts"
import { type Home, makeHome } from "./home.ts"
import { install } from "./install.ts"
import { startMock } from "./mock/server.ts"
import { againInside } from "./namespace.ts"
import { pins } from "./pins.ts"

type Step =
  | { readonly paste: string }
  | { readonly press: ReadonlyArray<Key> }
  | { readonly see: RegExp }
  | { readonly gone: RegExp }
  /** The cursor stands there. */
  | { readonly column: number }
  | { readonly title: RegExp }
  /** The turn of a text: it is sent, and its end is waited for. */
  | { readonly tell: string }

interface Recording {
  readonly file: string
  readonly mode?: CommandRequest["mode"]
  readonly agent?: Partial<ProviderAgent>
  readonly size?: readonly [columns: number, rows: number]
  /** What a conversation was told before it is resumed or forked; left open with `held`. */
  readonly before?: ReadonlyArray<Step>
  readonly held?: boolean
  readonly elsewhere?: boolean
  readonly untrusted?: boolean
  readonly loggedOut?: boolean
  /** Nothing listens where the model should be. */
  readonly noServer?: boolean
  readonly steps: ReadonlyArray<Step>
  readonly draft?: string
  readonly prompt?: string
}

const idle: ReadonlyArray<Step> = [{ see: /^ {2}gpt-5-codex .* · / }, { title: /^Ready \| / }]
const enter: Step = { press: ["Enter"] }
const sent = (text: string): ReadonlyArray<Step> => [...idle, { paste: text }, { see: new RegExp(text.slice(0, 8)) }, enter]
const escalated = (cmd: string): string =>
  `tool exec_command ${JSON.stringify({ cmd, sandbox_permissions: "require_escalated", justification: "it is needed" })}`
const wanted = escalated("touch made-by-the-agent")
const patch = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch"
const edit = `tool exec_command ${JSON.stringify({ cmd: `apply_patch <<'EOF'\n${patch}\nEOF\n` })}`
/** An MCP server with one tool, in a line. */
const server = [
  "import { createInterface } from 'node:readline'",
  "const tools = [{ name: 'search', description: 'Searches', inputSchema: { type: 'object', properties: {} } }]",
  "const initialized = (m) => ({ protocolVersion: m.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'docs', version: '1' } })",
  "const answer = (m) => m.method === 'initialize' ? initialized(m) : m.method === 'tools/list' ? { tools } : {}",
  "createInterface({ input: process.stdin }).on('line', (line) => { const m = JSON.parse(line)",
  "if (m.id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: answer(m) })) })"
].join(";")
const action: ReadonlyArray<Step> = [{ title: /^\[ ! \] Action/ }, { see: /enter to|^ *cancel/ }]
const narrow = [40, 14] as const
const long = Array.from({ length: 60 }, (_, line) => `line ${line}`).join("\n")
const wrapped = "a draft that is longer than a line of this narrow screen is"

const recordings: ReadonlyArray<Recording> = [
  { file: "starting--loading", steps: [{ see: /^›/ }] },
  { file: "starting--trust", untrusted: true, steps: [{ see: /enter continue/ }], prompt: "trust" },
  { file: "starting--directory", mode: "resume", elsewhere: true, before: [{ tell: "say hello" }], steps: [{ see: /enter continue/ }], prompt: "directory" },
  { file: "error--login", loggedOut: true, steps: [{ see: /enter to continue/ }] },
  { file: "error--open-elsewhere", mode: "resume", held: true, before: [{ tell: "say hello" }], steps: [{ see: /another app/ }] },
  { file: "idle--fresh", steps: idle, draft: "" },
  { file: "idle--after-a-turn", steps: [{ tell: "say hello" }], draft: "" },
  { file: "idle--narrow", size: narrow, steps: [{ tell: "say hello" }], draft: "" },
  { file: "idle--draft", steps: [...idle, { paste: "half a thought" }, { see: /^› half/ }], draft: "half a thought" },
  { file: "idle--wrapped-draft", size: narrow, steps: [...idle, { paste: wrapped }, { see: /is$/ }] },
  { file: "idle--long-draft", steps: [...idle, { paste: long }, { see: /line 59/ }] },
  { file: "idle--pasted-content", steps: [...idle, { paste: "x".repeat(1500) }, { see: /Pasted Content/ }], draft: "[Pasted Content 1500 chars]" },
  { file: "idle--placeholder-as-draft", steps: [...idle, { paste: "Ask Codex to do anything" }, { column: 26 }], draft: "Ask Codex to do anything" },
  { file: "idle--says-working", steps: [{ tell: "say • Working (2s • esc to interrupt)" }], draft: "" },
  { file: "idle--interrupted", steps: [...sent("hang"), { see: /Working \(/ }, { press: ["\u001b"] }, { see: /interrupted/ }, ...idle], draft: "" },
  { file: "idle--model-error", steps: [...sent("error 500"), { see: /^■/ }, ...idle], draft: "" },
  { file: "idle--not-authorised", steps: [...sent("error 401"), { see: /^■/ }, ...idle], draft: "" },
  { file: "idle--usage-limit", steps: [...sent("error 429 reset 172800"), { see: /^■/ }, ...idle], draft: "" },
  { file: "busy--no-server", noServer: true, steps: [...sent("say hello"), { see: /Reconnecting.*waiting for network/ }], draft: "" },
  { file: "idle--resumed-not-authorised", mode: "resume", before: [...sent("error 401"), { see: /^■/ }, ...idle], steps: [...idle, { see: /401|error/ }], draft: "" },
  { file: "idle--resumed-usage-limit", mode: "resume", before: [...sent("error 429 reset 172800"), { see: /^■/ }, ...idle], steps: [...idle, { see: /429/ }], draft: "" },
  { file: "idle--resumed", mode: "resume", before: [{ tell: "say hello" }], steps: [...idle, { see: /hello/ }], draft: "" },
  { file: "idle--forked", mode: "fork", before: [{ tell: "say hello" }], steps: [...idle, { see: /hello/ }], draft: "" },
  { file: "idle--denied", steps: [...sent(wanted), ...action, { press: ["3"] }, ...idle], draft: "" },
  { file: "idle--compacted", steps: [{ tell: "say hello" }, { paste: "/compact" }, { see: /\/compact/ }, enter, { see: /compacted/ }, { gone: /Working \(/ }, ...idle], draft: "" },
  { file: "busy--working", steps: [...sent("hang"), { see: /Working \(/ }, { title: /Working/ }], draft: "" },
  { file: "busy--mcp-servers-start", agent: { mcp: { slow: { command: "sleep", args: ["600"], env: {} } } }, steps: [{ see: /^ {2}gpt-5-codex .* · / }, { title: /Starting/ }], draft: "" },
  { file: "busy--narrow", size: narrow, steps: [...sent("hang"), { see: /Working \(/ }, { title: /Working/ }], draft: "" },
  { file: "busy--streaming", steps: [...sent("slow 60 say a long answer that comes piece by piece, so that there is time to look"), { see: /^• a long/ }], draft: "" },
  { file: "busy--with-a-draft", steps: [...sent("hang"), { see: /Working \(/ }, { paste: "and more" }, { see: /^› and more/ }], draft: "and more" },
  { file: "busy--reconnecting", steps: [...sent("error 500"), { see: /Reconnecting/ }], draft: "" },
  { file: "awaiting_approval--command", steps: [...sent(wanted), ...action] },
  { file: "awaiting_approval--blinking", steps: [...sent(wanted), ...action, { title: /^\[ \. \]/ }] },
  { file: "awaiting_approval--narrow", size: narrow, steps: [...sent(wanted), ...action] },
  { file: "awaiting_approval--edit", agent: { permissions: "read-only" }, steps: [...sent(edit), ...action] },
  { file: "awaiting_approval--mcp-tool", agent: { mcp: { docs: { command: "node", args: ["--input-type=module", "-e", server], env: {} } } }, steps: [...sent("tool mcp__docs.search {}"), { title: /^\[ ! \]/ }, { see: /enter to submit/ }] },
  { file: "unknown--model-picker", steps: [...idle, { paste: "/model" }, { see: /› \/model/ }, enter, { see: /Select Model/i }] },
  { file: "unknown--shell-mode", steps: [...idle, { paste: "!" }, { see: /^!/ }], draft: "!" },
  { file: "unknown--agents", steps: [{ tell: "say hello" }, { press: ["Left"] }, { gone: /^›/ }] },
  { file: "unknown--farewell", steps: [{ tell: "say hello" }, { paste: "/quit" }, { see: /\/quit/ }, enter, { see: /To continue/ }] },
  { file: "unknown--missing-session", mode: "resume", steps: [{ see: /^ERROR/ }] }
]

const driver = await Effect.runPromise(Effect.scoped(testPluginServices(providerOf(codex, "codex"))))
const cli = await install("codex")
const screens = fileURLToPath(new URL(`../../plugins/providers/codex/screens/${pins.codex.version}/`, import.meta.url))

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
        screen = yield* take(terminal, file, [{ see: /^ {2}Worked for/ }, ...idle])
      } else if ("gone" in step) screen = yield* until(`no ${step.gone}`, ({ lines }) => !lines.some((line) => step.gone.test(line)))
      else if ("column" in step) screen = yield* until(`column ${step.column}`, ({ cursor }) => cursor.column === step.column)
      else if ("title" in step) screen = yield* until(String(step.title), ({ title }) => step.title.test(title))
      else screen = yield* until(String(step.see), ({ lines }) => lines.some((line) => step.see.test(line)))
    }
    return screen
  })

const nobody = "01a00000-0000-7000-8000-000000000000"

const record = (recording: Recording, home: Home) =>
  Effect.gen(function*() {
    const { agent: over = {}, before, draft, elsewhere = false, file, held = false, mode = "fresh", prompt } = recording
    const agent: ProviderAgent = {
      team: "alpha", id: "coder-1", role: null, prompt: null, workspace: home.work, cwd: home.work, model: null,
      effort: null, permissions: null, tools: [], options: {}, env: { HOME: home.home }, configHome: null, mcp: {},
      startedAt: null, ...over
    }
    const open = (request: Pick<CommandRequest, "mode" | "sessionId" | "sourceSessionId">, cwd: string) =>
      Effect.gen(function*() {
        const plan = yield* driver.command({ ...request, agent, stateDirectory: home.root })
        const [columns, rows] = recording.size ?? [100, 30]
        return yield* openProviderTerminal(plan, { cwd, env: home.env, columns, rows })
      })
    let id = nobody
    if (before !== undefined) {
      const first = yield* open({ mode: "fresh", sessionId: null, sourceSessionId: null }, home.work)
      yield* take(first, file, before)
      const found = execFileSync("find", [join(home.home, ".codex/sessions"), "-name", "*.jsonl"], { encoding: "utf8" })
      id = /-([0-9a-f]{8}-[0-9a-f-]{27})\.jsonl/.exec(found)?.[1] ?? nobody
      if (!held) yield* first.stop
    }
    const other = join(home.work, "elsewhere")
    if (elsewhere) mkdirSync(other)
    const asked = { mode, sessionId: mode === "resume" ? id : null, sourceSessionId: mode === "fork" ? id : null }
    const terminal = yield* open(asked, elsewhere ? other : home.work)
    const screen = yield* take(terminal, file, recording.steps)
    // The directory's name differs from run to run, and no reading depends on it.
    const lines = screen.lines.map((line) => line.replaceAll(home.root, "/tmp/ra-000000"))
    const head = [
      `# title: ${screen.title}`,
      `# cursor: ${screen.cursor.row},${screen.cursor.column}`,
      ...draft === undefined ? [] : [`# draft:${draft === "" ? "" : ` ${draft}`}`],
      ...prompt === undefined ? [] : [`# prompt: ${prompt}`]
    ]
    writeFileSync(join(screens, `${file}.txt`), `${[...head, ...lines].join("\n")}\n`)
    const read = driver.classify(screen)
    console.log(`${file.startsWith(`${read}--`) ? "ok  " : "WRONG"} ${file}: ${read}`)
  }).pipe(Effect.scoped)

const one = async (recording: Recording): Promise<void> => {
  const mock = await startMock()
  const home = makeHome({
    anthropic: mock.anthropic,
    openai: recording.noServer === true ? "http://127.0.0.1:9/v1" : mock.openai,
    clis: [cli],
    ...recording.untrusted === true ? { trusted: [] } : {},
    ...recording.loggedOut === true ? { loggedOut: ["codex"] } : {}
  })
  // The question of trust is only asked in a repository.
  execFileSync("git", ["init", "-q", home.work])
  try {
    await Effect.runPromise(record(recording, home).pipe(Effect.provide(NodeContext.layer)))
  } finally {
    await mock.close()
    home.remove()
  }
}

const asked = process.argv.slice(2)
const [, program = "", ...args] = process.argv
const code = await againInside([program, ...args])
if (code !== null) process.exitCode = code
else {
  mkdirSync(screens, { recursive: true })
  for (const recording of recordings) {
    if (asked.length > 0 && !asked.some((word) => recording.file.includes(word))) continue
    await one(recording).catch((error: unknown) => {
      console.error(`FAILED ${recording.file}: ${String(error)}`)
      process.exitCode = 1
    })
  }
}
