import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../../sdk/event-log/errors.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { logLine } from "../../sdk/event-log/log-line.ts"
import { ownIdentity } from "../../sdk/event-log/process-identity.ts"
import { schemaVersion, version1 } from "../../sdk/event-log/sqlite/schema.ts"
import { newDirectory, until } from "./directories.ts"
import { accepted, captured, consumed, intended, recorded, step, team } from "./samples.ts"
import { all, folded, record } from "./suite.ts"

const alpha = team("alpha")
const database = (directory: string) => path.join(directory, "reprise.db")
const mirror = (directory: string) => path.join(directory, "events.jsonl")
const mode = (file: string) => fs.statSync(file).mode & 0o777

const using = <A, E>(
  directory: string,
  body: Effect.Effect<A, E, EventLog>,
  options: Partial<EventLogSqlite.Options> = {}
) => body.pipe(Effect.provide(EventLogSqlite.layer({ directory, ...options })))

/** Changes the file behind the log's back. */
const tamper = <A>(directory: string, body: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(database(directory))
  try {
    return body(db)
  } finally {
    db.close()
  }
}

const messages = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => accepted("alpha", "coder-1", `m-${from + index}`))

const filled = (directory: string, count = 10) =>
  using(directory, Effect.gen(function*() {
    const log = yield* EventLog
    yield* record([recorded("alpha")])
    yield* log.append(messages(count))
    return yield* log.state(alpha)
  }))

const lines = (file: string) => fs.readFileSync(file, "utf8").split("\n").slice(0, -1)
const linePositions = (file: string): ReadonlyArray<number> =>
  lines(file).map((line) => {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null && "position" in value ? Number(value.position) : -1
  })
const counted = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** A small disk, where this user may make one; the scope's end takes it away. */
const smallDisk = Effect.acquireRelease(
  Effect.sync(() => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "reprise-disk-"))
    const mounted = process.platform === "linux" &&
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory]).status === 0
    return { directory, mounted }
  }),
  ({ directory, mounted }) =>
    Effect.sync(() => {
      if (mounted) spawnSync("umount", ["-l", directory])
      fs.rmSync(directory, { recursive: true, force: true })
    })
)

