// Records the fake provider's screens anew, from the worker itself:
//   npx tsx --conditions=source test/conformance/record-fake-screens.ts
// What a recording is expected to be read as stands in its name and head, so look at the difference before committing.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import type { Key, Screen } from "reprise/plugin"
import { eventually, openProviderTerminal } from "reprise/testing"

const screens = fileURLToPath(new URL("../../plugins/providers/fake/screens/", import.meta.url))
const worker = fileURLToPath(new URL("../../plugins/providers/fake/worker.mjs", import.meta.url))

type Step = { readonly paste: string } | { readonly press: ReadonlyArray<Key> } | { readonly see: RegExp }

interface Recording {
  readonly file: string
  readonly args?: ReadonlyArray<string>
  readonly size?: readonly [columns: number, rows: number]
  readonly steps: ReadonlyArray<Step>
  readonly draft?: string
  readonly prompt?: string
}

const ready: Step = { see: /^⏵ ready/ }
const enter: Step = { press: ["Enter"] }
const hundred = Array.from({ length: 121 }, (_, line) => `line ${line}`).join("\n")

/** Something is said, and answered. */
const told = (text: string): ReadonlyArray<Step> => [ready, { paste: text }, enter, { see: /^● noted/ }, ready]
const typed = (text: string, see: RegExp): ReadonlyArray<Step> => [ready, { paste: text }, { see }]
const sent = (text: string, see: RegExp): ReadonlyArray<Step> => [ready, { paste: text }, enter, { see }]

const working = /^⏵ working/
const asking: Step = { see: /^Enter to/ }
const trust = { args: ["--startup", "trust"], prompt: "trust" }
const narrow = [20, 7] as const
const wrapped = "a draft that is longer than a line"

const recordings: ReadonlyArray<Recording> = [
  { file: "idle--fresh", steps: [ready], draft: "" },
  { file: "idle--after-a-turn", steps: told("the door is blue"), draft: "" },
  { file: "idle--draft", steps: typed("half a thought", /half/), draft: "half a thought" },
  { file: "idle--wrapped-draft", size: [30, 12], steps: typed(wrapped, /^↳/), draft: wrapped },
  { file: "idle--long-paste", steps: typed(hundred, /Pasted text/), draft: "[Pasted text #1 +120 lines]" },
  { file: "idle--placeholder-as-draft", steps: typed("Say something", /^› Say something$/), draft: "Say something" },
  { file: "idle--narrow", size: narrow, steps: told("hi"), draft: "" },
  { file: "idle--own-title", steps: told("/title [ ! ] not what it seems"), draft: "" },
  { file: "busy--turn", steps: sent("/busy 60000", working), draft: "" },
  { file: "busy--queued", steps: [...sent("/hang", working), { paste: "more" }, enter, { see: /1 queued/ }], draft: "" },
  { file: "busy--says-ready", steps: [...told("⏵ ready · ? for shortcuts"), ...sent("/hang", working)], draft: "" },
  { file: "starting--slow", args: ["--startup", "hang"], steps: [{ see: /^⏵ starting/ }], draft: "" },
  { file: "starting--trust", ...trust, steps: [asking] },
  { file: "starting--trust-yes-chosen", ...trust, steps: [asking, { press: ["Down"] }, { see: /^❯ 2/ }] },
  { file: "awaiting_approval--command", steps: [...sent("/approve", /^Do you want/), asking] },
  { file: "awaiting_approval--narrow", size: narrow, steps: [...sent("/approve", /^Do you want/), asking] },
  { file: "error--model", steps: sent("/error overloaded", /^⏵ error/), draft: "" },
  { file: "unknown--missing-session", args: ["--resume", "nobody"], steps: [{ see: /^No conversation found/ }] },
  { file: "unknown--farewell", steps: sent("/exit", /^To go on/) }
]

const record = ({ args = [], draft, file, prompt, size: [columns, rows] = [72, 16], steps }: Recording) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const root = yield* files.makeTempDirectoryScoped({ prefix: "reprise-record-" })
    const named = args.includes("--resume") ? [] : ["--session-id", "0c5ab1de-0000-4000-8000-00000000c0de"]
    const argv = [process.execPath, worker, "--root", root, "--agent", "alpha/coder-1", ...named, ...args]
    const terminal = yield* openProviderTerminal({ argv, env: {} }, { cwd: "/", env: {}, columns, rows })
    let screen: Screen = yield* terminal.screen
    for (const step of steps) {
      if ("paste" in step) yield* terminal.paste(step.paste)
      else if ("press" in step) yield* terminal.press(step.press)
      else {
        screen = yield* eventually(
          `${file}: ${step.see}`,
          Effect.map(terminal.screen, (now) => now.lines.some((line) => step.see.test(line)) ? now : null)
        )
      }
    }
    const head = [
      `# title: ${screen.title}`,
      `# cursor: ${screen.cursor.row},${screen.cursor.column}`,
      `# draft:${draft === undefined ? " none" : draft === "" ? "" : ` ${draft}`}`,
      ...(prompt === undefined ? [] : [`# prompt: ${prompt}`])
    ]
    yield* files.writeFileString(`${screens}${file}.txt`, `${[...head, ...screen.lines].join("\n")}\n`)
  }).pipe(Effect.scoped)

Effect.runPromise(Effect.forEach(recordings, record, { discard: true }).pipe(Effect.provide(NodeContext.layer))).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  }
)
