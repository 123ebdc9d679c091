// What the compiler says of a policy's parts is said again where they are put together: `tsx` and `--policy FILE` look at no types.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"
import { makeWorld } from "../lifecycle/world.ts"

/** Takes a value for what the compiler would not. */
const unchecked = <A>(value: unknown): A => Object.getOwnPropertyDescriptor({ value }, "value")?.value
/** Calls with what the compiler would not let by. */
const call = (f: (...args: ReadonlyArray<never>) => unknown, ...args: ReadonlyArray<unknown>): unknown => Reflect.apply(f, undefined, unchecked(args))

const approved = Policy.resume.pipe(Policy.withApproval("really?"))
const budget = (more: object) => () => call(Policy.withBudget, { restarts: 1, per: "1 hour", exceeded: Policy.none, ...more })

describe("a policy that can't be meant is none", () => {
  const ofTheTeam = /takes the policy of an agent, and this is a policy of the whole team/
  const cases: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    "an approval in a branch": [() => call(Policy.perAgent, { scribe: approved }, { otherwise: Policy.resume }), ofTheTeam],
    "a budget in what others get": [() => call(Policy.byRole, {}, { otherwise: Policy.isolated(Policy.resume) }), ofTheTeam],
    "an approval before orElse": [() => Policy.orElse(unchecked<Policy.AgentPolicy>(approved), Policy.fresh), ofTheTeam],
    "an approval behind orElse": [() => Policy.orElse(Policy.resume, unchecked<Policy.AgentPolicy>(approved)), ofTheTeam],
    "an approval under a condition": [() => Policy.resume.pipe(Policy.when(() => true, unchecked<Policy.AgentPolicy>(approved))), ofTheTeam],
    "a gate on a team": [() => Policy.withGate("g", Effect.void)(unchecked<Policy.AgentPolicy>(approved)), ofTheTeam],
    "a team's policy once a budget is spent": [budget({ exceeded: approved }), ofTheTeam],
    "nothing in a branch": [() => call(Policy.perAgent, { scribe: undefined }, { otherwise: Policy.resume }), /The branch "scribe" takes the policy of an agent, and this is no policy/],
    "no policy at all": [() => call(Policy.isolated, { decide: () => null }), /takes a policy, and this is none/],
    "a budget of a time that is none": [budget({ per: NaN }), /withBudget\(\{ per \}\) takes a time such as .*, longer than nothing, and NaN is none/],
    "a budget of no time": [budget({ per: "0 seconds" }), /and "0 seconds" is none/],
    "a budget that is forgotten at once": [budget({ healthyFor: -1 }), /and -1 is none/],
    "a budget of whom nobody knows": [budget({ scope: "galaxy" }), /takes one of "agent", "team", "credential", and "galaxy" is none of them/],
    "a grace that goes backwards": [() => Policy.withGrace(-5000), /withGrace takes a time/],
    "a grace in words": [() => call(Policy.withGrace, "five seconds"), /withGrace takes a time such as .* and "five seconds" is none/],
    "a grace before now": [() => Policy.withGrace("-5 seconds"), /and "-5 seconds" is none/],
    "ready within nothing": [() => Policy.readyWithin(NaN), /readyWithin takes a time/],
    "a wait without an end": [() => Policy.convergeWithin(Infinity), /convergeWithin takes a time/],
    "healthy for a time that is none": [() => Rollout.rolling({ batch: 1, healthyFor: NaN }), /healthyFor takes a time/],
    "a drift that is no choice": [() => call(Policy.onDrift, "whatever"), /onDrift takes one of/],
    "a boot that is no choice": [() => call(Policy.onBoot, "never"), /onBoot takes one of/],
    "a canary of which nothing follows": [() => call(Policy.rollout, Rollout.canary("a")), /this is none\. A canary says what comes after it/],
    "a canary that is nobody": [() => Rollout.canary([]).then(Rollout.allAtOnce), /this one is nobody/],
    "a canary that no agent can be": [() => Rollout.canary("Coder!").then(Rollout.allAtOnce), /can't be the id of an agent/],
    "a stage that no agent can be": [() => Rollout.sequence(["a", ["Scribe!"]]), /can't be the id of an agent/],
    "a rollout that is none": [() => call(Rollout.leaderLast, "rolling"), /leaderLast takes a rollout, and this is none/],
    "a role twice": [() => Policy.byRole({ leader: Policy.resume, Leader: Policy.none }, { otherwise: Policy.none }), /byRole has "Leader" twice/]
  }
  for (const [name, [build, complaint]] of Object.entries(cases)) {
    it(name, () => {
      try {
        build()
      } catch (error) {
        assert.instanceOf(error, Policy.PolicyInvalid)
        return assert.match(String(error), complaint)
      }
      assert.fail("it was built")
    })
  }
})

/** A restart of one agent by code that was not checked; nothing may be touched by it. */
const untouchedBy = (policy: Policy.AnyPolicy<unknown, never>) =>
  Effect.gen(function*() {
    const world = yield* makeWorld()
    yield* world.up("alpha", { one: {}, two: {} })
    const [pid, touched] = [world.pidOf("one"), world.touches()]
    const came = yield* Effect.either(world.restart(policy))
    assert.strictEqual(world.pidOf("one"), pid)
    assert.strictEqual(world.touches(), touched)
    assert.isNull((yield* world.team()).operation)
    return Either.match(came, {
      onLeft: (error) => ({ outcome: "error", message: String(error instanceof Error ? error.message : error) }),
      onRight: ({ message, outcome }) => ({ outcome, message })
    })
  })

describe("a decision that breaks down is a refusal of its agent, and no defect", () => {
  const throws = (): boolean => {
    throw new Error("a typo")
  }
  it.scopedLive("where a condition throws", () =>
    Effect.gen(function*() {
      const { message, outcome } = yield* untouchedBy(Policy.resume.pipe(Policy.when(throws, Policy.none)))
      assert.strictEqual(outcome, "refused_resume_atomicity")
      assert.include(message, "one: its policy could not decide: a typo")
    }))

  it.scopedLive("where a condition awaits", () =>
    Effect.gen(function*() {
      const { message } = yield* untouchedBy(Policy.resume.pipe(Policy.when(unchecked<() => boolean>(async () => true), Policy.none)))
      assert.include(message, "one: its policy could not decide: when takes a test that answers true or false at once, and this one answered with a promise")
    }))

  it.scopedLive("where there is none", () =>
    Effect.gen(function*() {
      const { message } = yield* untouchedBy(Policy.agentPolicy({ description: "async", requires: [], decide: unchecked<Policy.AgentPolicy["decide"]>(async () => ({})) }))
      assert.include(message, "it answered with no decision")
    }))
})

describe("a gate that breaks down is not passed, and no defect", () => {
  it.scopedLive("where its promise is rejected", () =>
    Effect.gen(function*() {
      const gate = Policy.withGate("the build is green", Effect.promise(() => Promise.reject(new Error("no network."))))
      const { message } = yield* untouchedBy(Policy.resume.pipe(gate))
      assert.strictEqual(message, "The gate \"the build is green\" of one was not passed: no network. No process was touched.")
    }))

  it.scopedLive("where it answers false, throws, or is no effect", () =>
    Effect.gen(function*() {
      const no = yield* untouchedBy(Policy.resume.pipe(Policy.withGate("g", Effect.succeed(false))))
      assert.include(no.message, "was not passed: it answered false.")
      const thrown = yield* untouchedBy(Policy.resume.pipe(Policy.withGate("g", (): Effect.Effect<void> => {
        throw new Error("a typo")
      })))
      assert.include(thrown.message, "was not passed: a typo.")
      const awaits = unchecked<Effect.Effect<string>>(async () => "open")
      const awaited = yield* untouchedBy(Policy.resume.pipe(Policy.withGate("g", awaits)))
      assert.include(awaited.message, "it is no effect: code that awaits becomes one by Effect.tryPromise")
    }))
})

describe("a check that breaks down speaks against its agent, and cuts nothing off", () => {
  it.scopedLive("where it throws", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const policy = Policy.isolated(Policy.perAgent({
        one: Policy.resume.pipe(Policy.verify((): Effect.Effect<void> => {
          throw new Error("a typo")
        }))
      }, { otherwise: Policy.standard }))
      const report = yield* world.restart(policy)
      assert.deepStrictEqual(report.agents.map(({ id, result }) => `${id} ${result}`), ["one failed", "two resumed"], report.message)
      assert.include(report.message, "a typo")
      assert.isNull((yield* world.team()).operation)
    }))
})