describe("the file", () => {
  it.live("nothing is made before the first write, and all of it is its owner's only", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        assert.isTrue(Option.isNone(yield* log.state(alpha)))
        assert.isFalse(fs.existsSync(directory))
        yield* record([recorded("alpha"), step("alpha", "spawn")])
        assert.strictEqual(mode(directory), 0o700)
        for (const name of fs.readdirSync(directory)) assert.strictEqual(mode(path.join(directory, name)), 0o600, name)
        assert.include(fs.readdirSync(directory), "events.jsonl")
      }))
    }))

  it.live("durability is set, not hoped for", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* filled(directory)
      assert.strictEqual(tamper(directory, (db) => db.pragma("journal_mode", { simple: true })), "wal")
      assert.strictEqual(tamper(directory, (db) => db.pragma("user_version", { simple: true })), schemaVersion)
    }))

  it.live("a file that was taken away is not written to any more", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        yield* log.append(messages(3))
        fs.renameSync(directory, `${directory}-away`)
        assert.strictEqual(yield* log.position, 0)
        assert.strictEqual(yield* log.append(messages(1)), 1)
      }))
      assert.strictEqual(tamper(directory, (db) => db.prepare("SELECT count(*) FROM events").pluck().get()), 1)
    }))

  const makeOld = (directory: string) => {
    fs.mkdirSync(directory, { mode: 0o700 })
    tamper(directory, (db) => {
      db.exec("BEGIN")
      for (const statement of version1) db.exec(statement)
      const put = db.prepare("INSERT INTO events (at, team, agent, type, generation, body) VALUES (?, ?, ?, ?, ?, ?)")
      const { team: key, type, ...spec } = recorded("alpha")
      const workspace = fs.realpathSync(path.dirname(directory))
      put.run("2026-01-01T00:00:00.000Z", key, null, type, null, JSON.stringify({ ...spec, workspace }))
      for (const { agent, generation, team: of, type: kind, ...own } of messages(600)) {
        put.run("2026-01-01T00:00:01.000Z", of, agent, kind, generation, JSON.stringify(own))
      }
      db.pragma("user_version = 1")
      db.exec("COMMIT")
    })
  }

  it.live("several at once upgrade an older file once", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      makeOld(directory)
      const append = using(directory, Effect.flatMap(EventLog, (log) => log.append(messages(1))))
      const positions = yield* Effect.all([append, append, append], { concurrency: "unbounded" })
      assert.deepStrictEqual([...positions].sort((a, b) => a - b), [602, 603, 604])
    }))

  it.scopedLive("an upgrade that finds no room for its copy leaves the file as it was", (test) =>
    Effect.gen(function*() {
      const disk = yield* smallDisk
      if (!disk.mounted) return test.skip("a small disk can't be mounted here")
      const directory = path.join(disk.directory, ".reprise")
      makeOld(directory)
      const free = fs.statfsSync(disk.directory)
      fs.writeFileSync(path.join(disk.directory, "ballast"), Buffer.alloc((free.bavail - 20) * free.bsize))
      const error = yield* Effect.flip(using(directory, EventLog))
      assert.strictEqual(error.reason, "Full", error.message)
      assert.deepStrictEqual(fs.readdirSync(directory).filter((name) => name.startsWith("reprise.v1")), [])
      assert.strictEqual(tamper(directory, (db) => db.pragma("user_version", { simple: true })), 1)
      fs.rmSync(path.join(disk.directory, "ballast"))
      assert.strictEqual(yield* using(directory, Effect.flatMap(EventLog, (log) => log.position)), 601)
    }))

  it.live("an older file is copied, then upgraded with all that it held", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      makeOld(directory)
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        const state = Option.getOrThrow(yield* log.state(alpha))
        assert.strictEqual(state.lifecycleVersion, 1)
        assert.strictEqual(state.pendingMessages.length, 600)
        const lease = yield* log.lease(teamResource(alpha), "test")
        yield* log.append([intended("alpha", "coder-1", 1)], { lease, expectedVersion: 1 })
        assert.deepStrictEqual(yield* log.teams, [alpha])
      }).pipe(Effect.scoped))
      const copies = fs.readdirSync(directory).filter((name) => name.startsWith("reprise.v1-"))
      assert.strictEqual(copies.length, 1)
      const copy = new Sqlite(path.join(directory, copies[0] ?? ""), { readonly: true })
      assert.strictEqual(copy.pragma("user_version", { simple: true }), 1)
      assert.strictEqual(copy.prepare("SELECT count(*) FROM events").pluck().get(), 601)
      copy.close()
    }))

  it.live("a newer file is refused and stays as it is, byte for byte", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* filled(directory)
      tamper(directory, (db) => db.pragma(`user_version = ${schemaVersion + 1}`))
      const before = fs.readFileSync(database(directory))
      const names = fs.readdirSync(directory)
      const error = yield* Effect.flip(using(directory, EventLog))
      assert.strictEqual(error.reason, "Newer")
      assert.include(error.message, database(directory))
      assert.deepStrictEqual(fs.readFileSync(database(directory)), before)
      assert.deepStrictEqual(fs.readdirSync(directory), names)
    }))

  it.live("a log that became newer while it was open is not written to", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        yield* log.append(messages(1))
        tamper(directory, (db) => db.pragma(`user_version = ${schemaVersion + 1}`))
        const error = yield* Effect.flip(log.append(messages(1)))
        assert.strictEqual(error._tag === "EventLogError" && error.reason, "Newer")
      }))
    }))
})

