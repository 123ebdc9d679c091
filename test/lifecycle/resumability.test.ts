import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { ProviderFailure, type ProviderAgent, type ProviderDriver } from "reprise/plugin"
import type { SessionRef } from "../../sdk/domain/session.ts"
import { guardProvider } from "../../sdk/plugin/host/guarded-provider.ts"
import { readProcess } from "../../sdk/plugin/process-table.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import { resumability } from "../../sdk/session/resumability.ts"
import { status } from "../../sdk/lifecycle/Status.ts"
import { scriptedProvider } from "./scripted-cli.ts"
import { makeWorld, temporaryDirectory } from "./world.ts"

/** A conversation on disk, and what is said of it. */
const makeCase = (more: Partial<ProviderDriver> = {}) =>
  Effect.map(temporaryDirectory, (workspace) => {
    const provider = guardProvider({ plugin: "test", name: "cli" }, { ...scriptedProvider({ preassigned: true }), ...more })
    const agent: ProviderAgent = {
      team: "alpha",
      id: "one",
      role: null,
      prompt: null,
      workspace,
      cwd: workspace,
      model: null,
      effort: null,
      permissions: null,
      tools: [],
      options: {},
      env: {},
      configHome: null,
      mcp: {},
      startedAt: null
    }
    const path = join(workspace, "sessions", "s-1.jsonl")
    const session: SessionRef = {
      provider: "cli",
      id: "s-1",
      transcript: path,
      capturedVia: "assigned_id",
      confidence: "high",
      capturedAt: "2026-01-01T00:00:00Z",
      generation: 1
    }
    const write = (text: string, at = path) => {
      Fs.mkdirSync(dirname(at), { recursive: true })
      Fs.writeFileSync(at, text)
    }
    const whole = (cwd = workspace) => `${JSON.stringify({ sessionId: "s-1", cwd })}\n`
    const ask = (of: Partial<SessionRef> = {}, own: Parameters<typeof resumability>[3] = []) =>
      Effect.provide(resumability({ ...session, ...of }, agent, provider, own), NodeContext.layer)
    return { workspace, path, write, whole, ask }
  })

describe("a transcript that is not as it was", () => {
  it.scopedLive("is told to be deleted, moved, empty, cut off at its beginning, or not written yet", () =>
    Effect.gen(function*() {
      const { ask, path, whole, workspace, write } = yield* makeCase()
      const says = (of: Partial<SessionRef> = {}) =>
        Effect.map(ask(of), (answer) => answer._tag === "NotResumable" ? `${answer.code}: ${answer.why}` : answer._tag)
      write(whole())
      assert.strictEqual(yield* says(), "Resumable")
      write("")
      assert.match(yield* says(), /^torn_transcript: .* is empty: it was truncated$/)
      write("xx\n")
      assert.match(yield* says(), /^torn_transcript: .* does not begin as a transcript does/)
      Fs.rmSync(path)
      assert.match(yield* says(), /^missing_transcript: .*it was deleted or moved$/)
      assert.match(yield* says({ capturedVia: "process_report", transcript: null }), /^missing_transcript: .*deleted or moved, or never written$/)
      const beside = `${path}.bak`
      write(whole(), beside)
      assert.match(yield* says(), new RegExp(`^missing_transcript: .* it was moved, and lies at ${beside}$`))
      // A file of that name which is another's is no trace of it.
      write(`${JSON.stringify({ sessionId: "s-2" })}\n`, beside)
      assert.match(yield* says(), /it was deleted or moved$/)
      const recorded = join(workspace, "elsewhere", "s-1.jsonl")
      write(whole(), recorded)
      assert.match(yield* says({ transcript: recorded }), /it was moved, and lies at .*elsewhere/)
    }))

  it.scopedLive("is another working directory's where it says so and its CLI does not look there", () =>
    Effect.gen(function*() {
      const { ask, whole, workspace, write } = yield* makeCase()
      const recorded = join(workspace, "elsewhere", "s-1.jsonl")
      write(whole("/another/place"), recorded)
      const answer = yield* ask({ transcript: recorded })
      assert.deepInclude(answer, { _tag: "NotResumable", code: "session_cwd_mismatch" })
      // By whatever path that directory is reached.
      const link = join(workspace, "link")
      Fs.symlinkSync(workspace, link)
      write(whole(link), recorded)
      assert.deepInclude(yield* ask({ transcript: recorded }), { code: "missing_transcript" })
    }))

  it.scopedLive("of which two copies could be it is unknown, and so is one in a directory that can't be listed", () =>
    Effect.gen(function*() {
      const { workspace } = yield* makeCase()
      const days = [join(workspace, "a"), join(workspace, "b")]
      const { ask, whole, write } = yield* makeCase({
        sessionAddress: (_, id) => ({ directory: join(workspace, "a"), transcript: null, search: { directories: days, ending: `-${id}.jsonl` } })
      })
      assert.deepInclude(yield* ask({ transcript: null }), { code: "missing_transcript" })
      write(whole(), join(workspace, "b", "1-s-1.jsonl"))
      assert.deepInclude(yield* ask({ transcript: null }), { _tag: "Resumable", transcript: join(workspace, "b", "1-s-1.jsonl") })
      write(whole(), join(workspace, "a", "2-s-1.jsonl"))
      assert.deepInclude(yield* ask({ transcript: null }), { _tag: "Unknown" })
      Fs.rmSync(join(workspace, "a"), { recursive: true })
      Fs.writeFileSync(join(workspace, "a"), "no directory")
      assert.deepInclude(yield* ask({ transcript: null }), { _tag: "Unknown" })
    }))
})

