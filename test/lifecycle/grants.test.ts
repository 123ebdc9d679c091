// The lines that must not compile are held by the compiler alone here.
// @effect-diagnostics missingEffectContext:off
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Approvals, Effect as ScriptEffect, Grants, Policy, Restart, run } from "reprise"
import type { DiscardContext } from "../../sdk/policy/Grants.ts"
import { makeWorld } from "./world.ts"

// What a script may lose stands in its types. The lines below are never run: the type check of the repository holds them,
// and a `@ts-expect-error` without an error is an error.

export const scripts = {
  dropsNothing: () => run(Restart.restart("alpha", Policy.standard)),
  mayDrop: () => run(Restart.restart("alpha", Policy.fresh), { provide: Grants.discardContext("it keeps no state") }),
  mayDropByList: () => run(Restart.restart("alpha", Policy.resumeOrFresh), { provide: [Grants.discardContext("it may go")] }),
  onlyPlans: () => run(ScriptEffect.map(Restart.plan("alpha", Policy.fresh), Restart.explain)),
  // A plan from a file may need anything that a policy may.
  applies: (plan: Restart.PlanDocument) => run(Restart.apply(plan), { provide: [Grants.notGiven, Approvals.terminal] }),
  // @ts-expect-error the grant is missing, or the word that there is none
  appliesUngranted: (plan: Restart.PlanDocument) => run(Restart.apply(plan), { provide: Approvals.terminal }),
  // @ts-expect-error the grant is missing
  ungranted: () => run(Restart.restart("alpha", Policy.fresh)),
  // @ts-expect-error the grant is missing for what comes after `or else`, too
  ungrantedElse: () => run(Restart.restart("alpha", Policy.resume.pipe(Policy.orElse(Policy.fresh)))),
  // @ts-expect-error the grant is missing for one agent's sake, whatever it is wrapped in
  ungrantedTeam: () => run(Restart.restart("alpha", Policy.isolated(Policy.resumeOrFresh))),
  // @ts-expect-error an empty list of layers provides nothing
  providesNothing: () => run(Restart.restart("alpha", Policy.fresh), { provide: [] })
}

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Needs<P> = P extends Policy.AgentPolicy<infer _E, infer R> ? R : "not a policy"

export const requirements: ReadonlyArray<true> = [
  true satisfies Same<Needs<typeof Policy.resume>, never>,
  true satisfies Same<Needs<typeof Policy.freshIfNeverMessaged>, never>,
  true satisfies Same<Needs<typeof Policy.standard>, never>,
  true satisfies Same<Needs<typeof Policy.fresh>, DiscardContext>,
  true satisfies Same<Needs<typeof Policy.resumeOrFresh>, DiscardContext>
]

it.scopedLive("a plan of a policy that may drop something needs no grant, and its restart logs the reason of the grant", () =>
  Effect.gen(function*() {
    const world = yield* makeWorld()
    yield* world.up("alpha", { one: {} })
    yield* world.firstSend("one")
    const plan = yield* world.plan(Policy.fresh)
    assert.deepStrictEqual(plan.agents[0]?.decided.decision.requires, ["discard-context"])
    yield* world.restart(Policy.fresh).pipe(Effect.provide(Grants.discardContext("a rehearsal")))
    assert.deepStrictEqual((yield* world.events("restart.fresh_spawn")).map(({ reason }) => reason), ["a rehearsal"])
  }))

it.scopedLive("a policy of one's own that forgets what it asks for is asked for the grant all the same", () =>
  Effect.gen(function*() {
    const world = yield* makeWorld()
    yield* world.up("alpha", { one: {} })
    yield* world.firstSend("one")
    const { decide, description } = Policy.fresh
    const forgetful = Policy.agentPolicy({ description, requires: [], decide })
    const report = yield* world.run(Restart.restart("alpha", forgetful)).pipe(Effect.provide(Grants.notGiven))
    assert.strictEqual(report.outcome, "grant_missing", report.message)
    assert.strictEqual((yield* world.agent("one")).generation, 1)
  }))

it.scopedLive("a policy of one's own that would drop a conversation and asks for nothing drops nothing", () =>
  Effect.gen(function*() {
    const world = yield* makeWorld()
    yield* world.up("alpha", { one: {} })
    yield* world.firstSend("one")
    const { pid } = (yield* world.agent("one")).spawn?.pane ?? {}
    const careless = Policy.agentPolicy({
      description: "careless",
      requires: [],
      decide: () => Policy.decided({ kind: "fresh_start", why: ["it seemed a good idea"] })
    })
    const report = yield* world.run(Restart.restart("alpha", careless))
    assert.strictEqual(report.outcome, "refused_resume_atomicity", report.message)
    const after = yield* world.agent("one")
    assert.deepStrictEqual([after.generation, after.spawn?.pane?.pid], [1, pid])
  }))
