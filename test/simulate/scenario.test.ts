// A scenario in a file: what it means, and where what is wrong with it stands.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Simulate from "../../sdk/coordinator/simulate/Simulate.ts"
import * as Policy from "../../sdk/policy/Policy.ts"

const problemsOf = (text: string) =>
  Effect.map(Effect.either(Simulate.parseScenario(text, "night.yaml")), (read) =>
    Either.isLeft(read) ? read.left.problems.map(({ column, line, path, problem }) => `${line}:${column} ${path.join(".")} ${problem}`) : [])

const whole = `
name: a night
horizon: 8 hours
agents:
  planner:
  coder-1: { provider: claude, login: work, spoken: 10 minutes, role: Engineer, dependsOn: [planner] }
  spare: { paused: true }
deaths:
  - { distribution: exponential, mean: 2 hours }
  - { agents: coder-*, distribution: weibull, scale: 90 minutes, shape: 0.7 }
  - { agents: [planner], distribution: fixed, every: 3 hours }
  - { distribution: at, times: [1 hour, 2 hours], how: ended }
starts:
  - { chance: 0.1, takes: { from: 10 seconds, to: 40 seconds } }
  - { from: 1 hour, until: 2 hours, fails: crash }
  - { takes: [1 second, 2 seconds] }
lostTranscripts: [{ chance: 0.1 }, { agents: planner, at: 2 hours }]
outages: [{ provider: claude, from: 3 hours, until: 4 hours, kind: auth, saysUntil: false, ends: false }]
restarts: [{ every: 4 hours }, { at: 30 minutes, agents: coder-* }]
reboots: [5 hours]
supervise: restForOne
stableFor: 5 minutes
answersAfter: 20 minutes
`

