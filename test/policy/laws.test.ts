import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { historyKept, noHistory } from "../../sdk/domain/history.ts"
import { type Facts, rosterEntry } from "../../sdk/policy/Facts.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { compareSpecificity, matches, mostSpecific, overlap } from "../../sdk/policy/pattern.ts"
import { decide, facts, history, now, policy } from "./arbitraries.ts"
import { unhealthyInARow, usedBy } from "../../sdk/policy/Budget.ts"

const runs = { numRuns: 500 } as const

describe("orElse", () => {
  it("asks the second only where the first refuses, and keeps the reasons of both", () => {
    FastCheck.assert(FastCheck.property(policy, policy, facts, (a, b, about) => {
      const [first, second, both] = [decide(a, about), decide(b, about), decide(Policy.orElse(a, b), about)]
      if (!Policy.fallsThrough(first)) return assert.deepStrictEqual(both, first)
      assert.strictEqual(both.kind, second.kind)
      assert.deepStrictEqual(both.why, [...first.why, ...second.why])
      assert.deepStrictEqual([both.session, both.requires, both.forcedFresh], [second.session, second.requires, second.forcedFresh])
      if (Policy.fallsThrough(second)) assert.strictEqual(both.code, first.code ?? second.code)
    }), runs)
  })

  it("is associative, in its decisions and in what it requires", () => {
    FastCheck.assert(FastCheck.property(policy, policy, policy, facts, (a, b, c, about) => {
      const [left, right] = [Policy.orElse(Policy.orElse(a, b), c), Policy.orElse(a, Policy.orElse(b, c))]
      assert.deepStrictEqual(decide(left, about), decide(right, about))
      assert.deepStrictEqual(left.requires, right.requires)
    }), runs)
  })

  it("has the policy that refuses without a reason as its unit", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      assert.deepStrictEqual(decide(Policy.orElse(Policy.none, a), about), decide(a, about))
      assert.deepStrictEqual(decide(Policy.orElse(a, Policy.none), about), decide(a, about))
    }), runs)
  })

  it("never falls through a skip or an escalation", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (b, about) => {
      assert.strictEqual(decide(Policy.orElse(Policy.skip("on holiday"), b), about).kind, "skip")
      assert.deepStrictEqual(
        decide(Policy.orElse(Policy.escalate("leader"), b), about),
        decide(Policy.escalate("leader"), about)
      )
    }), runs)
  })
})

describe("a decision", () => {
  it("is the same for the same facts", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      assert.deepStrictEqual(decide(a, about), decide(a, structuredClone(about)))
    }), runs)
  })

  it("starts anew without the grant only who was proved never to have been spoken to", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      const made = decide(a, about)
      if (made.kind !== "fresh_start" || made.requires.includes("discard-context")) return
      assert.strictEqual(about.spoken.state, "never")
    }), runs)
  })

  it("asks only for grants that its policy declares", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      for (const grant of decide(a, about).requires) assert.include([...a.requires], grant)
    }), runs)
  })

  it("resumes only what can be resumed", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      if (decide(a, about).kind === "resume") assert.strictEqual(about.resumability._tag, "Resumable")
    }), runs)
  })
})

