import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { isRefused, judgeLog, type LogFacts, type OtherPlace } from "../../sdk/domain/log-verdict.ts"

const here = { path: "/work", device: "1", inode: "10" }
const identity = { id: "w", ...here }
const facts = (changes: Partial<LogFacts> = {}): LogFacts => ({
  here,
  log: { identity, position: 20 },
  others: [],
  mirror: 20,
  marker: 20,
  remains: [],
  ...changes
})
const elsewhere = { identity: { id: "w", path: "/old", device: "1", inode: "9" }, position: 20 }
const place = (state: OtherPlace["state"], path = "/old"): OtherPlace => ({ path, state })

describe("what a log is", () => {
  it("current where it is as it was left, also where a mirror or marker lags behind", () => {
    assert.deepStrictEqual(judgeLog(facts()), { _tag: "Current", refresh: false })
    assert.deepStrictEqual(judgeLog(facts({ mirror: 0, marker: null })), { _tag: "Current", refresh: false })
    assert.deepStrictEqual(judgeLog(facts({ here: { ...here, inode: "11" } })), { _tag: "Current", refresh: true })
  })

  it("rolled back where the mirror or the marker is ahead of it", () => {
    assert.strictEqual(judgeLog(facts({ mirror: 21 }))._tag, "RolledBack")
    assert.strictEqual(judgeLog(facts({ marker: 21 }))._tag, "RolledBack")
  })

  it("a copy where the recorded place, or that of the marker, is its workspace", () => {
    assert.deepStrictEqual(judgeLog(facts({ log: elsewhere, others: [place("this_log")] })), { _tag: "Copied", original: "/old", certain: true })
    assert.deepStrictEqual(judgeLog(facts({ others: [place("this_log", "/marked")] })), { _tag: "Copied", original: "/marked", certain: true })
    // What could not be read is not gone.
    assert.deepStrictEqual(judgeLog(facts({ log: elsewhere, others: [place("unknown")] })), { _tag: "Copied", original: "/old", certain: false })
  })

  it("moved where the recorded place is gone or another workspace, and the same by another name", () => {
    assert.deepStrictEqual(judgeLog(facts({ log: elsewhere, others: [place("gone")] })), { _tag: "Moved", from: "/old" })
    assert.deepStrictEqual(judgeLog(facts({ log: elsewhere, others: [place("other")] })), { _tag: "Moved", from: "/old" })
    assert.strictEqual(judgeLog(facts({ log: elsewhere, others: [place("same_directory")] }))._tag, "Current")
  })

  it("lost where teams were recorded and it holds none; unmade where there is no trace of any", () => {
    assert.strictEqual(judgeLog(facts({ log: null }))._tag, "Unmade")
    assert.deepStrictEqual(judgeLog(facts({ log: null, remains: ["a page"] })), { _tag: "Lost", evidence: ["a page"] })
  })

  it("is never acted on while anything is ahead of it or claims it, whatever else is seen", () => {
    const states = FastCheck.constantFrom<OtherPlace["state"]>("gone", "other", "same_directory", "this_log", "unknown")
    FastCheck.assert(FastCheck.property(
      FastCheck.nat(40),
      FastCheck.nat(40),
      FastCheck.option(FastCheck.nat(40)),
      FastCheck.array(FastCheck.tuple(states, FastCheck.constantFrom("/old", "/work2"))),
      FastCheck.constantFrom("/old", "/work"),
      (position, mirror, marker, others, recorded) => {
        const verdict = judgeLog(facts({
          log: { identity: { ...identity, path: recorded }, position },
          mirror,
          marker,
          others: others.map(([state, path]) => place(state, path))
        }))
        const ahead = mirror > position || (marker ?? 0) > position
        const claimed = others.some(([state]) => state === "this_log" || state === "unknown")
        assert.strictEqual(isRefused(verdict), ahead || claimed)
        if (claimed) assert.strictEqual(verdict._tag, "Copied")
      }
    ))
  })
})
