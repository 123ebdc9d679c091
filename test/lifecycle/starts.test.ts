import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ProviderFailure, type ProviderDriver, type StartProblem } from "reprise/plugin"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import type { AgentSpec } from "../../sdk/domain/team.ts"
import { redact, redacted } from "../../sdk/event-log/redact.ts"
import { scriptedProvider } from "./scripted-cli.ts"
import { makeWorld, type World } from "./world.ts"

/** A CLI that says what speaks against its start, knows permission modes, and scrubs the environment. */
const careful = (more: Partial<ProviderDriver> = {}): ProviderDriver => {
  const plain = scriptedProvider({ preassigned: true })
  return {
    ...plain,
    scrubbed: ["CAREFUL_SESSION_*", "CAREFUL"],
    permissionModes: ["plan", "ask", "bypass"],
    defaultPermissions: "ask",
    command: (request) =>
      Effect.map(plain.command(request), (command) => ({
        ...command,
        env: { CAREFUL_QUIET: "1" },
        configHome: request.agent.env["CAREFUL_HOME"] ?? "/home/ada/.careful",
        account: request.agent.env["CAREFUL_ACCOUNT"] ?? null
      })),
    ...more
  }
}

/** Says in the log that the team file says otherwise now. */
const fileSays = (world: World, id: string, now: Partial<AgentSpec>) =>
  Effect.gen(function*() {
    const team = yield* world.team()
    const agents = team.agents.map(({ spec }) => spec.id === id ? { ...spec, ...now } : spec)
    yield* world.record({
      type: "team.recorded",
      team: team.key,
      spec: { name: team.key, objective: null, agents },
      workspace: team.workspace,
      transport: "memory",
      plugins: []
    })
  })

const last = (world: World, id: string) => world.spawnsOf(id).at(-1)?.request
const modeOf = (world: World, id: string) => {
  const argv = last(world, id)?.argv ?? []
  return argv[argv.indexOf("--permissions") + 1]
}

describe("what speaks against a start", () => {
  it.scopedLive("refuses before anything is touched, for up and for restart, and is asked about once for agents that are alike", () =>
    Effect.gen(function*() {
      let problems: ReadonlyArray<StartProblem> = [{ severity: "refusal", kind: "auth", problem: "It is not logged in: run careful login." }]
      const asked: Array<string> = []
      const world = yield* makeWorld({
        providers: {
          careful: careful({
            checkStart: (agent, env) =>
              Effect.sync(() => {
                asked.push(agent.id)
                assert.strictEqual(env["CAREFUL_QUIET"], "1")
                assert.isUndefined(env["CAREFUL_SESSION_ID"])
                return problems
              })
          })
        }
      })
      const team = { one: { provider: "careful" }, two: { provider: "careful" }, three: {} }
      const refused = yield* world.up("alpha", team)
      assert.deepInclude({ outcome: refused.outcome, ok: refused.ok }, { outcome: "failed", ok: false })
      assert.match(refused.message, /^one, two: It is not logged in: run careful login\. No process was touched\.$/)
      assert.strictEqual(refused.details["reason"], "start_refused")
      assert.deepStrictEqual(world.living(), [])
      assert.strictEqual(asked.length, 1)

      problems = []
      assert.strictEqual((yield* world.up("alpha", team)).outcome, "launched")
      problems = [{ severity: "refusal", kind: "missing_binary", problem: "It is too old." }]
      const [touched, living] = [world.touches(), world.living()]
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "failed")
      assert.strictEqual(report.operation, null)
      assert.deepStrictEqual([world.touches(), world.living()], [touched, living])
      // Who can be started, is: nobody asked for the others.
      assert.strictEqual((yield* world.restart(undefined, { agents: ["three"] })).outcome, "restarted")
    }))

  it.scopedLive("as a warning is shown and logged, and lets it go on", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({
        providers: {
          careful: careful({
            checkStart: () => Effect.succeed([{ severity: "warning", kind: "unknown", problem: "It is newer than was tried." }])
          }),
          silent: careful({
            checkStart: () => new ProviderFailure({ provider: "silent", operation: "checkStart", detail: "It did not answer." })
          })
        }
      })
      const up = yield* world.up("alpha", { one: { provider: "careful" }, two: { provider: "silent" } })
      assert.strictEqual(up.outcome, "launched", up.message)
      assert.deepStrictEqual(up.warnings.map(({ agent, kind }) => [agent, kind]), [["one", "unknown"], ["two", "unknown"]])
      assert.match(up.warnings[1]?.problem ?? "", /could not be told: It did not answer/)
      const logged = (yield* world.events("agent.start_warned")).map(({ agent, problem }) => `${agent}: ${problem}`)
      assert.strictEqual(logged[0], "one: It is newer than was tried.")
      const plan = yield* world.plan()
      assert.deepStrictEqual(plan.warnings.map(({ agent }) => agent), ["one", "two"])
      assert.strictEqual((yield* world.events("agent.start_warned")).length, 2, "a plan writes nothing")
    }))
})