describe("a status", () => {
  it.scopedLive("says whether a conversation could be continued, by the same look as a restart", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("two", { transcript: "never" })
      yield* world.up("alpha", { one: {}, two: {} })
      const told = () => Effect.map(world.run(status("alpha")), ({ agents }) => agents.map(({ resumable }) => resumable ?? null))
      assert.deepStrictEqual(yield* told(), [{ answer: "yes", code: null, why: "" }, null])
      Fs.rmSync((yield* world.agent("one")).session?.transcript ?? "")
      const [one] = yield* told()
      assert.deepInclude(one, { answer: "no", code: "missing_transcript" })
      assert.match(one?.why ?? "", /it was deleted/)
    }))
})

describe("an agent that is let in by an endpoint of somebody else's", () => {
  it.scopedLive("is not resumed where its policy says so, and is where it does not", () =>
    Effect.gen(function*() {
      const plain = scriptedProvider({ preassigned: true })
      const world = yield* makeWorld({
        providers: {
          gateway: { ...plain, command: (request) => Effect.map(plain.command(request), (plan) => ({ ...plan, authMode: "compatible_api" })) }
        }
      })
      yield* world.up("alpha", { one: { provider: "gateway" }, two: {} })
      const policy = Policy.resume.pipe(Policy.when(
        ({ agent }) => agent.spawn?.launchContext.authMode === "compatible_api",
        Policy.refuse("auth_mode", "its conversation is not sent to a gateway"),
        "it goes to a compatible API"
      ))
      const { agents } = yield* world.plan(policy)
      assert.deepStrictEqual(agents.map(({ decided: { decision } }) => [decision.kind, decision.code]), [
        ["refuse", "auth_mode"],
        ["resume", null]
      ])
      assert.deepStrictEqual((yield* world.plan()).agents.map(({ decided: { decision } }) => decision.kind), ["resume", "resume"])
    }))
})

describe("a conversation that a live process has open", () => {
  it.scopedLive("is continued by nobody else, and who has it is named", () =>
    Effect.gen(function*() {
      const holder = { pid: 999_999, startTime: "1@b", evidence: "It holds the lock." }
      const { ask, whole, write } = yield* makeCase({ sessionHolders: () => Effect.succeed([holder]) })
      write(whole())
      const answer = yield* ask()
      assert.deepInclude(answer, { _tag: "NotResumable", code: "session_held", heldBy: [holder] })
      assert.match(answer._tag === "NotResumable" ? answer.why : "", /process 999999 \(It holds the lock\)/)
      assert.deepInclude(yield* ask({}, [holder]), { _tag: "Resumable" })
      // The same pid, given out again, is somebody else.
      assert.deepInclude(yield* ask({}, [{ ...holder, startTime: "2@b" }]), { code: "session_held" })
    }))

  it.scopedLive("is in nobody's way where that process descends from one that is ended before", () =>
    Effect.gen(function*() {
      const [parent, child] = yield* Effect.all([readProcess(process.ppid), readProcess(process.pid)])
      if (parent.state !== "alive" || child.state !== "alive") return assert.fail("processes can't be read here")
      const holder = { pid: child.pid, startTime: child.startTime, evidence: "it holds the lock" }
      const { ask, whole, write } = yield* makeCase({ sessionHolders: () => Effect.succeed([holder]) })
      write(whole())
      assert.deepInclude(yield* ask({}, [{ pid: parent.pid, startTime: parent.startTime }]), { _tag: "Resumable" })
      assert.deepInclude(yield* ask({}, [{ pid: parent.pid, startTime: "1@other" }]), { code: "session_held" })
    }))

  it.scopedLive("is unknown where the provider could not tell", () =>
    Effect.gen(function*() {
      const { ask, whole, write } = yield* makeCase({
        sessionHolders: () => Effect.fail(new ProviderFailure({ provider: "cli", operation: "sessionHolders", detail: "No locks." }))
      })
      write(whole())
      assert.deepInclude(yield* ask(), { _tag: "Unknown" })
    }))

  it.scopedLive("refuses the restart before anything is touched, and again where it was opened after the plan", () =>
    Effect.gen(function*() {
      let held = true
      const holder = { pid: 999_999, startTime: "1@b", evidence: "it holds the lock" }
      const world = yield* makeWorld({
        providers: {
          locking: { ...scriptedProvider({ preassigned: true }), sessionHolders: () => Effect.sync(() => held ? [holder] : []) }
        }
      })
      yield* world.up("alpha", { one: { provider: "locking" } })
      yield* world.firstSend("one")
      const touches = world.touches()
      const refused = yield* world.restart()
      assert.strictEqual(refused.outcome, "refused_resume_atomicity", refused.message)
      assert.strictEqual(world.touches(), touches)
      assert.match(refused.message, /is open in process 999999/)
      assert.notInclude(refused.next.join(), "--takeover")
      assert.deepInclude(JSON.parse(JSON.stringify(refused.details)), {
        unresumable: [{
          agent_id: "one",
          reason: "session_held",
          session_id: (yield* world.agent("one")).session?.id,
          why: refused.agents[0]?.why,
          held_by: [holder]
        }]
      })
      held = false
      const late = yield* world.restart(undefined, { beforeActing: () => Effect.sync(() => held = true) })
      assert.deepStrictEqual([late.outcome, late.agents[0]?.result], ["failed", "failed"], late.message)
      assert.match(late.message, /can't be continued any more/)
      assert.strictEqual(world.touches(), touches)
      held = false
      assert.strictEqual((yield* world.restart()).outcome, "restarted")
    }))
})
