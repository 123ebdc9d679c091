import { assert, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { namePattern } from "../../sdk/domain/ids.ts"
import { type AdoptGround, chooseAdoptable, idsFor, nameFrom, type Recognised, teamNameFor } from "../../sdk/session/adopt.ts"
import { placeOf } from "../../sdk/session/adopt-processes.ts"

// What may be adopted, over made-up tables of processes: never a wrong one, always with a reason.

const made = FastCheck.record({
  session: FastCheck.option(FastCheck.constantFrom("a", "b", "c", "d"), { nil: null }),
  provider: FastCheck.constantFrom("claude", "codex"),
  cwd: FastCheck.constantFrom("/work", "/work/deep", "/workshop", "/", "/else"),
  parent: FastCheck.nat(7),
  inside: FastCheck.boolean(),
  caller: FastCheck.boolean(),
  agent: FastCheck.boolean(),
  ticks: FastCheck.nat(100)
})

const arbitrary = FastCheck.record({
  rows: FastCheck.array(made, { maxLength: 8 }),
  held: FastCheck.subarray(["claude/a", "codex/a", "claude/b"]),
  everywhere: FastCheck.boolean()
})

const build = ({ everywhere, held, rows }: typeof arbitrary extends FastCheck.Arbitrary<infer A> ? A : never) => {
  const recognised = rows.map(({ cwd, inside, provider, session, ticks }, at): Recognised => ({
    provider,
    process: {
      pid: at + 1,
      ppid: 0,
      startTime: `${ticks}@boot`,
      argv: [provider],
      cwd,
      env: inside ? { REPRISE_TEAM: "t", REPRISE_AGENT: "x", REPRISE_WORKSPACE: "/w" } : {},
      startedAt: null,
      ageMs: null,
      place: "tty /dev/pts/1",
      inTerminal: true
    },
    said: { sessionId: session, transcript: null, cwd, model: null, permissions: null, options: {}, env: {}, evidence: "it says so" }
  }))
  // Only an earlier row is a parent, so that there is no ring.
  const parentOf = (pid: number) => {
    const parent = (rows[pid - 1]?.parent ?? 0) % 8
    return parent < pid ? parent : 0
  }
  const ancestors = (pid: number): ReadonlySet<number> => {
    const found = new Set<number>()
    for (let at = pid; at > 0; at = parentOf(at)) found.add(at)
    return found
  }
  const pidsOf = (test: (row: (typeof rows)[number]) => boolean) => rows.flatMap((row, at) => test(row) ? at + 1 : [])
  const ground: AdoptGround = {
    workspace: "/work",
    everywhere,
    only: null,
    callers: new Set(pidsOf(({ caller }) => caller)),
    agents: new Map(pidsOf(({ agent }) => agent).map((pid) => [pid, "t/x"])),
    holders: new Map(held.map((key) => [key, "t/y"])),
    ancestors
  }
  return { ground, recognised }
}

it.prop("what is adopted is certain, alone in its conversation, and nobody's yet", [arbitrary], ([input]) => {
  const { ground, recognised } = build(input)
  const { adoptable, elsewhere, leftOut } = chooseAdoptable(recognised, ground)
  assert.strictEqual(adoptable.length + leftOut.length + elsewhere, recognised.length)
  assert.isTrue(leftOut.every(({ reason }) => reason !== ""))
  const keys = adoptable.map(({ provider, sessionId }) => `${provider}/${sessionId}`)
  assert.strictEqual(new Set(keys).size, keys.length)
  for (const { process, provider, said, sessionId } of adoptable) {
    assert.strictEqual(said.sessionId, sessionId)
    assert.isFalse(ground.callers.has(process.pid) || ground.agents.has(process.pid) || ground.holders.has(`${provider}/${sessionId}`))
    assert.isFalse("REPRISE_AGENT" in process.env)
    assert.isTrue(ground.everywhere || process.cwd === "/work" || process.cwd === "/work/deep")
    const above = [...ground.ancestors(process.pid)].filter((pid) => pid !== process.pid)
    assert.isFalse(recognised.some((other) => above.includes(other.process.pid)))
  }
})

it.prop("the order in which processes are listed does not matter", [arbitrary], ([input]) => {
  const { ground, recognised } = build(input)
  const pids = (list: ReadonlyArray<Recognised>) => chooseAdoptable(list, ground).adoptable.map(({ process }) => process.pid)
  assert.deepStrictEqual(pids(recognised.toReversed()), pids(recognised))
})

it.prop("names are such as teams and agents may have, and free", [FastCheck.string({ unit: "binary", maxLength: 90 }), FastCheck.array(FastCheck.constantFrom("team", "team-2", "work"))], ([text, taken]) => {
  assert.match(nameFrom(text, "team"), namePattern)
  const name = teamNameFor(`/home/${text.replaceAll("/", "")}`, new Set(taken))
  assert.match(name, namePattern)
  assert.isFalse(taken.includes(name))
})

it("each provider counts its own", () => {
  const { ground, recognised } = build({
    everywhere: true,
    held: [],
    rows: [["claude", "a"], ["codex", "a"], ["claude", "b"]].map(([provider = "", session = ""], ticks) => ({
      provider, session, cwd: "/work", parent: 0, inside: false, caller: false, agent: false, ticks
    }))
  })
  assert.deepStrictEqual(idsFor(chooseAdoptable(recognised, ground).adoptable), ["claude-1", "codex-1", "claude-2"])
})

it("a place is a pane of tmux, else a terminal, else none", () => {
  assert.strictEqual(placeOf({ TMUX: "/tmp/tmux-1000/default,12,0", TMUX_PANE: "%3" }, "/dev/pts/4"), "tmux /tmp/tmux-1000/default %3")
  assert.strictEqual(placeOf({ TMUX: "/tmp/x,1,0" }, "/dev/pts/4"), "tty /dev/pts/4")
  assert.strictEqual(placeOf({}, null), "no terminal")
})