describe("the environment of a start", () => {
  const hostile = {
    TMUX: "/tmp/tmux-0/default,1,0",
    TMUX_PANE: "%7",
    CAREFUL: "1",
    CAREFUL_SESSION_ID: "somebody's",
    CAREFUL_SESSIONS: "kept",
    NODE_OPTIONS: "--inspect",
    REPRISE_GENERATION: "9",
    npm_lifecycle_event: "test",
    LANG: "C.UTF-8"
  }

  it.scopedLive("holds nothing of another terminal, agent or session, whichever CLI's it is", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ env: hostile, providers: { careful: careful() } })
      yield* world.up("alpha", { one: {}, two: { provider: "careful", env: { COLOUR: "blue", CAREFUL_SESSION_ID: "again", TMUX: "x" } } })
      for (const id of ["one", "two"]) {
        const env = last(world, id)?.env ?? {}
        for (const name of ["TMUX", "TMUX_PANE", "CAREFUL", "CAREFUL_SESSION_ID", "NODE_OPTIONS", "npm_lifecycle_event"]) {
          assert.notProperty(env, name, id)
        }
        assert.deepInclude(env, { LANG: "C.UTF-8", CAREFUL_SESSIONS: "kept", REPRISE_GENERATION: "1", REPRISE_AGENT: id })
      }
      assert.deepInclude(last(world, "two")?.env, { COLOUR: "blue", CAREFUL_QUIET: "1" })
      const { envNames } = (yield* world.agent("two")).spawn?.launchContext ?? { envNames: [] }
      assert.deepStrictEqual(envNames, ["CAREFUL_QUIET", "COLOUR"])
      const [warned] = yield* world.events("agent.start_warned")
      assert.match(warned?.problem ?? "", /^CAREFUL_SESSION_ID, TMUX of its env would tie it to another session, and is left out/)
    }))

  it.scopedLive("that differs from the one before is drift, as is another account or place of configuration", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ providers: { careful: careful() } })
      yield* world.up("alpha", { one: { provider: "careful", env: { CAREFUL_ACCOUNT: "ada", OLD: "1" } } })
      yield* fileSays(world, "one", { env: { CAREFUL_ACCOUNT: "bob", CAREFUL_HOME: "/elsewhere", NEW: "1" } })
      const plan = yield* world.plan()
      assert.deepStrictEqual(plan.agents[0]?.facts.drift, [
        "the place of its configuration and account was /home/ada/.careful at its last start and would be /elsewhere",
        "its account was ada at its last start and would be bob",
        "OLD was in its environment at its last start and would not be",
        "CAREFUL_HOME, NEW was not in its environment at its last start and would be"
      ])
    }))

  it.scopedLive("keeps the secrets of an MCP server out of the log, and a restart that would need them is refused", () =>
    Effect.gen(function*() {
      const plain = scriptedProvider({ preassigned: true })
      const world = yield* makeWorld({
        providers: {
          servers: careful({
            capabilities: { ...plain.capabilities, mcp: true },
            command: (request) =>
              Effect.map(plain.command(request), (command) => ({
                ...command,
                argv: [...command.argv, `--server=${JSON.stringify(request.agent.mcp)}`]
              }))
          })
        }
      })
      const mcp = { docs: { command: "docs", args: ["--api-key", "open\"sesame", "--token=tr0ub4dor"], env: { DOCS_TOKEN: "hunter2-hunter2", DOCS_ROOT: "/srv" } } }
      const up = yield* world.up("alpha", { one: { provider: "servers", mcp }, two: {} })
      assert.strictEqual(up.outcome, "launched", up.message)
      const argv = last(world, "one")?.argv.join(" ") ?? ""
      assert.include(argv, "hunter2-hunter2")
      assert.include(argv, "\"REPRISE_AGENT\":\"one\"")
      assert.notMatch(JSON.stringify((yield* world.agent("one")).spawn?.launchContext), /hunter2|sesame|tr0ub4dor/)
      // What a log on disk keeps of it.
      const kept = redact({ mcp })
      assert.deepStrictEqual(kept, { mcp: { docs: { command: "docs", args: ["--api-key", redacted, `--token=${redacted}`], env: { DOCS_TOKEN: redacted, DOCS_ROOT: "/srv" } } } })
      yield* fileSays(world, "one", { mcp: { docs: { command: "docs", args: [], env: { DOCS_TOKEN: redacted } } } })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "refused_resume_atomicity", report.message)
      assert.match(report.message, /one: its team file holds something like a secret/)
    }))

  it.scopedLive("of a provider that can't be given MCP servers: the file is refused, with its place", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const refused = yield* Effect.flip(world.up("alpha", { one: { mcp: { docs: { command: "docs" } } } }))
      assert.strictEqual(refused._tag, "TeamFileInvalid")
      assert.match(refused.message, /team\.yaml:1:\d+ agents\.one\.mcp: one can't be given MCP servers: its provider assigned/)
      assert.deepStrictEqual(world.living(), [])
    }))
})

