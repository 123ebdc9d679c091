import type { Statement } from "better-sqlite3"
import type { DirectoryIdentity, LogIdentity } from "../../domain/log-identity.ts"
import type { ReadOptions } from "../EventLog.ts"
import { fold } from "../fold.ts"
import { entryOf, type EventRow } from "../rows.ts"
import { type Folded, nothingFolded, readSnapshot, writeSnapshot } from "../snapshot.ts"
import { newer, type Opened } from "./open.ts"
import type { LogFiles } from "./files.ts"
import { schemaVersion, snapshotVersion } from "./schema.ts"

const columns = "position, at, team, agent, type, generation, operation, body"
const pageSize = 512

interface SnapshotRow {
  readonly position: number
  readonly version: number
  readonly body: string
}

/** The statements of one open log file, and what this process has folded of it. All of it is synchronous. */
export interface Store {
  readonly opened: Opened
  /** Runs inside one transaction that begins as a writer, so that what it reads holds until its end. */
  readonly transact: <A>(body: () => A) => A
  readonly head: () => number
  /** The workspace that the log was made for. */
  readonly identity: () => LogIdentity | undefined
  /** Gives the log another place; false where it has another one than `from` already. Inside a transaction. */
  readonly relocate: (from: LogIdentity, to: DirectoryIdentity) => boolean
  readonly teams: () => ReadonlyArray<string>
  readonly page: (options: ReadOptions, after: number, until: number) => ReadonlyArray<EventRow>
  readonly isFullPage: (rows: ReadonlyArray<unknown>) => boolean
  /** Folds at most one page more than `from`. */
  readonly foldPage: (team: string, from: Folded) => { readonly folded: Folded; readonly count: number }
  /** The best that is known without folding: what this process folded before, or the snapshot. */
  readonly base: (team: string) => Folded
  readonly hasFolded: (team: string) => boolean
  readonly keep: (team: string, folded: Folded) => void
  /** Counts new events of a team; answers with how many a cold process would have to fold. */
  readonly countTail: (team: string, added: number) => number
  readonly putSnapshot: (team: string, folded: Folded) => void
}

export const makeStore = (files: LogFiles, opened: Opened): Store => {
  const { db } = opened
  const begin = db.prepare("BEGIN IMMEDIATE")
  const commit = db.prepare("COMMIT")
  const rollback = db.prepare("ROLLBACK")
  const version = db.prepare<[], number>("PRAGMA user_version").pluck()
  const head = db.prepare<[], number>("SELECT coalesce(max(position), 0) FROM events").pluck()
  const identity = db.prepare<[], LogIdentity>("SELECT id, path, device, inode FROM workspace")
  const relocate = db.prepare<[string, string, string, string, string, string]>(
    "UPDATE workspace SET path = ?, device = ?, inode = ? WHERE path = ? AND device = ? AND inode = ?"
  )
  const teams = db.prepare<[], string>("SELECT team FROM teams ORDER BY team").pluck()
  const tail = db.prepare<[string, number], EventRow>(
    `SELECT ${columns} FROM events WHERE team = ? AND position > ? ORDER BY position LIMIT ${pageSize}`
  )
  const snapshot = db.prepare<[string], SnapshotRow>("SELECT position, version, body FROM snapshots WHERE team = ?")
  const putSnapshot = db.prepare<[string, number, number, string]>(
    `INSERT INTO snapshots (team, position, version, body) VALUES (?, ?, ?, ?) ON CONFLICT (team) DO UPDATE
      SET position = excluded.position, version = excluded.version, body = excluded.body`
  )
  const resetTail = db.prepare<[string, number, string]>(
    "UPDATE teams SET tail = (SELECT count(*) FROM events WHERE team = ? AND position > ?) WHERE team = ?"
  )
  const countTail = db.prepare<[string, number], number>(
    `INSERT INTO teams (team, tail) VALUES (?, ?)
      ON CONFLICT (team) DO UPDATE SET tail = tail + excluded.tail RETURNING tail`
  ).pluck()
  const pages = new Map<string, Statement<unknown[], EventRow>>()
  const folds = new Map<string, Folded>()

  const transact = <A>(body: () => A): A => {
    begin.run()
    try {
      // Another process may have upgraded the file while it was open here.
      const found = version.get() ?? 0
      if (found !== schemaVersion) throw newer(files, found)
      const result = body()
      commit.run()
      return result
    } catch (cause) {
      if (db.inTransaction) rollback.run()
      throw cause
    }
  }

  const page = (options: ReadOptions, after: number, until: number): ReadonlyArray<EventRow> => {
    const { agent, team, types } = options
    const conditions = [
      "position > ?",
      "position <= ?",
      ...(team === undefined ? [] : ["team = ?"]),
      ...(agent === undefined ? [] : ["agent = ?"]),
      ...(types === undefined ? [] : [`type IN (${types.map(() => "?").join(", ")})`])
    ]
    const text = `SELECT ${columns} FROM events WHERE ${conditions.join(" AND ")} ORDER BY position LIMIT ${pageSize}`
    const statement = pages.get(text) ?? db.prepare<unknown[], EventRow>(text)
    pages.set(text, statement)
    return statement.all(after, until, ...(team === undefined ? [] : [team]), ...(agent === undefined ? [] : [agent]),
      ...(types ?? []))
  }

  return {
    opened,
    transact,
    head: () => head.get() ?? 0,
    identity: () => identity.get(),
    relocate: (from, to) =>
      relocate.run(to.path, to.device, to.inode, from.path, from.device, from.inode).changes === 1,
    teams: () => teams.all(),
    page,
    isFullPage: (rows) => rows.length >= pageSize,
    foldPage: (team, from) => {
      const rows = tail.all(team, from.position)
      let state = from.state
      for (const row of rows) state = fold(state, entryOf(row))
      return { folded: { position: rows.at(-1)?.position ?? from.position, state }, count: rows.length }
    },
    base: (team) => {
      const known = folds.get(team)
      if (known !== undefined) return known
      const row = snapshot.get(team)
      return row === undefined || row.version !== snapshotVersion
        ? nothingFolded
        : readSnapshot(team, row.position, row.body) ?? nothingFolded
    },
    hasFolded: (team) => folds.has(team),
    keep: (team, folded) => {
      if ((folds.get(team)?.position ?? 0) <= folded.position) folds.set(team, folded)
    },
    countTail: (team, added) => countTail.get(team, added) ?? added,
    putSnapshot: (team, folded) => {
      putSnapshot.run(team, folded.position, snapshotVersion, writeSnapshot(folded))
      resetTail.run(team, folded.position, team)
    }
  }
}
