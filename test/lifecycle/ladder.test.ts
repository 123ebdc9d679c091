import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ProcessEvidence, ProviderDriver, SessionHolder } from "reprise/plugin"
import { ProviderFailure } from "reprise/plugin"
import { send } from "../../sdk/lifecycle/Send.ts"
import { status } from "../../sdk/lifecycle/Status.ts"
import { scriptedProvider } from "./scripted-cli.ts"
import { makeWorld } from "./world.ts"

// A CLI that keeps records of the session that it is in, as real ones do.

const recording = () => {
  const told = new Map<string, Partial<ProcessEvidence> | "unreadable">()
  const asked: Array<{ readonly agent: string; readonly alive: boolean }> = []
  const open: Array<SessionHolder & { readonly sessionId: string }> = []
  const records: Pick<ProviderDriver, "processEvidence" | "sessionHolders"> = {
    processEvidence: ({ agent, alive }) =>
      Effect.suspend(() => {
        asked.push({ agent: agent.id, alive })
        const says = told.get(agent.id)
        return says === "unreadable"
          ? Effect.fail(new ProviderFailure({ provider: "recorded", operation: "processEvidence", detail: "It is torn." }))
          : Effect.succeed(says === undefined ? null : { sessionId: null, transcript: null, state: null, evidence: "its file says so", ...says })
      }),
    sessionHolders: (_, sessionId) => Effect.sync(() => open.filter((holder) => holder.sessionId === sessionId))
  }
  const searching = (driver: ProviderDriver): ProviderDriver => ({
    ...driver,
    sessionAddress: (agent, sessionId) => {
      const { directory } = driver.sessionAddress(agent, sessionId)
      const days = [join(directory, "monday"), join(directory, "tuesday")]
      return {
        directory,
        transcript: null,
        alsoIn: days,
        ...sessionId === null ? {} : { search: { directories: days, ending: `-${sessionId}.jsonl` } }
      }
    }
  })
  return {
    told,
    asked,
    open,
    providers: {
      recorded: { ...scriptedProvider({ preassigned: true }), ...records },
      chooses: { ...scriptedProvider({ preassigned: false }), ...records },
      dated: searching({ ...scriptedProvider({ preassigned: false }), ...records })
    }
  }
}

const makeRecorded = Effect.gen(function*() {
  const records = recording()
  return { ...records, world: yield* makeWorld({ providers: records.providers }) }
})

