import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { attribute, type AttributionWorld, sessionKey, type SpawnWindow, type TranscriptCandidate } from "../../sdk/session/attribution.ts"
import { isSteady } from "../../sdk/session/clock.ts"

// Worlds are made from the truth: who was in which conversation, and when its file was written. Attribution sees files,
// windows and reports, in any order and at any moment, and may be silent; it may never name somebody who was never in it.

const runs = { numRuns: 2_000 } as const

/** The clock may be set once, forwards or backwards. */
interface WallClock {
  readonly setAt: number
  readonly by: number
}
const unit = 10_000
const end = 100
const wallAt = ({ by, setAt }: WallClock, moment: number): number => (moment + (moment >= setAt ? by : 0)) * unit

interface Truth {
  readonly world: AttributionWorld
  /** Who was in a conversation. */
  readonly insiders: ReadonlyMap<string, ReadonlySet<string>>
}

const conversation = FastCheck.record({
  /** How long after the one before it began. */
  after: FastCheck.integer({ min: 1, max: 15 }),
  /** How long its file takes; one that is never spoken in has none. */
  late: FastCheck.option(FastCheck.integer({ min: 0, max: 30 }), { nil: null })
})

const life = FastCheck.record({
  team: FastCheck.constantFrom("alpha", "beta"),
  directories: FastCheck.constantFrom(["/a"], ["/a"], ["/b"], ["/a", "/b"]),
  cwd: FastCheck.constantFrom("/w", "/w", "/v"),
  saysCwd: FastCheck.boolean(),
  provider: FastCheck.constantFrom("p", "p", "q"),
  start: FastCheck.integer({ min: 5, max: 60 }),
  assigned: FastCheck.boolean(),
  marks: FastCheck.boolean(),
  markSeen: FastCheck.boolean(),
  /** Its conversations: the first, and those that its user went over to. */
  conversations: FastCheck.array(conversation, { minLength: 1, maxLength: 3 }),
  /** Which of them was captured before, if any was. */
  captured: FastCheck.constantFrom(null, null, 0, 1),
  records: FastCheck.constantFrom("none", "told", "told", "unreadable", "silent"),
  /** Whose conversation its user opened in it at last, if anybody's; by number. */
  visits: FastCheck.option(FastCheck.integer({ min: 0, max: 4 }), { nil: null, freq: 6 }),
  copyOf: FastCheck.option(FastCheck.integer({ min: 0, max: 4 }), { nil: null, freq: 6 })
})

/** Files that no agent of ours wrote: before all of them, elsewhere, or in a workspace whose team has the same name. */
const foreign = FastCheck.record({
  directory: FastCheck.constantFrom("/a", "/b", "/c"),
  provider: FastCheck.constantFrom("p", "q"),
  born: FastCheck.integer({ min: -20, max: 90 }),
  marker: FastCheck.constantFrom("other/agent", "alpha/0", "beta/1", null)
})

const clock: FastCheck.Arbitrary<WallClock> = FastCheck.record({
  setAt: FastCheck.integer({ min: 0, max: end }),
  by: FastCheck.constantFrom(0, 0, 0, 40, -2, -30, -60)
})

