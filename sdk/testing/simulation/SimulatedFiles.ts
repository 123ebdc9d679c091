import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { dirname } from "node:path"

/** A file of the simulated world. Its text is ASCII, so that its length is its size. */
export interface SimulatedFile {
  readonly text: string
  readonly bornAt: number
  readonly writtenAt: number
}

/** What the world's programs do with files, at once and without a fault. */
export interface SimulatedFiles {
  readonly read: (path: string) => SimulatedFile | undefined
  readonly append: (path: string, text: string, now: number) => void
  readonly remove: (path: string) => void
  readonly paths: () => ReadonlyArray<string>
  /** Calls back at each change in a directory until the answer is called. */
  readonly watch: (directory: string, onChange: (path: string) => void) => () => void
}

export const makeFiles = (): SimulatedFiles => {
  const files = new Map<string, SimulatedFile>()
  const watchers = new Set<{ readonly directory: string; readonly onChange: (path: string) => void }>()
  const changed = (path: string): void => {
    for (const { directory, onChange } of watchers) if (dirname(path) === directory) onChange(path)
  }
  return {
    read: (path) => files.get(path),
    append: (path, text, now) => {
      const before = files.get(path)
      files.set(path, { text: (before?.text ?? "") + text, bornAt: before?.bornAt ?? now, writtenAt: now })
      changed(path)
    },
    remove: (path) => {
      if (files.delete(path)) changed(path)
    },
    paths: () => [...files.keys()],
    watch: (directory, onChange) => {
      const watcher = { directory, onChange }
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    }
  }
}

/** What may go wrong with files: decided anew at each call. */
export interface FileFaults {
  /** The call fails, and says nothing about the file. */
  readonly unreadable: () => boolean
  /** How often a change is told: 0 where its notification is lost. */
  readonly notices: () => 0 | 1 | 2
  /** What every call waits for before it is made. */
  readonly pause: Effect.Effect<void>
}

const problem = (reason: "NotFound" | "AlreadyExists" | "PermissionDenied" | "Unknown", method: string, path: string) =>
  new SystemError({ module: "FileSystem", method, reason, pathOrDescriptor: path })

const encoder = new TextEncoder()

/** The files as a Reprise process sees them. */
export const fileSystemOf = (files: SimulatedFiles, faults: FileFaults, now: () => number): FileSystem.FileSystem => {
  const call = <A>(method: string, path: string, body: () => A | null): Effect.Effect<A, SystemError> =>
    Effect.zipRight(faults.pause, Effect.suspend(() => {
      if (faults.unreadable()) return Effect.fail(problem("Unknown", method, path))
      const answer = body()
      return answer === null ? Effect.fail(problem("NotFound", method, path)) : Effect.succeed(answer)
    }))
  const isDirectory = (path: string): boolean =>
    !/\.(jsonl|yaml)$/.test(path) || files.paths().some((file) => file.startsWith(`${path}/`))
  const info = (path: string): FileSystem.File.Info | null => {
    const file = files.read(path)
    if (file === undefined && !isDirectory(path)) return null
    const born = file === undefined ? Option.none<Date>() : Option.some(new Date(file.bornAt))
    const written = file === undefined ? Option.none<Date>() : Option.some(new Date(file.writtenAt))
    return {
      type: file === undefined ? "Directory" : "File",
      mtime: written,
      atime: written,
      birthtime: born,
      dev: 1,
      ino: Option.none(),
      mode: 0o600,
      nlink: Option.none(),
      uid: Option.none(),
      gid: Option.none(),
      rdev: Option.none(),
      size: FileSystem.Size(file?.text.length ?? 0),
      blksize: Option.none(),
      blocks: Option.none()
    }
  }
  const refuse = (method: string, path: string) => Effect.fail(problem("PermissionDenied", method, path))

  const open = (path: string): FileSystem.File => {
    let at = 0
    return {
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      fd: FileSystem.FileDescriptor(0),
      stat: call("stat", path, () => info(path)),
      seek: (offset, from) =>
        Effect.sync(() => {
          at = Number(offset) + (from === "start" ? 0 : at)
        }),
      sync: Effect.void,
      read: () => refuse("read", path),
      readAlloc: (size) =>
        Effect.sync(() => {
          const part = (files.read(path)?.text ?? "").slice(at, at + Number(size))
          at += part.length
          return part === "" ? Option.none() : Option.some(encoder.encode(part))
        }),
      truncate: () => refuse("truncate", path),
      write: () => refuse("write", path),
      writeAll: () => refuse("writeAll", path)
    }
  }

  return FileSystem.makeNoop({
    stat: (path) => call("stat", path, () => info(path)),
    exists: (path) => call("exists", path, () => info(path) !== null),
    access: (path) => call("access", path, () => info(path) === null ? null : undefined),
    open: (path) => call("open", path, () => files.read(path) === undefined ? null : open(path)),
    readDirectory: (path) =>
      call("readDirectory", path, () => files.paths().flatMap((file) => dirname(file) === path ? [file.slice(path.length + 1)] : [])),
    readFile: (path) => call("readFile", path, () => {
      const file = files.read(path)
      return file === undefined ? null : encoder.encode(file.text)
    }),
    readFileString: (path) => call("readFileString", path, () => files.read(path)?.text ?? null),
    // There are no links here.
    realPath: (path) => Effect.succeed(path),
    makeDirectory: () => faults.pause,
    writeFileString: (path, text) =>
      call("writeFileString", path, () => {
        files.remove(path)
        files.append(path, text, now())
      }),
    remove: (path) =>
      call("remove", path, () => files.read(path) === undefined ? null : files.remove(path)),
    link: (from, to) =>
      Effect.flatMap(call("link", from, () => files.read(from) ?? null), ({ text }) => {
        if (files.read(to) !== undefined) return Effect.fail(problem("AlreadyExists", "link", to))
        files.append(to, text, now())
        return Effect.void
      }),
    watch: (path) =>
      Stream.async<FileSystem.WatchEvent>((emit) => {
        const stop = files.watch(path, (changed) => {
          for (let copies = faults.notices(); copies > 0; copies--) void emit.single({ _tag: "Update", path: changed })
        })
        return Effect.sync(stop)
      })
  })
}