describe("a process that went over to another conversation", () => {
  it.scopedLive("takes its agent along at a restart, and the event says from where and how that is known", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      const first = (yield* world.agent("one")).session?.id ?? ""
      world.transcript("later", ["typed by hand"])
      told.set("one", { sessionId: "later" })
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result, session }) => [result, session?.id]), [["resumed", "later"]], report.message)
      assert.deepStrictEqual(world.spawnsOf("one").at(-1)?.request.argv.slice(1, 3), ["resume", "later"])
      assert.deepInclude((yield* world.events("session.captured")).at(-1), {
        session_id: "later",
        captured_via: "process_report",
        attribution_confidence: "high",
        old_session_id: first,
        reason: "its file says so"
      })
    }))

  it.scopedLive("is noticed by a status, so that its death does not hide it, and is written down once", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" }, two: { provider: "recorded" } })
      world.transcript("later", ["typed by hand"])
      told.set("one", { sessionId: "later" })
      const seen = yield* world.run(status("alpha"))
      assert.strictEqual(seen.agents[0]?.session?.id, "later")
      assert.strictEqual((yield* world.run(status("alpha"))).position, seen.position)
      told.delete("one")
      yield* world.kill("one")
      assert.strictEqual((yield* world.restart()).agents[0]?.session?.id, "later")
    }))

  it.scopedLive("is noticed by a send", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      const path = world.transcript("later", ["typed by hand"])
      told.set("one", { sessionId: "later", transcript: path })
      yield* world.run(send("alpha", "one", "hello"))
      assert.deepInclude((yield* world.agent("one")).session, { id: "later", transcript: path })
    }))

  it.scopedLive("is told by what it left, once it is dead", () =>
    Effect.gen(function*() {
      const { asked, told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      world.transcript("later", ["typed by hand"])
      yield* world.kill("one")
      told.set("one", { sessionId: "later" })
      const from = asked.length
      assert.strictEqual((yield* world.restart()).agents[0]?.session?.id, "later")
      assert.isFalse(asked[from]?.alive)
    }))

  it.scopedLive("does not give up a conversation for one that is not written yet", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      const first = (yield* world.agent("one")).session?.id
      told.set("one", { sessionId: "empty" })
      yield* world.run(status("alpha"))
      assert.strictEqual((yield* world.agent("one")).session?.id, first)
    }))

  it.scopedLive("gets nothing by standing in another agent's, of whatever team, and that is said once", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      yield* world.up("beta", { two: { provider: "recorded" } })
      const [one, two] = [(yield* world.agent("one")).session?.id ?? "", (yield* world.agent("two", "beta")).session?.id]
      told.set("two", { sessionId: one })
      for (let time = 0; time < 2; time++) {
        yield* world.run(status("beta"))
        yield* Effect.exit(world.restart(undefined, { team: "beta", agents: [], convergeWithin: 0 }))
      }
      assert.strictEqual((yield* world.agent("two", "beta")).session?.id, two)
      assert.strictEqual((yield* world.agent("one")).session?.id, one)
      yield* world.restart(undefined, { team: "beta", convergeWithin: 0 })
      const said = yield* world.events("provider.session.attribution_ambiguous", "beta")
      assert.strictEqual(said.length, 1)
      assert.match(said[0]?.reason ?? "", /is alpha\/one's/)
    }))

  it.scopedLive("changes nothing where its records can't be read", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      const before = (yield* world.agent("one")).session
      told.set("one", "unreadable")
      yield* world.run(status("alpha"))
      assert.deepStrictEqual((yield* world.agent("one")).session, before)
    }))

  it.scopedLive("is not brought back into the one before while where it went can't be told, or somebody else is there", () =>
    Effect.gen(function*() {
      const { open, told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      const before = yield* world.agent("one")
      const refusedFor = (code: string, why: RegExp) =>
        Effect.gen(function*() {
          const report = yield* world.restart(undefined, { convergeWithin: 0 })
          assert.strictEqual(report.plan.agents[0]?.decided.decision.code, code)
          assert.match(report.message, why)
          assert.strictEqual((yield* world.agent("one")).generation, before.generation)
        })
      world.transcript("after", ["typed by its own user"])
      yield* world.kill("one")
      told.set("one", "unreadable")
      yield* refusedFor("unknown", /records of its process could not be read/)
      told.set("one", { sessionId: "after" })
      open.push({ sessionId: "after", pid: 999_999, startTime: "1@person", evidence: "it holds the lock" })
      yield* refusedFor("session_held", /session after is open in process 999999/)
      open.pop()
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
      assert.strictEqual((yield* world.agent("one")).session?.id, "after")
    }))

  it.scopedLive("is nobody's where another live process has that conversation open", () =>
    Effect.gen(function*() {
      const { open, told, world } = yield* makeRecorded
      yield* world.up("alpha", { one: { provider: "recorded" } })
      const before = (yield* world.agent("one")).session?.id
      world.transcript("leaders", ["typed by its own user"])
      told.set("one", { sessionId: "leaders" })
      open.push({ sessionId: "leaders", pid: 999_999, startTime: "1@leader", evidence: "it holds the lock" })
      yield* world.run(status("alpha"))
      assert.strictEqual((yield* world.agent("one")).session?.id, before)
      // Its own process having it open is no hindrance.
      const pid = world.pidOf("one") ?? 0
      const startTime = world.transport.processes().find(({ identity }) => identity.pid === pid)?.identity.startTime ?? ""
      open.splice(0, 1, { sessionId: "leaders", pid, startTime, evidence: "it holds the lock" })
      yield* world.run(status("alpha"))
      assert.strictEqual((yield* world.agent("one")).session?.id, "leaders")
    }))
})