const truth: FastCheck.Arbitrary<Truth> = FastCheck.record({
  lives: FastCheck.array(life, { minLength: 1, maxLength: 5 }),
  others: FastCheck.array(foreign, { maxLength: 3 }),
  backwards: FastCheck.boolean(),
  clock
}).map(({ backwards, clock, lives, others }): Truth => {
  const insiders = new Map<string, Set<string>>()
  const enters = (id: string, owner: string) => insiders.set(id, (insiders.get(id) ?? new Set()).add(owner))
  const ownerOf = (at: number) => `${lives[at]?.team ?? ""}/${at}`
  const idOf = (at: number, nth: number) => lives[at]?.assigned === true && nth === 0 ? `assigned-${at}` : `chosen-${at}-${nth}`
  const candidates: Array<TranscriptCandidate> = []
  const holders = new Map<string, string>()
  const windows = lives.map((agent, at): SpawnWindow => {
    const owner = ownerOf(at)
    const begun: Array<{ readonly id: string; readonly written: boolean }> = []
    let moment = agent.start
    for (const [nth, { after, late }] of agent.conversations.entries()) {
      moment += after
      if (moment >= end) break
      const id = idOf(at, nth)
      enters(id, owner)
      const writtenAt = late === null ? Infinity : moment + late
      begun.push({ id, written: writtenAt < end })
      if (writtenAt >= end) continue
      candidates.push({
        provider: agent.provider,
        directory: agent.directories.at(nth % 2 === 0 ? 0 : -1) ?? "/a",
        path: `/files/${id}`,
        sessionId: id,
        marker: agent.marks ? owner : null,
        cwd: agent.saysCwd ? agent.cwd : null,
        bornAt: wallAt(clock, writtenAt),
        writtenAt: wallAt(clock, writtenAt)
      })
    }
    const before = agent.captured === null ? undefined : begun[agent.captured]
    const held = before?.written === true ? before.id : null
    if (held !== null) holders.set(sessionKey(agent.provider, held), owner)
    const host = agent.visits === null || agent.visits === at ? undefined : lives[agent.visits]
    const visited = host === undefined || host.provider !== agent.provider ? undefined : idOf(agent.visits ?? 0, 0)
    const source = agent.copyOf === null || agent.copyOf === at || lives[agent.copyOf] === undefined ? [] : [idOf(agent.copyOf, 0)]
    const now = visited ?? begun.at(-1)?.id
    if (agent.records === "told" && visited !== undefined && !source.includes(visited)) enters(visited, owner)
    return {
      owner,
      provider: agent.provider,
      directories: agent.directories,
      cwd: agent.cwd,
      from: wallAt(clock, agent.start),
      until: null,
      assignedId: agent.assigned ? idOf(at, 0) : null,
      held,
      pending: held === null,
      marks: agent.marks && agent.markSeen,
      report: agent.records !== "told" || now === undefined ? null : {
        sessionId: now,
        path: `/files/${now}`,
        transcript: "missing",
        confidence: "high",
        evidence: "its records say so"
      },
      tells: agent.records === "told" || agent.records === "unreadable",
      unobserved: agent.records === "none" || agent.records === "silent",
      never: source
    }
  })
  for (const [index, other] of others.entries()) {
    const sessionId = `foreign-${index}`
    candidates.push({
      provider: other.provider,
      directory: other.directory,
      path: `/files/${sessionId}`,
      sessionId,
      marker: other.marker,
      // Marked as another's, from another workspace that has a team of this name, or older than any set clock hides.
      cwd: other.marker === "other/agent" ? "/w" : other.marker === null && other.born < 0 ? null : "/elsewhere",
      bornAt: wallAt(clock, other.marker === null && other.born < 0 ? other.born - 100 : other.born),
      writtenAt: wallAt(clock, other.marker === null && other.born < 0 ? other.born - 100 : other.born)
    })
  }
  const written = new Set(candidates.map(({ sessionId }) => sessionId))
  const ordered = backwards ? candidates.toReversed() : candidates
  return {
    insiders,
    world: {
      windows: windows.map((window) => window.report === null || !written.has(window.report.sessionId)
        ? window
        : { ...window, report: { ...window.report, transcript: "present" } }),
      candidates: ordered,
      holders,
      nameless: [],
      incomplete: new Set(),
      now: wallAt(clock, end),
      steadyClock: isSteady(
        lives.map(({ start }) => ({ intendedAt: wallAt(clock, start), startTime: `${(start * unit + 150) / 10}@boot` })),
        { wallMs: wallAt(clock, end), sinceBootMs: end * unit, boot: "boot" }
      )
    }
  }
})

const byOwner = (result: ReturnType<typeof attribute>) => result.assigned.toSorted((a, b) => a.owner.localeCompare(b.owner))

