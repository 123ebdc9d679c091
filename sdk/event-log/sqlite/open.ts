import Sqlite, { type Database } from "better-sqlite3"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { cannotBeWritten, refuse } from "./failures.ts"
import { type LogFiles, makeDirectory, makePrivateFile, sizeOf, workspaceOf } from "./files.ts"
import { openPrivateCopy } from "./log-facts.ts"
import { createTables, schemaVersion } from "./schema.ts"

// The hot path stands on better-sqlite3 itself, the driver below @effect/sql-sqlite-node. That client begins with a
// plain BEGIN, waits up to five seconds synchronously before a setting could change it, turns a file to WAL by opening
// it (a newer one has to stay untouched) and costs a lone append a third of its rate; it does the upgrades.

/** Short, since better-sqlite3 waits synchronously and stops every fiber, heartbeats too; callers try again. */
const busyTimeoutMs = 20

export interface Opened {
  readonly db: Database
  readonly ino: number
  readonly readOnly: boolean
  /** The version of the tables, when it is an older one: nothing but an upgrade may be done with it. */
  readonly older: number | undefined
  readonly close: () => void
}

/** `user_version` as the file's first page tells it, without opening it. */
const versionOnDisk = (file: string): number | undefined => {
  const header = Buffer.alloc(64)
  const fd = fs.openSync(file, "r")
  try {
    return fs.readSync(fd, header, 0, 64, 0) === 64 && header.toString("latin1", 0, 15) === "SQLite format 3"
      ? header.readUInt32BE(60)
      : undefined
  } finally {
    fs.closeSync(fd)
  }
}

const userVersion = (db: Database): number => {
  const version = db.pragma("user_version", { simple: true })
  return typeof version === "number" ? version : 0
}

const checkBeforeOpening = (files: LogFiles): void => {
  const size = sizeOf(files.database) ?? 0
  // SQLite would take the file for a new one and drop the events that are in the write-ahead log.
  if (size === 0 && (sizeOf(`${files.database}-wal`) ?? 0) > 0 && (sizeOf(files.database) ?? 0) === 0) {
    throw refuse(files, "open", "Corrupt", "it is empty although its -wal holds events")
  }
  if (size === 0) return
  const version = versionOnDisk(files.database)
  if (version === undefined) throw refuse(files, "open", "Corrupt", "it is not a SQLite file")
  if (version > schemaVersion) throw newer(files, version)
}

export const newer = (files: LogFiles, version: number) =>
  refuse(files, "open", "Newer", `log version ${version}, this one knows ${schemaVersion}`)

const inspect = (files: LogFiles, db: Database): { readonly empty: boolean; readonly older: number | undefined } => {
  const version = userVersion(db)
  if (version > schemaVersion) throw newer(files, version)
  const tables = db.prepare<[], number>("SELECT count(*) FROM sqlite_schema").pluck().get() ?? 0
  if (version === 0 && tables > 0) throw refuse(files, "open", "Corrupt", "its tables are not those of a log")
  return { empty: version === 0, older: version > 0 && version < schemaVersion ? version : undefined }
}

const openWritable = (files: LogFiles): Opened => {
  makeDirectory(files.directory)
  makePrivateFile(files.database)
  checkBeforeOpening(files)
  const ino = fs.statSync(files.database).ino
  const db = new Sqlite(files.database, { timeout: busyTimeoutMs })
  try {
    const first = inspect(files, db)
    if (first.older === undefined) {
      db.pragma("journal_mode = WAL")
      // The driver is compiled with NORMAL for WAL, which may lose the last commits when the power goes.
      db.pragma("synchronous = FULL")
      if (first.empty) {
        db.transaction(() => {
          if (userVersion(db) === 0) createTables(db, { id: randomUUID(), ...workspaceOf(files) })
        }).immediate()
      }
    }
    return { db, ino, readOnly: false, older: first.older, close: () => db.close() }
  } catch (cause) {
    db.close()
    throw cause
  }
}

const isReadable = (db: Database): boolean => {
  try {
    userVersion(db)
    return true
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "SQLITE_NOTADB") throw cause
    return false
  }
}

/**
 * For reading where nothing can be written. A log in WAL needs its side files to be read: where they can't be made, a
 * private copy is read, which is as good as the moment in which it was taken.
 */
const openReadOnly = (files: LogFiles): Opened => {
  checkBeforeOpening(files)
  const ino = fs.statSync(files.database).ino
  let db = new Sqlite(files.database, { readonly: true, timeout: busyTimeoutMs })
  let remove = () => {}
  if (!isReadable(db)) {
    db.close()
    const copied = openPrivateCopy(files)
    db = copied.db
    remove = copied.close
  }
  const close = () => {
    db.close()
    remove()
  }
  try {
    const { empty, older } = inspect(files, db)
    if (empty || older !== undefined) {
      const why = empty ? "it was never filled" : `log version ${older} has to be upgraded first`
      throw refuse(files, "open", "ReadOnly", why)
    }
    return { db, ino, readOnly: true, older: undefined, close }
  } catch (cause) {
    close()
    throw cause
  }
}

const canWrite = (files: LogFiles): boolean => {
  try {
    fs.accessSync(files.directory, fs.constants.W_OK)
    fs.accessSync(files.database, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

const openCopy = (files: LogFiles): Opened => {
  const ino = fs.statSync(files.database).ino
  const { close, db } = openPrivateCopy(files)
  return { db, ino, readOnly: true, older: undefined, close }
}

/**
 * Opens the log for `write` (making it if it is missing) or `read` (undefined if it is missing or empty). A file that has
 * several names may be that of another workspace too: unless `isOwn` says that it is this one's, a copy of it is read.
 */
export const open = (files: LogFiles, intent: "read" | "write", isOwn: (copy: Database) => boolean): Opened | undefined => {
  const size = sizeOf(files.database)
  if (intent === "read" && size === 0) checkBeforeOpening(files)
  if (intent === "read" && (size === undefined || size === 0)) return undefined
  if (size !== undefined && size > 0 && fs.statSync(files.database).nlink > 1) {
    checkBeforeOpening(files)
    const copy = openCopy(files)
    if (!isOwn(copy.db)) return copy
    copy.close()
  }
  if (intent === "write") return openWritable(files)
  if (!canWrite(files)) return openReadOnly(files)
  try {
    return openWritable(files)
  } catch (cause) {
    // Opening for writing makes side files, for which a full disk has no room.
    if (!cannotBeWritten(cause)) throw cause
    return openReadOnly(files)
  }
}
