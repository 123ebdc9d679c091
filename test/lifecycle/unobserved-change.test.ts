import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Adopt, Policy, Restart, Send, Shutdown, Status } from "reprise"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { eventually, hasTmux, isGone, kill, makeWorld } from "../adopt/world.ts"

// A user goes over to another conversation in the agent's window, and no command looks before the process ends.

const makeTeam = (options: Readonly<Record<string, string | number | boolean>> = {}) =>
  Effect.gen(function*() {
    const world = yield* makeWorld
    const file = yield* world.run(parseTeamFile(
      JSON.stringify({ name: "alpha", defaults: { provider: "fake", options: { root: world.root, turn: 1, ...options } }, agents: { one: {}, two: {} } }),
      { file: "team.yaml", workspace: world.workspace }
    ))
    const up = yield* world.run(Launch.up(file, { workspace: world.workspace, transport: "tmux", plugins: [] }))
    assert.strictEqual(up.outcome, "launched", up.message)
    const [one, two] = up.agents
    // Agents start at once, so their panes may come up in either order.
    const paneOf = (agent: (typeof up.agents)[number] | undefined) => agent?.pane?.split(".").at(-1) ?? ""
    const place = { one: { pid: one?.pid ?? 0, pane: paneOf(one) }, two: { pid: two?.pid ?? 0, pane: paneOf(two) } }
    const server = JSON.parse(readFileSync(join(world.workspace, ".reprise/plugins/transport-tmux/server.json"), "utf8"))
    const tmux = (...words: ReadonlyArray<string>) => execFileSync("tmux", ["-S", server.socket, ...words], { env: world.env })
    const sessionIn = (agent: "one" | "two"): string => world.recordOf(place[agent].pid)?.sessionId ?? ""
    /** What the user types in the agent's window, once it was taken. */
    const types = (agent: "one" | "two", text: string) =>
      Effect.gen(function*() {
        const before = sessionIn(agent)
        tmux("send-keys", "-t", place[agent].pane, "-l", text)
        tmux("send-keys", "-t", place[agent].pane, "Enter")
        if (text.startsWith("/")) return yield* eventually("another conversation", () => sessionIn(agent) !== before && sessionIn(agent))
        yield* eventually(`the answer to ${text}`, () => world.saidIn(sessionIn(agent)).includes(`noted: ${text}`))
        return sessionIn(agent)
      })
    const serverDies = Effect.gen(function*() {
      tmux("kill-server")
      yield* eventually("the end of the agents", () => isGone(place.one.pid) && isGone(place.two.pid))
    })
    const restart = (given: Restart.RestartOptions = {}) => world.run(Restart.restart("alpha", Policy.standard, { convergeWithin: 0, ...given }))
    const send = (agent: string, text: string) => world.run(Send.send("alpha", agent, text))
    const sessions = world.run(Effect.map(Status.status("alpha"), ({ agents }) => agents.map(({ session }) => session?.id)))
    return { ...world, restart, send, serverDies, sessionIn, sessions, tmux, types }
  })

const back = (report: Restart.RestartReport) => report.agents.map(({ result, session }) => `${result} ${session?.id ?? "none"}`)

