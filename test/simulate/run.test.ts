// What a simulated policy comes to, where it can be worked out by hand, and that it comes to the same twice.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schedule from "effect/Schedule"
import * as Simulate from "../../sdk/coordinator/simulate/Simulate.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"

const alone: Simulate.ScenarioInput = { horizon: "8 hours", agents: { coder: {} } }
const dyingHourly: Simulate.ScenarioInput = { ...alone, deaths: [{ distribution: "at", times: ["1 hour", "2 hours", "3 hours"] }] }

const one = (policy: Policy.AnyPolicy<unknown, unknown>, scenario: Simulate.ScenarioInput) =>
  Effect.map(Simulate.run({ policy, scenario }), ({ runs: [run] }) => run)

describe("what can be worked out", () => {
  it.effect("nothing happens where nobody dies", () =>
    Effect.gen(function*() {
      expect(yield* one(Policy.standard, alone)).toMatchObject({
        deaths: 0, starts: 0, restarts: 0, kept: 0, dropped: 0, downtimeMs: 0, escalations: 0, longestOutageMs: 0, timeToStableMs: 0
      })
    }))

  it.effect("a resume keeps every conversation, a fresh start drops every one", () =>
    Effect.gen(function*() {
      expect(yield* one(Policy.resume, dyingHourly)).toMatchObject({ deaths: 3, restarts: 3, kept: 3, dropped: 0 })
      expect(yield* one(Policy.fresh, dyingHourly)).toMatchObject({ deaths: 3, restarts: 3, kept: 0, dropped: 3 })
      // Whoever was never spoken to has nothing that could be dropped.
      const silent = { ...dyingHourly, agents: { coder: { spoken: false } } }
      expect(yield* one(Policy.fresh, silent)).toMatchObject({ restarts: 3, kept: 0, dropped: 0 })
      expect(yield* one(Policy.standard, silent)).toMatchObject({ restarts: 3, kept: 0, dropped: 0, escalations: 0 })
    }))

  it.effect("each life of a fixed length ends once, and each start takes its time", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = {
        horizon: "5970 seconds",
        agents: { coder: {} },
        starts: [{ takes: "1 minute" }],
        deaths: [{ distribution: "fixed", every: "9 minutes" }]
      }
      const patient = Policy.resume.pipe(
        Policy.readyWithin("2 minutes"),
        // A life of nine minutes is healthy here; by default it takes as long as the budget's window.
        Policy.withBudget({ restarts: 3, per: "10 minutes", healthyFor: "5 minutes", exceeded: Policy.escalate("leader") })
      )
      // Nine minutes of life and one of starting: the tenth death comes with the 99th minute, half a minute before the end.
      expect(yield* one(patient, scenario)).toMatchObject({ deaths: 10, restarts: 9, downtimeMs: 570_000, timeToStableMs: null })
    }))

  it.effect("a budget that is spent ends it, and is said once", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = { ...alone, deaths: [{ distribution: "fixed", every: "2 minutes" }] }
      const policy = Policy.resume.pipe(Policy.withBudget({ restarts: 4, per: "1 hour", exceeded: Policy.escalate("leader") }))
      expect(yield* one(policy, scenario)).toMatchObject({ deaths: 5, restarts: 4, escalations: 1, timeToStableMs: null })
      // What is supervised without a bound gets the usual one.
      expect(yield* one(Policy.resume, { ...scenario, deaths: [{ distribution: "fixed", every: "10 seconds" }] }))
        .toMatchObject({ restarts: 3, escalations: 1 })
    }))

  it.effect("who is asked brings it back", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = {
        ...alone,
        deaths: [{ distribution: "at", times: ["1 hour"] }],
        lostTranscripts: [{ at: "30 minutes" }]
      }
      expect(yield* one(Policy.resume, scenario)).toMatchObject({ restarts: 0, escalations: 1, downtimeMs: 7 * 3_600_000 })
      expect(yield* one(Policy.resume, { ...scenario, answersAfter: "10 minutes" }))
        .toMatchObject({ restarts: 1, kept: 0, dropped: 0, lost: 1, escalations: 1, downtimeMs: 602_000, timeToStableMs: 602_000 })
    }))

  it.effect("a limit is waited for, and is none of the crashes that a budget counts", () =>
    Effect.gen(function*() {
      const policy = Policy.resume.pipe(Policy.withBudget({ restarts: 1, per: "8 hours", exceeded: Policy.escalate("leader") }))
      const scenario: Simulate.ScenarioInput = { ...alone, outages: [{ from: "1 hour", until: "3 hours" }, { from: "4 hours", until: "5 hours" }] }
      expect(yield* one(policy, scenario)).toMatchObject({ deaths: 2, restarts: 2, kept: 2, escalations: 0 })
      const silent: Simulate.ScenarioInput = { ...alone, outages: [{ from: "1 hour", until: "3 hours", saysUntil: false }] }
      expect(yield* one(policy, silent)).toMatchObject({ restarts: 0, escalations: 1 })
    }))

  it.effect("an end that was asked for is left to whoever asked", () =>
    Effect.gen(function*() {
      expect(yield* one(Policy.resume, { ...alone, deaths: [{ distribution: "at", times: ["1 hour"], how: "ended" }] }))
        .toMatchObject({ deaths: 1, restarts: 0, escalations: 1 })
      expect(yield* one(Policy.resume, { ...dyingHourly, supervise: "off" })).toMatchObject({ deaths: 1, restarts: 0, escalations: 0 })
    }))

  it.effect("a canary that fails leaves the others at work", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = {
        horizon: "2 hours",
        agents: { canary: {}, "coder-1": {}, "coder-2": {} },
        supervise: "off",
        starts: [{ fails: "bad_flags" }],
        restarts: [{ at: "1 hour" }]
      }
      expect(yield* one(Policy.resume, scenario)).toMatchObject({ starts: 3, restarts: 0, downtimeMs: 3 * 3_600_000 })
      const careful = Policy.resume.pipe(Policy.rollout(Rollout.canary("canary").then(Rollout.allAtOnce)))
      expect(yield* one(careful, scenario)).toMatchObject({ starts: 1, restarts: 0, downtimeMs: 3_600_000 })
    }))

  it.effect("all of them or none: what one failure takes back", () =>
    Effect.gen(function*() {
      // One died before, two lives, and the first start of three fails.
      const scenario: Simulate.ScenarioInput = {
        horizon: "2 hours",
        agents: { one: {}, two: {}, three: {} },
        supervise: "off",
        deaths: [{ agents: "one", distribution: "at", times: ["30 minutes"] }],
        starts: [{ agents: "three", fails: "crash", until: "3605 seconds" }],
        restarts: [{ at: "1 hour" }]
      }
      const inOrder = Policy.rollout(Rollout.sequence(["one", "two", "three"]))
      expect(yield* one(Policy.resume.pipe(inOrder), scenario)).toMatchObject({ starts: 3, restarts: 2, kept: 2 })
      const [partly, taken] = [yield* one(Policy.resume.pipe(inOrder), scenario), yield* one(Policy.resume.pipe(inOrder, Policy.atomic), scenario)]
      // Three is brought back once more, and one is down again until the end.
      expect(taken).toMatchObject({ starts: 4, restarts: 3, kept: 3 })
      expect(partly?.downtimeMs).toBeLessThan(5_460_000)
      expect(taken?.downtimeMs).toBeGreaterThan(5_390_000)
      // What a fresh start had left behind is given back.
      const anew = Policy.perAgent({ three: Policy.resume }, { otherwise: Policy.fresh }).pipe(inOrder)
      expect(yield* one(anew, scenario)).toMatchObject({ dropped: 2 })
      expect(yield* one(Policy.atomic(anew), scenario)).toMatchObject({ dropped: 0, starts: 5 })
    }))

  it.effect("a start that failed is tried again as often as the policy says", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = {
        ...alone,
        supervise: "off",
        starts: [{ fails: "crash", until: "61 minutes" }],
        restarts: [{ at: "1 hour" }]
      }
      const trying = (times: number) => Policy.resume.pipe(Policy.withBackoff(Schedule.spaced("20 seconds"), { times }))
      // Started at 0, 22 and 44 seconds; the fourth is past the bad time.
      expect(yield* one(trying(3), scenario)).toMatchObject({ starts: 4, restarts: 1, kept: 1 })
      expect(yield* one(trying(2), scenario)).toMatchObject({ starts: 3, restarts: 0 })
    }))

  it.effect("strategies touch whom they say", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = {
        horizon: "2 hours",
        agents: { one: {}, two: {}, three: {} },
        deaths: [{ agents: "two", distribution: "at", times: ["1 hour"] }]
      }
      for (const [supervise, restarts] of [["oneForOne", 1], ["restForOne", 2], ["oneForAll", 3]] as const) {
        expect(yield* one(Policy.resume, { ...scenario, supervise })).toMatchObject({ deaths: 1, restarts, kept: restarts })
      }
    }))

  it.effect("after a reboot the policy decides, or somebody is asked", () =>
    Effect.gen(function*() {
      const scenario: Simulate.ScenarioInput = { horizon: "2 hours", agents: { one: {}, two: {} }, reboots: ["1 hour"] }
      expect(yield* one(Policy.resume.pipe(Policy.onBoot("resume")), scenario)).toMatchObject({ deaths: 2, restarts: 2, escalations: 0 })
      expect(yield* one(Policy.resume.pipe(Policy.onBoot("hold")), scenario)).toMatchObject({ deaths: 2, restarts: 0, escalations: 1 })
      expect(yield* one(Policy.resume, { ...scenario, answersAfter: "5 minutes" })).toMatchObject({ restarts: 2, escalations: 1 })
    }))
})

