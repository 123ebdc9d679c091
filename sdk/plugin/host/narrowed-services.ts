import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Command from "@effect/platform/Command"
import * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Stream from "effect/Stream"

// The platform's services, cut down to what a plugin was granted. A plugin that goes round them (node:fs) is not held
// back: this makes honest plugins exact, not dishonest ones harmless.

const refused = (module: "FileSystem" | "Command", method: string, what: string, description: string) =>
  new PlatformError.SystemError({ reason: "PermissionDenied", module, method, pathOrDescriptor: what, description })

/** Runs the named programs only, never through a shell, and with no more of the environment than was granted. */
export const narrowedExecutor = (
  executor: CommandExecutor.CommandExecutor,
  grant: {
    readonly plugin: string
    readonly executables: ReadonlyArray<string>
    /** What the programs see. */
    readonly env: Readonly<Record<string, string>>
  }
): CommandExecutor.CommandExecutor => {
  const narrowed = (command: Command.Command): Effect.Effect<Command.Command, PlatformError.PlatformError> => {
    const [first, ...others] = Command.flatten(command)
    const problem = [first, ...others].find((part) => part.shell !== false || !grant.executables.includes(part.command))
    if (problem !== undefined) {
      const why = problem.shell !== false
        ? `the plugin ${grant.plugin} may not use a shell.`
        : `the plugin ${grant.plugin} may only run what its needs.executables name (${grant.executables.join(", ")}).`
      return Effect.fail(refused("Command", "start", problem.command, why))
    }
    // The platform would hand on this process's whole environment: what was granted stands in its place, under what
    // the command itself sets.
    const within = (part: Command.StandardCommand): Command.Command => {
      const env = part.extendEnv
        ? HashMap.union(HashMap.fromIterable(Object.entries(grant.env)), part.env)
        : part.env
      return Object.assign(Object.create(Object.getPrototypeOf(part)), part, { env, extendEnv: false })
    }
    return Effect.succeed(others.reduce((left, part) => Command.pipeTo(left, within(part)), within(first)))
  }
  return CommandExecutor.makeExecutor((command) => Effect.flatMap(narrowed(command), executor.start))
}

/** The real path of the nearest thing that exists, with the rest behind it: links can't lead out of a grant. */
const realPathOf = async (path: string): Promise<string> => {
  try {
    return await Fs.realpath(path)
  } catch (error) {
    const missing = typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT"
    const parent = Path.dirname(path)
    if (!missing || parent === path) throw error
    // A link that leads nowhere would be followed by whoever creates a file through it.
    const dangling = await Fs.lstat(path).then((stat) => stat.isSymbolicLink(), () => false)
    if (dangling) return realPathOf(Path.resolve(parent, await Fs.readlink(path)))
    return Path.join(await realPathOf(parent), Path.basename(path))
  }
}

const isWithin = (root: string, path: string): boolean => {
  const relative = Path.relative(root, path)
  return relative === "" || (relative !== ".." && !relative.startsWith(`..${Path.sep}`) && !Path.isAbsolute(relative))
}

/** Reads and writes within the granted directories only; temporary files go to `temporary`. */
export const narrowedFileSystem = (
  fs: FileSystem.FileSystem,
  grant: { readonly plugin: string; readonly directories: ReadonlyArray<string>; readonly temporary: string }
): FileSystem.FileSystem => {
  const check = (method: string, path: string): Effect.Effect<void, PlatformError.PlatformError> =>
    Effect.tryPromise({
      try: async () => {
        const whole = Path.resolve(path)
        // These act on a link itself, not on what it leads to.
        const onLink = method === "remove" || method === "rename" || method === "readLink"
        const real = onLink && Path.dirname(whole) !== whole
          ? Path.join(await realPathOf(Path.dirname(whole)), Path.basename(whole))
          : await realPathOf(whole)
        const roots = await Promise.all(grant.directories.map((root) => realPathOf(root)))
        return roots.some((root) => isWithin(root, real))
      },
      catch: () => refused("FileSystem", method, path, "its real path could not be told.")
    }).pipe(
      Effect.flatMap((inside) =>
        inside
          ? Effect.void
          : Effect.fail(refused(
            "FileSystem",
            method,
            path,
            `the plugin ${grant.plugin} did not name a directory around it in its needs.directories.`
          ))
      )
    )
  const within = <A, R>(
    method: string,
    paths: ReadonlyArray<string>,
    run: () => Effect.Effect<A, PlatformError.PlatformError, R>
  ): Effect.Effect<A, PlatformError.PlatformError, R> =>
    Effect.forEach(paths, (path) => check(method, path), { discard: true }).pipe(Effect.zipRight(Effect.suspend(run)))
  const temporary = <O extends { readonly directory?: string | undefined }>(options: O | undefined) => ({
    ...options,
    directory: options?.directory ?? grant.temporary
  })
  return FileSystem.make({
    access: (path, options) => within("access", [path], () => fs.access(path, options)),
    chmod: (path, mode) => within("chmod", [path], () => fs.chmod(path, mode)),
    chown: (path, uid, gid) => within("chown", [path], () => fs.chown(path, uid, gid)),
    copy: (from, to, options) => within("copy", [from, to], () => fs.copy(from, to, options)),
    copyFile: (from, to) => within("copyFile", [from, to], () => fs.copyFile(from, to)),
    link: (from, to) => within("link", [from, to], () => fs.link(from, to)),
    makeDirectory: (path, options) => within("makeDirectory", [path], () => fs.makeDirectory(path, options)),
    makeTempDirectory: (options) => {
      const inside = temporary(options)
      return within("makeTempDirectory", [inside.directory], () => fs.makeTempDirectory(inside))
    },
    makeTempDirectoryScoped: (options) => {
      const inside = temporary(options)
      return within("makeTempDirectoryScoped", [inside.directory], () => fs.makeTempDirectoryScoped(inside))
    },
    makeTempFile: (options) => {
      const inside = temporary(options)
      return within("makeTempFile", [inside.directory], () => fs.makeTempFile(inside))
    },
    makeTempFileScoped: (options) => {
      const inside = temporary(options)
      return within("makeTempFileScoped", [inside.directory], () => fs.makeTempFileScoped(inside))
    },
    open: (path, options) => within("open", [path], () => fs.open(path, options)),
    readDirectory: (path, options) => within("readDirectory", [path], () => fs.readDirectory(path, options)),
    readFile: (path) => within("readFile", [path], () => fs.readFile(path)),
    readLink: (path) => within("readLink", [path], () => fs.readLink(path)),
    realPath: (path) => within("realPath", [path], () => fs.realPath(path)),
    remove: (path, options) => within("remove", [path], () => fs.remove(path, options)),
    rename: (from, to) => within("rename", [from, to], () => fs.rename(from, to)),
    stat: (path) => within("stat", [path], () => fs.stat(path)),
    symlink: (from, to) =>
      within("symlink", [Path.resolve(Path.dirname(to), from), to], () => fs.symlink(from, to)),
    truncate: (path, length) => within("truncate", [path], () => fs.truncate(path, length)),
    utimes: (path, atime, mtime) => within("utimes", [path], () => fs.utimes(path, atime, mtime)),
    watch: (path, options) => Stream.unwrap(within("watch", [path], () => Effect.succeed(fs.watch(path, options)))),
    writeFile: (path, data, options) => within("writeFile", [path], () => fs.writeFile(path, data, options))
  })
}
