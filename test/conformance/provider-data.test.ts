import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { homedir } from "node:os"
import type { CommandRequest, ProviderAgent, Screen } from "reprise/plugin"
import { dataProvider, optionsChecker, Schema } from "reprise/plugin"

type Data = Parameters<typeof dataProvider>[0]

const minimal: Data = {
  name: "sample",
  program: "sample",
  fresh: ["--id={sessionId}", ["--model", "{model}"], "{{literal}}"],
  sessions: { directory: "{home}/.sample/{cwd:dashed}", file: "{sessionId}.jsonl" },
  transcript: {
    sessionId: "meta.id",
    cwd: "meta.cwd",
    user: { where: { "message.role": "user" }, text: "message.content" }
  },
  screen: { states: [{ state: "idle", last: /^> / }] }
}

const agent: ProviderAgent = {
  team: "alpha",
  id: "coder",
  role: null,
  prompt: null,
  workspace: "/work",
  cwd: "/work/a.b",
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  options: {},
  env: {},
  configHome: null,
  mcp: {},
  startedAt: null
}
const request = (over: Partial<CommandRequest> = {}): CommandRequest => ({
  mode: "fresh",
  agent,
  sessionId: "id-1",
  sourceSessionId: null,
  stateDirectory: "/state",
  ...over
})
const screen = (lines: ReadonlyArray<string>, title = ""): Screen => ({ lines, title, cursor: { row: 0, column: 0 } })

describe("words of a command", () => {
  it.effect("a group without its value is left out, a brace written twice is one", () =>
    Effect.gen(function*() {
      const driver = dataProvider(minimal)
      const bare = yield* driver.command(request())
      expect(bare.argv).toEqual(["sample", "--id=id-1", "{literal}"])
      const modelled = yield* driver.command(request({ agent: { ...agent, model: "--big {sessionId}" } }))
      expect(modelled.argv).toEqual(["sample", "--id=id-1", "--model", "--big {sessionId}", "{literal}"])
    }))

  it.effect("a word whose value is missing is refused by name", () =>
    Effect.gen(function*() {
      const driver = dataProvider({ ...minimal, fresh: ["{role}"] })
      const answer = yield* Effect.either(driver.command(request()))
      expect(Either.isLeft(answer) && answer.left.message).toBe("The command needs {role}, which this agent has not.")
    }))

  it.effect.prop("any text stays in its one word", [FastCheck.string({ unit: "binary", minLength: 1 })], ([text]) =>
    Effect.gen(function*() {
      const plan = yield* dataProvider({ ...minimal, fresh: ["a", "x{role}y", "b"] })
        .command(request({ agent: { ...agent, role: text } }))
      expect(plan.argv).toEqual(["sample", "a", `x${text}y`, "b"])
    }))

  it("an author's mistake is told when the plugin is set up", () => {
    expect(() => dataProvider({ ...minimal, fresh: ["{nothing}"] })).toThrow("asks for {nothing}, which there is not")
    expect(() => dataProvider({ ...minimal, fresh: ["{role"] })).toThrow("a brace without its partner")
    const sessions = { directory: "{stateDirectory}", file: "f" }
    expect(() => dataProvider({ ...minimal, sessions })).toThrow("asks for")
    expect(() => dataProvider({ ...minimal, screen: { states: [{ state: "idle" }] } })).toThrow("has no pattern")
  })

  it.effect("options stand in words, environment and files, and are checked first", () =>
    Effect.gen(function*() {
      const driver = dataProvider({
        ...minimal,
        options: Schema.Struct({ level: Schema.Number }),
        fresh: ["--level={option.level}"],
        env: { ROLE: "{role}", TEAM: "{team}", GONE: null },
        files: [
          { path: "{stateDirectory}/role", content: "{role}" },
          { path: "{stateDirectory}/team", content: "{team}" }
        ]
      })
      const plan = yield* driver.command(request({ agent: { ...agent, options: { level: 3 } } }))
      expect(plan.argv).toEqual(["sample", "--level=3"])
      expect(plan.env).toEqual({ TEAM: "alpha", GONE: null })
      expect(plan.files).toEqual([{ path: "/state/team", content: "alpha" }])
      const refused = yield* Effect.either(driver.command(request({ agent: { ...agent, options: { level: "x" } } })))
      expect(Either.isLeft(refused)).toBe(true)
    }))

  it("capabilities follow from the commands", () => {
    expect(dataProvider(minimal).capabilities).toMatchObject({ resume: false, fork: false, preassignedSession: true })
    expect(dataProvider({ ...minimal, fresh: [], resume: ["-r", "{sessionId}"] }).capabilities)
      .toMatchObject({ resume: true, preassignedSession: false })
  })
})

describe("addresses", () => {
  it("are made from templates, and no id leaves its directory", () => {
    const driver = dataProvider({ ...minimal, sessionPattern: /^[^]*$/ })
    const directory = `${homedir()}/.sample/-work-a-b`
    expect(driver.sessionAddress(agent, "x y")).toEqual({ directory, transcript: `${directory}/x y.jsonl` })
    for (const id of ["../x", "a/b", "..", "a\\b", "a\0"]) {
      expect(driver.sessionAddress(agent, id)).toEqual({ directory, transcript: null })
    }
    expect(dataProvider({ ...minimal, sessions: { directory: "talks", file: "f" } }).sessionAddress(agent, null))
      .toEqual({ directory: "/work/talks", transcript: null })
  })
})

