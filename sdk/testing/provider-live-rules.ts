import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import type { CommandRequest, ProviderDriver } from "../plugin/provider-driver.ts"
import type { CheckServices, LiveProvider, ProviderRule, ProviderSuiteOptions } from "./provider-check.ts"
import { expectThat, ProviderCheckFailed, sampleAgent } from "./provider-check.ts"
import type { ProviderTerminal } from "./provider-terminal.ts"
import { eventually, openProviderTerminal } from "./provider-terminal.ts"

// Rules that need the program itself: it is run in a pseudo terminal, in directories of the check's own.

/** A place with its own home and workspace, and what a check does with the program in it. */
const stage = (driver: ProviderDriver, options: ProviderSuiteOptions, live: LiveProvider) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const base = yield* files.realPath(yield* files.makeTempDirectoryScoped({ prefix: "reprise-provider-" }))
    const [home, workspace] = [path.join(base, "home"), path.join(base, "work")]
    const stateDirectory = path.join(base, "state")
    for (const directory of [home, workspace, stateDirectory]) yield* files.makeDirectory(directory)
    const agent = sampleAgent(options, {
      workspace,
      cwd: workspace,
      prompt: null,
      model: null,
      effort: null,
      permissions: null
    })

    const open = (mode: CommandRequest["mode"], sessionId: string | null, sourceSessionId: string | null = null) =>
      Effect.gen(function*() {
        const plan = yield* driver.command({ mode, agent, sessionId, sourceSessionId, stateDirectory })
        for (const file of plan.files) {
          yield* files.makeDirectory(path.dirname(file.path), { recursive: true })
          yield* files.writeFileString(file.path, file.content, { mode: 0o600 })
        }
        const env = { PATH: process.env["PATH"] ?? "", HOME: home, LANG: "C.UTF-8", ...live.env }
        return yield* openProviderTerminal(plan, { cwd: workspace, env })
      })

    /** Waits until the program is idle; its startup prompts are answered, each once. */
    const ready = (terminal: ProviderTerminal) => {
      const answered = new Set<string>()
      return eventually(
        "an idle screen",
        Effect.gen(function*() {
          const [screen, exit] = [yield* terminal.screen, yield* terminal.exit]
          if (exit !== null) {
            const why = driver.explainExit({ exit, lines: screen.lines })
            return yield* new ProviderCheckFailed({ detail: `It ended before it was ready: ${why.reason}` })
          }
          const prompt = driver.startupPrompt(screen)
          if (prompt !== null && !answered.has(prompt.name)) {
            answered.add(prompt.name)
            yield* Effect.sleep(prompt.settleMs ?? 0)
            yield* terminal.press(prompt.answer)
            return null
          }
          return driver.classify(screen) === "idle" ? screen : null
        })
      )
    }

    /** Types a message, sees it on the input line, and sends it. */
    const send = (terminal: ProviderTerminal, text: string) =>
      terminal.paste(text).pipe(
        Effect.zipRight(eventually(
          "the message on the input line",
          Effect.map(terminal.screen, (screen) => (driver.draft(screen) ?? "") === "" ? null : screen)
        )),
        Effect.zipRight(terminal.press(["Enter"]))
      )

    const recorded = (transcript: string, text: string) =>
      eventually(
        "the message in the transcript",
        Effect.map(contentOf(transcript), (content) => driver.holdsUserMessage(content, text) ? content : null)
      )

    const tell = (terminal: ProviderTerminal, transcript: string, text: string) =>
      Effect.zipRight(send(terminal, text), recorded(transcript, text))

    const contentOf = (transcript: string) => files.readFileString(transcript).pipe(Effect.orElseSucceed(() => ""))

    const addressOf = (sessionId: string) => {
      const { transcript } = driver.sessionAddress(agent, sessionId)
      return transcript === null
        ? Effect.fail(new ProviderCheckFailed({ detail: `Session ${sessionId} has no address.` }))
        : Effect.succeed(transcript)
    }

    /** The id of the conversation that a program has, which is at its address. */
    const started = (terminal: ProviderTerminal, asked: string | null) =>
      eventually(
        "the session's id",
        Effect.gen(function*() {
          const reported = yield* driver.reportedSession({ pid: terminal.pid, screen: yield* terminal.screen, agent })
          if (reported !== null) return reported
          if (asked !== null) return asked
          // The directory is this check's own, so the one file in it is the conversation.
          const { directory } = driver.sessionAddress(agent, null)
          for (const name of yield* files.readDirectory(directory).pipe(Effect.orElseSucceed(() => []))) {
            const file = path.join(directory, name)
            const { sessionId } = driver.readTranscript(yield* contentOf(file), { path: file, truncated: false })
            if (sessionId !== null) return sessionId
          }
          return null
        })
      )

    const fresh = Effect.gen(function*() {
      const wanted = driver.capabilities.preassignedSession ? randomUUID() : null
      const request = { mode: "fresh", agent, sessionId: wanted, sourceSessionId: null, stateDirectory } as const
      const plan = yield* driver.command(request)
      const assigned = plan.expectedSession === null ? null : wanted
      const terminal = yield* open("fresh", wanted)
      yield* ready(terminal)
      return { terminal, assigned }
    })

    /** A conversation that was told the sample's words, and whose program has ended. */
    const toldAndStopped = Effect.gen(function*() {
      const { assigned, terminal } = yield* fresh
      // Without an assigned id the transcript may not exist before the first message.
      yield* send(terminal, live.say)
      const sessionId = yield* started(terminal, assigned)
      const transcript = yield* addressOf(sessionId)
      yield* recorded(transcript, live.say)
      yield* ready(terminal)
      yield* terminal.stop
      return { sessionId, transcript }
    })

    /** Asks what it was told, and waits for an answer that has it. */
    const remembers = (terminal: ProviderTerminal, transcript: string) =>
      Effect.gen(function*() {
        const before = (yield* contentOf(transcript)).length
        yield* tell(terminal, transcript, live.ask)
        yield* eventually(
          `an answer that matches ${live.remembers}`,
          Effect.map(contentOf(transcript), (content) => live.remembers.test(content.slice(before)) ? content : null)
        )
      })

    return { agent, contentOf, addressOf, fresh, open, ready, remembers, tell, toldAndStopped }
  })

