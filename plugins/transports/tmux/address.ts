import { createHash } from "node:crypto"
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { processState } from "reprise/plugin"

// Where the workspace's server is. The environment of a command only says where a new one would go: a cron job, another
// login or a workspace that was moved yields another directory, and the server stays where it is.

/** Which workspace something belongs to. A copy of a workspace has the same id in another directory. */
export interface WorkspaceMark {
  readonly id: string | null
  readonly path: string
  /** Device and inode of its directory. */
  readonly directory: string
}

const ServerRecord = Schema.parseJson(Schema.Struct({
  socket: Schema.String,
  pid: Schema.Int,
  startTime: Schema.String,
  workspace: Schema.optionalWith(
    Schema.Struct({ id: Schema.NullOr(Schema.String), path: Schema.String, directory: Schema.String }),
    { exact: true }
  )
}))
export type ServerRecord = typeof ServerRecord.Type

/** The mark of a workspace that is there. */
export const markOf = (path: string, id: string | null): WorkspaceMark => {
  const found = statSync(path, { throwIfNoEntry: false })
  return { id, path, directory: found === undefined ? "" : `${found.dev}:${found.ino}` }
}

/** Whether what was marked for one workspace is of this one: the same directory, or one that took its place. */
export const isSameWorkspace = (mark: WorkspaceMark, own: WorkspaceMark): boolean => {
  if (mark.directory !== "" && own.directory !== "") {
    if (mark.directory === own.directory) return true
    return mark.id !== null && mark.id === own.id && (mark.path === own.path || !existsSync(mark.path))
  }
  return mark.path === own.path
}

/** A mark as one word, for an option of tmux. */
export const encodeMark = ({ directory, path }: WorkspaceMark): string => `${directory} ${encodeURIComponent(path)}`

/** Reads a mark back; null where there is none. */
export const decodeMark = (id: string, text: string): WorkspaceMark | null => {
  const [directory, path] = text.split(" ")
  if (directory === undefined || path === undefined) return null
  try {
    return { id: id === "" ? null : id, directory, path: decodeURIComponent(path) }
  } catch {
    return null
  }
}

export interface ServerFile {
  readonly read: Effect.Effect<ServerRecord | null>
  readonly write: (record: ServerRecord) => Effect.Effect<void>
}

/** The file in which a workspace keeps who its server is. */
export const serverFile = (stateDirectory: string): ServerFile => {
  const path = join(stateDirectory, "server.json")
  const text = Effect.try(() => readFileSync(path, "utf8"))
  return {
    read: text.pipe(
      Effect.map((found) => Option.getOrNull(Schema.decodeOption(ServerRecord)(found))),
      Effect.orElseSucceed(() => null)
    ),
    write: Effect.fnUntraced(function*(record) {
      const wanted = yield* Effect.orDie(Schema.encode(ServerRecord)(record))
      // A command that only looks leaves the file as it is.
      if ((yield* Effect.orElseSucceed(text, () => null)) === wanted) return
      yield* Effect.ignore(Effect.try(() => {
        const part = `${path}.${process.pid}`
        writeFileSync(part, wanted, { mode: 0o600 })
        renameSync(part, path)
      }))
    })
  }
}

/** How the directory of a workspace's sockets ends, whatever it is in. */
const workspaceHash = (workspace: string): string =>
  createHash("sha256").update(workspace).digest("hex").slice(0, 12)

const isRecordOf = (record: ServerRecord, own: WorkspaceMark, derived: string): boolean =>
  record.workspace === undefined
    ? record.socket === derived || basename(dirname(record.socket)).endsWith(`-${workspaceHash(own.path)}`)
    : isSameWorkspace(record.workspace, own)

/** The places in which a command with another environment would have put this workspace's socket. */
const otherPlaces = (derived: string, own: WorkspaceMark): ReadonlyArray<string> => {
  const uid = process.getuid?.() ?? -1
  const hash = workspaceHash(own.path)
  // The name tells that this is the directory of a workspace, and not one that a caller chose.
  if (!basename(dirname(derived)).endsWith(`-${hash}`)) return []
  return [`/run/user/${uid}/reprise-${hash}`, `/tmp/reprise-${uid}-${hash}`]
    .map((directory) => join(directory, basename(derived)))
    .filter((socket) => socket !== derived && existsSync(socket))
}

/** Where the server may be, the likeliest first; `record` is that of a server not proved dead. The last is where a new one goes. */
export const serverPlaces = Effect.fnUntraced(function*(file: ServerFile, own: WorkspaceMark, derived: string) {
  const record = yield* file.read
  if (record !== null && isRecordOf(record, own, derived) && (yield* processState(record)) !== "dead") {
    return { record, sockets: [record.socket] }
  }
  return { record: null, sockets: existsSync(derived) ? [derived] : [...otherPlaces(derived, own), derived] }
})