describe("a scenario's file", () => {
  it.effect("says everything that a value says", () =>
    Effect.gen(function*() {
      const scenario = yield* Simulate.parseScenario(whole, "night.yaml")
      expect(scenario).toMatchObject({
        horizon: 8 * 3_600_000,
        agents: { planner: {}, "coder-1": { spoken: 600_000 }, spare: { paused: true } },
        stableFor: 300_000
      })
      const report = yield* Simulate.run({ policy: Policy.resumeOrFresh, scenario, seeds: 5 })
      expect(report).toMatchObject({ scenario: "a night", horizonMs: 8 * 3_600_000, policy: "resume, or else fresh" })
      expect(report.runs.length).toBe(5)
    }))

  it.effect("is told what is wrong in it, all at once and with its place", () =>
    Effect.gen(function*() {
      expect(yield* problemsOf("horizon: 8 huors\nagents:\n  Coder: {}\n  planner: { spoke: true }\nhorizont: 1\n")).toEqual([
        "1:10 horizon \"8 huors\" is no time; write one such as \"90 seconds\", \"20 minutes\" or \"2 hours\"",
        "3:3 agents.Coder the id \"Coder\" does not match ^[a-z][a-z0-9-]{0,62}$",
        "4:14 agents.planner.spoke unknown key",
        "5:1 horizont unknown key, did you mean \"horizon\"?"
      ])
      expect(yield* problemsOf("agents: {}\n")).toEqual(["1:1 horizon is missing"])
      expect(yield* problemsOf("horizon: 1 hour\nagents: { a: {} }\nlostTranscripts:\n  - { chance: 2 }\n")).toEqual([
        "4:15 lostTranscripts.0.chance expected a number from 0 to 1, found 2"
      ])
      expect(yield* problemsOf("horizon: 1 hour\nagents: { a: {} }\nlostTranscripts:\n  - { chanse: 0.1 }\n")).toEqual([
        "4:7 lostTranscripts.0.chanse unknown key"
      ])
      expect(yield* problemsOf("horizon: 1 hour\nagents: { a: {} }\ndeaths:\n  - { distribution: normal, mean: 1 hour }\n")).toEqual([
        "4:21 deaths.0.distribution must be one of exponential, weibull, fixed, at"
      ])
      expect(yield* problemsOf("horizon: 1 hour\nagents: { a: {} }\noutages:\n  - { from: 3 hours, until: 2 hours }\n")).toEqual([
        "4:29 outages.0.until must be later than from"
      ])
    }))

  it.effect("is told of a wrong word once, with the words that there are", () =>
    Effect.gen(function*() {
      const small = "horizon: 1 hour\nagents: { a: {} }\n"
      expect(yield* problemsOf(`${small}supervise: sometimes\n`)).toEqual([
        "3:12 supervise must be one of oneForOne, oneForAll, restForOne, off"
      ])
      expect(yield* problemsOf(`${small}outages: [{ from: 1 minute, until: 2 minutes, kind: flood }]\n`)).toEqual([
        "3:53 outages.0.kind must be one of usage_limit, auth"
      ])
      expect(yield* problemsOf(`${small}starts: [{ fails: never }]\n`)).toEqual([
        "3:19 starts.0.fails must be one of crash, not_ready, bad_flags, missing_binary, resume_mismatch, unknown"
      ])
      expect(yield* problemsOf(`${small}deaths: [{ distribution: at, times: [1 minute], how: gently }]\n`)).toEqual([
        "3:54 deaths.0.how must be one of crash, ended"
      ])
      expect(yield* problemsOf("horizon: 1 hour\nagents: { a: { paused: maybe } }\n")).toEqual([
        "2:24 agents.a.paused expected true or false, found text"
      ])
    }))

  it.effect("has an order in which agents can come, and rules that can apply", () =>
    Effect.gen(function*() {
      const depending = (agents: string) => problemsOf(`horizon: 1 hour\nagents:\n${agents}`)
      expect(yield* depending("  coder-1: {}\n  b: { dependsOn: [coder1, zz] }\n")).toEqual([
        "4:20 agents.b.dependsOn.0 there is no agent \"coder1\", did you mean \"coder-1\"?",
        "4:28 agents.b.dependsOn.1 there is no agent \"zz\""
      ])
      expect(yield* depending("  a: { dependsOn: [b] }\n  b: { dependsOn: [c] }\n  c: { dependsOn: [a] }\n")).toEqual([
        "3:19 agents.a.dependsOn none of these can come before the others: a -> b -> c -> a"
      ])
      expect(yield* depending("  a: { dependsOn: [a] }\n")).toEqual([
        "3:19 agents.a.dependsOn none of these can come before the others: a -> a"
      ])
      expect(yield* problemsOf("horizon: 1 hour\nagents: {}\n")).toEqual([
        "2:9 agents names nobody; there is nothing to play without an agent"
      ])
      expect(yield* problemsOf(
        "horizon: 1 hour\nagents: { a: {} }\nstarts:\n  - { takes: { from: 20 seconds, to: 2 seconds } }\n  - { from: 2 minutes, until: 1 minute }\n"
      )).toEqual([
        "4:38 starts.0.takes.to must not be shorter than from",
        "5:31 starts.1.until must be later than from"
      ])
    }))

  it.effect("names nobody who is not there", () =>
    Effect.gen(function*() {
      expect(yield* problemsOf(
        "horizon: 1 hour\nagents: { a: {} }\ndeaths:\n  - { agents: b, distribution: fixed, every: 1 minute }\noutages:\n  - { provider: claude, from: 1 minute, until: 2 minutes }\n"
      )).toEqual([
        "4:15 deaths.0.agents \"b\" means no agent",
        "6:17 outages.0.provider no agent has the provider \"claude\""
      ])
    }))

  it.effect("is YAML", () =>
    Effect.gen(function*() {
      expect((yield* problemsOf("horizon: [\n"))[0]).toMatch(/^\d+:\d+ {2}not valid YAML/)
      expect((yield* problemsOf("horizon: 1 hour\n---\nagents: {}\n"))[0]).toContain("a scenario holds one")
      expect((yield* problemsOf("a: &x 1\na: 2\n")).join("\n")).toContain("the key is there twice")
    }))
})
