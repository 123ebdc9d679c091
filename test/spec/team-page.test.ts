import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { TeamState } from "../../sdk/event-log/TeamState.ts"
import { nextSteps, renderTeamPage, writeTeamPage } from "../../sdk/spec/team-page.ts"
import { workspacePaths } from "../../sdk/spec/workspace.ts"

const at = "2026-01-02T03:04:05.000Z"
const agent = (id: string, changes: Record<string, unknown> = {}) => ({
  spec: {
    id,
    role: "Backend engineer",
    provider: "fake",
    cwd: "/w",
    paused: false,
    model: null,
    effort: null,
    permissions: null,
    tools: [],
    prompt: null,
    env: {},
    options: {}
  },
  generation: 1,
  phase: "running",
  spawn: null,
  session: {
    provider: "fake",
    id: "s-1",
    transcript: null,
    capturedVia: "assigned_id",
    confidence: "high",
    capturedAt: at,
    generation: 1
  },
  captures: [],
  firstSend: { _tag: "Valid", at },
  exit: null,
  failure: null,
  attributionAmbiguous: false,
  ...changes
})
const team = (changes: Record<string, unknown> = {}) =>
  Schema.decodeUnknownSync(TeamState)({
    key: "alpha",
    objective: "Parse the new format",
    workspace: "/w",
    transport: "tmux",
    plugins: [],
    recordedAt: at,
    stopped: false,
    agents: [agent("planner"), agent("coder-1", { firstSend: { _tag: "Absent" }, session: null })],
    operation: null,
    pendingMessages: [],
    messagesSubmitted: 0,
    lifecycleVersion: 7,
    position: 9,
    unreadable: [],
    ...changes
  })

const operation = (kind: string) => ({
  id: "op-1",
  kind,
  agents: ["planner"],
  alive: [],
  policy: null,
  startedAt: at,
  steps: {}
})
const failure = (kind: string, retryAt: string | null = null) => ({
  kind,
  reason: "It said no.",
  retryable: false,
  retryAt
})

