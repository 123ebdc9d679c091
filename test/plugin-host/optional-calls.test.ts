import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { dataProvider } from "../../sdk/plugin/dataProvider.ts"
import { fromPromises } from "../../sdk/plugin/fromPromises.ts"
import { guardProvider, providerLimits } from "../../sdk/plugin/host/guarded-provider.ts"
import { contributionProblem } from "../../sdk/plugin/host/plugin-shape.ts"
import type { ProviderAgent, ProviderDriver } from "../../sdk/plugin/provider-driver.ts"
import { plainProvider, screen } from "./fixtures/drivers.ts"

const agent: ProviderAgent = {
  team: "t",
  id: "a",
  role: null,
  prompt: null,
  workspace: "/",
  cwd: "/",
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
const process = { pid: 7, startTime: "1@b", alive: true, agent }
const found = { pid: 7, ppid: 1, startTime: "1@b", argv: ["cli"], cwd: "/", env: {} }
const guard = (driver: ProviderDriver) => guardProvider({ plugin: "p", name: "cli" }, driver)

const optional = [
  "processEvidence", "sessionHolders", "recognise", "checkStart", "trouble", "scrubbed", "permissionModes",
  "defaultPermissions", "pasteSettleMs"
]

const whole: Partial<ProviderDriver> = {
  processEvidence: () =>
    Effect.succeed({ sessionId: "s-1", transcript: "/t/s-1", state: "busy", evidence: "its pid file says so" }),
  sessionHolders: () => Effect.succeed([{ pid: 8, startTime: "2@b", evidence: "it holds the lock" }]),
  recognise: () =>
    Effect.succeed({
      sessionId: null,
      transcript: null,
      cwd: "/w",
      model: null,
      permissions: null,
      options: { deep: [1, { a: null }] },
      env: {},
      evidence: "two conversations are open"
    }),
  checkStart: () => Effect.succeed([{ severity: "warning", kind: "unknown", problem: "It is newer than proved." }]),
  trouble: () => ({ kind: "usage_limit", reason: "Its limit is reached.", retryable: true, retryAt: "2026-01-01T00:00:00Z" }),
  scrubbed: ["CLI_*"],
  permissionModes: ["ask", "all"],
  defaultPermissions: "ask",
  pasteSettleMs: 300
}

describe("the members that a provider may leave out", () => {
  it("stay left out", () => {
    const { checkStart: _, processEvidence: __, recognise: ___, sessionHolders: ____, ...plain } = plainProvider
    for (const provider of [guard(plainProvider), guard(fromPromises("cli", {
      ...plain,
      command: () => Promise.reject(new Error("not here")),
      reportedSession: () => Promise.resolve(null)
    }))]) {
      expect(optional.filter((member) => member in provider)).toEqual([])
    }
  })

  it.effect("are passed on with their answers", () =>
    Effect.gen(function*() {
      const provider = guard({ ...plainProvider, ...whole })
      expect(optional.filter((member) => !(member in provider))).toEqual([])
      expect(yield* provider.processEvidence?.(process) ?? Effect.succeed("left out")).toMatchObject({ sessionId: "s-1" })
      expect(yield* provider.sessionHolders?.(agent, "s-1") ?? Effect.succeed("left out")).toHaveLength(1)
      expect(yield* provider.recognise?.(found) ?? Effect.succeed("left out")).toMatchObject({ cwd: "/w" })
      expect(yield* provider.checkStart?.(agent, {}) ?? Effect.succeed("left out")).toHaveLength(1)
      expect(provider.trouble?.(screen)).toMatchObject({ kind: "usage_limit" })
      expect(provider.scrubbed).toEqual(["CLI_*"])
      expect(provider.permissionModes).toEqual(["ask", "all"])
      expect(provider.defaultPermissions).toBe("ask")
      expect(provider.pasteSettleMs).toBe(300)
      expect(provider.sessionAddress(agent, "s-1")).toEqual({ directory: "/", transcript: null })
    }))

  it.effect("give a failure, never an answer, where they break, answer nonsense or do not answer", () =>
    Effect.gen(function*() {
      // A driver in plain JavaScript may answer anything.
      const parsed = <A>(text: string): A => JSON.parse(text)
      const answers = [
        () => Effect.sync(() => parsed<never>(`[{ "pid": -1 }, { "sessionId": "" }]`)),
        () => Effect.die("broke"),
        () => parsed<Effect.Effect<never>>("1")
      ]
      for (const answer of answers) {
        const provider = guard({
          ...plainProvider,
          processEvidence: answer,
          sessionHolders: answer,
          recognise: answer,
          checkStart: answer
        })
        for (
          const call of [
            provider.processEvidence?.(process),
            provider.sessionHolders?.(agent, "s-1"),
            provider.recognise?.(found),
            provider.checkStart?.(agent, {})
          ]
        ) {
          const outcome = yield* Effect.either<unknown, unknown, never>(call ?? Effect.succeed(null))
          expect(outcome).toMatchObject({ _tag: "Left", left: { _tag: "ProviderFailure" } })
        }
      }
    }))

  it.effect("have their time and no more", () =>
    Effect.gen(function*() {
      const provider = guard({
        ...plainProvider,
        processEvidence: () => Effect.never,
        sessionHolders: () => Effect.never,
        recognise: () => Effect.never,
        checkStart: () => Effect.never
      })
      const calls = {
        processEvidence: () => provider.processEvidence?.(process) ?? Effect.succeed(null),
        sessionHolders: () => provider.sessionHolders?.(agent, "s") ?? Effect.succeed(null),
        recognise: () => provider.recognise?.(found) ?? Effect.succeed(null),
        checkStart: () => provider.checkStart?.(agent, {}) ?? Effect.succeed(null)
      }
      for (const operation of ["processEvidence", "sessionHolders", "recognise", "checkStart"] as const) {
        const fiber = yield* Effect.fork(Effect.flip<unknown, unknown, never>(calls[operation]()))
        yield* TestClock.adjust(Duration.millis(providerLimits[operation]))
        expect(yield* Fiber.join(fiber)).toMatchObject({ operation, _tag: "ProviderFailure" })
      }
    }))

  it.effect("may be async functions, also methods of an instance, and a rejection is a failure", () =>
    Effect.gen(function*() {
      class Cli {
        readonly who = "cli"
        async processEvidence() {
          return { sessionId: this.who, transcript: null, state: null, evidence: "it says so" }
        }
        async sessionHolders(): Promise<ReadonlyArray<never>> {
          throw new Error("the locks can't be read")
        }
      }
      const cli = new Cli()
      const { checkStart: _, processEvidence: __, recognise: ___, sessionHolders: ____, ...plain } = plainProvider
      const provider = guard(fromPromises("cli", Object.assign(cli, {
        ...plain,
        command: () => Promise.reject(new Error("not here")),
        reportedSession: () => Promise.resolve(null)
      })))
      expect(yield* provider.processEvidence?.(process) ?? Effect.succeed(null)).toMatchObject({ sessionId: "cli" })
      const failure = yield* Effect.flip<unknown, unknown, never>(provider.sessionHolders?.(agent, "s") ?? Effect.succeed(null))
      expect(failure).toMatchObject({ detail: "the locks can't be read" })
    }))

  it.effect("may be parts of a driver in Effect beside async functions", () =>
    Effect.gen(function*() {
      const provider = guard(fromPromises("cli", {
        ...plainProvider,
        ...whole,
        command: () => Promise.reject(new Error("not here")),
        reportedSession: () => Promise.resolve(null)
      }))
      expect(yield* provider.processEvidence?.(process) ?? Effect.succeed(null)).toMatchObject({ sessionId: "s-1" })
      expect(yield* provider.recognise?.(found) ?? Effect.succeed(null)).toMatchObject({ cwd: "/w" })
    }))

  it("are judged when the plugin is loaded", () => {
    const problem = (members: object) => contributionProblem({ providers: { cli: { ...plainProvider, ...members } } })
    expect(problem(whole)).toBeUndefined()
    expect(problem({ processEvidence: "no" })).toMatch(/processEvidence must be a function/)
    expect(problem({ scrubbed: "CLI_*" })).toMatch(/scrubbed/)
    expect(problem({ permissionModes: ["ask", "ask"] })).toMatch(/permissionModes/)
    expect(problem({ defaultPermissions: 1 })).toMatch(/defaultPermissions/)
    expect(problem({ pasteSettleMs: Number.NaN })).toMatch(/pasteSettleMs/)
  })

  it("are data in a provider of nothing but data", () => {
    const driver = dataProvider({
      name: "cli",
      program: "cli",
      fresh: [],
      sessions: { directory: "s", file: "{sessionId}" },
      transcript: { sessionId: "id", user: { where: { role: "user" }, text: "text" } },
      screen: { states: [{ last: /ready/, state: "idle" }] },
      troubles: [{ says: /log in/, kind: "auth", reason: "It is not logged in.", retryable: false }],
      scrubbed: ["CLI_*"],
      pasteSettleMs: 5
    })
    expect(driver.trouble?.({ ...screen, lines: ["please log in", ""] })).toMatchObject({ kind: "auth", retryAt: null })
    expect(driver.trouble?.(screen)).toBeNull()
    expect(driver.scrubbed).toEqual(["CLI_*"])
    expect("permissionModes" in driver).toBe(false)
  })
})
