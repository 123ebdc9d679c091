import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { attribute, type SpawnWindow, type TranscriptCandidate } from "../../sdk/session/attribution.ts"

// Worlds are made from the truth: who wrote which file, when. Attribution sees the files and the windows, in any order and
// at any moment, and may be silent; it may never name the wrong writer.

const runs = { numRuns: 2_000 } as const

interface Truth {
  readonly windows: ReadonlyArray<SpawnWindow>
  readonly candidates: ReadonlyArray<TranscriptCandidate>
  /** Who wrote a file, by its session. */
  readonly writers: ReadonlyMap<string, string>
}

const person = "a person"

const writer = FastCheck.record({
  directory: FastCheck.constantFrom("/a", "/b"),
  provider: FastCheck.constantFrom("p", "q"),
  from: FastCheck.integer({ min: 0, max: 20 }),
  assigned: FastCheck.boolean(),
  marks: FastCheck.boolean(),
  /** After how long each of its files appears. An agent of a known session writes no more of them unmarked. */
  delays: FastCheck.array(FastCheck.integer({ min: 1, max: 20 }), { maxLength: 2 }),
  pending: FastCheck.boolean(),
  dead: FastCheck.option(FastCheck.integer({ min: 1, max: 40 }), { nil: null }),
  /** Whether it is seen at this moment: a file may be written a moment later. */
  seen: FastCheck.array(FastCheck.boolean(), { minLength: 2, maxLength: 2 })
})

/** Files that no agent of ours wrote: older than every agent, elsewhere, or marked as another's. */
const foreign = FastCheck.record({
  directory: FastCheck.constantFrom("/a", "/b", "/c"),
  provider: FastCheck.constantFrom("p", "q"),
  born: FastCheck.integer({ min: -20, max: 60 }),
  marker: FastCheck.constantFrom("other/agent", "beta/0")
})

const world: FastCheck.Arbitrary<Truth> = FastCheck.record({
  agents: FastCheck.array(writer, { minLength: 1, maxLength: 4 }),
  others: FastCheck.array(foreign, { maxLength: 3 }),
  backwards: FastCheck.boolean()
}).map(({ agents, backwards, others }): Truth => {
  const writers = new Map<string, string>()
  const candidates: Array<TranscriptCandidate> = []
  const windows = agents.map((agent, index): SpawnWindow => {
    const owner = `alpha/${index}`
    const assignedId = agent.assigned ? `assigned-${index}` : null
    const knownBefore = !agent.pending
    const until = agent.dead === null ? null : agent.from + agent.dead
    for (const [at, delay] of agent.delays.entries()) {
      const bornAt = agent.from + delay
      if (until !== null && bornAt >= until) continue
      // The first of an assigned agent has our id; what comes after a known session carries a marker.
      const sessionId = at === 0 && assignedId !== null ? assignedId : `written-${index}-${at}`
      const marked = agent.marks || at > 0 || knownBefore
      writers.set(sessionId, owner)
      if (agent.seen[at] !== true) continue
      candidates.push({
        provider: agent.provider,
        directory: agent.directory,
        path: `${agent.directory}/${sessionId}`,
        sessionId,
        marker: marked ? owner : null,
        cwd: null,
        bornAt,
        claimed: knownBefore && at === 0
      })
    }
    return {
      owner,
      provider: agent.provider,
      directory: agent.directory,
      from: agent.from,
      until,
      assignedId,
      pending: agent.pending,
      identified: knownBefore
    }
  })
  for (const [index, other] of others.entries()) {
    const sessionId = `foreign-${index}`
    writers.set(sessionId, person)
    candidates.push({
      provider: other.provider,
      directory: other.directory,
      path: `${other.directory}/${sessionId}`,
      sessionId,
      // Without a marker only where it is older than any agent can be.
      marker: other.born <= 0 ? null : other.marker,
      cwd: null,
      bornAt: other.born,
      claimed: false
    })
  }
  return { windows, candidates: backwards ? candidates.toReversed() : candidates, writers }
})

