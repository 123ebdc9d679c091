import * as Effect from "effect/Effect"
import { SpawnToken } from "../domain/ids.ts"
import { expectThat } from "./transport-ground.ts"
import type { TransportRule } from "./transport-rule.ts"

export const endingRules: ReadonlyArray<TransportRule> = [
  {
    name: "an exit code arrives with the event",
    run: (ground) =>
      Effect.gen(function*() {
        const exited = yield* ground.watch
        const worker = yield* ground.spawn("coder")
        yield* ground.ready(worker)
        yield* ground.driver.paste(worker.pane, "exit 7")
        yield* ground.draftIs(worker, "exit 7")
        yield* ground.driver.press(worker.pane, ["Enter"])
        const { exit, pane } = yield* exited(worker.pane)
        yield* expectThat(pane.pid === worker.pane.pid && pane.startTime === worker.pane.startTime,
          "The event names another process.")
        const { exitStatus } = ground.driver.capabilities
        yield* expectThat(exitStatus ? exit?.code === 7 : exit === null || exit.code === null || exit.code === 7,
          `The event's exit is ${JSON.stringify(exit)}.`)
        const found = yield* ground.deadIn(worker.pane)
        yield* expectThat(!exitStatus || found.exit?.code === 7, `inspect's exit is ${JSON.stringify(found.exit)}.`)
      })
  },
  {
    name: "a killed process is dead, with its signal where that is promised",
    run: (ground) =>
      Effect.gen(function*() {
        const exited = yield* ground.watch
        const worker = yield* ground.spawn("coder")
        yield* ground.ready(worker)
        yield* ground.world.kill(worker.pane.pid, 9)
        const { exit } = yield* exited(worker.pane)
        const { exitStatus } = ground.driver.capabilities
        // A shell tells a signal as 128 and its number; nothing else may pass for a code.
        const told = exit === null || exit.code === null || exit.code === 128 + 9
        yield* expectThat(told, `It was killed, and its code is ${exit?.code}.`)
        yield* expectThat(!exitStatus || exit?.signal === 9, `The event's exit is ${JSON.stringify(exit)}.`)
        yield* ground.deadIn(worker.pane)
        const { panes } = yield* ground.driver.list
        yield* expectThat(panes.every(({ identity }) => identity.spawn !== worker.pane.spawn), "It is still listed.")
      })
  },
  {
    name: "stop ends the whole tree, also who ignores signals in a session of its own",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder", { mode: "family" })
        yield* ground.ready(worker)
        const child = yield* ground.eventually("the worker has a child", ground.pidOf(worker.directory, "child"))
        const grandchild = yield* ground.eventually("and a grandchild", ground.pidOf(worker.directory, "grandchild"))
        const report = yield* ground.driver.stop(worker.pane, { graceMs: 500 })
        yield* expectThat(report.gone && report.survivors.length === 0, `It was not stopped: ${report.evidence}`)
        for (const [name, process] of [["It", worker.pane], ["Its child", child], ["Its grandchild", grandchild]] as const) {
          const state = yield* ground.world.state(process)
          yield* expectThat(state === "dead", `${name} is ${state} after stop said that all are gone.`)
        }
        yield* ground.deadIn(worker.pane)
        const { panes } = yield* ground.driver.list
        yield* expectThat(panes.length === 0, "Its place is still listed.")
      })
  },
  {
    name: "a process that does not listen is killed after the grace",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder", { mode: "stubborn" })
        yield* ground.ready(worker)
        const report = yield* ground.driver.stop(worker.pane, { graceMs: 300 })
        yield* expectThat(report.gone, `It was not stopped: ${report.evidence}`)
        const state = yield* ground.world.state(worker.pane)
        yield* expectThat(state === "dead", `stop said that it is gone, and it is ${state}.`)
      })
  },
  {
    name: "stopping twice is fine",
    run: (ground) =>
      Effect.gen(function*() {
        const { pane } = yield* ground.spawn("coder")
        yield* ground.driver.stop(pane, { graceMs: 2000 })
        const again = yield* ground.driver.stop(pane, { graceMs: 2000 })
        yield* expectThat(again.gone, `The second stop says: ${again.evidence}`)
      })
  },
  {
    name: "a pane that never was is not alive",
    run: (ground) =>
      Effect.gen(function*() {
        const { pane } = yield* ground.spawn("coder")
        const never = { ...pane, pane: "%4711", pid: 2 ** 22 + 11, startTime: "1@never", spawn: SpawnToken.make("never") }
        const { evidence, state } = yield* ground.driver.inspect(never)
        yield* expectThat(state !== "alive" && state !== "orphaned", `inspect says ${state}: ${evidence}`)
        const pasted = yield* Effect.either(ground.driver.paste(never, "hello"))
        yield* expectThat(pasted._tag === "Left", "A paste into a pane that never was is said to have worked.")
      })
  },
  {
    name: "a pane with another start time is not alive, and its process is never signalled",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder")
        yield* ground.ready(worker)
        const other = { ...worker.pane, startTime: `1${worker.pane.startTime}` }
        const { evidence, state } = yield* ground.driver.inspect(other)
        yield* expectThat(state !== "alive" && state !== "orphaned", `inspect says ${state}: ${evidence}`)
        yield* Effect.ignore(ground.driver.paste(other, "not for you"))
        yield* Effect.ignore(ground.driver.stop(other, { graceMs: 200 }))
        const lives = yield* ground.world.state(worker.pane)
        yield* expectThat(lives === "alive", "stop ended a process that has another start time.")
        yield* ground.driver.paste(worker.pane, "for you")
        yield* ground.draftIs(worker, "for you")
      })
  }
]