describe("damage", () => {
  const damages: ReadonlyArray<readonly [string, (directory: string) => void]> = [
    ["garbage", (directory) => fs.writeFileSync(database(directory), "no database ".repeat(1000))],
    ["cut in the middle", (directory) => fs.truncateSync(database(directory), 5000)],
    ["a piece of a header", (directory) => fs.writeFileSync(database(directory), "SQLite f")],
    ["emptied beside its -wal", (directory) => {
      fs.writeFileSync(`${database(directory)}-wal`, Buffer.alloc(4152, 7))
      fs.truncateSync(database(directory), 0)
    }],
    ["another program's tables", (directory) => {
      fs.rmSync(database(directory))
      tamper(directory, (db) => db.exec("CREATE TABLE recipes (name TEXT)"))
    }]
  ]
  for (const [what, damage] of damages) {
    it.live(`${what}: a sentence says what is safe, and nothing is written`, () =>
      Effect.gen(function*() {
        const directory = newDirectory()
        yield* filled(directory, 300)
        damage(directory)
        const before = fs.readFileSync(database(directory))
        const use = using(directory, Effect.flatMap(EventLog, (log) => log.append(messages(1))))
        const error = yield* Effect.flip(use)
        assert.strictEqual(error._tag === "EventLogError" && error.reason, "Corrupt", error.message)
        assert.include(error.message, database(directory))
        assert.include(error.message, "events.jsonl")
        assert.deepStrictEqual(fs.readFileSync(database(directory)), before)
      }))
  }

  it.live("a row that can't be read is named, kept, and passed over", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* filled(directory)
      tamper(directory, (db) => {
        db.prepare("UPDATE events SET body = '{\"torn' WHERE position = 3").run()
        db.prepare("UPDATE events SET body = '{\"text\":7}' WHERE position = 4").run()
        db.prepare("UPDATE events SET type = 'later.invention', lifecycle = 1 WHERE position = 5").run()
        db.prepare("DELETE FROM snapshots").run()
      })
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        const entries = yield* all
        const bad = entries.filter((entry) => entry._tag === "Unreadable")
        assert.deepStrictEqual(bad.map(({ position }) => position), [3, 4, 5])
        for (const entry of entries) assert.strictEqual(JSON.parse(logLine(entry)).position, entry.position)
        const state = Option.getOrThrow(yield* log.state(alpha))
        assert.strictEqual(state.unreadable.length, 3)
        assert.strictEqual(state.pendingMessages.length, 7)
        // A row that nobody here can read does not lock the team.
        const lease = yield* log.lease(teamResource(alpha), "test")
        yield* log.append([intended("alpha", "coder-1", 1)], { lease, expectedVersion: state.lifecycleVersion })
      }).pipe(Effect.scoped))
    }))

  it.live("members that this version does not know survive", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* filled(directory)
      tamper(directory, (db) =>
        db.prepare("UPDATE events SET body = json_set(body, '$.invented', 'kept') WHERE position = 2").run())
      const [, entry] = yield* using(directory, all)
      assert.include(JSON.stringify(entry), "\"invented\":\"kept\"")
    }))

  const snapshots: ReadonlyArray<readonly [string, string]> = [
    ["torn", "UPDATE snapshots SET body = substr(body, 1, 40)"],
    ["of another version", "UPDATE snapshots SET version = version + 7"],
    ["of another team", "UPDATE snapshots SET body = json_set(body, '$.key', 'beta')"],
    ["missing", "DELETE FROM snapshots"],
    ["misshapen", "UPDATE snapshots SET body = json_set(body, '$.agents', 3)"]
  ]
  for (const [what, statement] of snapshots) {
    it.live(`a snapshot that is ${what} is dropped and the events folded again`, () =>
      Effect.gen(function*() {
        const directory = newDirectory()
        const before = yield* filled(directory, 700)
        assert.strictEqual(tamper(directory, (db) => db.prepare("SELECT count(*) FROM snapshots").pluck().get()), 1)
        tamper(directory, (db) => db.exec(statement))
        yield* using(directory, Effect.gen(function*() {
          const log = yield* EventLog
          assert.deepStrictEqual(yield* log.state(alpha), before)
          assert.deepStrictEqual(Option.getOrUndefined(before), folded(yield* all))
        }))
        const tail = tamper(directory, (db) =>
          db.prepare("SELECT count(*) FROM events WHERE position > (SELECT position FROM snapshots)").pluck().get())
        assert.strictEqual(tail, 0)
      }))
  }

  it.live("a cold process never folds more than a bounded tail", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, record([recorded("alpha")]))
      for (let round = 0; round < 12; round += 1) {
        yield* using(directory, Effect.gen(function*() {
          const log = yield* EventLog
          yield* log.append(messages(round % 3 === 0 ? 300 : 40, round * 1000))
        }))
        const tail = tamper(directory, (db) =>
          db.prepare(
            "SELECT count(*) FROM events WHERE position > coalesce((SELECT max(position) FROM snapshots), 0)"
          ).pluck().get())
        assert.isBelow(Number(tail), 512)
      }
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        assert.deepStrictEqual(Option.getOrUndefined(yield* log.state(alpha)), folded(yield* all))
      }))
    }))
})