const liveRule = (
  name: string,
  run: (
    driver: ProviderDriver,
    options: ProviderSuiteOptions,
    live: LiveProvider
  ) => Effect.Effect<void, unknown, CheckServices>,
  applies: (driver: ProviderDriver, live: LiveProvider) => boolean = () => true
): ProviderRule => ({
  name: `live: ${name}`,
  applies: (driver, options) => options.live !== undefined && applies(driver, options.live),
  run: (driver, options) => options.live === undefined ? Effect.void : run(driver, options, options.live)
})

export const liveRules: ReadonlyArray<ProviderRule> = [
  liveRule("a fresh start becomes ready, with an empty input line", (driver, options, live) =>
    Effect.gen(function*() {
      const { fresh } = yield* stage(driver, options, live)
      const { terminal } = yield* fresh
      const draft = driver.draft(yield* terminal.screen)
      yield* expectThat(draft === "" || draft === null, `the placeholder is read as the draft ${JSON.stringify(draft)}`)
    })),
  liveRule("a message reaches the transcript, which tells whose it is", (driver, options, live) =>
    Effect.gen(function*() {
      const { agent, contentOf, toldAndStopped } = yield* stage(driver, options, live)
      const { sessionId, transcript } = yield* toldAndStopped
      const read = driver.readTranscript(yield* contentOf(transcript), { path: transcript, truncated: false })
      yield* expectThat(read.sessionId === sessionId, `the transcript of ${sessionId} says ${read.sessionId}`)
      yield* expectThat(read.spokenTo, "it was told something and counts as never spoken to")
      yield* expectThat(read.cwd === null || read.cwd === agent.cwd, `it says that it ran in ${read.cwd}`)
    })),
  liveRule("a message that is typed and not sent is a draft, and sent ends as idle", (driver, options, live) =>
    Effect.gen(function*() {
      const { addressOf, fresh, ready, tell } = yield* stage(driver, options, live)
      const { assigned, terminal } = yield* fresh
      yield* terminal.paste("half a thought")
      yield* eventually(
        "the draft",
        Effect.map(terminal.screen, (screen) => driver.draft(screen) === "half a thought" ? screen : null)
      )
      if (assigned === null) return
      yield* terminal.press(["Enter"])
      yield* eventually(
        "an idle screen with an empty input line",
        Effect.map(terminal.screen, (screen) =>
          driver.classify(screen) === "idle" && driver.draft(screen) === "" ? screen : null)
      )
      yield* tell(terminal, yield* addressOf(assigned), live.say)
      yield* ready(terminal)
    })),
  liveRule("a resume goes on with the same conversation and its memory", (driver, options, live) =>
    Effect.gen(function*() {
      const { open, ready, remembers, toldAndStopped } = yield* stage(driver, options, live)
      const { sessionId, transcript } = yield* toldAndStopped
      const terminal = yield* open("resume", sessionId)
      const screen = yield* ready(terminal)
      yield* remembers(terminal, transcript)
      const reported = yield* driver.reportedSession({ pid: terminal.pid, screen, agent: sampleAgent(options) })
      yield* expectThat(reported === null || reported === sessionId, `asked for ${sessionId} it reports ${reported}`)
    }), (driver) => driver.capabilities.resume),
  liveRule("a fork remembers too, and leaves its source alone", (driver, options, live) =>
    Effect.gen(function*() {
      const { addressOf, contentOf, open, ready, remembers, toldAndStopped } = yield* stage(driver, options, live)
      const { sessionId, transcript } = yield* toldAndStopped
      const before = yield* contentOf(transcript)
      const forked = randomUUID()
      const terminal = yield* open("fork", forked, sessionId)
      yield* ready(terminal)
      yield* remembers(terminal, yield* addressOf(forked))
      yield* expectThat((yield* contentOf(transcript)) === before, "the fork wrote into its source")
    }), (driver, live) => driver.capabilities.fork && driver.capabilities.preassignedSession && live.ask !== ""),
  liveRule("a resume of a conversation that there is not is refused", (driver, options, live) =>
    Effect.gen(function*() {
      const { open } = yield* stage(driver, options, live)
      const terminal = yield* open("resume", randomUUID())
      const exit = yield* eventually("its end", terminal.exit)
      const { lines } = yield* terminal.screen
      const { kind, reason } = driver.explainExit({ exit, lines })
      const wanted = live.missingSession ?? "missing_transcript"
      yield* expectThat(kind === wanted, `it is explained as ${kind}: ${reason}`)
    }), (driver) => driver.capabilities.resume),
  liveRule("a command that waits for a person is seen, and answered by its keys", (driver, options, live) =>
    Effect.gen(function*() {
      const { fresh, ready } = yield* stage(driver, options, live)
      const { terminal } = yield* fresh
      yield* terminal.paste(live.approval ?? "")
      yield* terminal.press(["Enter"])
      const prompt = yield* eventually(
        "the approval prompt",
        Effect.map(terminal.screen, (screen) =>
          driver.classify(screen) === "awaiting_approval" ? driver.approvalPrompt(screen) : null)
      )
      yield* terminal.press(prompt.choices.at(-1)?.keys ?? [])
      yield* ready(terminal)
    }), (_, live) => live.approval !== undefined)
]
