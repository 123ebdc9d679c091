import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { existsSync, renameSync } from "node:fs"
import { Adopt, EventLog, Fork, Policy, Restart, Send, Shutdown, Status } from "reprise"
import { readProcess } from "reprise/plugin"
import { type DeathPoint, isDeathPoint } from "../../sdk/testing/die-at-step.ts"
import { eventually, hasTmux, isGone, makeWorld } from "./world.ts"

// Cut off at any step, a takeover and a fork are finished by the restart after it: nobody doubled, nothing dropped.

/** The log of a command that goes no further than to one append. */
const cutOff = (point: DeathPoint) =>
  Layer.effect(EventLog, Effect.map(EventLog, (log) => {
    let count = 0
    return EventLog.of({
      ...log,
      append: (events, options) =>
        Effect.suspend(() => {
          count += 1
          if (!isDeathPoint(events, count, point)) return log.append(events, options)
          return point.when === "before" ? Effect.die("cut off") : Effect.zipRight(log.append(events, options), Effect.die("cut off"))
        })
    })
  }))

const takeoverPoints: ReadonlyArray<DeathPoint> = [
  { when: "before", step: "takeover", phase: "intent" },
  { when: "after", step: "takeover", phase: "intent" },
  { when: "before", step: "takeover", phase: "result" },
  { when: "after", step: "takeover", phase: "result" },
  { when: "before", step: "spawn", phase: "result" },
  { when: "after", step: "spawn", phase: "result" }
]

const forkPoints: ReadonlyArray<DeathPoint> = [
  { when: "after", type: "agent.forked" },
  { when: "after", type: "operation.started" },
  { when: "after", step: "spawn", phase: "intent" },
  { when: "before", step: "spawn", phase: "result" },
  { when: "after", step: "spawn", phase: "result" }
]

const named = (point: DeathPoint) => `${point.when} ${point.step ?? point.type ?? ""} ${point.phase ?? ""}`.trim()

describe.skipIf(!hasTmux)("cut off", () => {
  it.scopedLive.each(takeoverPoints.map((point) => [named(point), point] as const))("a takeover %s", ([, point]) =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      const cut = yield* Effect.exit(world.run(
        Restart.restart("alpha", Policy.standard, { takeover: true }).pipe(Effect.provide(cutOff(point)))
      ))
      assert.isTrue(Exit.isFailure(cut))
      const lives = (yield* readProcess(one.pid)).state === "alive"
      if (lives) {
        const refused = yield* world.run(Restart.restart("alpha", Policy.standard))
        assert.isFalse(refused.ok)
        assert.strictEqual((yield* readProcess(one.pid)).state, "alive")
      }
      const back = yield* world.run(Restart.restart("alpha", Policy.standard, { takeover: true }))
      assert.strictEqual(back.outcome, "restarted", back.message)
      assert.isTrue(isGone(one.pid))
      const { agents } = yield* world.run(Status.status("alpha"))
      assert.deepStrictEqual(agents.map(({ session, status }) => ({ session: session?.id, status })), [{ session: one.session, status: "idle" }])
      assert.deepStrictEqual(yield* world.holders(one.session), agents.flatMap(({ pid }) => pid ?? []))
      assert.include(world.saidIn(one.session), "the fig")
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive.each(forkPoints.map((point) => [named(point), point] as const))("a fork %s", ([, point]) =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      const cut = yield* Effect.exit(world.run(Fork.fork("alpha", "fake-1", "helper").pipe(Effect.provide(cutOff(point)))))
      assert.isTrue(Exit.isFailure(cut))
      const back = yield* world.run(Restart.restart("alpha", Policy.standard, { agents: ["helper"] }))
      assert.strictEqual(back.outcome, "restarted", back.message)
      const decided = back.agents.find(({ id }) => id === "helper")
      if (decided?.decision === "fresh_start") assert.match(decided.why[0] ?? "", /^begins as a copy of fake-1's session /)
      const { agents } = yield* world.run(Status.status("alpha"))
      const own = agents.find(({ id }) => id === "helper")?.session?.id ?? ""
      assert.notStrictEqual(own, one.session)
      assert.strictEqual(agents.find(({ id }) => id === "fake-1")?.pid, one.pid)
      yield* world.run(Send.send("alpha", "helper", "recall"))
      yield* eventually("the copy recalls", () => world.saidIn(own).trim().split("\n").at(-1)?.includes("the fig") === true)
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive("a fork that writes its copy only after a new one was decided on goes on in its own", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* Effect.exit(world.run(
        Fork.fork("alpha", "fake-1", "helper").pipe(Effect.provide(cutOff({ when: "after", step: "spawn", phase: "result" })))
      ))
      const own = (yield* world.events("agent.spawn_intended")).flatMap((event) =>
        event.type === "agent.spawn_intended" && event.agent === "helper" ? event.session_id ?? [] : [])[0] ?? ""
      yield* eventually("the copy", () => world.saidIn(own).includes("the fig"))
      const aside = world.at("elsewhere", "copy")
      renameSync(world.transcript(own), aside)
      const decidedFirst = Layer.effect(EventLog, Effect.map(EventLog, (log) =>
        EventLog.of({
          ...log,
          append: (events, options) =>
            Effect.suspend(() => {
              if (events.some(({ type }) => type === "operation.started") && existsSync(aside)) renameSync(aside, world.transcript(own))
              return log.append(events, options)
            })
        })))
      const back = yield* world.run(Restart.restart("alpha", Policy.standard, { agents: ["helper"] }).pipe(Effect.provide(decidedFirst)))
      assert.strictEqual(back.outcome, "restarted", back.message)
      assert.strictEqual(back.agents.find(({ id }) => id === "helper")?.decision, "fresh_start")
      assert.strictEqual(back.agents.find(({ id }) => id === "helper")?.result, "resumed")
      const { agents } = yield* world.run(Status.status("alpha"))
      const helper = agents.find(({ id }) => id === "helper")
      assert.strictEqual(helper?.session?.id, own)
      assert.deepStrictEqual(yield* world.holders(own), helper?.pid === null || helper === undefined ? [] : [helper.pid])
      yield* world.run(Send.send("alpha", "helper", "recall"))
      yield* eventually("the copy recalls", () => world.saidIn(own).trim().split("\n").at(-1)?.includes("the fig") === true)
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)
})
