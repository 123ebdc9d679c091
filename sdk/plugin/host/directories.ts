import * as Crypto from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { describeThrown } from "./bounded-call.ts"

/** A directory that a plugin needs could not be made, or is not safe to use. */
export class DirectoryRefused extends Data.TaggedError("DirectoryRefused")<{ readonly detail: string }> {}

// The longest path of a Unix socket is 104 bytes on some systems; a socket's own name must still fit.
const longestRuntimeDirectory = 80

const userId = (): number => process.getuid?.() ?? -1

const attempt = <A>(what: string, run: () => Promise<A>) =>
  Effect.tryPromise({
    try: run,
    catch: (error) => new DirectoryRefused({ detail: `${what}: ${describeThrown(error)}.` })
  })

const isWritable = async (directory: string): Promise<boolean> =>
  Path.isAbsolute(directory) &&
  Fs.access(directory, Fs.constants.W_OK | Fs.constants.X_OK).then(() => true, () => false)

const isUsable = async (directory: string): Promise<boolean> => {
  if (!Path.isAbsolute(directory)) return false
  const stat = await Fs.lstat(directory).catch(() => undefined)
  if (stat === undefined || !stat.isDirectory() || (stat.mode & 0o077) !== 0 || stat.uid !== userId()) return false
  return isWritable(directory)
}

/** Where this workspace's sockets go: one name for one workspace, whichever way it was reached. */
export const runtimeDirectoryPath = (
  workspace: string,
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<string> =>
  Effect.promise(async () => {
    const hash = Crypto.createHash("sha256").update(workspace).digest("hex").slice(0, 12)
    const given = env["XDG_RUNTIME_DIR"]
    if (given !== undefined && given !== "") {
      const inRuntime = Path.join(given, `reprise-${hash}`)
      if (inRuntime.length <= longestRuntimeDirectory && await isUsable(given)) return inRuntime
    }
    const name = `reprise-${userId()}-${hash}`
    // A variable that a login left behind may name a directory that is gone, as under cron or another user.
    const temporary = env["TMPDIR"] || Os.tmpdir()
    const inTemporary = Path.join(temporary, name)
    return inTemporary.length <= longestRuntimeDirectory && await isWritable(temporary) ? inTemporary : Path.join("/tmp", name)
  })

/** Makes the workspace's runtime directory, owner-only; refuses one that another user could have prepared. */
export const makeRuntimeDirectory = Effect.fn("plugin.runtimeDirectory")(function*(
  workspace: string,
  env: Readonly<Record<string, string | undefined>>
) {
  const directory = yield* runtimeDirectoryPath(workspace, env)
  yield* attempt(`The directory ${directory} can't be made`, () =>
    Fs.mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
      const exists = typeof error === "object" && error !== null && "code" in error && error.code === "EEXIST"
      if (!exists) throw error
    }))
  const stat = yield* attempt(`The directory ${directory} can't be looked at`, () => Fs.lstat(directory))
  const advice = "Nothing was put into it. Remove it, or set XDG_RUNTIME_DIR to a directory of your own (0700)."
  if (!stat.isDirectory()) {
    return yield* new DirectoryRefused({ detail: `${directory} is not a directory. ${advice}` })
  }
  if (stat.uid !== userId()) {
    return yield* new DirectoryRefused({ detail: `${directory} belongs to another user (${stat.uid}). ${advice}` })
  }
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8)
    return yield* new DirectoryRefused({ detail: `${directory} is open to others (mode ${mode}). ${advice}` })
  }
  return directory
})

/** Makes the plugin's own directory under the workspace's `.reprise`, owner-only. */
export const makeStateDirectory = Effect.fn("plugin.stateDirectory")(function*(workspace: string, plugin: string) {
  const directory = Path.join(workspace, ".reprise", "plugins", plugin)
  yield* attempt(`The directory ${directory} can't be made`, async () => {
    await Fs.mkdir(directory, { recursive: true, mode: 0o700 })
    // What is right already is left alone: it may lie on a file system that can only be read.
    if (((await Fs.stat(directory)).mode & 0o777) !== 0o700) await Fs.chmod(directory, 0o700)
  })
  return directory
})
