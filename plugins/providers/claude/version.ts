import * as Either from "effect/Either"
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect, Schema } from "reprise/plugin"

// Which version of Claude Code would be started. Asking the program takes a while, so the answer is kept by its real
// path, size and time of change.

/** The version that this plugin was proved with. */
export const proved = "2.1.330"

const Kept = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.String }))
const decodeKept = Schema.decodeUnknownEither(Kept)

const ask = (program: string, env: Readonly<Record<string, string>>): Promise<string | null> =>
  new Promise((done) => {
    execFile(program, ["--version"], { env: { ...env }, timeout: 8_000, maxBuffer: 65_536 }, (error, stdout) => {
      const version = /^\s*(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1]
      done(error === null && version !== undefined ? version : null)
    })
  })

const readKept = async (file: string): Promise<Readonly<Record<string, string>>> => {
  const read = decodeKept(await readFile(file, "utf8").catch(() => "{}"))
  return Either.isRight(read) ? read.right : {}
}

/** An answer that can't be kept is asked for again: that is no failure. */
const keep = async (file: string, content: string): Promise<void> => {
  const beside = `${file}.${randomUUID()}`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(beside, content, { mode: 0o600 })
  await rename(beside, file)
}

/** The version of a program, as it says itself; null when it does not say. */
export const versionOf = (
  program: string,
  env: Readonly<Record<string, string>>,
  stateDirectory: string
): Effect.Effect<string | null> =>
  Effect.tryPromise(async () => {
    const path = await realpath(program)
    const { mtimeMs, size } = await stat(path)
    const key = `${path}:${size}:${mtimeMs}`
    const file = join(stateDirectory, "versions.json")
    const known = (await readKept(file))[key]
    if (known !== undefined) return known
    // It gets nothing but what a program needs to start: it is asked for its version, and not to be anybody.
    const version = await ask(program, { PATH: env["PATH"] ?? "", HOME: env["HOME"] ?? "" })
    if (version === null) return null
    await keep(file, JSON.stringify({ [key]: version })).catch(() => undefined)
    return version
  }).pipe(Effect.orElseSucceed(() => null))

/** Below zero when the first is the older one. */
export const compareVersions = (one: string, other: string): number => {
  const parts = (version: string) => (version.split(/[-+]/)[0] ?? "").split(".").map(Number)
  const [left, right] = [parts(one), parts(other)]
  for (let at = 0; at < 3; at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