describe("disks", () => {
  const refused = (error: AppendError | LeaseHeld, reason: EventLogError["reason"]) =>
    assert.strictEqual(error._tag === "EventLogError" ? error.reason : error._tag, reason, error.message)

  it.scopedLive("a full disk refuses an append, keeps the rest, and goes on when there is room", (test) =>
    Effect.gen(function*() {
      const disk = yield* smallDisk
      if (!disk.mounted) return test.skip("a small disk can't be mounted here")
      const directory = path.join(disk.directory, ".reprise")
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        yield* log.append(messages(5))
        fs.writeFileSync(path.join(disk.directory, "ballast"), Buffer.alloc(250_000))
        let last = 5
        const fill = Effect.gen(function*() {
          while (true) last = yield* log.append([accepted("alpha", "coder-1", "m", "x".repeat(9000))])
        })
        const error = yield* Effect.flip(fill)
        refused(error, "Full")
        assert.include(error.message, database(directory))
        assert.strictEqual(yield* log.position, last)
        fs.rmSync(path.join(disk.directory, "ballast"))
        assert.strictEqual(yield* log.append(messages(1)), last + 1)
      }))
    }))

  it.scopedLive("a read-only disk can be read, and says what to do when it is written to", (test) =>
    Effect.gen(function*() {
      const disk = yield* smallDisk
      if (!disk.mounted) return test.skip("a small disk can't be mounted here")
      const directory = path.join(disk.directory, ".reprise")
      const before = yield* filled(directory)
      assert.strictEqual(spawnSync("mount", ["-o", "remount,ro", disk.directory]).status, 0)
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        assert.deepStrictEqual(yield* log.state(alpha), before)
        assert.strictEqual((yield* all).length, 11)
        const error = yield* Effect.flip(log.append(messages(1)))
        refused(error, "ReadOnly")
        assert.include(error.message, directory)
        refused(yield* Effect.flip(Effect.scoped(log.lease("team/alpha", "test"))), "ReadOnly")
      }))
      const fresh = path.join(disk.directory, "other", ".reprise")
      const error = yield* Effect.flip(using(fresh, Effect.flatMap(EventLog, (log) => log.append(messages(1)))))
      refused(error, "ReadOnly")
    }))
})

describe("leases", () => {
  const held = (directory: string, holder: Partial<ReturnType<typeof ownIdentity>>, expires: number) =>
    tamper(directory, (db) => {
      const { boot, host, pid, startTime } = { ...ownIdentity(), ...holder }
      db.prepare("INSERT OR REPLACE INTO leases VALUES ('team/alpha', 7, 1, ?, ?, ?, ?, 'other', 'restart', ?, 0, ?)")
        .run(pid, startTime, boot, host, "2026-01-01T00:00:00.000Z", expires)
    })
  const later = Date.now() + 3_600_000
  const cases: ReadonlyArray<readonly [string, Partial<ReturnType<typeof ownIdentity>>, number, boolean]> = [
    ["alive", {}, later, false],
    ["alive, however late its heartbeat", {}, 1, false],
    ["gone: its pid belongs to a younger process", { startTime: "1" }, later, true],
    ["gone: there is no such process", { pid: 4_194_303 }, later, true],
    ["on another host", { host: "elsewhere\0id\0pid" }, later, false],
    ["on another host, and its time is over", { host: "elsewhere\0id\0pid" }, 1, true]
  ]
  for (const [what, holder, expires, taken] of cases) {
    it.live(`a holder that is ${what} ${taken ? "is replaced" : "keeps its lease"}`, () =>
      Effect.gen(function*() {
        const directory = newDirectory()
        yield* filled(directory)
        held(directory, holder, expires)
        const result = yield* using(
          directory,
          Effect.either(Effect.scoped(Effect.flatMap(EventLog, (log) => log.lease("team/alpha", "mine"))))
        )
        assert.strictEqual(result._tag, taken ? "Right" : "Left")
        if (result._tag === "Right") assert.strictEqual(result.right.token, 8)
      }))
  }

  it.live("heartbeats keep a lease", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      const expiry = () =>
        Number(tamper(directory, (db) => db.prepare("SELECT expires FROM leases").pluck().get()))
      yield* using(directory, Effect.scoped(Effect.gen(function*() {
        const log = yield* EventLog
        yield* log.lease("team/alpha", "mine")
        const first = expiry()
        yield* until("a heartbeat", () => expiry() > first)
      })), { leaseTtl: "300 millis" })
    }))
})

