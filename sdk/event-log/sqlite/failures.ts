import * as fs from "node:fs"
import * as path from "node:path"
import { installationProblem } from "../../domain/native-module.ts"
import { EventLogError } from "../errors.ts"
import type { LogFiles } from "./files.ts"

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const textOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** Whether the disk that holds the directory has no room; false where that can't be told. */
const diskIsFull = (directory: string): boolean => {
  try {
    return fs.statfsSync(directory).bavail < 16
  } catch {
    return false
  }
}

const mayWrite = (target: string): boolean => {
  try {
    fs.accessSync(target, fs.constants.W_OK)
    return true
  } catch (cause) {
    return codeOf(cause) === "ENOENT"
  }
}

const reasonOf = (files: LogFiles, code: string): EventLogError["reason"] => {
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return "Busy"
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return "Full"
  if (code.startsWith("SQLITE_READONLY") || code === "EROFS" || code === "EACCES" || code === "EPERM") return "ReadOnly"
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return "Corrupt"
  if (code.startsWith("SQLITE_IOERR") && diskIsFull(files.directory)) return "Full"
  if (code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_IOERR")) {
    return mayWrite(files.directory) && mayWrite(files.database) ? "Unknown" : "ReadOnly"
  }
  return "Unknown"
}

/** Names of the copies that lie beside the log, newest first. */
const copies = (files: LogFiles): ReadonlyArray<string> => {
  try {
    return fs.readdirSync(files.directory).filter((name) => /^reprise\.v\d+-.*\.db$/.test(name)).sort().reverse()
  } catch {
    return []
  }
}

type Said = EventLogError["reason"] | "NoRoom"

const sentences = (files: LogFiles, reason: Said, why: string): string => {
  const file = files.database
  switch (reason) {
    case "Busy":
      return `${file} was in use by other processes for too long. Nothing was written. Run the command again.`
    case "Full":
      return `The disk that holds ${file} is full. Nothing was written, and all that was recorded before is safe. ` +
        "Free some space and run the command again."
    case "NoRoom":
      return `There is not enough room on the disk that holds ${file}: ${why}. Nothing was done, and no process was touched. ` +
        "Free some space and run the command again."
    case "ReadOnly":
      return `${file} can't be written: it or its directory is read-only for this user (${why}). Nothing was written, ` +
        `and what is there can still be read. Make ${files.directory} writable and run the command again.`
    case "Corrupt": {
      const copy = copies(files)[0]
      return `${file} is damaged (${why}). Nothing was written. The agents and their conversations are not touched ` +
        `by this, and ${files.mirror} holds the newest events as text. Keep the damaged file, with its -wal, under ` +
        (copy === undefined
          ? "another name, put your own copy in its place if there is one, and run the command again."
          : `another name, put a copy in its place (${path.join(files.directory, copy)} is one), ` +
            "and run the command again.")
    }
    case "Newer":
      return `${file} was written by a newer Reprise (${why}). It was left as it is, nothing was written. ` +
        "Run the command with that version or a newer one."
    default:
      return `${file} could not be used (${why}). Nothing was written.`
  }
}

/** The error of an operation, in sentences that say what is safe and what to do. */
export const refuse = (
  files: LogFiles,
  operation: string,
  reason: Said,
  why: string
): EventLogError =>
  new EventLogError({ operation, reason: reason === "NoRoom" ? "Full" : reason, detail: sentences(files, reason, why), file: files.database })

/** The database's package can't be loaded: nothing is wrong with the log. Null for any other failure. */
const brokenInstallation = (files: LogFiles, operation: string, cause: unknown): EventLogError | null => {
  const problem = codeOf(cause).startsWith("SQLITE_") ? null : installationProblem("better-sqlite3", cause)
  return problem === null ? null : new EventLogError({
    operation,
    reason: "Installation",
    detail: `${problem.detail} The log and the agents were not touched. Run: ${problem.command}`,
    file: files.database,
    next: [problem.command]
  })
}

/** What was thrown by the database or the file system, as an error that says what to do. */
export const failureOf = (files: LogFiles, operation: string) => (cause: unknown): EventLogError =>
  cause instanceof EventLogError
    ? cause
    : brokenInstallation(files, operation, cause) ?? refuse(files, operation, reasonOf(files, codeOf(cause)), textOf(cause))

const unwritable = /^(SQLITE_(FULL|IOERR|CANTOPEN|READONLY)|ENOSPC|EDQUOT|EROFS|EACCES|EPERM)/

/** Whether the file may be sound and only can't be written to: no room, no inode, no quota, a read-only mount. */
export const cannotBeWritten = (cause: unknown): boolean => unwritable.test(codeOf(cause))

/** Whether somebody else held the lock. */
export const isBusy = (cause: unknown): boolean => codeOf(cause).startsWith("SQLITE_BUSY")
