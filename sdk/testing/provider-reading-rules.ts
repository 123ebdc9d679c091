import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { isIsoDateTime } from "../domain/first-send.ts"
import { AgentFailure } from "../domain/failure.ts"
import type { Screen } from "../plugin/transport-driver.ts"
import type { ProviderRule, ProviderSuiteOptions, SampleRecord } from "./provider-check.ts"
import { expectThat, ProviderCheckFailed, pureRule, sampleAgent, sampleIds } from "./provider-check.ts"
import { recordedScreens } from "./provider-screens.ts"

// Rules about what a provider reads: transcripts, screens and exits. What can't be told is never taken for an answer.

const path = "/tmp/reprise-suite/transcript"
const identity = { sessionId: sampleIds.session, cwd: "/tmp/reprise-suite", marker: "alpha/coder-1" }
const said: ReadonlyArray<SampleRecord> = [
  { role: "user", text: "the door is blue" },
  { role: "assistant", text: "the window is green" },
  { role: "user", text: "two lines\nand a \"quote\" \\ 漢字" }
]

const screenOf = (lines: ReadonlyArray<string>, title = ""): Screen => ({
  lines,
  title,
  cursor: { row: Math.max(0, lines.length - 1), column: 0 }
})

const blankScreens = [screenOf([]), screenOf([""]), screenOf(["", "   ", ""])]

const anyText = FastCheck.string({ unit: "binary", maxLength: 120 })
const anyScreen = FastCheck.record({
  lines: FastCheck.array(anyText, { maxLength: 30 }),
  title: anyText,
  cursor: FastCheck.record({ row: FastCheck.nat(40), column: FastCheck.nat(120) })
})

/** Runs a property; a counterexample is the check's failure. */
const property = <A>(arbitrary: FastCheck.Arbitrary<A>, holds: (value: A) => boolean) =>
  Effect.try({
    try: () => FastCheck.assert(FastCheck.property(arbitrary, (value) => holds(value)), { numRuns: 200 }),
    catch: (cause) => new ProviderCheckFailed({ detail: String(cause) })
  })

const hasSample = (_: unknown, options: ProviderSuiteOptions) => options.transcript !== undefined
const sample = (options: ProviderSuiteOptions, records: ReadonlyArray<SampleRecord>) =>
  options.transcript?.(identity, records) ?? ""

const screensDirectory = (options: ProviderSuiteOptions): string => {
  const { screens } = options
  return screens instanceof URL ? fileURLToPath(screens) : screens ?? ""
}

export const transcriptRules: ReadonlyArray<ProviderRule> = [
  {
    name: "transcript: whatever is in the file, reading it answers and claims nothing",
    applies: () => true,
    run: (driver) =>
      property(FastCheck.tuple(anyText, FastCheck.boolean()), ([text, truncated]) => {
        const read = driver.readTranscript(text, { path, truncated })
        return (read.sessionId === null || text.includes(read.sessionId)) && !driver.holdsUserMessage(text, `${text}.`)
      })
  },
  pureRule("transcript: an empty or foreign file is nobody's conversation", function*(driver) {
    for (const content of ["", "\n", "not a transcript\n", "{}\n", "[]\n", "null\n", "\u0000\u0001\u0002\n"]) {
      const read = driver.readTranscript(content, { path, truncated: false })
      if (read.sessionId !== null) yield `${JSON.stringify(content)} was read as session ${read.sessionId}`
      if (read.whole && content === "") yield "an empty file counts as whole"
    }
  }),
  pureRule("transcript: a truncated beginning never proves that nothing was said", function*(driver, options) {
    const read = driver.readTranscript(sample(options, []), { path, truncated: true })
    if (!read.spokenTo) yield "the rest of the file may hold a user's words, and it was read as never spoken to"
  }, hasSample),
  pureRule("transcript: tells whose it is", function*(driver, options) {
    const read = driver.readTranscript(sample(options, said), { path, truncated: false })
    if (read.sessionId !== identity.sessionId) yield `the session is read as ${read.sessionId}`
    if (read.cwd !== null && read.cwd !== identity.cwd) yield `the directory is read as ${read.cwd}`
    if (read.marker !== null && read.marker !== identity.marker) yield `the marker is read as ${read.marker}`
    if (!read.whole) yield "a whole transcript is not read as whole"
  }, hasSample),
  pureRule("transcript: spoken to exactly when a user's words are in it", function*(driver, options) {
    const silent = driver.readTranscript(sample(options, []), { path, truncated: false })
    if (silent.spokenTo) yield "a conversation without a user's words counts as spoken to"
    const spoken = driver.readTranscript(sample(options, said.slice(0, 1)), { path, truncated: false })
    if (!spoken.spokenTo) yield "a user's words were not seen"
  }, hasSample),
  pureRule("transcript: a torn end is told, and is no proof of silence", function*(driver, options) {
    const content = sample(options, said)
    for (let cut = 1; cut < content.length; cut += 1) {
      const read = driver.readTranscript(content.slice(0, cut), { path, truncated: false })
      const torn = content[cut - 1] !== "\n"
      if (torn && read.whole) return yield `cut after ${cut} characters it counts as whole`
      if (torn && !read.spokenTo) return yield `cut after ${cut} characters it counts as never spoken to`
    }
  }, hasSample),
  pureRule("transcript: a message is found as a whole one of a user, and only so", function*(driver, options) {
    const content = sample(options, said)
    for (const { role, text } of said) {
      const held = driver.holdsUserMessage(content, text)
      if (held !== (role === "user")) yield `${role}'s ${JSON.stringify(text)} is misread`
    }
    if (driver.holdsUserMessage(content, "door")) yield "a part of a message counts as the message"
    if (!driver.holdsUserMessage(content.slice(1), "two lines\nand a \"quote\" \\ 漢字")) {
      yield "a cut first line hides the records after it"
    }
    if (driver.holdsUserMessage("", "") || driver.holdsUserMessage(content, "")) yield "nothing counts as a message"
  }, hasSample)
]

