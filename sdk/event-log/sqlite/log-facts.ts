import Sqlite, { type Database } from "better-sqlite3"
import { createHash, randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { DirectoryIdentity, LogIdentity } from "../../domain/log-identity.ts"
import type { LogFacts, OtherPlace } from "../../domain/log-verdict.ts"
import { cannotBeWritten } from "./failures.ts"
import { type LogFiles, logFiles, sizeOf, workspaceOf } from "./files.ts"
import { type Marker, markersAt, readMarker } from "./marker.ts"
import { mirrorPosition } from "./mirror.ts"

/** Directories on other disks, where there are any: the temporary one may be as full as the log's. */
const placesForCopies = (): ReadonlyArray<string> =>
  [...new Set([os.tmpdir(), process.env["XDG_RUNTIME_DIR"] ?? "", "/dev/shm"])].filter((place) => place !== "" && fs.existsSync(place))

interface PrivateCopy {
  readonly db: Database
  readonly close: () => void
}

const copyInto = (files: LogFiles, place: string): PrivateCopy => {
  const directory = fs.mkdtempSync(path.join(place, "reprise-read-"))
  const remove = () => fs.rmSync(directory, { recursive: true, force: true })
  const copy = path.join(directory, "reprise.db")
  try {
    fs.copyFileSync(files.database, copy)
    if (sizeOf(`${files.database}-wal`) !== undefined) fs.copyFileSync(`${files.database}-wal`, `${copy}-wal`)
    for (const name of fs.readdirSync(directory)) fs.chmodSync(path.join(directory, name), 0o600)
    const db = new Sqlite(copy, { timeout: 20 })
    const close = () => {
      db.close()
      remove()
    }
    try {
      // Its side files are made at the first read, which needs room too.
      db.pragma("user_version")
    } catch (cause) {
      db.close()
      throw cause
    }
    return { db, close }
  } catch (cause) {
    remove()
    throw cause
  }
}

/**
 * Copies a log to a place of its own and opens the copy: nothing beside the original is made, written or locked. The copy
 * lies at the first place that has room for it.
 */
export const openPrivateCopy = (files: LogFiles): PrivateCopy => {
  const places = placesForCopies()
  for (const place of places.slice(0, -1)) {
    try {
      return copyInto(files, place)
    } catch (cause) {
      if (!cannotBeWritten(cause)) throw cause
    }
  }
  return copyInto(files, places.at(-1) ?? os.tmpdir())
}

interface FirstEvent {
  readonly at: string
  readonly body: string
}

/** The first events of a log that is older than ids of workspaces, and the id that they give: the same in each copy. */
export const firstEvents = "SELECT at, body FROM events ORDER BY position LIMIT 16"
export const derivedId = (first: ReadonlyArray<FirstEvent>): string =>
  first.length === 0
    ? randomUUID()
    : createHash("sha256").update(JSON.stringify(first.map(({ at, body }) => [at, body]))).digest("hex").slice(0, 32)

/** The position of the newest event. */
export const headIn = (db: Database): number => db.prepare<[], number>("SELECT coalesce(max(position), 0) FROM events").pluck().get() ?? 0

/** What a log of any version says of its workspace. */
export const identityIn = (db: Database): LogIdentity | undefined =>
  db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE name = 'workspace'").pluck().get() === undefined
    ? { id: derivedId(db.prepare<[], FirstEvent>(firstEvents).all()), path: "", device: "", inode: "" }
    : db.prepare<[], LogIdentity>("SELECT id, path, device, inode FROM workspace").get()

const errorCode = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const identityOf = (directory: string): DirectoryIdentity | "gone" | "unknown" => {
  try {
    const { dev, ino } = fs.statSync(directory, { bigint: true })
    return { path: directory, device: String(dev), inode: String(ino) }
  } catch (cause) {
    return ["ENOENT", "ENOTDIR"].includes(errorCode(cause)) ? "gone" : "unknown"
  }
}

const isSame = (one: DirectoryIdentity, other: DirectoryIdentity): boolean =>
  one.inode === other.inode && one.device === other.device

/** Looks whether another place is the workspace of this log. Reads copies only. */
const lookAt = (place: string, log: LogIdentity, here: DirectoryIdentity): OtherPlace => {
  const there = identityOf(place)
  if (there === "gone" || there === "unknown") return { path: place, state: there }
  if (isSame(there, here)) return { path: place, state: "same_directory" }
  const files = logFiles(path.join(place, ".reprise"))
  // Its log may be lost: it is still the directory that this log was made for.
  const isRecorded = isSame(there, log) && fs.existsSync(files.directory)
  try {
    if ((sizeOf(files.database) ?? 0) === 0) return { path: place, state: isRecorded ? "this_log" : "other" }
    const { close, db } = openPrivateCopy(files)
    try {
      const found = identityIn(db)
      if (found?.id !== log.id) return { path: place, state: isRecorded ? "this_log" : "other" }
      // This directory was renamed, and a copy of it was put where it had been.
      const isCopyOfThis = isSame(here, log) && found.inode !== "" && !isSame(there, found)
      return { path: place, state: isCopyOfThis ? "other" : "this_log" }
    } finally {
      close()
    }
  } catch {
    return { path: place, state: isRecorded ? "this_log" : "unknown" }
  }
}

/** Traces of teams that a log without events can't explain. */
export const remainsOf = (files: LogFiles, state: string | undefined, here: DirectoryIdentity): ReadonlyArray<string> => {
  const mirror = mirrorPosition(files)
  const teams = path.join(files.directory, "teams")
  const pages = fs.existsSync(teams)
    ? fs.readdirSync(teams).filter((name) => fs.existsSync(path.join(teams, name, "team_state.md")))
    : []
  const marker = state === undefined ? undefined : markersAt(state, here)[0]
  return [
    ...mirror === 0 ? [] : [`events.jsonl reaches position ${mirror}`],
    ...pages.map((name) => `teams/${name}/team_state.md is the page of a team`),
    ...marker === undefined
      ? []
      : [`a marker in the user's state directory knows ${marker.teams.map(({ key }) => `team ${key}`).join(", ") || "a log"} (position ${marker.position})`]
  ]
}

/** What is observed before the log is read, since a log that grows meanwhile must not look older than these. */
export interface Surroundings {
  readonly here: DirectoryIdentity
  readonly mirror: number
  readonly marker: Marker | undefined
}

/** Observes what is compared with the log. Its id is needed for the marker. */
export const surroundingsOf = (files: LogFiles, state: string | undefined, id: string | undefined): Surroundings => ({
  here: workspaceOf(files),
  mirror: mirrorPosition(files),
  marker: state === undefined || id === undefined ? undefined : readMarker(state, id)
})

/** All facts of a log that was opened. */
export const logFacts = (
  files: LogFiles,
  state: string | undefined,
  identity: LogIdentity,
  position: number,
  { here, marker, mirror }: Surroundings
): LogFacts => {
  if (position === 0) {
    return { here, log: null, others: [], mirror, marker: null, remains: remainsOf(files, state, here) }
  }
  const places = [...new Set([identity.path, marker?.path ?? here.path])].filter((place) => place !== here.path && place !== "")
  return {
    here,
    log: { identity, position },
    others: places.map((place) => lookAt(place, identity, here)),
    mirror,
    marker: marker?.position ?? null,
    remains: []
  }
}

/** The facts where there is no log file, or an empty one. */
export const factsWithoutLog = (files: LogFiles, state: string | undefined): LogFacts => {
  const here = fs.existsSync(path.dirname(files.directory)) ? workspaceOf(files) : { path: "", device: "", inode: "" }
  return { here, log: null, others: [], mirror: 0, marker: null, remains: remainsOf(files, state, here) }
}