describe("seeds", () => {
  const wild: Simulate.ScenarioInput = {
    horizon: "12 hours",
    agents: { planner: { provider: "claude" }, "coder-1": {}, "coder-2": {}, scribe: { spoken: "2 hours" }, spare: { paused: true } },
    deaths: [
      { distribution: "exponential", mean: "2 hours" },
      { agents: "coder-*", distribution: "weibull", scale: "1 hour", shape: 0.7 }
    ],
    starts: [{ chance: 0.2, takes: "45 seconds" }, { chance: 0.1, fails: "crash" }, { takes: { from: "1 second", to: "9 seconds" } }],
    lostTranscripts: [{ chance: 0.1 }],
    outages: [{ provider: "claude", from: "3 hours", until: "5 hours" }],
    restarts: [{ every: "4 hours" }],
    reboots: ["7 hours"],
    answersAfter: "15 minutes"
  }
  const careful = Policy.standard.pipe(
    Policy.withBackoff(Schedule.jittered(Schedule.exponential("1 second")), { times: 3 }),
    Policy.onBoot("resume"),
    Policy.rollout(Rollout.rolling({ batch: 2, healthyFor: "30 seconds" }))
  )

  it.effect("equal seeds give equal runs, in whatever company", () =>
    Effect.gen(function*() {
      const first = yield* Simulate.run({ policy: careful, scenario: wild, seeds: 40 })
      const again = yield* Simulate.run({ policy: careful, scenario: wild, seeds: 40 })
      expect(again).toEqual(first)
      const few = yield* Simulate.run({ policy: careful, scenario: wild, seeds: [31, 7] })
      expect(few.runs).toEqual([first.runs[30], first.runs[6]])
      expect(new Set(first.runs.map(({ downtimeMs }) => downtimeMs)).size).toBeGreaterThan(30)
    }), 60_000)

  it.effect("two policies meet the same fate", () =>
    Effect.gen(function*() {
      // No life depends on what was decided, so that both see the same deaths.
      const scenario: Simulate.ScenarioInput = { horizon: "20 hours", agents: { a: {}, b: {} }, deaths: [{ distribution: "exponential", mean: "6 hours" }] }
      const [kept, dropped] = [
        yield* Simulate.run({ policy: Policy.resume, scenario, seeds: 30 }),
        yield* Simulate.run({ policy: Policy.fresh, scenario, seeds: 30 })
      ]
      expect(dropped.runs.map(({ deaths }) => deaths)).toEqual(kept.runs.map(({ deaths }) => deaths))
    }), 60_000)

  it.effect.prop("what is counted adds up", { seed: FastCheck.integer() }, ({ seed }) =>
    Effect.gen(function*() {
      for (const policy of [careful, Policy.resumeOrFresh, Policy.fresh]) {
        const { runs: [run] } = yield* Simulate.run<unknown, unknown>({ policy, scenario: wild, seeds: [seed] })
        if (run === undefined) return
        expect(run.kept).toBeLessThanOrEqual(run.restarts)
        expect(run.restarts).toBeLessThanOrEqual(run.starts)
        expect(run.downtimeMs).toBeLessThanOrEqual(4 * 12 * 3_600_000)
        expect(run.longestOutageMs).toBeLessThanOrEqual(12 * 3_600_000)
        expect(run.endless).toBe(false)
        if (policy !== Policy.fresh) expect(run.dropped).toBe(0)
      }
    }), { fastCheck: { numRuns: 25 }, timeout: 120_000 })

  it.effect("the mean life is as long as it was said", () =>
    Effect.gen(function*() {
      const policy = Policy.resume.pipe(Policy.withBudget({ restarts: 1000, per: "1 minute", exceeded: Policy.none }))
      const { summary } = yield* Simulate.run({
        policy,
        scenario: { horizon: "10 hours", agents: { a: {} }, deaths: [{ distribution: "exponential", mean: "1 hour" }] },
        seeds: 400
      })
      expect(summary.deaths.mean).toBeGreaterThan(9)
      expect(summary.deaths.mean).toBeLessThan(11)
    }), 60_000)

  it.effect("what is none is said, and nothing is played", () =>
    Effect.gen(function*() {
      const ask = (options: Omit<Simulate.SimulateOptions<never, never>, "policy" | "log" | "scenario"> & { readonly scenario?: Simulate.ScenarioInput | Simulate.Scenario }) =>
        Effect.map(Effect.flip(Simulate.run({ policy: Policy.resume, scenario: alone, ...options })), ({ _tag, message }) => [_tag, message])
      for (const seeds of [0, -1, 1.5, NaN, Infinity, 2e6]) {
        expect(yield* ask({ seeds })).toEqual([
          "SeedsInvalid",
          `The number of seeds is a whole number from 1 to 1000000, and ${seeds} is none. Nothing was played.`
        ])
      }
      expect(yield* ask({ seeds: [] })).toEqual(["SeedsInvalid", "The list of seeds is empty. Nothing was played."])
      expect(yield* ask({ seeds: [1, NaN] })).toEqual(["SeedsInvalid", "A seed is a whole number, and NaN is none. Nothing was played."])
      const { horizon, ...read } = yield* Simulate.parseScenario("horizon: 1 hour\nagents: { a: {} }\n", "one.yaml")
      for (const wrong of [NaN, -1, Infinity]) {
        const [tag, message] = yield* ask({ scenario: { ...read, horizon: wrong } })
        expect(tag).toBe("ScenarioInvalid")
        expect(message).toContain("horizon: must be a time, from 0 to 30000000000 milliseconds")
      }
      expect(yield* ask({ scenario: { ...read, horizon, agents: {} } })).toEqual([
        "ScenarioInvalid",
        "scenario:1:1 agents: names nobody; there is nothing to play without an agent"
      ])
    }))

  it.effect("what is no scenario is told all at once", () =>
    Effect.gen(function*() {
      const wrong = yield* Effect.either(Simulate.run({ policy: Policy.resume, scenario: { horizon: "soon", agents: { A: {} } } }))
      expect(Either.isLeft(wrong) && wrong.left.message).toContain("horizon: \"soon\" is no time")
      expect(Either.isLeft(wrong) && wrong.left.message).toContain("agents.A: the id \"A\"")
    }))
})
