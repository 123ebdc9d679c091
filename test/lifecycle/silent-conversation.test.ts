import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { AgentView } from "../../sdk/lifecycle/agent-view.ts"
import { status } from "../../sdk/lifecycle/Status.ts"
import { scriptedProvider } from "./scripted-cli.ts"
import { makeWorld } from "./world.ts"

// A CLI that keeps all conversations of its process open, and names the present one on its screen.

/** One agent that was spoken to, in a process of which a test says what is open and what its screen names. */
const makeCase = Effect.gen(function*() {
  const seen: { open: ReadonlyArray<string>; shown: string | null } = { open: [], shown: null }
  const plain = scriptedProvider({ preassigned: true })
  const world = yield* makeWorld({
    providers: {
      several: {
        ...plain,
        processEvidence: ({ alive }) =>
          Effect.sync(() =>
            !alive || seen.open.length === 0
              ? null
              : { sessionId: null, transcript: null, state: null, evidence: `It has ${seen.open.join(", ")} open.`, openSessions: seen.open }
          ),
        reportedSession: (process) => seen.shown === null ? plain.reportedSession(process) : Effect.succeed(seen.shown)
      }
    }
  })
  yield* world.up("alpha", { one: { provider: "several" } })
  const own = (yield* world.agent("one")).session?.id ?? ""
  world.transcript(own, ["the fig"])
  const look = Effect.map(world.run(status("alpha")), ({ agents: [agent] }) => ({
    session: agent?.session?.id,
    confidence: agent?.session?.confidence,
    answer: agent?.resumable?.answer,
    why: agent?.resumable?.why
  }))
  return { world, seen, own, look }
})

describe("a new conversation in which nothing was said", () => {
  it.scopedLive("leaves the one before it as what a restart continues, and that one is not reported as shown", () =>
    Effect.gen(function*() {
      const { look, own, seen } = yield* makeCase
      assert.deepInclude(yield* look, { session: own, confidence: "high", why: "" })
      seen.open = [own, "s-new"]
      seen.shown = "s-new"
      assert.deepStrictEqual(yield* look, {
        session: own,
        confidence: "low",
        answer: "yes",
        why: `its process is in session s-new, in which nothing was said: session ${own}, the one before it, is continued`
      })
      // Back in the first one.
      seen.shown = own
      assert.deepInclude(yield* look, { session: own, confidence: "high", why: "" })
    }))

  it.scopedLive("is named by the restart after the process's death, which continues the one before it", () =>
    Effect.gen(function*() {
      const { look, own, seen, world } = yield* makeCase
      seen.open = [own, "s-new"]
      seen.shown = "s-new"
      yield* look
      yield* world.kill("one")
      seen.open = []
      seen.shown = null
      assert.deepInclude(yield* look, {
        session: own,
        answer: "yes",
        why: `its process also had session s-new open, in which nothing was said: session ${own} is continued`
      })
      const report = yield* world.restart()
      assert.deepStrictEqual(report.agents.map(({ result, session, why }) => [result, session?.id, why.length]), [["resumed", own, 2]], report.message)
      assert.include(report.agents[0]?.why.join(), "session s-new open, in which nothing was said")
    }))

  it.scopedLive("is the agent's once something was said in it", () =>
    Effect.gen(function*() {
      const { look, own, seen, world } = yield* makeCase
      seen.open = [own, "s-new"]
      seen.shown = "s-new"
      yield* look
      world.transcript("s-new", ["the elder"])
      assert.deepInclude(yield* look, { session: "s-new", confidence: "high", why: "" })
    }))
})

describe("a conversation that is not written yet", () => {
  it.scopedLive("is named by up, status and restart alike where the process's own records name it", () =>
    Effect.gen(function*() {
      const plain = scriptedProvider({ preassigned: true })
      const told: { of: (pid: number) => string | undefined } = { of: () => undefined }
      const world = yield* makeWorld({
        providers: {
          telling: {
            ...plain,
            processEvidence: ({ pid }) => Effect.sync(() => {
              const sessionId = told.of(pid)
              return sessionId === undefined ? null : { sessionId, transcript: null, state: "idle", evidence: `Process ${pid} says so.` }
            })
          }
        }
      })
      told.of = (pid) => world.transport.processes().find(({ alive, identity }) => alive && identity.pid === pid)?.request.argv[2]
      world.script.set("one", { transcript: "never" })
      const named = ({ agents: [agent] }: { readonly agents: ReadonlyArray<AgentView> }) =>
        assert.deepStrictEqual(agent?.session, { id: told.of(agent?.pid ?? 0) ?? "", transcript: null, capturedVia: "process_report", confidence: "high" })
      named(yield* world.up("alpha", { one: { provider: "telling" } }))
      named(yield* world.run(status("alpha")))
      named(yield* world.restart())
    }))
})