describe("attribution in generated worlds", () => {
  it("never names somebody who was never in the conversation, whatever is already seen", () => {
    const named = new Map<string, number>()
    FastCheck.assert(FastCheck.property(truth, ({ insiders, world }) => {
      for (const { owner, sessionId, via } of attribute(world).assigned) {
        named.set(via, (named.get(via) ?? 0) + 1)
        assert.isTrue(insiders.get(sessionId)?.has(owner) === true, `${sessionId} was given to ${owner} (${via})`)
      }
    }), runs)
    // The law would hold of silence too.
    for (const via of ["assigned_id", "identity_marker", "process_report", "spawn_window"]) {
      assert.isAbove(named.get(via) ?? 0, runs.numRuns / 100, via)
    }
  })

  it("gives a session to one agent at most, never one that another holds or that it is a copy of", () => {
    FastCheck.assert(FastCheck.property(truth, ({ world }) => {
      const { ambiguous, assigned } = attribute(world)
      const keyOf = (owner: string, id: string) => sessionKey(world.windows.find((window) => window.owner === owner)?.provider ?? "", id)
      const keys = assigned.map(({ owner, sessionId }) => keyOf(owner, sessionId))
      assert.strictEqual(new Set(keys).size, keys.length)
      const owners = [...assigned.map(({ owner }) => owner), ...ambiguous.map(({ owner }) => owner)]
      assert.strictEqual(new Set(owners).size, owners.length)
      for (const { owner, sessionId } of assigned) {
        assert.include([undefined, owner], world.holders.get(keyOf(owner, sessionId)))
        assert.notInclude(world.windows.find((window) => window.owner === owner)?.never ?? [], sessionId)
      }
    }), runs)
  })

  it("takes a known session from an agent by its own process's word, or by what it wrote last under its own marker", () => {
    let rotated = 0
    FastCheck.assert(FastCheck.property(truth, ({ world }) => {
      for (const { owner, path, replaces, sessionId, via } of attribute(world).assigned) {
        const window = world.windows.find((candidate) => candidate.owner === owner)
        assert.strictEqual(replaces, window?.held ?? null)
        if (window?.pending === true) continue
        rotated += 1
        if (via === "identity_marker") {
          assert.isTrue(world.steadyClock)
          assert.isNull(window?.report)
          assert.isTrue(world.candidates.some((candidate) => candidate.sessionId === sessionId && candidate.marker === owner))
        } else {
          assert.deepStrictEqual([via, sessionId], ["process_report", window?.report?.sessionId])
        }
        // What is there to come back to is never given up for a conversation that is not written yet.
        assert.isTrue(world.candidates.some((candidate) => candidate.path === path))
      }
    }), runs)
    assert.isAbove(rotated, runs.numRuns / 100)
  })

  it("does not depend on the order of files or agents", () => {
    FastCheck.assert(FastCheck.property(truth, ({ world }) => {
      const reversed = { ...world, windows: world.windows.toReversed(), candidates: world.candidates.toReversed() }
      assert.deepStrictEqual(byOwner(attribute(world)), byOwner(attribute(reversed)))
    }), runs)
  })

  it("takes an assigned id for an address: but for its process's own word, nothing else is ever given to its agent", () => {
    FastCheck.assert(FastCheck.property(truth, ({ world }) => {
      for (const { owner, sessionId, via } of attribute(world).assigned) {
        const assignedId = world.windows.find((window) => window.owner === owner)?.assignedId ?? null
        // What it wrote last is asked only where its process does not say where it is, and says by its marker whose it is.
        if (assignedId !== null && via !== "process_report" && via !== "identity_marker") assert.deepStrictEqual([sessionId, via], [assignedId, "assigned_id"])
      }
    }), runs)
  })

  it("takes no time for evidence once the clock was set back, and guesses nothing of a process that tells it itself", () => {
    let unsteady = 0
    FastCheck.assert(FastCheck.property(truth, ({ world }) => {
      unsteady += world.steadyClock ? 0 : 1
      for (const { owner, via } of attribute(world).assigned) {
        if (via !== "spawn_window") continue
        assert.isTrue(world.steadyClock)
        assert.isFalse(world.windows.find((window) => window.owner === owner)?.tells)
      }
    }), runs)
    assert.isAbove(unsteady, runs.numRuns / 20)
  })
})