describe("to whom", () => {
  it("when(never) changes nothing, and when(always) is the other policy with its reason", () => {
    FastCheck.assert(FastCheck.property(policy, policy, facts, (a, b, about) => {
      const never = a.pipe(Policy.when(() => false, b))
      assert.deepStrictEqual(decide(never, about), decide(a, about))
      assert.deepStrictEqual(never.decide(about).gates.map(({ name }) => name), a.decide(about).gates.map(({ name }) => name))
      const always = decide(a.pipe(Policy.when(() => true, b, "always")), about)
      assert.deepStrictEqual({ ...always, why: always.why.slice(1) }, decide(b, about))
      assert.strictEqual(always.why[0], "always")
    }), runs)
  })

  it("perAgent takes the most specific pattern, in whatever order they are said", () => {
    FastCheck.assert(FastCheck.property(policy, policy, policy, policy, facts, (one, coders, most, other, about) => {
      const ways = [
        Policy.perAgent({ "coder-1": one, "coder-*": coders, "c*": most }, { otherwise: other }),
        Policy.perAgent({ "c*": most, "coder-*": coders, "coder-1": one }, { otherwise: other })
      ]
      const wanted = about.agent.spec.id === "coder-1" ? one : other
      for (const way of ways) assert.deepStrictEqual(decide(way, about), decide(wanted, about))
    }), runs)
  })

  const patterns = FastCheck.array(FastCheck.constantFrom("a", "b", "-", "*", "?"), { minLength: 1, maxLength: 5 })
    .map((signs) => signs.join(""))
  const ids = FastCheck.array(FastCheck.constantFrom("a", "b", "-"), { minLength: 1, maxLength: 6 }).map((signs) => signs.join(""))

  it("a pattern means what its signs say, and two overlap where some id is meant by both", () => {
    FastCheck.assert(FastCheck.property(patterns, patterns, ids, (a, b, id) => {
      if (matches(a, id) && matches(b, id)) assert.isTrue(overlap(a, b), `${a} ${b} ${id}`)
      assert.strictEqual(overlap(a, b), overlap(b, a))
      if (!/[*?]/.test(a)) assert.strictEqual(matches(a, id), a === id)
    }), { numRuns: 2000 })
  })

  it("where no two patterns tie, which one is taken does not hang on their order", () => {
    FastCheck.assert(FastCheck.property(FastCheck.uniqueArray(patterns, { maxLength: 5 }), ids, (all, id) => {
      const ties = all.some((a) => all.some((b) => a !== b && compareSpecificity(a, b) === 0 && overlap(a, b)))
      if (!ties) assert.strictEqual(mostSpecific(all, id), mostSpecific(all.toReversed(), id))
    }), runs)
  })

  it("two globs with equal right to an agent are an error where the policy is built, and so is what no id can be", () => {
    const both = () => Policy.perAgent({ "coder-*": Policy.resume, "*-coder": Policy.resume }, { otherwise: Policy.resume })
    assert.throws(both, /"coder-\*" and "\*-coder" are equally specific/)
    assert.throws(() => Policy.perAgent({ "Coder 1": Policy.resume }, { otherwise: Policy.resume }), /can't be the id of an agent/)
    assert.doesNotThrow(() => Policy.perAgent({ "coder-*": Policy.resume, "tester-*": Policy.resume }, { otherwise: Policy.resume }))
    try {
      both()
    } catch (error) {
      assert.instanceOf(error, Policy.PolicyInvalid)
      assert.strictEqual(error._tag, "PolicyInvalid")
    }
  })

  it("does not hang on the order of the agents in the team", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      const budgeted = Policy.withBudget({ restarts: 1, per: "10 minutes", exceeded: Policy.none, scope: "team" })(a)
      const turned = { ...about, roster: about.roster.toReversed() }
      assert.deepStrictEqual(decide(budgeted, about), decide(budgeted, turned))
    }), runs)
  })
})

describe("how", () => {
  it("modifiers change no decision", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      const changed = a.pipe(Policy.withGrace("5 seconds"), Policy.readyWithin("1 minute"))
      assert.deepStrictEqual(decide(changed, about), decide(a, about))
      const { handling } = changed.decide(about)
      const touched = Policy.touches(decide(a, about))
      if (touched) assert.deepStrictEqual([handling.graceMs, handling.readyWithinMs], [5_000, 60_000])
    }), runs)
  })

  it("nobody who is left alone has to pass a gate", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      const { decision, gates } = a.decide(about)
      if (!Policy.touches(decision)) assert.deepStrictEqual(gates, [])
    }), runs)
  })

  it("numbers that count nothing are errors where the policy is built", () => {
    assert.throws(() => Policy.withBudget({ restarts: -1, per: "1 minute", exceeded: Policy.none }), /whole number of restarts/)
  })
})