export const screenRules: ReadonlyArray<ProviderRule> = [
  pureRule("screen: an empty one is unknown, whatever the title says", function*(driver) {
    for (const screen of blankScreens) {
      const state = driver.classify(screen)
      if (state !== "unknown") yield `an empty screen is read as ${state}`
      if (driver.draft(screen) !== null) yield "an empty screen is read as an empty input line"
      const prompt = driver.startupPrompt(screen) ?? driver.approvalPrompt(screen)
      if (prompt !== null) yield `an empty screen asks ${prompt.question}`
    }
  }),
  {
    name: "screen: text that nobody knows is never idle, and reading it never throws",
    applies: () => true,
    run: (driver) =>
      property(anyScreen, (screen) => {
        driver.draft(screen)
        return driver.classify(screen) !== "idle" && driver.startupPrompt(screen) === null &&
          driver.approvalPrompt(screen) === null
      })
  },
  {
    name: "screen: a recorded one is read as its name says",
    applies: (_, options) => options.screens !== undefined,
    run: (driver, options) =>
      Effect.gen(function*() {
        const recordings = yield* recordedScreens(screensDirectory(options))
        for (const state of ["idle", "busy"] as const) {
          yield* expectThat(recordings.some(({ expected }) => expected === state), `no screen was recorded ${state}`)
        }
        for (const { draft, expected, file, screen, startupPrompt } of recordings) {
          const state = driver.classify(screen)
          yield* expectThat(state === expected, `${file} is read as ${state}`)
          const prompt = driver.startupPrompt(screen)
          yield* expectThat(
            (prompt?.name ?? null) === (startupPrompt ?? null),
            `${file} is read as startup prompt ${prompt?.name ?? "none"}`
          )
          yield* expectThat(prompt === null || prompt.answer.length > 0, `${file}: the prompt is answered with no key`)
          const approval = driver.approvalPrompt(screen)
          yield* expectThat(
            (approval !== null) === (expected === "awaiting_approval"),
            `${file}: ${approval === null ? "its approval prompt is not read" : "an approval prompt is read"}`
          )
          yield* expectThat(
            approval === null || (approval.choices.length > 0 && approval.choices.every(({ keys }) => keys.length > 0)),
            `${file}: a choice has no keys`
          )
          if (draft === undefined) continue
          const found = driver.draft(screen)
          yield* expectThat(found === draft, `${file}: the draft is read as ${JSON.stringify(found)}`)
        }
      })
  },
  {
    name: "screen: what an idle one shows is not idle once something else stands under it",
    applies: (_, options) => options.screens !== undefined,
    run: (driver, options) =>
      Effect.gen(function*() {
        const recordings = yield* recordedScreens(screensDirectory(options))
        const shell = ["", "Killed", "person@machine:~/project$"]
        for (const { expected, file, screen } of recordings) {
          if (expected !== "idle") continue
          const left = driver.classify({ ...screen, title: "", lines: [...screen.lines, ...shell] })
          yield* expectThat(left !== "idle", `${file} with a shell's prompt under it is read as idle`)
          const titled = driver.classify({ ...screen, lines: [] })
          yield* expectThat(titled !== "idle", `the title of ${file} over an empty screen is read as idle`)
        }
      })
  }
]

export const endRules: ReadonlyArray<ProviderRule> = [
  pureRule("exit: every end is explained, with a kind and a sentence", function*(driver) {
    const valid = Schema.is(AgentFailure)
    const ends = [
      null,
      { code: null, signal: null },
      ...Array.from({ length: 256 }, (_, code) => ({ code, signal: null })),
      ...Array.from({ length: 64 }, (_, signal) => ({ code: null, signal: signal + 1 }))
    ]
    for (const exit of ends) {
      for (const lines of [[], ["", "\u001b[31mfatal\u0000", "x".repeat(5000)]]) {
        const failure = driver.explainExit({ exit, lines })
        const shown = JSON.stringify(exit)
        if (!valid(failure) || failure.reason.trim() === "") {
          return yield `${shown} is explained as ${JSON.stringify(failure)}`
        }
        if (failure.retryAt !== null && !isIsoDateTime(failure.retryAt)) return yield `${shown}: retryAt is no time`
        if ((exit === null || (exit.code === null && exit.signal === null)) && failure.kind !== "unknown") {
          return yield `an end that nobody saw is explained as ${failure.kind}`
        }
      }
    }
  }),
  {
    name: "session report: a screen that says nothing gives no session",
    applies: () => true,
    run: (driver, options) =>
      Effect.forEach([...blankScreens, screenOf(["some words", "> and more"])], (screen) =>
        // No such process: pids end at 4194304.
        driver.reportedSession({ pid: 2_147_483_646, screen, agent: sampleAgent(options) }).pipe(
          Effect.catchTag("ProviderFailure", () => Effect.succeed(null)),
          Effect.flatMap((id) => expectThat(id === null, `a session ${id} is reported by nobody`))
        ), { discard: true })
  }
]
