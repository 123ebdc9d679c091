// Records the fake provider's screens anew, from the worker itself:
//   npx tsx --conditions=source test/conformance/record-fake-screens.ts
// What a recording is expected to be read as stands in its name and head, so look at the difference before committing.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
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

const recordings: ReadonlyArray<Recording> = [
  { file: "idle--fresh", steps: [ready], draft: "" },
  { file: "idle--after-a-turn", steps: [ready, { paste: "the door is blue" }, enter, { see: /^● noted/ }, ready], draft: "" },
  { file: "idle--draft", steps: [ready, { paste: "half a thought" }, { see: /half/ }], draft: "half a thought" },
  { file: "idle--wrapped-draft", size: [30, 12], steps: [ready, { paste: "a draft that is longer than a line" }, { see: /^↳/ }], draft: "a draft that is longer than a line" },
  { file: "idle--long-paste", steps: [ready, { paste: hundred }, { see: /Pasted text/ }], draft: "[Pasted text #1 +120 lines]" },
  { file: "idle--placeholder-as-draft", steps: [ready, { paste: "Say something" }, { see: /^› Say something$/ }], draft: "Say something" },
  { file: "idle--narrow", size: [20, 7], steps: [ready, { paste: "hi" }, enter, { see: /^● noted/ }, ready], draft: "" },
  { file: "idle--own-title", steps: [ready, { paste: "/title [ ! ] not what it seems" }, enter, { see: /^● noted/ }, ready], draft: "" },
  { file: "busy--turn", steps: [ready, { paste: "/busy 60000" }, enter, { see: /^⏵ working/ }], draft: "" },
  { file: "busy--queued", steps: [ready, { paste: "/hang" }, enter, { see: /^⏵ working/ }, { paste: "one more" }, enter, { see: /1 queued/ }], draft: "" },
  { file: "busy--says-ready", steps: [ready, { paste: "⏵ ready · ? for shortcuts" }, enter, { see: /^● noted/ }, ready, { paste: "/hang" }, enter, { see: /^⏵ working/ }], draft: "" },
  { file: "starting--slow", args: ["--startup", "hang"], steps: [{ see: /^⏵ starting/ }], draft: "" },
  { file: "starting--trust", args: ["--startup", "trust"], steps: [{ see: /^Enter to confirm/ }], prompt: "trust" },
  { file: "starting--trust-yes-chosen", args: ["--startup", "trust"], steps: [{ see: /^Enter to confirm/ }, { press: ["Down"] }, { see: /^❯ 2/ }], prompt: "trust" },
  { file: "awaiting_approval--command", steps: [ready, { paste: "/approve" }, enter, { see: /^Enter to confirm/ }] },
  { file: "awaiting_approval--narrow", size: [20, 7], steps: [ready, { paste: "/approve" }, enter, { see: /^Enter to/ }] },
  { file: "error--model", steps: [ready, { paste: "/error overloaded" }, enter, { see: /^⏵ error/ }], draft: "" },
  { file: "unknown--missing-session", args: ["--resume", "nobody"], steps: [{ see: /^No conversation found/ }] },
  { file: "unknown--farewell", steps: [ready, { paste: "/exit" }, enter, { see: /^To go on/ }] }
]

const record = ({ args = [], draft, file, prompt, size: [columns, rows] = [72, 16], steps }: Recording) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const root = yield* files.makeTempDirectoryScoped({ prefix: "reprise-record-" })
    const named = args.includes("--resume") ? [] : ["--session-id", "0c5ab1de-0000-4000-8000-00000000c0de"]
    const argv = [process.execPath, worker, "--root", `${root}/${randomUUID()}`, "--agent", "alpha/coder-1", ...named, ...args]
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
