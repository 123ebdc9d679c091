import Sqlite from "better-sqlite3"
import * as fs from "node:fs"
import * as path from "node:path"
import { isRefused } from "../../domain/log-verdict.ts"
import { EventLogError } from "../errors.ts"
import { refusedLog } from "../refused-log.ts"
import type { TeamState } from "../TeamState.ts"
import { refuse } from "./failures.ts"
import { type LogFiles, makeDirectory, workspaceOf } from "./files.ts"
import { logFacts, surroundingsOf } from "./log-facts.ts"
import { judgeLog } from "../../domain/log-verdict.ts"
import { markersAt, readMarker, removeMarker } from "./marker.ts"
import { foldRows } from "./rebuild-rows.ts"
import { databaseNames, judgeFile, markLog, mirrorNames, readLogFile, setAside, writeLogFile } from "./recover-log.ts"

const invalid = (file: string, why: string): EventLogError =>
  new EventLogError({ operation: "import", reason: "Unknown", detail: `${file} ${why}. Nothing was changed.`, file })

/** Writes a consistent copy of the log, by rename: the file is whole or not there. Answers with the copy's last position. */
export const exportLog = (files: LogFiles, file: string, state: string | undefined): number => {
  const found = readLogFile(files)
  const verdict = judgeFile(files, state, found)
  if (isRefused(verdict)) throw refusedLog(verdict, "export", files.database)
  if (found === null || found.position === 0) throw refuse(files, "export", "Unknown", "it holds nothing yet")
  if (fs.existsSync(file) && readLogFile({ ...files, database: file }) === null) {
    throw new EventLogError({
      operation: "export",
      reason: "Unknown",
      detail: `${file} exists and is no exported log, so it was not overwritten. Name another file.`,
      file
    })
  }
  const next = `${file}.${process.pid}`
  fs.rmSync(next, { force: true })
  const db = new Sqlite(files.database, { readonly: true, timeout: 1000 })
  try {
    db.prepare("VACUUM INTO ?").run(next)
  } finally {
    db.close()
  }
  try {
    fs.chmodSync(next, 0o600)
    const copy = new Sqlite(next)
    try {
      copy.exec("DELETE FROM leases")
    } finally {
      copy.close()
    }
    fs.renameSync(next, file)
  } catch (cause) {
    fs.rmSync(next, { force: true })
    throw cause
  }
  return readLogFile({ ...files, database: file })?.position ?? 0
}

/** What an import put in place. */
export interface Imported {
  readonly position: number
  readonly kept: string
}

/** The teams of a log file, without opening it as the log. */
export const teamsIn = (files: LogFiles, file: string): ReadonlyArray<TeamState> =>
  [...foldRows(readLogFile({ ...files, database: file })?.rows ?? []).values()]

/** Puts a copy of a log in this workspace's place. Refuses one that is older than this one unless `older` is given. */
export const importLog = (files: LogFiles, file: string, state: string | undefined, at: string, older: boolean): Imported => {
  if (!fs.existsSync(file)) throw invalid(file, "does not exist")
  const given = readLogFile({ ...files, database: file })
  if (given?.identity === undefined || given.position === 0) throw invalid(file, "is no log of Reprise, or holds nothing")
  const { identity, position, rows } = given
  makeDirectory(files.directory)
  const here = workspaceOf(files)
  const surroundings = { ...surroundingsOf(files, undefined, undefined), mirror: 0 }
  const verdict = judgeLog(logFacts(files, undefined, identity, position, surroundings))
  if (isRefused(verdict)) throw refusedLog(verdict, "import", files.database)
  const present = readLogFile(files)
  const marked = state === undefined ? 0 : readMarker(state, identity.id)?.position ?? 0
  const reached = Math.max(marked, present?.identity?.id === identity.id ? present.position : 0)
  if (!older && (reached > position || (present !== null && present.position > 0 && present.identity?.id !== identity.id))) {
    throw invalid(file, reached > position
      ? `ends at position ${position}, and this workspace's log reached ${reached}: the import would roll it back. Say --older if you want that`
      : "is another log than the one of this workspace. Say --older to put it in its place")
  }
  const next = path.join(files.directory, `reprise.next-${process.pid}.db`)
  writeLogFile(next, identity, rows)
  const kept = setAside(files, "before-import", at, [...databaseNames, ...mirrorNames])
  fs.renameSync(next, files.database)
  markLog(state, identity.id, here, rows, at)
  return { position, kept }
}

/** What was put aside for a new log. */
export interface SetAside {
  readonly kept: string
  /** The teams as the old log knew them, to begin with copies of their conversations. */
  readonly teams: ReadonlyArray<TeamState>
}

/**
 * Puts all of a copied or lost log aside. Null where the log is this workspace's own: then there is nothing to give up.
 * Names that lead to files of the original are only renamed; no file is written.
 */
export const startAnew = (files: LogFiles, state: string | undefined, at: string): SetAside | null => {
  const found = readLogFile(files)
  const verdict = judgeFile(files, state, found)
  if (verdict._tag !== "Copied" && verdict._tag !== "Lost" && found !== null) return null
  if (verdict._tag === "Unmade" && !fs.existsSync(files.database)) return null
  // The fake provider's conversations stay where a CLI's would be: outside the log, to be copied from.
  const names = fs.readdirSync(files.directory).filter((name) => ![".gitignore", "fake"].includes(name) && !name.startsWith("before-"))
  const kept = setAside(files, "before-new", at, names)
  if (state !== undefined) {
    // Given up by name: it is no evidence against the new log.
    for (const marker of markersAt(state, workspaceOf(files))) removeMarker(state, marker.id)
  }
  return { kept, teams: [...foldRows(found?.rows ?? []).values()] }
}