describe("the mirror", () => {
  it.live("has a line an event, the common members first", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, Effect.gen(function*() {
        yield* record([recorded("alpha"), captured("alpha", "coder-1", "s-1"), step("alpha", "spawn")])
        // A step is readable there before the append answers.
        assert.deepStrictEqual(linePositions(mirror(directory)), [1, 2, 3])
        assert.deepStrictEqual(lines(mirror(directory)), (yield* all).map(logLine))
        const parsed: unknown = JSON.parse(lines(mirror(directory))[2] ?? "")
        assert.deepStrictEqual(Object.keys(Object(parsed)), [
          "position", "at", "type", "team", "agent", "generation", "operation", "step", "phase"
        ])
      }))
    }))

  it.live("goes on behind the last whole line, whatever was left of the next", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* filled(directory, 20)
      const whole = fs.readFileSync(mirror(directory))
      for (const cut of [whole.length - 1, whole.length - 60, 700, 10, 0]) {
        fs.writeFileSync(mirror(directory), whole.subarray(0, cut))
        yield* using(directory, Effect.flatMap(EventLog, (log) => log.append(messages(1))))
        const all = linePositions(mirror(directory))
        assert.deepStrictEqual(all, counted(all.length))
        assert.strictEqual(fs.readFileSync(mirror(directory)).subarray(0, whole.length).equals(whole), true)
      }
    }))

  it.live("is rotated by size, five old ones are kept, and no line is lost or doubled between them", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* using(directory, Effect.gen(function*() {
        const log = yield* EventLog
        for (let index = 0; index < 40; index += 1) yield* log.append(messages(5, index * 5))
      }), { mirrorMaxBytes: 6000 })
      const files = ["", ".1", ".2", ".3", ".4", ".5"].map((suffix) => `${mirror(directory)}${suffix}`)
      for (const file of files) {
        assert.isAtMost(fs.statSync(file).size, 6000)
        assert.strictEqual(mode(file), 0o600)
      }
      assert.isFalse(fs.existsSync(`${mirror(directory)}.6`))
      const kept = files.reverse().flatMap(linePositions)
      assert.deepStrictEqual(kept, counted(200).slice(-kept.length))
      // Also where it stopped right after a rotation.
      fs.renameSync(mirror(directory), `${mirror(directory)}.1`)
      yield* using(directory, Effect.flatMap(EventLog, (log) => log.append(messages(1))))
      assert.deepStrictEqual(linePositions(mirror(directory)), [201])
    }))

  it.live("can't be written: the append stands all the same", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      fs.mkdirSync(mirror(directory), { recursive: true })
      yield* using(directory, Effect.gen(function*() {
        assert.strictEqual(yield* record([recorded("alpha"), step("alpha", "spawn")]), 2)
        fs.rmdirSync(mirror(directory))
        yield* record([step("alpha", "spawn", "result")])
        assert.deepStrictEqual(linePositions(mirror(directory)), [1, 2, 3])
      }))
    }))

  it.live("of a log that is lost is kept, and no new log is begun beside it", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      yield* filled(directory, 20)
      fs.rmSync(database(directory))
      const append = Effect.flatMap(EventLog, (log) => log.append([consumed("alpha", "coder-1", "m")]))
      const error = yield* Effect.flip(using(directory, append))
      assert.strictEqual(error._tag === "EventLogError" && error.reason, "Lost")
      assert.isFalse(fs.existsSync(database(directory)))
      assert.deepStrictEqual(linePositions(mirror(directory)), counted(21))
    }))
})