describe("a file that may be an agent's", () => {
  it.scopedLive("is not guessed at while its live process keeps records that have not told yet", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      world.script.set("one", { transcript: "never" })
      told.set("one", {})
      yield* world.up("alpha", { one: { provider: "chooses" } })
      world.transcript("somebodys", ["typed by hand"])
      yield* world.run(status("alpha"))
      assert.isNull((yield* world.agent("one")).session)
      told.set("one", { sessionId: "own" })
      world.transcript("own", ["hello"])
      yield* world.run(status("alpha"))
      assert.deepInclude((yield* world.agent("one")).session, { id: "own", capturedVia: "process_report" })
    }))

  it.scopedLive("is nobody's where a person's process has it open", () =>
    Effect.gen(function*() {
      const { open, world } = yield* makeRecorded
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "chooses" } })
      // Files are written later than the instant of the spawn.
      yield* Effect.sleep(5)
      world.transcript("persons", ["typed by hand"])
      open.push({ sessionId: "persons", pid: 999_999, startTime: "1@person", evidence: "it holds the lock" })
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready", report.message)
      const [said] = yield* world.events("provider.session.attribution_ambiguous")
      assert.match(said?.reason ?? "", /process 999999, which is not its own, has it open/)
    }))

  it.scopedLive("is the same file by whatever path its directory is reached", () =>
    Effect.gen(function*() {
      const { world } = yield* makeRecorded
      world.script.set("one", { transcript: "never" })
      world.script.set("two", { transcript: "never" })
      Fs.mkdirSync(world.sessions())
      Fs.symlinkSync(world.sessions(), world.sessions("link"))
      yield* world.up("alpha", {
        one: { provider: "found" },
        two: { provider: "found", options: { directory: "link" } }
      })
      world.transcript("either", ["hello"])
      const report = yield* world.restart()
      assert.strictEqual(report.outcome, "resume_not_ready", report.message)
      assert.deepStrictEqual(yield* world.events("session.captured"), [])
      const said = yield* world.events("provider.session.attribution_ambiguous")
      assert.deepStrictEqual(said.map(({ agent }) => agent).toSorted(), ["one", "two"])
    }))

  it.scopedLive("is not another agent's for quoting its marker in the conversation", () =>
    Effect.gen(function*() {
      const { world } = yield* makeRecorded
      world.script.set("one", { transcript: "never" })
      world.script.set("two", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" }, two: { provider: "found" } })
      world.transcript("quoting", [`{"agent":"alpha/one"} alpha/one REPRISE_AGENT=one`], { marker: "alpha/two" })
      yield* world.restart(undefined, { convergeWithin: 0 })
      assert.isNull((yield* world.agent("one")).session)
      assert.deepInclude((yield* world.agent("two")).session, { id: "quoting", capturedVia: "identity_marker" })
    }))
})

describe("a transcript whose name the id does not wholly tell", () => {
  it.scopedLive("is waited for, found in the directory where it came, and continued", () =>
    Effect.gen(function*() {
      const { told, world } = yield* makeRecorded
      world.script.set("one", { transcript: "never" })
      told.set("one", { sessionId: "own" })
      yield* world.up("alpha", { one: { provider: "dated" } })
      assert.deepInclude((yield* world.agent("one")).session, { id: "own", transcript: null, capturedVia: "process_report" })
      const [plan] = (yield* world.plan()).agents
      assert.strictEqual(plan?.facts.resumability._tag === "NotResumable" && plan.facts.resumability.code, "missing_transcript")
      Fs.mkdirSync(world.sessions("sessions/tuesday"), { recursive: true })
      const path = join(world.sessions("sessions/tuesday"), "12-00-own.jsonl")
      Fs.renameSync(world.transcript("own", ["hello"]), path)
      yield* world.run(status("alpha"))
      assert.strictEqual((yield* world.agent("one")).session?.transcript, path)
      const [then] = (yield* world.plan()).agents
      assert.deepStrictEqual(then?.facts.resumability, { _tag: "Resumable", transcript: path })
    }))

  it.scopedLive("is found by its marker in any of the directories where it may appear", () =>
    Effect.gen(function*() {
      const { world } = yield* makeRecorded
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "dated" } })
      Fs.mkdirSync(world.sessions("sessions/monday"), { recursive: true })
      const path = join(world.sessions("sessions/monday"), "11-00-own.jsonl")
      Fs.renameSync(world.transcript("own", ["hello"], { marker: "alpha/one" }), path)
      yield* world.restart(undefined, { convergeWithin: 0 })
      assert.deepInclude((yield* world.agent("one")).session, { id: "own", transcript: path, capturedVia: "identity_marker" })
    }))
})
