// What a plan stands on, compared: laws of the differences, and of writing a rollout down.
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { AgentPlanFacts, differencesOf, type PlanFacts } from "../../sdk/lifecycle/plan-facts.ts"
import { RolloutData } from "../../sdk/policy/rollout-schema.ts"
import type { Rollout } from "../../sdk/policy/Rollout.ts"

const id = FastCheck.constantFrom("one", "two", "three")
const facts: FastCheck.Arbitrary<PlanFacts> = FastCheck.record({
  workspace: FastCheck.constantFrom("/a", "/b"),
  transport: FastCheck.constantFrom("tmux", "pty"),
  lifecycleVersion: FastCheck.nat(5),
  agents: FastCheck.dictionary(id, Arbitrary.make(AgentPlanFacts), { noNullPrototype: true })
})

const healthyForMs = FastCheck.nat(9000)
const names = FastCheck.array(id, { maxLength: 3 })
const { rollout } = FastCheck.letrec<{ rollout: Rollout }>((tie) => ({
  rollout: FastCheck.oneof(
    { maxDepth: 3 },
    FastCheck.constant<Rollout>({ _tag: "AllAtOnce" }),
    FastCheck.record({ _tag: FastCheck.constant("Rolling" as const), batch: FastCheck.integer({ min: 1, max: 9 }), healthyForMs }),
    FastCheck.record({ _tag: FastCheck.constant("Sequence" as const), stages: FastCheck.array(names, { maxLength: 3 }), healthyForMs }),
    FastCheck.record({ _tag: FastCheck.constant("DependencyOrder" as const), healthyForMs }),
    FastCheck.record({ _tag: FastCheck.constant("Canary" as const), agents: names, healthyForMs, rest: tie("rollout") }),
    FastCheck.record({ _tag: FastCheck.constant("LeaderLast" as const), others: tie("rollout") })
  )
}))

describe("the facts of a plan", () => {
  it.prop("differ in nothing from themselves, in whatever order they come", [facts], ([one]) => {
    const turned = { ...one, agents: Object.fromEntries(Object.entries(one.agents).toReversed()) }
    assert.deepStrictEqual(differencesOf(one, turned), [])
  })

  it.prop("differ where any of them does, and tell it from both sides", [facts, facts], ([was, is]) => {
    const [there, back] = [differencesOf(was, is), differencesOf(is, was)]
    assert.deepStrictEqual(
      there.map(({ agent, member }) => `${agent} ${member}`).toSorted(),
      back.map(({ agent, member }) => `${agent} ${member}`).toSorted()
    )
    for (const { agent, says } of there) assert.isTrue(says.startsWith(`${agent ?? "the team"}: `), says)
    const same = Schema.equivalence(Schema.Record({ key: Schema.String, value: AgentPlanFacts }))(was.agents, is.agents) &&
      was.workspace === is.workspace && was.transport === is.transport && was.lifecycleVersion === is.lifecycleVersion
    assert.strictEqual(there.length === 0, same)
  })

  it.prop("tell each member of an agent by its name", [Arbitrary.make(AgentPlanFacts), FastCheck.nat(3)], ([one, more]) => {
    const of = (agent: AgentPlanFacts): PlanFacts => ({ workspace: "/a", transport: "tmux", lifecycleVersion: 1, agents: { one: agent } })
    const changed = { ...one, generation: one.generation + more + 1, typedInto: !one.typedInto }
    assert.deepStrictEqual(differencesOf(of(one), of(changed)).map(({ member }) => member), ["generation", "typedInto"])
  })
})

describe("a rollout", () => {
  it.prop("is the same once it was written down and read again", [rollout], ([one]) => {
    const text = Schema.parseJson(RolloutData)
    assert.deepStrictEqual(Schema.decodeSync(text)(Schema.encodeSync(text)(one)), one)
  })
})
