import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { version2 } from "../../sdk/event-log/sqlite/schema.ts"
import { newDirectory } from "./directories.ts"
import { accepted, recorded } from "./samples.ts"

const using = <A, E>(directory: string, body: Effect.Effect<A, E, EventLog>) =>
  body.pipe(Effect.provide(EventLogSqlite.layer({ directory })))
const identity = Effect.flatMap(EventLog, (log) => log.identity)
const position = Effect.flatMap(EventLog, (log) => log.position)
const append = Effect.flatMap(EventLog, (log) => log.append([accepted("alpha", "coder-1", "m-1")]))

/** A log as the version before this one wrote it. */
const makeVersion2 = (directory: string, workspace: string | null) => {
  fs.mkdirSync(directory, { mode: 0o700, recursive: true })
  const db = new Sqlite(path.join(directory, "reprise.db"))
  for (const statement of version2) db.exec(statement)
  if (workspace !== null) {
    const { team, type, ...own } = recorded("alpha")
    db.prepare("INSERT INTO events (at, team, type, body, lifecycle) VALUES (?, ?, ?, ?, 1)")
      .run("2026-01-01T00:00:00.000Z", team, type, JSON.stringify({ ...own, workspace }))
    db.exec("INSERT INTO teams (team, tail) VALUES ('alpha', 1)")
  }
  db.pragma("user_version = 2")
  db.close()
}

describe("the workspace that a log was made for", () => {
  it.live("is recorded when the log is made, and is never changed by use", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      const workspace = path.dirname(directory)
      assert.isNull(yield* using(directory, identity))
      const made = yield* using(directory, Effect.zipRight(append, identity))
      assert.strictEqual(made?.path, fs.realpathSync(workspace))
      assert.strictEqual(made?.inode, String(fs.statSync(workspace).ino))
      assert.match(made?.id ?? "", /^[0-9a-f-]{32,36}$/)
      assert.deepStrictEqual(yield* using(directory, Effect.zipRight(append, identity)), made)
      const other = newDirectory()
      assert.notStrictEqual((yield* using(other, Effect.zipRight(append, identity)))?.id, made?.id)
    }))

  it.live("is found for a log of the version before, the same for the log and its copy", () =>
    Effect.gen(function*() {
      const directory = newDirectory()
      const workspace = fs.realpathSync(path.dirname(directory))
      makeVersion2(directory, workspace)
      const copy = newDirectory()
      fs.cpSync(directory, copy, { recursive: true })
      const original = yield* using(directory, identity)
      const copied = yield* using(copy, identity)
      assert.strictEqual(original?.path, workspace)
      assert.strictEqual(original?.inode, String(fs.statSync(workspace).ino))
      assert.strictEqual(copied?.id, original?.id)
      // The copy does not take the place of the original.
      assert.strictEqual(copied?.path, workspace)
      assert.strictEqual(copied?.inode, "")
      assert.strictEqual(yield* using(directory, position), 1)
      assert.strictEqual(fs.readdirSync(directory).filter((name) => name.startsWith("reprise.v2-")).length, 1)
    }))

  it.live("is new for a log of the version before that holds nothing", () =>
    Effect.gen(function*() {
      const [one, two] = [newDirectory(), newDirectory()]
      makeVersion2(one, null)
      makeVersion2(two, null)
      const ids = [yield* using(one, identity), yield* using(two, identity)].map((made) => made?.id)
      assert.notStrictEqual(ids[0], ids[1])
    }))
})

it.live("git leaves the directory of a log alone, a new one and one that was there before", () =>
  Effect.gen(function*() {
    const directory = newDirectory()
    const ignored = path.join(directory, ".gitignore")
    yield* using(directory, append)
    assert.strictEqual(fs.readFileSync(ignored, "utf8"), "*\n")
    fs.rmSync(ignored)
    yield* using(directory, position)
    assert.strictEqual(fs.readFileSync(ignored, "utf8"), "*\n")
    fs.writeFileSync(ignored, "# of the user\n")
    yield* using(directory, append)
    assert.strictEqual(fs.readFileSync(ignored, "utf8"), "# of the user\n")
  }))