describe("a budget", () => {
  const window = { now, perMs: 600_000, healthyForMs: 600_000 }

  it("counts restarts within its window, an operation once, and no launch", () => {
    FastCheck.assert(FastCheck.property(history, (past) => {
      const used = usedBy(past, "unknown", window)
      const inWindow = past.starts.filter(({ at, cause }) => cause !== "launch" && Date.parse(at) > now - window.perMs)
      assert.isAtMost(used.restarts, inWindow.length)
      assert.strictEqual(usedBy({ ...past, starts: past.starts.map((start) => ({ ...start, cause: "launch" })) }, "unknown", window).restarts, 0)
      const cleared = { ...past, budgetExceededAt: null, budgetClearedAt: new Date(now).toISOString() }
      assert.deepStrictEqual(usedBy(cleared, "dead", window), { restarts: 0, spent: false })
    }), runs)
  })

  it("more restarts within it than are remembered leave nothing of it, until they are cleared or over", () => {
    const minutes = (count: number) => new Date(now - count * 60_000).toISOString()
    // As a back-off does: five tries an operation.
    const starts = Array.from({ length: historyKept }, (_, index) => ({
      generation: index + 2,
      at: minutes(9 - index / 8),
      operation: `o-${Math.floor(index / 5)}`,
      cause: "death" as const,
      readyAt: null,
      endedAt: null
    }))
    assert.deepStrictEqual(usedBy({ ...noHistory, starts }, "dead", window), { restarts: 7, spent: true })
    assert.isFalse(usedBy({ ...noHistory, starts: starts.slice(1) }, "dead", window).spent)
    assert.isFalse(usedBy({ ...noHistory, starts, budgetClearedAt: minutes(0) }, "dead", window).spent)
    assert.isFalse(usedBy({ ...noHistory, starts }, "dead", { ...window, now: now + 120_000 }).spent)
  })

  it("more restarts never leave more of it", () => {
    FastCheck.assert(FastCheck.property(history, history, (past, more) => {
      const both = { ...past, starts: [...more.starts.map((start) => ({ ...start, readyAt: null })), ...past.starts] }
      assert.isAtLeast(usedBy(both, "dead", window).restarts, usedBy(past, "dead", window).restarts)
    }), runs)
  })

  const death = (generation: number, at: number, lived: number | null) => ({
    generation,
    at: new Date(at).toISOString(),
    operation: null,
    cause: "death" as const,
    readyAt: lived === null ? null : new Date(at).toISOString(),
    endedAt: lived === null ? null : new Date(at + lived).toISOString()
  })

  it("is spent by unhealthy lives in a row, however far apart they are", () => {
    FastCheck.assert(FastCheck.property(FastCheck.integer({ min: 1, max: 6 }), FastCheck.integer({ min: 20_000, max: 3_600_000 }), (restarts, delay) => {
      const starts = Array.from({ length: restarts }, (_, index) => death(index + 2, now - (restarts - index) * delay, 1_000))
      const minute = { now, perMs: 60_000, healthyForMs: 60_000 }
      assert.strictEqual(unhealthyInARow({ ...noHistory, starts }, "dead", minute), restarts)
      // A healthy life, a person's restart and a clearing begin a new row; the life that lasts is not over yet.
      const [first, ...others] = starts
      if (first === undefined) return
      assert.strictEqual(unhealthyInARow({ ...noHistory, starts: [{ ...first, cause: "person" }, ...others] }, "dead", minute), restarts - 1)
      assert.strictEqual(unhealthyInARow({ ...noHistory, starts, budgetClearedAt: new Date(now).toISOString() }, "dead", minute), 0)
      assert.strictEqual(unhealthyInARow({ ...noHistory, starts: [...starts, death(99, now - 90_000, 80_000)] }, "dead", minute), 0)
      assert.strictEqual(unhealthyInARow({ ...noHistory, starts: [...others, death(99, now - 5, null)] }, "alive", minute), restarts - 1)
    }), runs)
    const apart = Array.from({ length: 5 }, (_, index) => death(index + 2, now - (5 - index) * 25_000, 1_000))
    FastCheck.assert(FastCheck.property(facts, (about) => {
      const agent = { ...about.agent, history: { ...noHistory, starts: apart } }
      const dead: Facts = { ...about, life: "dead", agent, history: agent.history, otherTeams: [], roster: [rosterEntry(agent, "dead")] }
      const budget = (count: number) => Policy.withBudget({ restarts: count, per: "1 minute", exceeded: Policy.escalate("leader") })(Policy.fresh)
      assert.strictEqual(decide(budget(5), dead).escalateTo, "leader")
      assert.match(decide(budget(5), dead).why.join(), /5 restarts in a row did not last 1m/)
      assert.strictEqual(decide(budget(6), dead).kind, "fresh_start")
    }), runs)
  })

  it("counts a recorded time in the future as now at the latest, and not later than what followed it", () => {
    const ahead = 10 * 24 * 3_600_000
    const minute = { now, perMs: 60_000, healthyForMs: 600_000 }
    // The clock was set back by ten days after the first of them, an hour ago.
    const starts = [{ ...death(2, now + ahead, 1_000), endedAt: null }, { ...death(3, now - 3_600_000, null), cause: "person" as const }]
    assert.strictEqual(usedBy({ ...noHistory, starts }, "dead", minute).restarts, 0)
    assert.strictEqual(usedBy({ ...noHistory, starts: [death(2, now + ahead, null)] }, "dead", minute).restarts, 1)
    const ended = { ...death(2, now + ahead, null), endedAt: new Date(now - 120_000).toISOString() }
    assert.strictEqual(usedBy({ ...noHistory, starts: [ended] }, "dead", minute).restarts, 0)
  })

  it("of a credential counts those of other teams that log in the same way, until it is cleared; no other budget does", () => {
    FastCheck.assert(FastCheck.property(facts, history, (about, theirs) => {
      const uncleared = { ...about, agent: { ...about.agent, history: { ...about.history, budgetClearedAt: null } } }
      const sharing = rosterEntry({ ...about.agent, history: theirs }, "unknown")
      const others = [sharing, { ...sharing, credential: "fake/somebody-else" }]
      const used = (scope: "agent" | "team" | "credential", otherTeams: Facts["otherTeams"], of: Facts = uncleared) =>
        decide(Policy.withBudget({ restarts: 0, per: "10 minutes", scope, exceeded: Policy.none })(Policy.fresh), { ...of, otherTeams }).budget?.used ?? 0
      const alone = used("credential", [])
      assert.strictEqual(used("credential", others), alone + usedBy(theirs, "unknown", window).restarts)
      for (const scope of ["agent", "team"] as const) assert.strictEqual(used(scope, others), used(scope, []))
      const cleared = { ...about, agent: { ...about.agent, history: { ...about.history, budgetClearedAt: new Date(now).toISOString() } } }
      assert.strictEqual(used("credential", others, cleared), used("credential", [], cleared))
    }), runs)
  })

  it("touches no decision that touches nobody, and else gives what it says where it is spent", () => {
    FastCheck.assert(FastCheck.property(policy, facts, (a, about) => {
      const made = decide(a, about)
      const none = decide(Policy.withBudget({ restarts: 0, per: "10 minutes", exceeded: Policy.escalate("leader") })(a), about)
      if (!Policy.touches(made)) return assert.deepStrictEqual(none, made)
      assert.deepStrictEqual([none.kind, none.code, none.escalateTo, none.budget?.restarts], ["refuse", "escalated", "leader", 0])
    }), runs)
  })
})
