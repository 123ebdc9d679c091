import Sqlite from "better-sqlite3"
import * as fs from "node:fs"
import { rowLine } from "../log-line.ts"
import type { EventRow } from "../rows.ts"
import { isBusy } from "./failures.ts"
import { type LogFiles, makePrivateFile, sizeOf } from "./files.ts"

export interface MirrorOptions {
  readonly maxBytes: number
  readonly kept: number
}

/** What the mirror reads from the log. */
export interface MirrorSource {
  readonly head: () => number
  readonly after: (position: number, until: number) => ReadonlyArray<EventRow>
}

/** `busy`: another process is writing the mirror now; `more`: there is more to do; else the position it has reached. */
export type CaughtUp = "busy" | "more" | number

const newline = 10

const positionIn = (line: string): number | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null && "position" in value && Number.isSafeInteger(value.position)
      ? Number(value.position)
      : undefined
  } catch {
    return undefined
  }
}

const lastPosition = (text: string): number | undefined => {
  const lines = text.split("\n")
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const line = lines[index]
    const position = line === undefined || line === "" ? undefined : positionIn(line)
    if (position !== undefined) return position
  }
  return undefined
}

const readEnd = (fd: number, size: number, bytes: number): Buffer => {
  const length = Math.min(size, bytes)
  const buffer = Buffer.alloc(length)
  return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, size - length))
}

/** The position of the last whole line, from the end: most of the file need not be read. */
const lastPositionOf = (file: string): number | undefined => {
  const fd = fs.openSync(file, "r")
  try {
    const { size } = fs.fstatSync(fd)
    return lastPosition(readEnd(fd, size, 65_536).toString("utf8")) ??
      (size > 65_536 ? lastPosition(readEnd(fd, size, size).toString("utf8")) : undefined)
  } finally {
    fs.closeSync(fd)
  }
}

/** Cuts off what a crash or a full disk left of a line. */
const cutTornLine = (file: string): void => {
  const fd = fs.openSync(file, "r+")
  try {
    const { size } = fs.fstatSync(fd)
    if (size === 0 || readEnd(fd, size, 1)[0] === newline) return
    const near = readEnd(fd, size, 65_536)
    const end = near.lastIndexOf(newline) >= 0 || near.length === size
      ? size - near.length + near.lastIndexOf(newline) + 1
      : readEnd(fd, size, size).lastIndexOf(newline) + 1
    fs.ftruncateSync(fd, end)
  } finally {
    fs.closeSync(fd)
  }
}

/** How far a mirror has come, without a lock; 0 where there is none. */
export const mirrorPosition = ({ mirror }: LogFiles): number => {
  try {
    for (const file of [mirror, `${mirror}.1`]) {
      const position = (sizeOf(file) ?? 0) === 0 ? undefined : lastPositionOf(file)
      if (position !== undefined) return position
    }
  } catch {
    // A mirror that can't be read is no evidence.
  }
  return 0
}

const stat = (file: string): fs.Stats | undefined => fs.statSync(file, { throwIfNoEntry: false })

/**
 * The log as lines of JSON beside the database, for `tail -f` and `jq`. Output only. One process at a time writes it,
 * going on behind the last whole line, so that a crash loses no line and doubles none.
 */
export const makeMirror = (files: LogFiles, source: MirrorSource, options: MirrorOptions) => {
  makePrivateFile(files.mirrorLock)
  // The kernel frees this lock when its holder dies, whatever it dies of.
  const lock = new Sqlite(files.mirrorLock, { timeout: 0 })
  const begin = lock.prepare("BEGIN EXCLUSIVE")
  const rollback = lock.prepare("ROLLBACK")
  const old = (number: number): string => `${files.mirror}.${number}`
  let known: { readonly ino: number; readonly size: number; readonly position: number } | undefined

  const rotate = (): void => {
    for (let number = options.kept - 1; number >= 1; number -= 1) {
      if (stat(old(number)) !== undefined) fs.renameSync(old(number), old(number + 1))
    }
    fs.renameSync(files.mirror, old(1))
  }

  const newestOld = (): number | undefined => {
    for (let number = 1; number <= options.kept; number += 1) {
      const position = stat(old(number)) === undefined ? undefined : lastPositionOf(old(number))
      if (position !== undefined) return position
    }
    return undefined
  }

  /** How far the mirror has come, with its last line made whole. */
  const reached = (): number => {
    const found = stat(files.mirror)
    if (found !== undefined && known?.ino === found.ino && known.size === found.size) return known.position
    if (found !== undefined && found.size > 0) cutTornLine(files.mirror)
    const size = stat(files.mirror)?.size ?? 0
    const position = (size === 0 ? undefined : lastPositionOf(files.mirror)) ?? newestOld() ?? 0
    if (position <= source.head()) return position
    // It mirrors another log than this one, which was put here later: that stays readable, and this one starts anew.
    if (size > 0) rotate()
    return 0
  }

  const write = (text: string, position: number): void => {
    const fd = fs.openSync(files.mirror, "a", 0o600)
    try {
      const bytes = Buffer.from(text, "utf8")
      for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done)
      const { ino, size } = fs.fstatSync(fd)
      known = { ino, size, position }
    } finally {
      fs.closeSync(fd)
    }
  }

  const writeRows = (rows: ReadonlyArray<EventRow>): void => {
    let size = stat(files.mirror)?.size ?? 0
    let text = ""
    let position = 0
    for (const row of rows) {
      const line = `${rowLine(row)}\n`
      const bytes = Buffer.byteLength(line)
      if (size > 0 && size + bytes > options.maxBytes) {
        if (text !== "") write(text, position)
        rotate()
        text = ""
        size = 0
      }
      text += line
      size += bytes
      position = row.position
    }
    if (text !== "") write(text, position)
  }

  return {
    /** Writes what is missing, a bounded piece at a time. Synchronous, throws what the file system throws. */
    catchUp: (): CaughtUp => {
      try {
        begin.run()
      } catch (cause) {
        if (isBusy(cause)) return "busy"
        throw cause
      }
      try {
        const from = reached()
        const head = source.head()
        if (from >= head) return from
        const rows = source.after(from, head)
        writeRows(rows)
        const to = rows.at(-1)?.position ?? head
        return to >= head ? to : "more"
      } catch (cause) {
        known = undefined
        throw cause
      } finally {
        rollback.run()
      }
    },
    close: (): void => void lock.close()
  }
}

export type Mirror = ReturnType<typeof makeMirror>
