import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { newDirectory, until } from "./directories.ts"
import { consumed, recorded, step, team } from "./samples.ts"
import { all, folded, record } from "./suite.ts"

const script = fileURLToPath(new URL("child.ts", import.meta.url))
const withinMs = 50_000

interface Child {
  readonly process: ChildProcess
  /** The whole lines that it said. */
  readonly lines: () => ReadonlyArray<string>
  readonly errors: () => string
  readonly hasEnded: () => boolean
}

const start = (role: string, directory: string, name: string, count: number) =>
  Effect.acquireRelease(
    Effect.sync((): Child => {
      const child = spawn(process.execPath, ["--import", "tsx", script, role, directory, name, String(count)], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      let said = ""
      let errors = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => void (said += text))
      child.stderr.setEncoding("utf8").on("data", (text: string) => void (errors += text))
      let ended = false
      child.once("close", () => {
        ended = true
      })
      return { process: child, lines: () => said.split("\n").slice(0, -1), errors: () => errors, hasEnded: () => ended }
    }),
    (child) => Effect.sync(() => void (child.hasEnded() || child.process.kill("SIGKILL")))
  )

const ended = (...children: ReadonlyArray<Child>) =>
  until("the end of the children", () => children.every((child) => child.hasEnded()), withinMs).pipe(
    Effect.tap(() =>
      Effect.sync(() => {
        for (const child of children) {
          if (child.process.signalCode === null) assert.strictEqual(child.process.exitCode, 0, child.errors())
        }
      })
    )
  )

const using = <A, E, R>(directory: string, body: Effect.Effect<A, E, R | EventLog>) =>
  Effect.provide(body, EventLogSqlite.layer({ directory }))

const mirrored = (directory: string): ReadonlyArray<number> =>
  fs.readFileSync(path.join(directory, "events.jsonl"), "utf8").split("\n").slice(0, -1)
    .map((line) => Number(/^\{"position":(\d+),/.exec(line)?.[1]))

const counted = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe("several processes", { timeout: 120_000 }, () => {
  it.scopedLive("append, follow and mirror at once, one is killed: nothing is lost, doubled or torn", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, record([recorded("alpha")]))
      const victim = yield* start("append", directory, "victim", 100_000)
      const writers = yield* Effect.all([1, 2].map((index) => start("append", directory, `writer-${index}`, 120)))
      // Each batch is two events; what the victim adds comes on top.
      const follower = yield* start("follow", directory, "follower", 1 + 480)
      yield* until("some acknowledged appends of each", () =>
        [victim, ...writers].every((child) => child.lines().length > 20), withinMs)
      victim.process.kill("SIGKILL")
      yield* ended(victim, follower, ...writers)

      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        yield* log.append([consumed("alpha", "coder-1", "last")])
        const entries = yield* all
        assert.deepStrictEqual(entries.map((entry) => entry.position), counted(entries.length))
        const ids = new Map<string, Array<number>>()
        for (const entry of entries) {
          if (entry._tag === "Event" && entry.event.type === "message.accepted") {
            ids.set(entry.event.message_id, [...ids.get(entry.event.message_id) ?? [], entry.position])
          }
        }
        // A batch is whole and stands together, acknowledged or not.
        for (const [id, [first, second, ...more]] of ids) {
          assert.strictEqual(second, Number(first) + 1, id)
          assert.deepStrictEqual(more, [], id)
        }
        for (const line of [victim, ...writers].flatMap((child) => child.lines())) {
          const [id = "", position] = line.split(" ")
          assert.strictEqual(ids.get(id)?.[1], Number(position), line)
        }
        for (const writer of writers) assert.strictEqual(writer.lines().length, 120)
        assert.deepStrictEqual(follower.lines().slice(1).map(Number), counted(481))
        for (const key of [team("alpha"), team("beta")]) {
          const own = entries.filter((entry) => entry._tag === "Event" && entry.event.team === key)
          assert.deepStrictEqual(Option.getOrUndefined(yield* log.state(key)), folded(own))
        }
      }))
      const positions = mirrored(directory)
      assert.deepStrictEqual(positions, counted(positions.length))
      assert.strictEqual(positions.length, yield* using(directory, Effect.flatMap(EventLog, (log) => log.position)))
    }), 120_000)

  it.scopedLive("fight for a lease: one at a time, each on what the one before left", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, record([recorded("alpha")]))
      const fighters = yield* Effect.all([1, 2, 3].map((index) => start("fight", directory, `fighter-${index}`, 12)))
      yield* ended(...fighters)
      const rounds = fighters.flatMap((fighter) => fighter.lines().map((line) => line.split(" ").map(Number)))
      assert.strictEqual(rounds.length, 36)
      const byToken = [...rounds].sort(([a = 0], [b = 0]) => a - b)
      assert.deepStrictEqual(byToken.map(([, , generation]) => generation), counted(36))
      assert.strictEqual(new Set(byToken.map(([token]) => token)).size, 36)
      assert.deepStrictEqual(mirrored(directory), counted(73))
    }), 120_000)

  it.scopedLive("a killed holder's lease is taken over at once, and its token is worth nothing", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      const holder = yield* start("hold", directory, "restart alpha", 0)
      yield* until("the lease", () => holder.lines().length > 0, withinMs)
      const token = Number(holder.lines()[0]?.split(" ")[1])
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        const resource = teamResource(team("alpha"))
        const held = yield* Effect.flip(Effect.scoped(log.lease(resource, "second")))
        assert.strictEqual(held._tag === "LeaseHeld" && held.holder.pid, holder.process.pid)
        assert.include(held.message, "restart alpha")
        holder.process.kill("SIGKILL")
        yield* ended(holder)
        const lease = yield* log.lease(resource, "third")
        assert.isAbove(lease.token, token)
        const stale = yield* Effect.flip(log.append([step("alpha", "spawn")], { lease: { resource, token } }))
        assert.strictEqual(stale._tag, "LeaseLost")
        yield* log.append([recorded("alpha")], { lease })
      }))
    }), 120_000)
})
