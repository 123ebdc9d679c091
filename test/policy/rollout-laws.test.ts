import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Rollout from "../../sdk/policy/Rollout.ts"

const runs = { numRuns: 500 } as const
const names = ["planner", "coder-1", "coder-2", "scribe", "tester"]

const agents: FastCheck.Arbitrary<ReadonlyArray<Rollout.RolloutAgent>> = FastCheck.subarray(names).chain((ids) =>
  FastCheck.tuple(...ids.map((id) =>
    FastCheck.record({
      id: FastCheck.constant(id),
      role: FastCheck.constantFrom(null, "Leader", "Engineer"),
      dependsOn: FastCheck.subarray(names)
    })
  )))

const patterns = FastCheck.subarray([...names, "coder-*", "nobody"])

const rollout: FastCheck.Arbitrary<Rollout.Rollout> = FastCheck.letrec<{ readonly any: Rollout.Rollout }>((tie) => ({
  any: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.constant(Rollout.allAtOnce),
    FastCheck.integer({ min: 1, max: 3 }).map((batch) => Rollout.rolling({ batch, healthyFor: "1 second" })),
    FastCheck.tuple(FastCheck.subarray([...names, "coder-*", "nobody"], { minLength: 1 }), tie("any")).map(([first, rest]) => Rollout.canary(first).then(rest)),
    FastCheck.array(patterns, { maxLength: 3 }).map((stages) => Rollout.sequence(stages)),
    tie("any").map(Rollout.leaderLast),
    FastCheck.constant(Rollout.dependencyOrder())
  )
})).any

const inOrder = (how: Rollout.Rollout, team: ReadonlyArray<Rollout.RolloutAgent>) =>
  Rollout.batches(how, team).map((batch) => batch.agents)

describe("the batches of a rollout", () => {
  it("have each agent exactly once, and none of them is empty", () => {
    FastCheck.assert(FastCheck.property(rollout, agents, (how, team) => {
      const batches = inOrder(how, team)
      assert.deepStrictEqual(batches.flat().toSorted(), team.map(({ id }) => id).toSorted())
      assert.isTrue(batches.every((batch) => batch.length > 0))
    }), runs)
  })

  it("are the same for the same team", () => {
    FastCheck.assert(FastCheck.property(rollout, agents, (how, team) => {
      assert.deepStrictEqual(Rollout.batches(how, team), Rollout.batches(structuredClone(how), structuredClone(team)))
    }), runs)
  })

  it("of a rolling one are no larger than it says, in the team's order", () => {
    FastCheck.assert(FastCheck.property(agents, FastCheck.integer({ min: 1, max: 3 }), (team, batch) => {
      const batches = inOrder(Rollout.rolling({ batch }), team)
      assert.isTrue(batches.every((one) => one.length <= batch))
      assert.deepStrictEqual(batches.flat(), team.map(({ id }) => id))
    }), runs)
  })

  it("begin with the canary", () => {
    FastCheck.assert(FastCheck.property(agents, rollout, (team, rest) => {
      const batches = inOrder(Rollout.canary("coder-1", { healthyFor: "5 seconds" }).then(rest), team)
      if (team.some(({ id }) => id === "coder-1")) assert.deepStrictEqual(batches[0], ["coder-1"])
    }), runs)
  })

  it("end with the leader", () => {
    FastCheck.assert(FastCheck.property(agents, rollout, (team, others) => {
      const leaders = team.filter(({ role }) => role === "Leader").map(({ id }) => id)
      const batches = inOrder(Rollout.leaderLast(others), team)
      if (leaders.length > 0) assert.deepStrictEqual(batches.at(-1), leaders)
    }), runs)
  })

  it("by dependency bring nobody back before what it builds on, unless that is a circle", () => {
    FastCheck.assert(FastCheck.property(agents, (team) => {
      // Nobody builds on who stands after it: no circle.
      const ordered = team.map((agent, index) => ({
        ...agent,
        dependsOn: agent.dependsOn.filter((id) => team.slice(0, index).some((other) => other.id === id))
      }))
      const batches = inOrder(Rollout.dependencyOrder(), ordered.toReversed())
      const place = (id: string) => batches.findIndex((batch) => batch.includes(id))
      for (const { dependsOn, id } of ordered) {
        for (const other of dependsOn) assert.isBelow(place(other), place(id))
      }
    }), runs)
  })

  it("of a circle are one", () => {
    const circle = [{ id: "a", role: null, dependsOn: ["b"] }, { id: "b", role: null, dependsOn: ["a"] }]
    assert.deepStrictEqual(inOrder(Rollout.dependencyOrder(), circle), [["a", "b"]])
  })
})

describe("a rollout", () => {
  it("is data: it goes through JSON and says what it does", () => {
    const how = Rollout.canary("coder-1").then(Rollout.rolling({ batch: 2, healthyFor: "5 seconds" }))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(how)), how)
    assert.strictEqual(Rollout.describe(how), "coder-1 first, then 2 at a time, each healthy for 5s")
  })

  it("names the canaries that the team has nobody for", () => {
    assert.deepStrictEqual(Rollout.missingCanaries(Rollout.canary(["coder-*", "nobody"]).then(Rollout.allAtOnce), ["coder-1"]), ["nobody"])
  })

  it("by no agent at a time is an error where it is built", () => {
    assert.throws(() => Rollout.rolling({ batch: 0 }), /at least one agent at a time/)
  })
})