describe("the permission mode", () => {
  it.scopedLive("is explicit though the team file names none, is recorded, and is no drift", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ providers: { careful: careful() } })
      yield* world.up("alpha", { one: { provider: "careful" } })
      assert.strictEqual(modeOf(world, "one"), "ask")
      assert.strictEqual((yield* world.agent("one")).spawn?.launchContext.permissions, "ask")
      assert.deepStrictEqual((yield* world.plan()).agents[0]?.facts.drift, [])
    }))

  for (const [wider, mode] of [["wider", "bypass"], ["unknown", "compatible"]] as const) {
    it.scopedLive(`is not made ${wider} by a restart, nor by up after a crash; but by up after down`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld({ providers: { careful: careful() } })
        yield* world.up("alpha", { one: { provider: "careful" } })
        yield* fileSays(world, "one", { permissions: mode })
        const restarted = yield* world.restart(undefined, { onDrift: "adopt" })
        assert.strictEqual(modeOf(world, "one"), "ask")
        assert.deepStrictEqual(restarted.plan.agents[0]?.facts.drift, [
          `permissions was "ask" at its last start and is "${mode}" in the team file; ` +
          "a start without a person never widens it: reprise down, then reprise up FILE"
        ])
        yield* world.kill("one")
        const file = { one: { provider: "careful", permissions: mode } }
        assert.strictEqual((yield* world.up("alpha", file)).outcome, "launched")
        assert.strictEqual(modeOf(world, "one"), "ask")
        yield* world.run(Shutdown.down("alpha"))
        assert.strictEqual((yield* world.up("alpha", file)).outcome, "launched")
        assert.strictEqual(modeOf(world, "one"), mode)
      }))
  }

  it.scopedLive("is made narrower by a restart that adopts the team file", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ providers: { careful: careful() } })
      yield* world.up("alpha", { one: { provider: "careful", permissions: "bypass" } })
      yield* fileSays(world, "one", { permissions: "plan" })
      yield* world.restart(undefined, { onDrift: "adopt" })
      assert.strictEqual(modeOf(world, "one"), "plan")
    }))

  it.scopedLive("is never wider than that of the agent inside which the command runs", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld({
        env: { REPRISE_AGENT: "lead", REPRISE_TEAM: "leaders", REPRISE_WORKSPACE: "/elsewhere" },
        providers: { careful: careful() }
      })
      const refused = yield* world.up("alpha", { one: { provider: "careful" } })
      assert.strictEqual(refused.outcome, "failed")
      assert.match(refused.message, /one: its permission mode "ask" can't be compared with that of leaders\/lead, inside which .*No process was touched\.$/)
      assert.deepStrictEqual(world.living(), [])
      const narrow = yield* world.up("alpha", { one: { provider: "careful", permissions: "plan" }, two: {} })
      assert.strictEqual(narrow.outcome, "launched", narrow.message)
    }))
})

describe("a usage limit", () => {
  const limit = { kind: "usage_limit", reason: "The limit is reached.", retryable: true, retryAt: "2030-01-01T00:00:00Z" } as const

  it.scopedLive("of an agent that lives is shown by status, and is no crash", () =>
    Effect.gen(function*() {
      let trouble: typeof limit | null = null
      const world = yield* makeWorld({ providers: { careful: careful({ trouble: () => trouble }) } })
      yield* world.up("alpha", { one: { provider: "careful" } })
      trouble = limit
      const [one] = (yield* world.run(Status.status("alpha"))).agents
      assert.deepStrictEqual(one?.failure, limit)
      assert.strictEqual(one?.status, "idle")
      assert.match(one?.evidence ?? "", /usage limit: The limit is reached \(it can go on at 2030-01-01T00:00:00Z\)$/)
    }))

  it.scopedLive("that ended an agent's start is its failure, with the time at which it can go on", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      world.script.set("one", { exits: 9 })
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents[0]?.failure, limit)
      const [one] = (yield* world.run(Status.status("alpha"))).agents
      assert.deepStrictEqual([one?.status, one?.failure?.retryAt], ["dead", limit.retryAt])
    }))
})
