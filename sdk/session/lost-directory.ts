import { readlinkSync, realpathSync, statSync } from "node:fs"

// Whether the directory that a process was started in is still the one that its name leads to. A process keeps a directory
// that was removed: what it writes there is lost, and nothing can be started there again.

const attempt = <A>(read: () => A): A | null => {
  try {
    return read()
  } catch {
    return null
  }
}

const codeOf = (error: unknown): unknown => typeof error === "object" && error !== null && "code" in error ? error.code : undefined

/** Whether there is a directory of this name: null where that can't be told. */
const exists = (path: string): boolean | null => {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    const code = codeOf(error)
    return code === "ENOENT" || code === "ENOTDIR" ? false : null
  }
}

/** A file system may tell births a little late. */
const slackMs = 2000

/**
 * Why a process can't work any more in the directory that it was started in, as the end of a sentence; null where nothing
 * is known to be wrong. A process that went to another directory by itself is none of that.
 */
export const lostDirectoryOf = (pid: number, directory: string, startedAt: number): string | null => {
  const there = exists(directory)
  if (there === null) return null
  // Without a look at the process, a directory that is not there speaks for itself.
  if (!there) return `its working directory ${directory} was removed`
  const link = attempt(() => readlinkSync(`/proc/${pid}/cwd`))
  const own = attempt(() => statSync(`/proc/${pid}/cwd`))
  const named = attempt(() => ({ ...statSync(directory), path: realpathSync(directory) }))
  if (link === null || own === null || named === null || (own.dev === named.dev && own.ino === named.ino)) return null
  const removed = link === `${named.path} (deleted)`
  // It was moved away, and its name was given to a directory that is younger than the process.
  const moved = named.birthtimeMs > startedAt + slackMs
  return removed || moved ? `its working directory ${directory} was removed, and another directory has that name now` : null
}
