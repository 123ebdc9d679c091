import Sqlite from "better-sqlite3"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { installationProblem } from "../../domain/native-module.ts"
import type { DirectoryIdentity, LogIdentity } from "../../domain/log-identity.ts"
import { judgeLog, type LogVerdict } from "../../domain/log-verdict.ts"
import { claimChanges } from "../../domain/session-claim.ts"
import { refusedLog } from "../refused-log.ts"
import { entryOf, type EventRow } from "../rows.ts"
import { type LogFiles, makeDirectory, makePrivateFile, workspaceOf } from "./files.ts"
import { factsWithoutLog, headIn, identityIn, logFacts, openPrivateCopy, surroundingsOf } from "./log-facts.ts"
import { markedTeam, type Marker, markersAt, readMarker, writeMarker } from "./marker.ts"
import { foldRows, isLifecycleRow, joinRows, mirrorRows, withMarker } from "./rebuild-rows.ts"
import { createTables } from "./schema.ts"

/** What can still be read of a log file, whatever its state. */
export interface ReadableLog {
  readonly identity: LogIdentity | undefined
  readonly rows: ReadonlyArray<EventRow>
  readonly position: number
}

/** Reads a copy of the log file; null where there is none, or nothing of it can be read. */
export const readLogFile = (files: LogFiles): ReadableLog | null => {
  try {
    if ((fs.statSync(files.database, { throwIfNoEntry: false })?.size ?? 0) === 0) return null
    const { close, db } = openPrivateCopy(files)
    try {
      const identity = identityIn(db)
      const rows = db.prepare<[], EventRow>("SELECT position, at, team, agent, type, generation, operation, body FROM events ORDER BY position").all()
      return { identity, rows, position: headIn(db) }
    } finally {
      close()
    }
  } catch (cause) {
    // A database package that can't be loaded says nothing about the log.
    if (installationProblem("better-sqlite3", cause) !== null) throw cause
    return null
  }
}

/** What the log of a workspace is, judged without opening it. */
export const judgeFile = (files: LogFiles, state: string | undefined, found: ReadableLog | null): LogVerdict => {
  if (found?.identity === undefined) return judgeLog(factsWithoutLog(files, state))
  const surroundings = surroundingsOf(files, state, found.identity.id)
  return judgeLog(logFacts(files, state, found.identity, found.position, surroundings))
}

/** Writes a log of these rows to a new file. */
export const writeLogFile = (file: string, identity: LogIdentity, rows: ReadonlyArray<EventRow>): void => {
  makePrivateFile(file)
  const db = new Sqlite(file)
  try {
    db.pragma("synchronous = FULL")
    db.transaction(() => {
      createTables(db, identity)
      const insert = db.prepare(
        `INSERT INTO events (position, at, team, agent, type, generation, operation, body, lifecycle)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
      )
      const release = db.prepare("DELETE FROM session_claims WHERE team = ? AND agent = ?")
      const claim = db.prepare("INSERT OR REPLACE INTO session_claims (team, agent, provider, session_id) VALUES (?, ?, ?, ?)")
      for (const row of rows) {
        const { agent, at, body, generation, operation, position, team, type } = row
        insert.run(position, at, team, agent, type, generation, operation, body, isLifecycleRow(row) ? 1 : 0)
        const entry = entryOf(row)
        for (const change of entry._tag === "Event" ? claimChanges(entry.event) : []) {
          if (change._tag === "Release") release.run(change.team, change.agent)
          else claim.run(change.claim.team, change.claim.agent, change.claim.provider, change.claim.sessionId)
        }
      }
      db.exec("INSERT INTO teams (team, tail) SELECT team, count(*) FROM events GROUP BY team")
    })()
  } finally {
    db.close()
  }
}

/** Moves files of the log aside, into a directory of its own that says why; nothing is ever overwritten or removed. */
export const setAside = (files: LogFiles, why: string, at: string, names: ReadonlyArray<string>): string => {
  const stem = `${why}-${at.replace(/[-:.]/g, "")}`
  const directory = path.join(files.directory, fs.existsSync(path.join(files.directory, stem)) ? `${stem}-${process.pid}` : stem)
  fs.mkdirSync(directory, { mode: 0o700 })
  for (const name of names) {
    const file = path.join(files.directory, name)
    if (fs.existsSync(file)) fs.renameSync(file, path.join(directory, name))
  }
  return directory
}

export const databaseNames = ["reprise.db", "reprise.db-wal", "reprise.db-shm"]
export const mirrorNames = ["events.jsonl", ...[1, 2, 3, 4, 5].map((number) => `events.jsonl.${number}`)]

/** Marks a log as the current one, also where its position is lower than before. */
export const markLog = (state: string | undefined, id: string, here: DirectoryIdentity, rows: ReadonlyArray<EventRow>, at: string): void => {
  if (state === undefined) return
  const teams = [...foldRows(rows).values()].map(markedTeam)
  writeMarker(state, { id, ...here, position: rows.at(-1)?.position ?? 0, at, teams })
}

/** What came of a recovery of the log's file. */
export interface RecoveredLog {
  readonly verdict: LogVerdict
  readonly certain: ReadonlyArray<string>
  readonly uncertain: ReadonlyArray<string>
  /** Where the files are that were there before; null where nothing had to be done. */
  readonly kept: string | null
  readonly isRebuilt: boolean
}

/**
 * Rebuilds a log that is lost, damaged or older than reality from what is left of it, its mirror and the marker of this
 * user. What was there is kept. Throws an `EventLogError` for a copy of another workspace.
 */
export const recoverLog = (files: LogFiles, state: string | undefined, at: string): RecoveredLog => {
  const here = workspaceOf(files)
  const found = readLogFile(files)
  const verdict = judgeFile(files, state, found)
  if (verdict._tag === "Copied") throw refusedLog(verdict, "recover", files.database)
  const isDamaged = found === null && (fs.statSync(files.database, { throwIfNoEntry: false })?.size ?? 0) > 0
  if (!isDamaged && verdict._tag !== "RolledBack" && verdict._tag !== "Lost") {
    return { verdict, certain: [], uncertain: [], kept: null, isRebuilt: false }
  }
  const marker: Marker | undefined = state === undefined
    ? undefined
    : found?.identity === undefined ? markersAt(state, here)[0] : readMarker(state, found.identity.id)
  const rebuilt = withMarker(joinRows(found?.rows ?? [], mirrorRows(files)), marker, at)
  if (foldRows(rebuilt.rows).size === 0) return { verdict, certain: [], uncertain: rebuilt.uncertain, kept: null, isRebuilt: false }
  const identity = { id: found?.identity?.id ?? marker?.id ?? randomUUID(), ...found?.identity?.path === undefined || found.identity.path === "" ? here : {
    path: found.identity.path,
    device: found.identity.device,
    inode: found.identity.inode
  } }
  makeDirectory(files.directory)
  const next = path.join(files.directory, `reprise.next-${process.pid}.db`)
  writeLogFile(next, identity, rebuilt.rows)
  const kept = setAside(files, "before-recover", at, databaseNames)
  fs.renameSync(next, files.database)
  markLog(state, identity.id, here, rebuilt.rows, at)
  return { verdict, certain: rebuilt.certain, uncertain: rebuilt.uncertain, kept, isRebuilt: true }
}