describe("attribution in generated worlds", () => {
  it("never names a wrong owner, whatever is already seen", () => {
    let named = 0
    FastCheck.assert(FastCheck.property(world, ({ candidates, windows, writers }) => {
      for (const { owner, sessionId } of attribute(windows, candidates).assigned) {
        named += 1
        assert.strictEqual(writers.get(sessionId), owner, `${sessionId} was given to ${owner}`)
      }
    }), runs)
    // The law would hold of silence too.
    assert.isAbove(named, runs.numRuns / 4)
  })

  it("gives a session to one agent at most, never one that is held, and only to those who wait for one", () => {
    FastCheck.assert(FastCheck.property(world, ({ candidates, windows }) => {
      const { ambiguous, assigned } = attribute(windows, candidates)
      const ids = assigned.map(({ sessionId }) => sessionId)
      assert.strictEqual(new Set(ids).size, ids.length)
      const owners = [...assigned.map(({ owner }) => owner), ...ambiguous.map(({ owner }) => owner)]
      assert.strictEqual(new Set(owners).size, owners.length)
      for (const owner of owners) assert.isTrue(windows.find((window) => window.owner === owner)?.pending)
      for (const id of ids) assert.isFalse(candidates.find(({ sessionId }) => sessionId === id)?.claimed)
    }), runs)
  })

  it("does not depend on the order of files or agents", () => {
    FastCheck.assert(FastCheck.property(world, ({ candidates, windows }) => {
      const sorted = (result: ReturnType<typeof attribute>) =>
        result.assigned.toSorted((a, b) => a.owner.localeCompare(b.owner))
      assert.deepStrictEqual(
        sorted(attribute(windows, candidates)),
        sorted(attribute(windows.toReversed(), candidates.toReversed()))
      )
    }), runs)
  })

  it("takes an assigned id for an address: nothing else is ever given to its agent", () => {
    FastCheck.assert(FastCheck.property(world, ({ candidates, windows }) => {
      for (const { owner, sessionId, via } of attribute(windows, candidates).assigned) {
        const assignedId = windows.find((window) => window.owner === owner)?.assignedId ?? null
        if (assignedId !== null) assert.deepStrictEqual([sessionId, via], [assignedId, "assigned_id"])
      }
    }), runs)
  })
})

describe("attribution by example", () => {
  const window = (owner: string, fields: Partial<SpawnWindow> = {}): SpawnWindow => ({
    owner,
    provider: "p",
    directory: "/a",
    from: 10,
    until: null,
    assignedId: null,
    pending: true,
    identified: false,
    ...fields
  })
  const file = (sessionId: string, fields: Partial<TranscriptCandidate> = {}): TranscriptCandidate => ({
    provider: "p",
    directory: "/a",
    path: `/a/${sessionId}`,
    sessionId,
    marker: null,
    cwd: null,
    bornAt: 20,
    claimed: false,
    ...fields
  })

  it("a file at another agent's address is in nobody's way", () => {
    const windows = [window("alpha/one", { until: 30 }), window("alpha/two", { assignedId: "two", from: 25 })]
    const { ambiguous, assigned } = attribute(windows, [file("chosen"), file("two", { bornAt: 26 })])
    assert.deepStrictEqual(assigned.map(({ owner, sessionId }) => `${owner} ${sessionId}`), ["alpha/one chosen", "alpha/two two"])
    assert.deepStrictEqual(ambiguous, [])
  })

  it("a file of exactly the instant of a start may be the one before, one of unknown birth may be anybody's", () => {
    for (const bornAt of [10, 9, null]) {
      assert.deepStrictEqual(attribute([window("alpha/one")], [file("chosen", { bornAt })]).assigned, [])
    }
  })

  it("two files with one agent's marker are one too many", () => {
    const { ambiguous, assigned } = attribute(
      [window("alpha/one")],
      [file("a", { marker: "alpha/one" }), file("b", { marker: "alpha/one" })]
    )
    assert.deepStrictEqual(assigned, [])
    assert.deepStrictEqual(ambiguous.map(({ candidates }) => candidates), [["/a/a", "/a/b"]])
  })

  it("a file that was born after its agent died is not its own", () => {
    assert.deepStrictEqual(attribute([window("alpha/one", { until: 15 })], [file("chosen")]).assigned, [])
  })
})
