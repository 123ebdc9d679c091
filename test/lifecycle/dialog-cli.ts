import * as Fs from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { type ProviderAgent, type ProviderDriver, ProviderFailure, type Screen, type ScreenState, SpawnToken } from "reprise/plugin"
import { makeMemoryTransport, type MemoryProgram } from "reprise/testing"
import { typeMessage } from "../../sdk/messaging/typing.ts"
import { saidLine, scriptedProvider } from "./scripted-cli.ts"
import { temporaryDirectory } from "./world.ts"

// A CLI with an approval dialog that opens at the worst moment: whatever is typed into it is lost, and Enter approves.

/** When the dialog opens: before anything, as the message is written down, as the text is pasted, at the n-th look after that, or never. */
export type Opens = "before" | "before the paste" | "at the paste" | number | "never"

export interface DialogScript {
  readonly opens?: Opens
  /** Which of its two sides shows the dialog; the other one still says that it is idle. */
  readonly shows?: "screen" | "records" | "both"
  /** How many Enters it loses before it takes one. */
  readonly loses?: number
  /** Takes an Enter that comes sooner after the paste, in milliseconds, for a new line. */
  readonly settles?: number
  /** What it shows in place of a long text that was pasted. */
  readonly placeholder?: string
  /** Submits the placeholder itself. */
  readonly submitsPlaceholder?: boolean
  /** Where its conversation is written: from its start, from its first message on, or nowhere. */
  readonly transcript?: "at-start" | "at-first-message" | "never"
  /** What its records say in place of the truth; `broken`: they can't be read. */
  readonly says?: ScreenState | "broken" | "nothing"
  /** What stands on its input line already. */
  readonly draft?: string
}

const deadlines = { idleMs: 150, visibleMs: 100, submittedMs: 600, recordedMs: 300 }

/** Types one message into such a CLI; answers with what became of it, and what the CLI did. */
export const typeInto = (script: DialogScript, text: string, driver: Partial<ProviderDriver> = {}) =>
  Effect.gen(function*() {
    const directory = yield* temporaryDirectory
    const approved = join(directory, "approved")
    const transcript = join(directory, "own.jsonl")
    const { loses = 0, opens = "never", placeholder, says, settles = 0, shows = "both" } = script
    const taken: Array<string> = []
    let [looks, enters, pasted, pastedAt] = [0, 0, false, 0]
    let [draft, dialog] = [script.draft ?? "", opens === "before"]
    const started = script.transcript ?? "at-start"
    if (started === "at-start") Fs.writeFileSync(transcript, "{}\n")

    let redraw: () => void = () => undefined
    const program: MemoryProgram = (_, io) => {
      redraw = () =>
        io.screen(dialog && shows !== "records"
          ? ["state: awaiting_approval"]
          : ["state: idle", `draft: ${placeholder !== undefined && pasted && draft !== "" ? placeholder : draft}`])
      redraw()
      return {
        onPaste: (given) => {
          if (opens === "at the paste") dialog = true
          ;[pasted, pastedAt] = [true, Date.now()]
          if (!dialog) draft += given
          redraw()
        },
        onKey: (key) => {
          if (key !== "Enter") return
          enters += 1
          if (dialog) Fs.writeFileSync(approved, "")
          else if (enters > loses && Date.now() - pastedAt >= settles && draft !== "") {
            const said = script.submitsPlaceholder === true ? placeholder ?? "" : draft
            taken.push(said)
            if (started !== "never") Fs.appendFileSync(transcript, saidLine("user", said))
            draft = ""
          }
          redraw()
        }
      }
    }
    const { driver: transport } = yield* makeMemoryTransport({ programs: { "*": program } })
    const provider = {
      ...scriptedProvider({ preassigned: true }),
      name: "dialog",
      plugin: "test",
      draft: ({ lines }: Screen) => /^draft: ?(.*)$/.exec(lines.find((line) => line.startsWith("draft:")) ?? "")?.[1] ?? null,
      processEvidence: () =>
        Effect.gen(function*() {
          if (pasted && typeof opens === "number" && ++looks >= opens) {
            dialog = true
            redraw()
          }
          const state: ScreenState = dialog && shows !== "screen" ? "awaiting_approval" : "idle"
          if (says === "broken") {
            return yield* new ProviderFailure({ provider: "dialog", operation: "processEvidence", detail: "The record is torn." })
          }
          const known = Fs.existsSync(transcript)
          return says === "nothing" ? null : {
            sessionId: "own",
            transcript: known ? transcript : null,
            state: says ?? state,
            evidence: "its own record"
          }
        }),
      ...driver
    }
    const agent: ProviderAgent = {
      team: "alpha",
      id: "one",
      role: null,
      prompt: null,
      workspace: directory,
      cwd: directory,
      model: null,
      effort: null,
      permissions: null,
      tools: [],
      options: { directory: "." },
      env: {},
      configHome: null,
      mcp: {},
      startedAt: null
    }
    const pane = yield* transport.spawn({
      team: "alpha",
      agent: "one",
      generation: 1,
      spawn: SpawnToken.make("one"),
      argv: ["/bin/dialog"],
      cwd: directory,
      env: {}
    })
    const typed = yield* typeMessage({
      transport: { ...transport, name: "memory", plugin: "test" },
      provider,
      pane,
      agent,
      conversation: { sessionId: started === "at-start" ? "own" : null, transcript: null },
      text,
      deadlines,
      beforeFirstKey: () =>
        Effect.sync(() => {
          if (opens !== "before the paste") return
          dialog = true
          redraw()
        })
    })
    return { typed, taken, enters, pasted, approved: Fs.existsSync(approved) }
  }).pipe(Effect.provide(NodeContext.layer))