describe("transcripts", () => {
  const driver = dataProvider(minimal)
  const lines = (...records: ReadonlyArray<unknown>) => records.map((record) => `${JSON.stringify(record)}\n`).join("")
  const meta = { meta: { id: "id-1", cwd: "/work" } }

  it("identity is looked for in the first records only", () => {
    expect(driver.readTranscript(lines({ kind: "mode" }, meta), { path: "", truncated: false }))
      .toEqual({ sessionId: "id-1", cwd: "/work", marker: null, spokenTo: false, whole: true })
    const late = lines(...Array.from({ length: 16 }, () => ({ kind: "mode" })), meta)
    expect(driver.readTranscript(late, { path: "", truncated: false }).sessionId).toBeNull()
  })

  it("a user's text is a string or blocks of text", () => {
    const blocks = [{ type: "text", text: "hel" }, { type: "image" }, { type: "text", text: "lo" }]
    const content = lines(
      meta,
      { message: { role: "user", content: blocks } },
      { message: { role: "assistant", content: "world" } }
    )
    expect(driver.holdsUserMessage(content, "hello")).toBe(true)
    expect(driver.holdsUserMessage(content, "world")).toBe(false)
    expect(driver.readTranscript(content, { path: "", truncated: false }).spokenTo).toBe(true)
  })

  it("names of the language's own are no members", () => {
    const odd = dataProvider({ ...minimal, transcript: { ...minimal.transcript, sessionId: "constructor.name" } })
    expect(odd.readTranscript(lines(meta), { path: "", truncated: false }).sessionId).toBeNull()
  })
})

describe("screens", () => {
  const driver = dataProvider({
    ...minimal,
    screen: {
      states: [
        { state: "busy", lines: /esc to interrupt/g, within: 2 },
        { state: "idle", title: /^ready/, last: /^> /g }
      ],
      startupPrompts: [{ name: "trust", question: "Trust?", last: /^Trust\?/, answer: ["Down", "Enter"] }],
      approvals: [{ question: "Run?", lines: /^Run\?/, choices: [{ label: "Yes", keys: ["1"] }] }],
      draft: { line: /^> (?<draft>.*)$/, placeholder: /^Ask anything$/ },
      session: /^session (?<id>\S+)$/
    }
  })

  it("every pattern of a rule has to hold, the first rule that holds wins, the same each time", () => {
    for (let again = 0; again < 3; again += 1) {
      expect(driver.classify(screen(["> "], "ready"))).toBe("idle")
      expect(driver.classify(screen(["> "]))).toBe("unknown")
      expect(driver.classify(screen(["esc to interrupt", "> "], "ready"))).toBe("busy")
      expect(driver.classify(screen(["esc to interrupt", "one", "> "], "ready"))).toBe("idle")
      expect(driver.classify(screen(["> ", "Trust?"], "ready"))).toBe("starting")
      expect(driver.classify(screen(["Run?", "> "], "ready"))).toBe("awaiting_approval")
    }
  })

  it("drafts, placeholders and sessions are told apart", () => {
    expect(driver.draft(screen(["> old", "> Ask anything"]))).toBe("")
    expect(driver.draft(screen(["> half a thought"]))).toBe("half a thought")
    expect(driver.draft(screen(["nothing"]))).toBeNull()
    expect(dataProvider(minimal).draft(screen(["> x"]))).toBeNull()
  })

  it.effect("a session is reported where the screen shows one", () =>
    Effect.gen(function*() {
      const report = (lines: ReadonlyArray<string>) => driver.reportedSession({ pid: 1, screen: screen(lines), agent })
      expect(yield* report(["session abc"])).toBe("abc")
      expect(yield* report(["no session"])).toBeNull()
    }))
})

describe("exits", () => {
  const driver = dataProvider({
    ...minimal,
    exits: [
      { code: 1, says: /^No conversation/, kind: "missing_transcript", reason: "It is gone.", retryable: false },
      { code: 2, kind: "bad_flags", reason: "It did not understand.", retryable: false }
    ]
  })
  it("rules come first, then what every exit means", () => {
    const explain = (code: number | null, signal: number | null, lines: ReadonlyArray<string> = []) =>
      driver.explainExit({ exit: { code, signal }, lines }).kind
    expect(explain(1, null, ["No conversation x", ""])).toBe("missing_transcript")
    expect(explain(1, null)).toBe("crash")
    expect(explain(2, null)).toBe("bad_flags")
    expect(explain(127, null)).toBe("missing_binary")
    expect(explain(null, 9)).toBe("crash")
    expect(explain(0, null)).toBe("unknown")
    expect(driver.explainExit({ exit: null, lines: ["No conversation x"] }).kind).toBe("unknown")
  })
})

describe("options", () => {
  it("all problems are told at once, each where it is", () => {
    const check = optionsChecker(Schema.Struct({ a: Schema.Number, b: Schema.Struct({ c: Schema.Literal("x", "y") }) }))
    expect(check({ a: 1, b: { c: "x" } })).toEqual([])
    const places = check({ a: "1", b: { c: "z" }, d: 1 }).map((problem) => problem.path.join("."))
    expect(places.sort()).toEqual(["a", "b.c", "d"])
    const problem = "Expected \"x\" or \"y\", actual \"z\""
    expect(check({ a: 1, b: { c: "z" } })).toEqual([{ path: ["b", "c"], problem }])
  })

  it("a provider without options takes none", () => {
    const check = optionsChecker(Schema.Struct({}))
    expect(check({})).toEqual([])
    expect(check({ a: 1 })).toEqual([{ path: ["a"], problem: "there is no such option" }])
    expect(dataProvider(minimal).checkOptions({ a: 1 })).toHaveLength(1)
  })
})
