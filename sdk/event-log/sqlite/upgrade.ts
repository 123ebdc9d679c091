import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { LifecycleEvent } from "../../domain/event.ts"
import type { LogFiles } from "./files.ts"
import { makePrivateFile, workspaceOf } from "./files.ts"
import { derivedId, firstEvents } from "./log-facts.ts"
import { addedInVersion2, addedInVersion3, schemaVersion } from "./schema.ts"

const lifecycleTypes = LifecycleEvent.members.map((member) => member.fields.type.literals[0])

type Client = Effect.Effect.Success<ReturnType<typeof SqliteClient.make>>

const toVersion2 = (sql: Client) =>
  Effect.gen(function*() {
    yield* sql.unsafe("ALTER TABLE events ADD COLUMN lifecycle INTEGER NOT NULL DEFAULT 0")
    for (const statement of addedInVersion2) yield* sql.unsafe(statement)
    yield* sql`UPDATE events SET lifecycle = 1 WHERE ${sql.in("type", lifecycleTypes)}`
    yield* sql.unsafe("INSERT INTO teams (team, tail) SELECT team, count(*) FROM events GROUP BY team")
  })

/**
 * Gives the log a workspace. The id comes from its first events, so that a log and a copy of it get the same one, and the
 * place from the newest `team.recorded`, since this may be the copy.
 */
const toVersion3 = (sql: Client, files: LogFiles) =>
  Effect.gen(function*() {
    for (const statement of addedInVersion3) yield* sql.unsafe(statement)
    const id = derivedId(yield* sql.unsafe<{ readonly at: string; readonly body: string }>(firstEvents))
    const [recorded] = yield* sql.unsafe<{ readonly workspace: string | null }>(
      `SELECT json_extract(body, '$.workspace') AS workspace FROM events
        WHERE type = 'team.recorded' AND json_valid(body) ORDER BY position DESC LIMIT 1`
    )
    const here = workspaceOf(files)
    const place = typeof recorded?.workspace === "string" && recorded.workspace !== here.path
      ? { path: recorded.workspace, device: "", inode: "" }
      : here
    yield* sql`INSERT INTO workspace ${sql.insert({ row: 1, id, ...place })}`
  })

/**
 * Brings an older file to this version: first a copy beside it, whose name says the version, then one transaction.
 * Several processes may try at once; one does it.
 */
export const upgrade = Effect.fn("EventLog.upgrade")(function*(files: LogFiles, from: number) {
  // Left in its journal mode for now: changing it would wait, and stop every fiber, for up to five seconds.
  const sql = yield* SqliteClient.make({ filename: files.database, disableWAL: true })
  yield* sql.unsafe("PRAGMA busy_timeout = 50")
  yield* sql.unsafe("PRAGMA synchronous = FULL")
  const now = new Date(yield* Clock.currentTimeMillis).toISOString().replace(/[-:.]/g, "")
  const copy = path.join(files.directory, `reprise.v${from}-${now}-${process.pid}.db`)
  yield* Effect.sync(() => makePrivateFile(copy))
  yield* sql.unsafe("VACUUM INTO ?", [copy]).pipe(
    // Half a copy would look like one.
    Effect.onError(() => Effect.sync(() => fs.rmSync(copy, { force: true })))
  )
  yield* sql.withTransaction(Effect.gen(function*() {
    // A write first: then what is read below can't have changed by the time of the next write.
    yield* sql.unsafe("DELETE FROM leases WHERE 0")
    const [row] = yield* sql.unsafe<{ readonly user_version: number }>("PRAGMA user_version")
    if (row === undefined || row.user_version >= schemaVersion) return
    if (row.user_version < 2) yield* toVersion2(sql)
    yield* toVersion3(sql, files)
    yield* sql.unsafe(`PRAGMA user_version = ${schemaVersion}`)
  }))
}, Effect.scoped, Effect.provide(Reactivity.layer))