describe("attribution by example", () => {
  const window = (owner: string, fields: Partial<SpawnWindow> = {}): SpawnWindow => ({
    owner,
    provider: "p",
    directories: ["/a"],
    cwd: "/w",
    from: 10,
    until: null,
    assignedId: null,
    held: null,
    pending: true,
    marks: false,
    report: null,
    tells: false,
    never: [],
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
    writtenAt: 20,
    ...fields
  })
  const attributed = (
    windows: ReadonlyArray<SpawnWindow>,
    candidates: ReadonlyArray<TranscriptCandidate>,
    more: Partial<AttributionWorld> = {}
  ) => {
    const { ambiguous, assigned } = attribute({
      windows,
      candidates,
      holders: new Map(),
      nameless: [],
      incomplete: new Set(),
      steadyClock: true,
      now: 1_000,
      ...more
    })
    return {
      assigned: assigned.map(({ owner, sessionId, via }) => `${owner} ${sessionId} ${via}`),
      ambiguous: ambiguous.map(({ candidates: paths, owner, reason }) => `${owner} ${paths.join(" ")}: ${reason}`)
    }
  }
  const said = (sessionId: string, transcript: "present" | "missing" = "present") =>
    ({ sessionId, path: `/a/${sessionId}`, transcript, confidence: "high" as const, evidence: "its records say so" })

  it("a file at another agent's address is in nobody's way", () => {
    const windows = [window("alpha/one", { until: 300 }), window("alpha/two", { assignedId: "two", from: 250 })]
    assert.deepStrictEqual(attributed(windows, [file("chosen"), file("two", { bornAt: 260 })]), {
      assigned: ["alpha/one chosen spawn_window", "alpha/two two assigned_id"],
      ambiguous: []
    })
  })

  it("an agent that is known by the id it was given may still have gone on to another file: that one is either's", () => {
    const windows = [window("alpha/one"), window("alpha/two", { assignedId: "two", held: "two", pending: false })]
    assert.deepStrictEqual(attributed(windows, [file("chosen")]).assigned, [])
    // Whoever marks what it writes has not written this one.
    const marking = windows.map((entry) => ({ ...entry, marks: entry.owner === "alpha/two" }))
    assert.deepStrictEqual(attributed(marking, [file("chosen")]).assigned, ["alpha/one chosen spawn_window"])
  })

  it("a file of exactly the instant of a start may be the one before, one of unknown birth may be anybody's", () => {
    for (const bornAt of [10, 9, null]) {
      assert.deepStrictEqual(attributed([window("alpha/one")], [file("chosen", { bornAt })]).assigned, [])
    }
  })

  it("a file from the very instant of another's start is not told apart from it", () => {
    const one = window("alpha/one")
    for (const from of [20, 28]) {
      const { ambiguous, assigned } = attributed([one, window("alpha/two", { from })], [file("chosen")])
      assert.deepStrictEqual(assigned, [])
      assert.deepStrictEqual(ambiguous, ["alpha/one /a/chosen: alpha/two could have written it as well"])
    }
    assert.deepStrictEqual(attributed([one, window("alpha/two", { from: 31 })], [file("chosen")]).assigned, ["alpha/one chosen spawn_window"])
  })

  it("a file that an earlier process of another agent may have left is not given away", () => {
    const again = window("alpha/two", { from: 500, everFrom: 12 })
    assert.deepStrictEqual(attributed([window("alpha/one"), again], [file("chosen", { bornAt: 100 })]), {
      assigned: [],
      ambiguous: ["alpha/one /a/chosen: alpha/two could have written it as well"]
    })
  })

  it("a file that is known to be another's is nobody else's, whatever provider reads it", () => {
    const windows = [window("alpha/one", { provider: "q", assignedId: "chosen" }), window("alpha/two")]
    const files = [file("chosen", { provider: "q" }), file("chosen")]
    const claims = new Map([["/a/chosen", new Set(["alpha/one"])]])
    assert.deepStrictEqual(attributed(windows, files, { claims }), { assigned: ["alpha/one chosen assigned_id"], ambiguous: [] })
    // Where nobody is known to have it, two who could have it are one too many.
    const both = attributed([window("alpha/one", { provider: "q" }), window("alpha/two")], files)
    assert.deepStrictEqual(both.assigned, [])
    assert.lengthOf(both.ambiguous, 2)
  })

  it("two files with one agent's marker are one too many", () => {
    const marked = [file("a", { marker: "alpha/one" }), file("b", { marker: "alpha/one" })]
    const { ambiguous, assigned } = attributed([window("alpha/one")], marked)
    assert.deepStrictEqual(assigned, [])
    assert.match(ambiguous.join(), /^alpha\/one \/a\/a \/a\/b: more than one/)
  })

  it("a file that was born after its agent died is not its own", () => {
    assert.deepStrictEqual(attributed([window("alpha/one", { until: 15 })], [file("chosen")]).assigned, [])
  })

  it("a marker from another working directory is of another workspace, whose team has the same name", () => {
    const elsewhere = file("chosen", { marker: "alpha/one", cwd: "/other" })
    assert.deepStrictEqual(attributed([window("alpha/one")], [elsewhere]).assigned, [])
    assert.deepStrictEqual(attributed([window("alpha/one")], [{ ...elsewhere, cwd: "/w" }]).assigned, ["alpha/one chosen identity_marker"])
  })

  it("what could not be read, or does not say whose it is, may be the file that was looked for", () => {
    const one = [window("alpha/one")]
    const nameless = (bornAt: number | null) => ({ nameless: [{ provider: "p", directory: "/a", bornAt }] })
    assert.deepStrictEqual(attributed(one, [file("chosen")], { incomplete: new Set(["p\0/a"]) }).assigned, [])
    assert.deepStrictEqual(attributed(one, [file("chosen")], nameless(30)).assigned, [])
    assert.deepStrictEqual(attributed(one, [file("chosen")], nameless(null)).assigned, [])
    assert.deepStrictEqual(attributed(one, [file("chosen")], nameless(5)).assigned, ["alpha/one chosen spawn_window"])
  })

  it("a process that went over to another conversation takes its agent along, once that one is written", () => {
    const held = { assignedId: "first", held: "first", pending: false }
    const holders = new Map([["p/first", "alpha/one"]])
    const later = [window("alpha/one", { ...held, report: said("later") })]
    assert.deepStrictEqual(attributed(later, [file("first"), file("later")], { holders }).assigned, ["alpha/one later process_report"])
    const unwritten = [window("alpha/one", { ...held, report: said("later", "missing") })]
    assert.deepStrictEqual(attributed(unwritten, [file("first")], { holders }), { assigned: [], ambiguous: [] })
  })

  it("a conversation that was begun where the workspace was before a move is weighed against the one after it", () => {
    const held = window("alpha/one", { held: "first", pending: false, unobserved: true, marks: true })
    const first = file("first", { directory: "/before", cwd: "/before", marker: "alpha/one", writtenAt: 500 })
    const later = file("later", { marker: "alpha/one", cwd: "/w", writtenAt: 100 })
    assert.deepStrictEqual(attributed([held], [first, later]), { assigned: [], ambiguous: [] })
    assert.deepStrictEqual(attributed([held], [first, { ...later, writtenAt: 900 }]).assigned, ["alpha/one later identity_marker"])
  })

  it("what a process's records only let infer is held with medium confidence", () => {
    for (const confidence of ["medium", "high"] as const) {
      const report = { ...said("later"), confidence }
      const { assigned } = attribute({
        windows: [window("alpha/one", { held: "first", pending: false, report })],
        candidates: [file("first"), file("later")],
        holders: new Map(),
        nameless: [],
        incomplete: new Set(),
        steadyClock: true,
        now: 1_000
      })
      assert.deepStrictEqual(assigned.map(({ confidence: as, sessionId }) => [sessionId, as]), [["later", confidence]])
    }
  })

  it("a process whose session is not written yet is known by its word, unless there is something to come back to", () => {
    const one = window("alpha/one", { assignedId: "given", report: said("own", "missing"), tells: true })
    assert.deepStrictEqual(attributed([one], []).assigned, ["alpha/one own process_report"])
    assert.deepStrictEqual(attributed([one], [file("given")]).assigned, ["alpha/one given assigned_id"])
  })

  it("a process in another agent's conversation gets nothing by it, and that is said", () => {
    const visitor = window("alpha/two", { report: said("first"), tells: true })
    const held = window("alpha/one", { held: "first", pending: false })
    const rivals: ReadonlyArray<readonly [SpawnWindow, Partial<AttributionWorld>]> = [
      [held, { holders: new Map([["p/first", "alpha/one"]]) }],
      [held, { holders: new Map([["p/first", "beta/one"]]) }],
      [window("alpha/one", { assignedId: "first" }), {}],
      [window("alpha/one", { report: said("first"), tells: true }), {}]
    ]
    for (const [rival, more] of rivals) {
      const { ambiguous, assigned } = attributed([rival, visitor], [file("first")], more)
      assert.notInclude(assigned.join(), "alpha/two")
      assert.match(ambiguous.join("\n"), /alpha\/two \/a\/first: its process says that it is in session first, which is/)
    }
    const copy = window("alpha/two", { report: said("source"), never: ["source"], tells: true })
    assert.deepStrictEqual(attributed([copy], [file("source")]).assigned, [])
    const marked = window("alpha/two", { report: said("first"), tells: true })
    assert.deepStrictEqual(attributed([marked], [file("first", { marker: "alpha/one" })]).assigned, [])
  })
})

describe("the clock on the wall", () => {
  const now = { wallMs: 1_000_000, sinceBootMs: 500_000, boot: "b" }
  const at = (wallMs: number, sinceBootMs: number, boot = "b") => ({ intendedAt: wallMs, startTime: `${sinceBootMs / 10}@${boot}` })

  it("is steady while the kernel counts the same, and where it was set forward", () => {
    assert.isTrue(isSteady([], now))
    assert.isTrue(isSteady([at(600_000, 100_000), at(600_000, 100_500)], now))
    assert.isTrue(isSteady([at(300_000, 100_000)], now))
  })

  it("is not once it was set back", () => {
    assert.isFalse(isSteady([at(700_000, 100_000)], now))
    assert.isFalse(isSteady([at(600_000, 100_000), at(605_000, 100_000)], now))
  })

  it("says nothing of another boot, and of hosts that count otherwise", () => {
    assert.isTrue(isSteady([at(900_000, 100_000, "other"), { intendedAt: 900_000, startTime: "Mon Nov 23@ps" }], now))
  })
})