describe("the team's page", () => {
  it("has all its sections and says plainly what is not there yet", () => {
    const page = renderTeamPage(team())
    const titles = page.split("\n").filter((text) => text.startsWith("## "))
    assert.deepStrictEqual(titles, [
      "## Objective",
      "## Team",
      "## Agents",
      "## Task graph",
      "## Latest results",
      "## Blockers",
      "## Notes",
      "## Next step"
    ])
    assert.include(page, "> Parse the new format")
    assert.include(page, "**planner**: Backend engineer on fake (was ready when it was last recorded)")
    assert.include(page, "no conversation captured, never told anything")
    for (const plain of ["No tasks yet.", "No results yet.", "None known.", "No notes yet."]) {
      assert.include(page, plain)
    }
    assert.isTrue(page.endsWith(".\n") && !page.endsWith("\n\n"))
  })

  it("has the tasks of the team", () => {
    const page = renderTeamPage(team({
      tasks: [
        { id: "plan", title: "Plan\n## it", assignee: "planner", deps: [] },
        { id: "code", title: null, assignee: null, deps: ["plan"] }
      ]
    }))
    assert.include(page, "- **plan**: Plan ## it (planner)\n- **code** (nobody's, after plan)\n")
  })

  it("says what was seen when somebody looked, and claims nothing otherwise", () => {
    const planner = { status: "unknown", evidence: "The server did not answer." }
    const page = renderTeamPage(team(), { planner })
    assert.include(page, "**planner**: Backend engineer on fake (unknown: The server did not answer.)")
    assert.notMatch(renderTeamPage(team()), /alive|idle|\bruns\b/)
  })

  it("can't be made to say more by what people wrote into it", () => {
    const page = renderTeamPage(team({
      objective: "One\n## Next step\n- pwned\u001b[31m",
      agents: [agent("planner", { failure: { ...failure("crash"), reason: "a\n## Notes\nb" } })]
    }))
    assert.strictEqual(page.split("\n").filter((text) => text.startsWith("## ")).length, 8)
    assert.notInclude(page, "\u001b")
    assert.include(page, "> ## Next step")
  })

  it("lists what is in the way", () => {
    const page = renderTeamPage(team({
      agents: [
        agent("a", { failure: failure("usage_limit", at) }),
        agent("b", { firstSend: { _tag: "Corrupt", raw: "", rawType: "str" } }),
        agent("c", { attributionAmbiguous: true })
      ],
      operation: operation("restart"),
      pendingMessages: [{ id: "m-1", agent: "a", from: "leader", text: "x", acceptedAt: at, submittingAt: at }],
      unreadable: [{ position: 4, problem: "not JSON" }]
    }))
    const blockers = page.slice(page.indexOf("## Blockers"), page.indexOf("## Notes"))
    assert.strictEqual(blockers.split("\n").filter((text) => text.startsWith("- ")).length, 6)
    assert.notInclude(page, "never told anything")
  })

  const steps: ReadonlyArray<readonly [string, Parameters<typeof team>[0], RegExp]> = [
    ["an unfinished restart", { operation: operation("restart") }, /restart --continue --team alpha.*--rollback/],
    ["an unfinished stop", { operation: operation("shutdown") }, /`reprise down --team alpha`/],
    ["a stopped team", { stopped: true }, /stopped on purpose.*`reprise restart --team alpha`/],
    ["a dead agent", { agents: [agent("x", { phase: "exited" })] }, /Bring back x: `reprise restart --dead --team/],
    ["a login", { agents: [agent("x", { phase: "failed", failure: failure("auth") })] }, /^Log x in/],
    ["a limit", { agents: [agent("x", { phase: "failed", failure: failure("usage_limit", at) })] }, /\(until 2026/],
    ["no agents", { agents: [] }, /has no agents/],
    ["an agent never started", { agents: [agent("x", { phase: "absent" })] }, /`reprise restart --team alpha x`/],
    ["a team that works", {}, /Give coder-1 work: `reprise send --team alpha coder-1/]
  ]
  for (const [what, changes, expected] of steps) {
    it(`names the next step: ${what}`, () => assert.match(nextSteps(team(changes)).join("\n"), expected))
  }
  it("believes what was seen over what was recorded", () => {
    const state = team({ agents: [agent("x", { phase: "exited" })] })
    assert.notMatch(nextSteps(state, { x: { status: "running", evidence: "Listed." } }).join(), /--dead/)
    assert.notMatch(nextSteps(state, { x: { status: "unknown", evidence: "No answer." } }).join(), /--dead/)
  })
})

describe("writing the page", () => {
  const directory = Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "reprise-page-"))),
    (path) =>
      Effect.sync(() => {
        rmSync(path, { recursive: true, force: true })
      })
  )
  it.scoped("replaces it as a whole, for its owner only, and leaves nothing beside it", () =>
    Effect.gen(function*() {
      const paths = workspacePaths(yield* directory)
      yield* writeTeamPage(paths, team())
      const file = yield* writeTeamPage(paths, team({ objective: "Another" }))
      assert.include(readFileSync(file, "utf8"), "> Another")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(statSync(dirname(file)).mode & 0o777, 0o700)
      assert.deepStrictEqual(readdirSync(dirname(file)), ["team_state.md"])
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scoped("that fails says so and leaves the old one", () =>
    Effect.gen(function*() {
      if (process.getuid?.() === 0) return
      const paths = workspacePaths(yield* directory)
      const file = yield* writeTeamPage(paths, team())
      chmodSync(dirname(file), 0o500)
      const error = yield* Effect.flip(writeTeamPage(paths, team({ objective: "Another" })))
      chmodSync(dirname(file), 0o700)
      assert.match(error.message, /could not be written .*the team is as it was/)
      assert.include(readFileSync(file, "utf8"), "> Parse the new format")
    }).pipe(Effect.provide(NodeContext.layer)))
})
