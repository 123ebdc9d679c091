import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import type { CliName, Pin } from "./pins.ts"
import { pins } from "./pins.ts"

// Installs the pinned CLIs into a cache that all runs share. A version is there whole or not at all: it is installed
// beside its place and moved into it, so that two runs at once, or one that was killed, leave nothing half done.

/** A CLI that can be run. */
export interface Installed extends Pin {
  readonly executable: string
}

/** Where the CLIs are kept: `REPRISE_TEST_CLI_CACHE`, else `reprise-acceptance` in the user's cache directory. */
export const cacheDirectory = (env: NodeJS.ProcessEnv = process.env): string => {
  const named = env["REPRISE_TEST_CLI_CACHE"]
  if (named !== undefined && named !== "") return named
  const caches = env["XDG_CACHE_HOME"]
  return join(caches !== undefined && caches !== "" ? caches : join(homedir(), ".cache"), "reprise-acceptance")
}

const placeOf = (pin: Pin, cache: string): string => join(cache, `${pin.cli}-${pin.version}`)
const executableIn = (place: string, pin: Pin): string => join(place, "node_modules", ".bin", pin.program)

/** The CLI if this version of it is in the cache; null where it is not. */
export const installed = (cli: CliName, cache = cacheDirectory()): Installed | null => {
  const pin = pins[cli]
  const executable = executableIn(placeOf(pin, cache), pin)
  return existsSync(executable) ? { ...pin, executable } : null
}

const npmInstall = (directory: string, pin: Pin): Promise<void> =>
  new Promise((done, fail) => {
    // The exact version: npm would else take the newest whose `engines` fit this Node.
    const words = ["install", "--prefix", directory, "--no-audit", "--no-fund", "--save-exact", "--loglevel=error"]
    const npm = spawn("npm", [...words, `${pin.package}@${pin.version}`], { stdio: ["ignore", "ignore", "pipe"] })
    let said = ""
    npm.stderr.on("data", (chunk) => {
      said = `${said}${String(chunk)}`.slice(-2000)
    })
    npm.once("error", fail)
    npm.once("exit", (code, signal) =>
      code === 0 ? done() : fail(new Error(`npm could not install ${pin.package}@${pin.version} (${signal ?? code}): ${said}`)))
  })

/** Removes what killed installations left: an hour is longer than any takes. */
const sweep = async (cache: string): Promise<void> => {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(".installing-")) continue
    const path = join(cache, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true })
  }
}

const versionIn = async (place: string, pin: Pin): Promise<string> => {
  const file = join(place, "node_modules", ...pin.package.split("/"), "package.json")
  const found: unknown = JSON.parse(await readFile(file, "utf8"))
  return typeof found === "object" && found !== null && "version" in found ? String(found.version) : "none"
}

/** The pinned CLI, installed first where it is not in the cache. */
export const install = async (cli: CliName, cache = cacheDirectory()): Promise<Installed> => {
  const there = installed(cli, cache)
  if (there !== null) return there
  const pin = pins[cli]
  await mkdir(cache, { recursive: true })
  await sweep(cache)
  const fresh = await mkdtemp(join(cache, `.installing-${pin.cli}-`))
  try {
    await npmInstall(fresh, pin)
    const version = await versionIn(fresh, pin)
    if (version !== pin.version) throw new Error(`npm installed ${pin.package}@${version}, not ${pin.version}.`)
    // Another run may have been faster: its directory is as good.
    await rename(fresh, placeOf(pin, cache)).catch((error) => {
      if (installed(cli, cache) === null) throw error
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  const now = installed(cli, cache)
  if (now === null) throw new Error(`${pin.package}@${pin.version} brought no program ${pin.program}.`)
  return now
}
