import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as path from "node:path"
import type { EventLogError } from "../errors.ts"
import { failureOf, refuse } from "./failures.ts"
import { type LogFiles, makeDirectory } from "./files.ts"

const kib = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`

const freeOn = (directory: string): number | null => {
  try {
    const { bavail, bsize } = fs.statfsSync(directory)
    return bavail * bsize
  } catch {
    return null
  }
}

const fill = (file: string, bytes: number): void => {
  const fd = fs.openSync(file, "wx", 0o600)
  try {
    // Written, not merely made long: only what has blocks keeps them.
    const piece = Buffer.alloc(65_536, 1)
    for (let left = bytes; left > 0;) left -= fs.writeSync(fd, piece, 0, Math.min(left, piece.length))
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * Room on the log's disk. A free-space figure would miss quotas and used-up inodes, so the room is taken for real: by a
 * file that is given up when the operation ends, or when an append needs its blocks.
 */
export const makeReserve = (files: LogFiles) => {
  const held = new Set<string>()
  let count = 0

  const drop = (file: string): boolean => {
    if (!held.delete(file)) return false
    try {
      fs.rmSync(file, { force: true })
      return true
    } catch {
      return false
    }
  }

  const take = (bytes: number) =>
    Effect.try({
      try: () => {
        makeDirectory(files.directory)
        sweep(files.directory)
        const free = freeOn(files.directory)
        const file = path.join(files.directory, `${prefix}${process.pid}-${++count}`)
        held.add(file)
        try {
          fill(file, bytes)
        } catch (cause) {
          drop(file)
          const error = failureOf(files, "reserve")(cause)
          throw error.reason !== "Full" ? error : refuse(
            files,
            "reserve",
            "NoRoom",
            `${kib(bytes)} are needed for what has to be recorded${free === null ? "" : `, and ${kib(free)} are free`}`
          )
        }
        return file
      },
      catch: failureOf(files, "reserve")
    })

  return {
    hold: (bytes: number): Effect.Effect<void, EventLogError, Scope.Scope> =>
      Effect.asVoid(Effect.acquireRelease(take(bytes), (file) => Effect.sync(() => drop(file)))),
    /** Gives all of it up; whether there was any. */
    release: (): boolean => [...held].map(drop).some((dropped) => dropped)
  }
}

const prefix = "reserve-"

/** What a process that was killed has left. */
const sweep = (directory: string): void => {
  for (const name of fs.readdirSync(directory)) {
    const pid = Number(/^reserve-(\d+)-\d+$/.exec(name)?.[1])
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      process.kill(pid, 0)
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ESRCH") fs.rmSync(path.join(directory, name), { force: true })
    }
  }
}