describe("a canary that is not to come back", () => {
  const canary = Policy.rollout(Rollout.canary("one").then(Rollout.allAtOnce))
  for (const [what, left] of Object.entries({
    "is left to somebody else": Policy.escalate("bob"),
    "is refused": Policy.refuse("frozen", "it is frozen"),
    "is skipped": Policy.skip("not today")
  })) {
    it.scopedLive(`keeps all others from being touched where it ${what}`, () =>
      Effect.gen(function*() {
        const policy = Policy.isolated(Policy.perAgent({ one: left }, { otherwise: Policy.standard })).pipe(canary)
        const { message, outcome } = yield* untouchedBy(policy)
        assert.strictEqual(outcome, "failed")
        assert.match(message, /^The policy brings its canary back first, and it is not to be brought back now\. one: /)
      }))
  }

  it.scopedLive("is none just now where it was not asked for, or lives while the dead are brought back", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const named = yield* world.restart(Policy.standard.pipe(canary), { agents: ["two"] })
      assert.strictEqual(named.outcome, "restarted", named.message)
      yield* world.kill("two")
      const dead = yield* world.restart(Policy.standard.pipe(canary), { onlyDead: true })
      assert.deepStrictEqual(dead.agents.map(({ result }) => result), ["untouched", "resumed"], dead.message)
    }))
})

describe("a refusal of a policy's own", () => {
  it.scopedLive("names no way round it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      for (const [policy, why] of [
        [Policy.refuse("frozen", "the release is frozen"), "one: the release is frozen"],
        [Policy.none, "one: the policy gives no reason"],
        [Policy.escalate("bob"), "one: it is for bob to decide"]
      ] as const) {
        const report = yield* world.restart(policy)
        assert.strictEqual(report.outcome, "refused_resume_atomicity")
        assert.match(report.message, /^The policy does not let every agent be restarted, so none was\. /)
        assert.include(report.message, why)
        assert.deepStrictEqual(report.next, ["reprise status --team alpha"])
      }
    }))

})

it.scopedLive("a pattern of a rollout that means nobody is shown", () =>
  Effect.gen(function*() {
    const world = yield* makeWorld()
    yield* world.up("alpha", { one: {} })
    const plan = yield* world.plan(Policy.standard.pipe(Policy.rollout(Rollout.sequence(["two", "one"]))))
    assert.match(Restart.explain(plan), /\n {2}the policy means nobody here by: two\n/)
  }))
