import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Adopt, Launch, Policy, Restart, Send, Shutdown, Status } from "reprise"
import { readProcess } from "reprise/plugin"
import { readTeamFile } from "../../sdk/spec/team-file.ts"
import { type ByHand, eventually, hasTmux, isGone, kill, makeWorld } from "./world.ts"

// What a person started by hand becomes a team, and nothing of theirs is touched.

const remembers = (world: Effect.Effect.Success<typeof makeWorld>, team: string, agent: string, session: string, text: string) =>
  Effect.gen(function*() {
    const sent = yield* world.run(Send.send(team, agent, "recall"))
    assert.strictEqual(sent.outcome, "submitted", sent.message)
    yield* eventually(`${agent} recalls ${text}`, () => world.saidIn(session).trim().split("\n").at(-1)?.includes(text) === true)
    return world.saidIn(session)
  })

describe.skipIf(!hasTmux)("adopt", () => {
  it.scopedLive("two in one directory of a person's tmux and one in a plain terminal come back after everything was killed", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      const two = yield* world.inTmux()
      const three = yield* world.inTerminal()
      const secrets = [[one, "the fig"], [two, "the quince"], [three, "the medlar"]] as const
      for (const [worker, secret] of secrets) yield* worker.say(secret)
      const before = readdirSync(world.root, { recursive: true }).map(String).sort()
      const files = before.filter((name) => name.endsWith(".jsonl")).map((name) => readFileSync(join(world.root, name), "utf8"))

      const seen = yield* world.run(Adopt.look(world.options))
      assert.strictEqual(seen.outcome, "found", seen.message)
      assert.isFalse(existsSync(join(world.workspace, "team.yaml")))
      const empty = yield* Effect.either(world.run(Adopt.look({ ...world.options, only: [2_000_000_000], name: "No Name" })))
      assert.isTrue(Either.isLeft(empty) && empty.left._tag === "AdoptRefused" && empty.left.reason === "BadName")
      const gone = yield* Effect.either(world.run(Adopt.look({ ...world.options, only: [2_000_000_000] })))
      assert.match(Either.isLeft(gone) ? gone.left.message : "", /Process 2000000000 can't be adopted: there is no such process\./)
      assert.deepStrictEqual(yield* world.events("team.recorded"), [])

      const adopted = yield* world.run(Adopt.adopt(world.options))
      assert.strictEqual(adopted.outcome, "adopted", adopted.message)
      assert.deepStrictEqual(adopted.agents, seen.agents.map((agent, at) => ({ ...agent, ageMs: adopted.agents[at]?.ageMs ?? null })))
      assert.deepStrictEqual(adopted.agents.map(({ pid, session }) => ({ pid, session })), [one, two, three].map(({ pid, session }) => ({ pid, session })))
      assert.deepStrictEqual(adopted.agents.map(({ id }) => id), ["fake-1", "fake-2", "fake-3"])
      assert.match(adopted.agents[0]?.where ?? "", new RegExp(`^tmux ${world.socket} %\\d+$`))
      assert.match(adopted.agents[2]?.where ?? "", /^tty \/dev\/pts\/\d+$/)

      // The file says what the record says, and can be read by `up`.
      const file = yield* world.run(readTeamFile(adopted.file ?? "", { workspace: world.workspace }))
      assert.deepStrictEqual(file.spec.agents.map(({ cwd, id, provider }) => ({ cwd, id, provider })), ["fake-1", "fake-2", "fake-3"].map((id) => ({
        cwd: world.workspace, id, provider: "fake"
      })))
      const up = yield* world.run(Launch.up(file, { workspace: world.workspace, transport: "tmux", plugins: [] }))
      assert.strictEqual(up.outcome, "already_running", up.message)

      const status = yield* world.run(Status.status("work"))
      assert.deepStrictEqual(status.agents.map(({ pid, session, status }) => ({ pid, session: session?.id, status })), secrets.map(([worker]) => ({
        pid: worker.pid, session: worker.session, status: "idle" as const
      })))

      // Refusals, and nobody is touched by any of them.
      const sent = yield* Effect.either(world.run(Send.send("work", "fake-1", "hello")))
      assert.isTrue(Either.isLeft(sent) && sent.left._tag === "AgentNotOurs")
      const refused = yield* world.run(Restart.restart("work", Policy.standard))
      assert.strictEqual(refused.outcome, "refused_resume_atomicity", refused.message)
      assert.deepStrictEqual(refused.plan.agents.map(({ decided }) => decided.decision.code), ["session_held", "session_held", "session_held"])
      assert.isTrue(refused.next.some((command) => command.endsWith("--takeover")), refused.next.join())
      const down = yield* world.run(Shutdown.down("work"))
      assert.strictEqual(down.outcome, "stopped", down.message)
      assert.lengthOf(down.spared, 3)
      for (const [worker] of secrets) assert.strictEqual((yield* readProcess(worker.pid)).state, "alive")
      assert.deepStrictEqual(readdirSync(world.root, { recursive: true }).map(String).sort(), before)
      assert.deepStrictEqual(before.filter((name) => name.endsWith(".jsonl")).map((name) => readFileSync(join(world.root, name), "utf8")), files)

      // A reboot, nearly.
      for (const [worker] of secrets) yield* kill(worker.pid)
      for (const server of world.servers()) if (!isGone(server)) yield* kill(server)
      const dead = yield* world.run(Status.status("work"))
      assert.deepStrictEqual(dead.agents.map(({ status }) => status), ["dead", "dead", "dead"])
      const back = yield* world.run(Restart.restart("work", Policy.standard))
      assert.strictEqual(back.outcome, "restarted", back.message)
      assert.deepStrictEqual(back.agents.map(({ generation, result }) => ({ generation, result })), Array.from({ length: 3 }, () => ({
        generation: 2, result: "resumed" as const
      })))
      for (const [at, [worker, secret]] of secrets.entries()) {
        const said = yield* remembers(world, "work", `fake-${at + 1}`, worker.session, secret)
        for (const [other, theirs] of secrets) if (other !== worker) assert.notInclude(said, theirs)
      }
      const ended = yield* world.run(Shutdown.down("work"))
      assert.deepStrictEqual({ outcome: ended.outcome, spared: ended.spared }, { outcome: "stopped", spared: [] })
    }), 180_000)

  it.scopedLive("what a person goes over to is followed, and taken over with leave only", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      const two = yield* world.inTerminal()
      yield* one.say("the fig")
      yield* two.say("the quince")
      yield* world.run(Adopt.adopt({ ...world.options, name: "orchard" }))
      yield* one.say("/clear")
      const session = world.recordOf(one.pid)?.sessionId ?? ""
      const status = yield* world.run(Status.status("orchard"))
      assert.strictEqual(status.agents[0]?.session?.id, session)
      yield* one.say("the sloe")

      const position = status.position
      const again = yield* world.run(Status.status("orchard"))
      yield* world.run(Status.status("orchard"))
      // The transcript came since then; after that nothing more is learnt.
      assert.isAtMost(again.position, position + 1)

      const taken = yield* world.run(Restart.restart("orchard", Policy.standard, { agents: ["fake-1"], takeover: true }))
      assert.strictEqual(taken.outcome, "restarted", taken.message)
      assert.isTrue(isGone(one.pid))
      assert.strictEqual((yield* readProcess(two.pid)).state, "alive")
      const [audit] = (yield* world.events("transport.pre_kill_audit"))
      assert.deepInclude(audit, { kill: [{ agent: "fake-1", pid: one.pid, pane: status.agents[0]?.pane ?? "", takeover: true }] })
      assert.lengthOf(audit?.type === "transport.pre_kill_audit" ? audit.spare : [], 1)
      const said = yield* remembers(world, "orchard", "fake-1", session, "the sloe")
      assert.notInclude(said, "the fig")

      // Killed before anybody could look: its last word still counts.
      yield* two.say("/clear")
      const last = world.recordOf(two.pid)?.sessionId ?? ""
      assert.notStrictEqual(last, two.session)
      yield* two.say("the elder")
      yield* kill(two.pid)
      const back = yield* world.run(Restart.restart("orchard", Policy.standard, { onlyDead: true }))
      assert.strictEqual(back.outcome, "restarted", back.message)
      assert.strictEqual(back.agents.find(({ id }) => id === "fake-2")?.session?.id, last)
      yield* remembers(world, "orchard", "fake-2", last, "the elder")
    }), 180_000)

  it.scopedLive("up brings back whose process is gone, and leaves the others to their person", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      const two = yield* world.inTerminal()
      yield* one.say("the fig")
      const adopted = yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* kill(one.pid)
      const file = yield* world.run(readTeamFile(adopted.file ?? "", { workspace: world.workspace }))
      const up = yield* world.run(Launch.up(file, { workspace: world.workspace, transport: "tmux", plugins: [] }))
      assert.strictEqual(up.outcome, "launched", up.message)
      const { agents } = yield* world.run(Status.status("alpha"))
      assert.deepStrictEqual(agents.map(({ generation, session }) => ({ generation, session: session?.id })), [
        { generation: 2, session: one.session },
        { generation: 1, session: two.session }
      ])
      assert.strictEqual(agents[1]?.pid, two.pid)
      yield* remembers(world, "alpha", "fake-1", one.session, "the fig")
      const down = yield* world.run(Shutdown.down("alpha"))
      assert.lengthOf(down.spared, 1)
      assert.strictEqual((yield* readProcess(two.pid)).state, "alive")
    }), 120_000)

  it.scopedLive("what can't be told, is not meant, or is somebody's already, is left out with the reason", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const told = yield* world.inTmux()
      const silent = yield* world.inTmux()
      const away = yield* world.inTmux(world.at("elsewhere"))
      // It keeps no record of what it is in.
      writeFileSync(join(world.root, ".processes", `${silent.pid}.json`), "not a record")
      const reasons = (report: Adopt.AdoptReport) => Object.fromEntries(report.leftOut.map(({ pid, reason }) => [pid, reason]))
      const pids = (report: Adopt.AdoptReport) => report.agents.map(({ pid }) => pid)

      const seen = yield* world.run(Adopt.look(world.options))
      assert.deepStrictEqual(pids(seen), [told.pid])
      assert.match(reasons(seen)[silent.pid] ?? "", /^its session can't be told: .* does not tell/)
      assert.isUndefined(reasons(seen)[away.pid])
      assert.isAtLeast(seen.elsewhere, 1)
      const all = yield* world.run(Adopt.look({ ...world.options, everywhere: true }))
      assert.includeMembers([...pids(all)], [told.pid, away.pid])

      for (const only of [[silent.pid], [process.pid], [told.pid, 2_000_000_000]]) {
        const refused = yield* Effect.either(world.run(Adopt.adopt({ ...world.options, only })))
        assert.isTrue(Either.isLeft(refused) && refused.left._tag === "AdoptRefused" && refused.left.reason === "NotAdoptable", String(only))
      }
      const nowhere = yield* Effect.either(world.run(Adopt.adopt({ ...world.options, transport: "carrier-pigeon" })))
      assert.isTrue(Either.isLeft(nowhere) && nowhere.left._tag === "PluginMissing")
      const bad = yield* Effect.either(world.run(Adopt.adopt({ ...world.options, name: "No Name" })))
      assert.isTrue(Either.isLeft(bad) && bad.left._tag === "AdoptRefused" && bad.left.reason === "BadName")
      assert.deepStrictEqual(yield* world.events("team.recorded"), [])

      // Two at once: one of them gets it.
      const both = yield* Effect.all([1, 2].map(() => Effect.either(world.run(Adopt.adopt(world.options)))), { concurrency: 2 })
      const won = both.flatMap((answer) => Either.isRight(answer) && answer.right.outcome === "adopted" ? [answer.right] : [])
      assert.lengthOf(won, 1, JSON.stringify(both))
      for (const answer of both) {
        assert.isTrue(Either.isRight(answer) ? ["adopted", "nothing_found"].includes(answer.right.outcome) : answer.left._tag === "LeaseHeld")
      }
      const later = yield* world.run(Adopt.look(world.options))
      assert.strictEqual(later.outcome, "nothing_found")
      assert.match(reasons(later)[told.pid] ?? "", /the agent work\/fake-1 already/)

      // The name and the file of that team are taken, and stay what they are.
      const text = readFileSync(join(world.workspace, "team.yaml"), "utf8")
      const taken = yield* Effect.either(world.run(Adopt.adopt({ ...world.options, only: [away.pid], name: "work" })))
      assert.isTrue(Either.isLeft(taken) && taken.left._tag === "AdoptRefused" && taken.left.reason === "TeamExists")
      const next = yield* world.run(Adopt.adopt({ ...world.options, only: [away.pid] }))
      assert.deepStrictEqual({ team: next.team, file: next.file }, { team: "work-2", file: join(world.workspace, "work-2.yaml") })
      assert.strictEqual(readFileSync(join(world.workspace, "team.yaml"), "utf8"), text)
      assert.deepStrictEqual(readdirSync(world.workspace).filter((name) => name.startsWith(".team")), [])
    }), 180_000)

  it.scopedLive("a command that was started from an agent neither adopts it nor takes it over", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one: ByHand = yield* world.inTmux()
      const report = yield* world.run(Adopt.adopt(world.options))
      assert.deepStrictEqual(report.agents.map(({ pid }) => pid), [one.pid])
      const { chooseAdoptable } = yield* Effect.promise(() => import("../../sdk/session/adopt.ts"))
      const { ownProcesses } = yield* Effect.promise(() => import("../../sdk/session/adopt-processes.ts"))
      const own = (yield* ownProcesses(Date.now()))?.find(({ pid }) => pid === one.pid)
      if (own === undefined) return assert.fail("the worker is not in the table")
      const said = { sessionId: one.session, transcript: null, cwd: world.workspace, model: null, permissions: null, options: {}, env: {}, evidence: "x" }
      const choice = chooseAdoptable([{ process: own, provider: "fake", said }], {
        workspace: world.workspace, everywhere: false, only: null, callers: new Set([one.pid]), agents: new Map(), holders: new Map(),
        ancestors: (pid) => new Set([pid])
      })
      assert.deepStrictEqual(choice.adoptable, [])
      assert.match(choice.leftOut[0]?.reason ?? "", /leader's own/)
    }), 120_000)
})
