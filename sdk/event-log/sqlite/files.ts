import * as fs from "node:fs"
import * as path from "node:path"
import type { DirectoryIdentity } from "../../domain/log-identity.ts"

/** Where a workspace's log lies. */
export interface LogFiles {
  readonly directory: string
  readonly database: string
  readonly mirror: string
  readonly mirrorLock: string
}

export const logFiles = (directory: string): LogFiles => ({
  directory,
  database: path.join(directory, "reprise.db"),
  mirror: path.join(directory, "events.jsonl"),
  mirrorLock: path.join(directory, "mirror.lock")
})

// One at a time: told to make all of them, Node answers "no such file" where the disk is read-only.
const make = (directory: string, mode: number): void => {
  if (fs.existsSync(directory)) return
  if (path.dirname(directory) !== directory) make(path.dirname(directory), 0o777)
  try {
    fs.mkdirSync(directory, mode)
  } catch (cause) {
    // Another process was faster.
    if (!fs.existsSync(directory)) throw cause
  }
}

/** Makes the directory, for its owner only and ignored by git. */
export const makeDirectory = (directory: string): void => {
  make(directory, 0o700)
  if ((fs.statSync(directory).mode & 0o077) !== 0) fs.chmodSync(directory, 0o700)
  const ignored = path.join(directory, ".gitignore")
  // The log holds messages, and a checkout would put an older one in its place.
  if (!fs.existsSync(ignored)) fs.writeFileSync(ignored, "*\n", { mode: 0o600 })
}

/** The workspace of a log, which is the directory above that of the log. */
export const workspaceOf = (files: LogFiles): DirectoryIdentity => {
  const workspace = fs.realpathSync(path.dirname(files.directory))
  const { dev, ino } = fs.statSync(workspace, { bigint: true })
  return { path: workspace, device: String(dev), inode: String(ino) }
}

/** Makes the file if it is missing, readable by its owner only: SQLite gives its side files the same mode. */
export const makePrivateFile = (file: string): void => {
  fs.closeSync(fs.openSync(file, "a", 0o600))
  if ((fs.statSync(file).mode & 0o077) !== 0) fs.chmodSync(file, 0o600)
}

/** The size, or undefined where there is no such file. */
export const sizeOf = (file: string): number | undefined => fs.statSync(file, { throwIfNoEntry: false })?.size
