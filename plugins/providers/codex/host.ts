import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs"
import { basename } from "node:path"

// What the host shows of processes and files: looks only. Null is "can't be told", never "nothing".

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : ""

const isGone = (error: unknown): boolean => codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH"

/** The words of a process; none where it is gone or belongs to the system. */
export const wordsOf = (pid: number): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1)
  } catch {
    return []
  }
}

/** The name of the program that a process runs; null where that can't be read. */
export const programOf = (pid: number): string | null => {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, "")
  } catch {
    return null
  }
}

/** A variable of a process's environment, as it was started; null where it has none or that can't be read. */
export const variableOf = (pid: number, name: string): string | null => {
  try {
    const entry = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").find((one) => one.startsWith(`${name}=`))
    return entry === undefined ? null : entry.slice(name.length + 1)
  } catch {
    return null
  }
}

/** Whether a process is this user's, by what the host shows of it to everyone; null where that can't be read. */
export const isOwn = (pid: number): boolean | null => {
  try {
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    return uid === undefined ? null : Number(uid) === process.getuid?.()
  } catch (error) {
    return isGone(error) ? false : null
  }
}

/** The files that a process has open; none where it is gone, null where that can't be read. */
export const openFiles = (pid: number): ReadonlyArray<string> | null => {
  let names: ReadonlyArray<string>
  try {
    names = readdirSync(`/proc/${pid}/fd`)
  } catch (error) {
    return isGone(error) ? [] : null
  }
  return names.flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)]
    } catch {
      // It was closed between the two looks.
      return []
    }
  })
}

/** A start time of the host (`TICKS@BOOT`, a hundred ticks a second) in milliseconds of the epoch; null for another. */
export const epochOf = (startTime: string): number | null => {
  const ticks = /^(\d+)@/.exec(startTime)?.[1]
  if (ticks === undefined) return null
  try {
    const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0])
    return Number.isFinite(uptime) ? Date.now() - uptime * 1000 + Number(ticks) * 10 : null
  } catch {
    return null
  }
}

const bounded = 64 * 1024

/** Both ends of a file, bounded, and when it was written last; null where it can't be read. */
export const endsOf = (path: string): { readonly head: string; readonly tail: string; readonly writtenAt: number } | null => {
  let file: number | null = null
  try {
    file = openSync(path, "r")
    const { mtimeMs, size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(bounded, size))
    const read = (from: number, into: number): string => bytes.toString("utf8", 0, readSync(into, bytes, 0, bytes.length, from))
    const head = read(0, file)
    return { head, tail: read(Math.max(0, size - bounded), file), writtenAt: mtimeMs }
  } catch {
    return null
  } finally {
    if (file !== null) closeSync(file)
  }
}
