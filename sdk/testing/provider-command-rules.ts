import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { basename, dirname, isAbsolute, resolve, sep } from "node:path"
import type { CommandPlan, CommandRequest, ProviderAgent, ProviderDriver } from "../plugin/provider-driver.ts"
import type { ProviderRule, ProviderSuiteOptions } from "./provider-check.ts"
import { expectThat, pureRule, sampleAgent, sampleIds, sampleRequest } from "./provider-check.ts"

// Rules about what a provider hands out as commands and addresses.

const benign = "qzbenignzq"

/** Texts that a shell, a terminal, a tmux format or a careless template would do something with. */
const hostile = [
  "#(touch pwned)",
  "#{pane_id}",
  "$HOME `id` $(id)",
  "a; touch pwned && b | c > d",
  "it's \"quoted\" \\ twice",
  "line one\nline two\r\n",
  "\u001b[201~\u001b]2;title\u0007",
  "{sessionId} {{model}} %s ${x}",
  "  leading and trailing  ",
  "ünïcödé 漢字 🎭"
]

const modes = (driver: ProviderDriver): ReadonlyArray<CommandRequest["mode"]> => [
  "fresh",
  ...(driver.capabilities.resume ? ["resume" as const] : []),
  ...(driver.capabilities.fork ? ["fork" as const] : [])
]

const bears = (words: ReadonlyArray<string>, text: string): boolean => words.some((word) => word.includes(text))

const planProblems = (plan: CommandPlan): ReadonlyArray<string> => [
  ...(plan.argv.length === 0 ? ["argv is empty"] : []),
  ...(plan.argv.some((word) => typeof word !== "string" || word.includes("\0"))
    ? ["argv holds a NUL or something that is no string"]
    : []),
  ...(/^(?:ba|da|k|z|c|fi)?sh$/.test(basename(plan.argv[0] ?? "")) ? ["a shell stands before the program"] : []),
  ...Object.entries(plan.env).flatMap(([name, value]) =>
    /^[A-Za-z_]\w*$/.test(name) && (value === null || !value.includes("\0")) ? [] : [`env has a bad entry ${name}`]),
  ...plan.files.flatMap((file) => isAbsolute(file.path) ? [] : [`the file ${file.path} has no absolute path`]),
  ...(JSON.stringify(JSON.parse(JSON.stringify(plan))) === JSON.stringify(plan) ? [] : ["it is not plain data"])
]

const planOf = (driver: ProviderDriver, mode: CommandRequest["mode"], options: ProviderSuiteOptions) =>
  driver.command(sampleRequest(mode, sampleAgent(options)))

const refused = (driver: ProviderDriver, request: CommandRequest, what: string) =>
  driver.command(request).pipe(
    Effect.either,
    Effect.flatMap((answer) => expectThat(Either.isLeft(answer), `${what} was answered with a command, not refused`))
  )

/** The words with the benign text in them may change; nothing else may, and their number may not. */
const staysInItsWord = (driver: ProviderDriver, mode: CommandRequest["mode"], over: (text: string) => ProviderAgent) =>
  Effect.gen(function*() {
    const stateDirectory = sampleRequest("fresh", over(benign)).stateDirectory
    const harmless = yield* Effect.either(driver.command(sampleRequest(mode, over(benign), { stateDirectory })))
    for (const text of hostile) {
      const answer = yield* Effect.either(driver.command(sampleRequest(mode, over(text), { stateDirectory })))
      if (Either.isLeft(answer)) continue
      const after = answer.right
      const shown = JSON.stringify(text)
      // Where only known words are taken, none of these is one.
      if (Either.isLeft(harmless)) {
        yield* expectThat(false, `${shown} was taken where ${benign} is refused: ${harmless.left.detail}`)
        continue
      }
      const before = harmless.right
      yield* expectThat(after.argv.length === before.argv.length, `${shown} changed the number of words of ${mode}`)
      const changed = before.argv.find((word, index) => !word.includes(benign) && word !== after.argv[index])
      yield* expectThat(changed === undefined, `${shown} changed another word of ${mode}: ${changed}`)
      yield* expectThat(after.files.length === before.files.length, `${shown} changed the number of files`)
      yield* expectThat(
        Object.keys(after.env).join() === Object.keys(before.env).join(),
        `${shown} changed the names of the environment`
      )
    }
  })

