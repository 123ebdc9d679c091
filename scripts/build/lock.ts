// `npx tsx scripts/build/lock.ts` completes package-lock.json; run it after each change of a dependency.
//
// npm writes into a lock only those optional packages that its registry served when the lock was made. Where a registry
// serves no other platform's binaries, the lock lacks them, `npm ci` calls it incomplete, and other platforms could not
// install. Each missing one is added with its version and platform; npm fetches it where the platform matches only.
// Addresses of downloads are removed: they belong to whoever made the lock.
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly optional?: boolean
  readonly os?: ReadonlyArray<string>
  readonly cpu?: ReadonlyArray<string>
  readonly libc?: ReadonlyArray<string>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"]
const processors = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"]

/** Where node would look for `name` from the package at `from`, nearest first. */
const places = (from: string, name: string): ReadonlyArray<string> => {
  const nested = `${from}/node_modules/${name}`
  if (from === "") return [`node_modules/${name}`]
  const parent = from.lastIndexOf("/node_modules/")
  return [nested, ...places(parent < 0 ? "" : from.slice(0, parent), name)]
}

/** The optional packages that the lock names and does not hold, by place. */
export const missingOptionals = (lock: Lock): Readonly<Record<string, LockedPackage>> => {
  const missing: Record<string, LockedPackage> = {}
  for (const [from, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (places(from, name).some((place) => place in lock.packages)) continue
      const words = name.split(/[-/]/)
      missing[`node_modules/${name}`] = {
        version: range.replace(/^[\^~]/, ""),
        optional: true,
        ...(entry.dev === true ? { dev: true } : {}),
        os: [words.find((word) => systems.includes(word)) ?? "none"],
        cpu: [words.find((word) => processors.includes(word)) ?? "none"],
        ...(name.includes("musl") ? { libc: ["musl"] } : {})
      }
    }
  }
  return missing
}

/** The packages of a lock that carry the address of a download. */
export const addressed = (lock: Lock): ReadonlyArray<string> =>
  Object.entries(lock.packages).flatMap(([place, entry]) =>
    entry.link !== true && entry.resolved !== undefined ? [place] : [])

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = new URL("../../package-lock.json", import.meta.url)
  const lock: Lock = JSON.parse(readFileSync(file, "utf8"))
  const missing = missingOptionals(lock)
  const kept = Object.entries({ ...lock.packages, ...missing }).map(([place, { resolved, ...entry }]) =>
    [place, entry.link === true ? { resolved, ...entry } : entry] as const)
  const packages = Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
  console.log(`package-lock.json: ${Object.keys(missing).length} packages added, ${addressed(lock).length} addresses removed.`)
}
