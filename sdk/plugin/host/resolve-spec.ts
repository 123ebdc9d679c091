import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

// From what a user wrote to the URL of a module. Nothing is scanned: one spec is one file, directory or package.

/** Where a spec leads, or a sentence on why it leads nowhere. */
export type Resolved =
  | {
    readonly _tag: "Found"
    readonly url: string
    readonly builtin: boolean
    /** The directory of the package or plugin, where the spec names one; null for a file. */
    readonly directory: string | null
  }
  | { readonly _tag: "NotFound"; readonly detail: string }

const found = (url: string, directory: string | null = null, builtin = false): Resolved => ({ _tag: "Found", url, builtin, directory })
const notFound = (detail: string): Resolved => ({ _tag: "NotFound", detail })

const isFile = (path: string): boolean => Fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true
const isDirectory = (path: string): boolean => Fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const conditions = new Set(["node", "import", "module-sync", "default"])

/** The first target of an `exports` entry that an import on Node would take. */
const exportTarget = (value: unknown): string | undefined => {
  if (typeof value === "string") return value
  if (Array.isArray(value)) return value.map(exportTarget).find((target) => target !== undefined)
  if (!isRecord(value)) return undefined
  for (const [condition, target] of Object.entries(value)) {
    if (!conditions.has(condition)) continue
    const chosen = exportTarget(target)
    if (chosen !== undefined) return chosen
  }
  return undefined
}

const packageTarget = (manifest: Readonly<Record<string, unknown>>, subpath: string): string | undefined => {
  const exported = manifest["exports"]
  if (exported !== undefined) {
    const bySubpath = isRecord(exported) && Object.keys(exported).some((key) => key.startsWith("."))
    if (bySubpath) return exportTarget(exported[subpath])
    return subpath === "." ? exportTarget(exported) : undefined
  }
  if (subpath !== ".") return subpath
  return typeof manifest["main"] === "string" ? manifest["main"] : undefined
}

const indexNames = ["index.ts", "index.mts", "index.mjs", "index.js"]
const extensions = [".ts", ".mts", ".mjs", ".js"]

/** The file of a package or plugin directory: what its package.json says, else its index. */
const inDirectory = (directory: string, subpath: string): Resolved => {
  const manifestPath = Path.join(directory, "package.json")
  if (isFile(manifestPath)) {
    let manifest: unknown
    try {
      manifest = JSON.parse(Fs.readFileSync(manifestPath, "utf8"))
    } catch (error) {
      return notFound(`${manifestPath} can't be read: ${error instanceof Error ? error.message : String(error)}.`)
    }
    const target = isRecord(manifest) ? packageTarget(manifest, subpath) : undefined
    if (target !== undefined) {
      const file = fileOrIndex(Path.resolve(directory, target))
      return file === undefined
        ? notFound(`${manifestPath} names ${target}, which is not there.`)
        : found(pathToFileURL(file).href, directory)
    }
    if (isRecord(manifest) && manifest["exports"] !== undefined) {
      return notFound(`${manifestPath} exports no "${subpath}" that can be imported.`)
    }
  }
  const file = fileOrIndex(Path.join(directory, subpath))
  return file === undefined
    ? notFound(`${Path.join(directory, subpath)} has no ${indexNames.join(", ")}.`)
    : found(pathToFileURL(file).href, directory)
}

const fileOrIndex = (path: string): string | undefined => {
  if (isFile(path)) return path
  const withExtension = extensions.map((extension) => `${path}${extension}`).find(isFile)
  if (withExtension !== undefined) return withExtension
  return isDirectory(path) ? indexNames.map((name) => Path.join(path, name)).find(isFile) : undefined
}

const fromPath = (path: string): Resolved => {
  if (isFile(path)) return found(pathToFileURL(path).href)
  if (isDirectory(path)) return inDirectory(path, ".")
  const file = fileOrIndex(path)
  return file === undefined ? notFound(`there is no file or directory ${path}.`) : found(pathToFileURL(file).href)
}

const packageName = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*/i

const fromPackage = (spec: string, from: string): Resolved => {
  const name = packageName.exec(spec)?.[0]
  const rest = name === undefined ? "" : spec.slice(name.length)
  if (name === undefined || (rest !== "" && !rest.startsWith("/")) || rest.split("/").includes("..")) {
    return notFound(`"${spec}" is neither a built-in plugin, a path (write ./${spec}) nor the name of a package.`)
  }
  for (let directory = from;; directory = Path.dirname(directory)) {
    const candidate = Path.join(directory, "node_modules", name)
    if (isDirectory(candidate)) return inDirectory(candidate, `.${rest}`)
    if (Path.dirname(directory) === directory) {
      return notFound(
        `there is no built-in plugin "${spec}", and no package "${name}" in ${from}/node_modules or above.`
      )
    }
  }
}

/** Whether a spec is a path and not a name. */
const isPathSpec = (spec: string): boolean =>
  spec.startsWith(".") || spec.startsWith("~/") || spec.startsWith("file:") || Path.isAbsolute(spec)

/** Resolves a spec: a built-in's short name first, then a path, then a package as seen from `from`. */
export const resolveSpec = (
  spec: string,
  options: {
    readonly from: string
    readonly home: string
    readonly builtins: Readonly<Record<string, string>>
  }
): Resolved => {
  const builtin = Object.hasOwn(options.builtins, spec) ? options.builtins[spec] : undefined
  if (builtin !== undefined) return found(builtin, null, true)
  try {
    if (spec.startsWith("file:")) return fromPath(fileURLToPath(spec))
    if (spec.startsWith("~/")) return fromPath(Path.join(options.home, spec.slice(2)))
    return isPathSpec(spec) ? fromPath(Path.resolve(options.from, spec)) : fromPackage(spec, options.from)
  } catch (error) {
    return notFound(`${error instanceof Error ? error.message : String(error)}.`)
  }
}