export const commandRules: ReadonlyArray<ProviderRule> = [
  pureRule("capabilities: agree with one another, and executables are named", (driver) => [
    ...(driver.capabilities.fork && !driver.capabilities.resume ? ["it can fork and can't resume"] : []),
    ...(driver.executables.length === 0 || driver.executables.some((name) => name.trim() === "")
      ? ["executables are not named"]
      : [])
  ]),
  pureRule("options: the sample is accepted, unknown names are refused, nothing throws", (driver, options) => [
    ...driver.checkOptions(options.options ?? {}).map((problem) => `${problem.path.join(".")}: ${problem.problem}`),
    ...(driver.checkOptions({ ...options.options, "no-such-option-anywhere": 1 }).length === 0
      ? ["an option that nobody knows was accepted"]
      : [])
  ]),
  {
    name: "command: plain data that starts one of the executables, with no shell",
    applies: () => true,
    run: (driver, options) =>
      Effect.forEach(modes(driver), (mode) =>
        Effect.gen(function*() {
          const plan = yield* planOf(driver, mode, options)
          const problems = planProblems(plan)
          yield* expectThat(problems.length === 0, `${mode}: ${problems.join(", ")}`)
          const named = driver.executables.includes(plan.argv[0] ?? "")
          yield* expectThat(named, `${mode} starts ${plan.argv[0]}, which is not named`)
        }), { discard: true })
  },
  {
    name: "command: equal requests give equal commands",
    applies: () => true,
    run: (driver, options) =>
      Effect.forEach(modes(driver), (mode) =>
        Effect.zipWith(planOf(driver, mode, options), planOf(driver, mode, options), (one, other) =>
          JSON.stringify(one) === JSON.stringify(other)).pipe(
          Effect.flatMap((equal) => expectThat(equal, `${mode} differs from call to call`))
        ), { discard: true })
  },
  {
    name: "command: a new conversation gets the id that was chosen for it",
    applies: (driver) => driver.capabilities.preassignedSession,
    run: (driver, options) =>
      Effect.gen(function*() {
        const plan = yield* planOf(driver, "fresh", options)
        if (plan.expectedSession === null) return
        yield* expectThat(bears(plan.argv, sampleIds.session), "the assigned id is not in the command")
      })
  },
  {
    name: "command: without the capability no id is claimed for a new conversation",
    applies: (driver) => !driver.capabilities.preassignedSession,
    run: (driver, options) =>
      Effect.gen(function*() {
        const plan = yield* planOf(driver, "fresh", options)
        yield* expectThat(!bears(plan.argv, sampleIds.session), "an id is in the command that nobody may choose")
      })
  },
  {
    name: "command: fresh, resume and fork exclude one another",
    applies: () => true,
    run: (driver, options) =>
      Effect.gen(function*() {
        const agent = sampleAgent(options)
        const fresh = yield* driver.command(sampleRequest("fresh", agent, { sourceSessionId: sampleIds.source }))
        yield* expectThat(!bears(fresh.argv, sampleIds.source), "a fresh start carries another conversation's id")
        if (driver.capabilities.resume) {
          const resume = yield* driver.command(sampleRequest("resume", agent, { sourceSessionId: sampleIds.source }))
          yield* expectThat(bears(resume.argv, sampleIds.session), "a resume does not carry the conversation's id")
          yield* expectThat(!bears(resume.argv, sampleIds.source), "a resume carries a second id")
          yield* expectThat(resume.argv.join("\0") !== fresh.argv.join("\0"), "a resume is the same as a fresh start")
        }
        if (driver.capabilities.fork) {
          const fork = yield* driver.command(sampleRequest("fork", agent))
          yield* expectThat(bears(fork.argv, sampleIds.source), "a fork does not carry the id that it copies")
        }
      })
  },
  {
    name: "command: what can't be done is refused, never a silent fresh start",
    applies: () => true,
    run: (driver, options) =>
      Effect.gen(function*() {
        const agent = sampleAgent(options)
        yield* refused(driver, sampleRequest("resume", agent, { sessionId: null }), "A resume without an id")
        yield* refused(driver, sampleRequest("fork", agent, { sourceSessionId: null }), "A fork without a source")
        if (!driver.capabilities.resume) yield* refused(driver, sampleRequest("resume", agent), "A resume")
        if (!driver.capabilities.fork) yield* refused(driver, sampleRequest("fork", agent), "A fork")
        const path = sampleRequest("resume", agent, { sessionId: "../../evil/#(id)" })
        yield* refused(driver, path, "An id that is a path")
      })
  },
  {
    name: "command: hostile text stays inside its own word",
    applies: () => true,
    run: (driver, options) =>
      Effect.forEach(modes(driver), (mode) =>
        Effect.forEach(["role", "prompt", "model", "effort", "permissions"] as const, (member) =>
          staysInItsWord(driver, mode, (text) => sampleAgent(options, { [member]: text })), { discard: true }), {
        discard: true
      })
  },
  pureRule("address: absolute, steady, one file a session, and no id leaves its directory", function*(driver, options) {
    const agent = sampleAgent(options)
    const { directory, transcript } = driver.sessionAddress(agent, sampleIds.session)
    const other = driver.sessionAddress(agent, sampleIds.source)
    if (!isAbsolute(directory)) yield `the directory ${directory} is not absolute`
    if (driver.sessionAddress(agent, null).directory !== directory) yield "the directory depends on the session"
    if (driver.sessionAddress(agent, null).transcript !== null) yield "there is a transcript without an id"
    if (transcript !== driver.sessionAddress(agent, sampleIds.session).transcript) yield "the address changes by itself"
    if (driver.capabilities.preassignedSession && transcript === null) yield "an assigned id has no address"
    if (transcript !== null && transcript === other.transcript) yield "two sessions have one transcript"
    if (transcript !== null && dirname(transcript) !== resolve(directory)) yield `${transcript} is not in ${directory}`
    for (const id of ["../../etc/passwd", "a/../../b", "/etc/passwd", "..", ".", "", "a\0b", "x".repeat(5000)]) {
      const found = driver.sessionAddress(agent, id).transcript
      if (found !== null && !resolve(found).startsWith(resolve(directory) + sep)) {
        yield `${JSON.stringify(id)} left the directory`
      }
    }
  })
]