describe.skipIf(!hasTmux)("a conversation that changed while no command looked", () => {
  it.scopedLive("is followed after the tmux server died, for two agents in one directory and after several changes", () =>
    Effect.gen(function*() {
      const team = yield* makeTeam()
      yield* team.send("one", "old talk")
      yield* team.types("one", "/clear")
      yield* team.types("one", "talk between")
      yield* team.types("one", "/clear")
      const one = yield* team.types("one", "new talk")
      const two = yield* team.types("two", "/clear")
      yield* team.serverDies
      assert.deepStrictEqual(yield* team.sessions, [one, two])
      const report = yield* team.restart()
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(back(report), [`resumed ${one}`, `resumed ${two}`])
      const [captured] = (yield* team.events("session.captured")).filter((event) => event.type === "session.captured" && event.session_id === one)
      assert.strictEqual(captured?.type === "session.captured" ? captured.captured_via : null, "identity_marker")
      yield* team.send("one", "recall")
      assert.match(team.saidIn(one), /"text":"new talk"/)
      yield* team.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive("is followed back to the one before it, and after a shutdown by down", () =>
    Effect.gen(function*() {
      const team = yield* makeTeam()
      yield* team.send("one", "old talk")
      const first = team.sessionIn("one")
      yield* team.types("one", "/clear")
      yield* team.types("one", "an aside")
      yield* team.types("one", `/resume ${first}`)
      yield* team.types("one", "back again")
      const two = yield* team.types("two", "/clear")
      yield* team.serverDies
      const report = yield* team.restart()
      assert.deepStrictEqual(back(report), [`resumed ${first}`, `resumed ${two}`], report.message)
      yield* team.run(Shutdown.down("alpha"))
      assert.deepStrictEqual(back(yield* team.restart()), [`resumed ${first}`, `resumed ${two}`])
      yield* team.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive("is asked for where no file says whose it is, and the user's answer is kept", () =>
    Effect.gen(function*() {
      const team = yield* makeTeam({ marker: false })
      yield* team.send("one", "old talk")
      const old = team.sessionIn("one")
      const other = team.sessionIn("two")
      yield* team.types("one", "/clear")
      const fresh = yield* team.types("one", "new talk")
      yield* team.serverDies
      const refused = yield* team.restart()
      assert.strictEqual(refused.outcome, "resume_not_ready", refused.message)
      const [one] = refused.agents
      assert.strictEqual(one?.code, "session_ambiguous")
      assert.deepStrictEqual(one?.candidates?.map(({ sessionId }) => sessionId), [fresh, old])
      assert.include(refused.next, `reprise restart one --session ${fresh} --team alpha`)
      assert.isFalse(refused.next.some((command) => command.includes("--allow-fresh")))
      // Nothing of another agent's, of another directory, or that is not there.
      for (const [session, code] of [[other, "session_held"], ["no-such-conversation", "missing_transcript"]] as const) {
        const wrong = yield* team.restart({ agents: ["one"], session })
        assert.deepStrictEqual([wrong.ok, wrong.agents[0]?.code], [false, code], wrong.message)
      }
      const planned = yield* team.run(Restart.plan("alpha", Policy.standard, { agents: ["one"], session: fresh }))
      assert.strictEqual(planned.agents[0]?.decided.decision.session?.id, fresh)
      assert.deepStrictEqual((yield* team.sessions)[0], old)
      const chosen = yield* team.restart({ agents: ["one"], session: fresh })
      assert.strictEqual(back(chosen)[0], `resumed ${fresh}`, chosen.message)
      const selected = (yield* team.events("session.captured")).filter((event) => event.type === "session.captured" && event.captured_via === "user_selected")
      assert.lengthOf(selected, 1)
      yield* team.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive("of an adopted agent is asked for", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* one.say("/clear")
      yield* one.say("the elder")
      const last = world.recordOf(one.pid)?.sessionId ?? ""
      execFileSync("tmux", ["-S", world.socket, "kill-server"], { env: world.env })
      yield* eventually("its end", () => isGone(one.pid))
      const refused = yield* world.run(Restart.restart("alpha", Policy.standard))
      assert.strictEqual(refused.outcome, "resume_not_ready", refused.message)
      assert.deepStrictEqual(refused.agents[0]?.candidates?.map(({ sessionId }) => sessionId), [last, one.session])
      const chosen = yield* world.run(Restart.restart("alpha", Policy.standard, { agents: [refused.agents[0]?.id ?? ""], session: last }))
      assert.deepStrictEqual(back(chosen), [`resumed ${last}`], chosen.message)
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)
})

describe.skipIf(!hasTmux)("an adopted agent to which its user never spoke", () => {
  it.scopedLive("is started fresh after its end, and needs no grant", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux(world.workspace, ["--session", "at-first-message"])
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* kill(one.pid)
      const report = yield* world.run(Restart.restart("alpha", Policy.standard))
      assert.deepStrictEqual(report.agents.map(({ result }) => result), ["started"], report.message)
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)
})
