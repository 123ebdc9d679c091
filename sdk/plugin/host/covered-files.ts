import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { type CoveredFile, sha256 } from "../../consent/consent.ts"

// Which files a consent to a plugin covers.
// A package or plugin directory: every file in it that can be loaded or run (code, JSON, native modules, executables), but
// not in node_modules, .git and .reprise. Other files are data, and a plugin may write some.
// In addition, and for a single file: every file of code that a string in it names by a path (an import, a require, a new
// URL), JSON that it imports, and packages that are linked into node_modules from elsewhere; and so on from those.
// It reads strings, not syntax, so it finds more than the imports. A path that is computed is not found here; the loader
// refuses such an import (see module-resolution.ts).

/** The files that a consent covers. */
export interface Covered {
  /** Real paths, and the hash of each. */
  readonly hashes: ReadonlyMap<string, string>
  readonly files: ReadonlyArray<CoveredFile>
}

/** The files can't be covered; the sentence says why. */
export class NotCovered extends Error {}

const mostFiles = 5_000
const mostBytes = 64 * 1024 * 1024

const leftOut = new Set(["node_modules", ".git", ".reprise"])
const isCode = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path)
/** What is code in any case. */
const isModule = (path: string): boolean => isCode(path) || /\.(node|wasm)$/.test(path)
const isJson = (path: string): boolean => path.endsWith(".json")

/** The paths that string literals of a program name: relative, absolute, or as file URLs; and whether each is imported. */
const pathsNamed = (text: string): ReadonlyArray<{ readonly named: string; readonly imported: boolean }> =>
  [...text.matchAll(/(\b(?:from|import|require)\b\s*\(?\s*)?(["'`])((?:\.{1,2}(?:\/|(?=\2))|\/|file:)[^"'`\n]*)\2/g)].flatMap(([, before, , named]) =>
    named === undefined ? [] : [{ named, imported: before !== undefined }])

const extensions = [".ts", ".mts", ".cts", ".tsx", ".mjs", ".js", ".cjs", ".jsx", ".json"]
const typescriptOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
  ".jsx": [".tsx"]
}

/** All files that a loader could take for this path. Each that exists is covered, whichever it takes. */
const candidates = (path: string): ReadonlyArray<string> => {
  const extension = Path.extname(path)
  const stem = path.slice(0, path.length - extension.length)
  return [
    path,
    ...(typescriptOf[extension] ?? []).map((other) => stem + other),
    ...extensions.map((other) => path + other),
    ...extensions.map((other) => Path.join(path, `index${other}`))
  ]
}

/** The names of the packages that a program imports. */
const packagesNamed = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\b(?:from|import|require)\b\s*\(?\s*(["'`])((?:@[\w.~-]+\/)?[\w~-][\w.~-]*)[^"'`\n]*\1/g)].flatMap(([, , name]) => name === undefined ? [] : [name])

/** The directory of a package that lies outside node_modules and is linked into one (a workspace of a monorepo). */
const linkedPackage = async (name: string, file: string): Promise<string | null> => {
  for (let here = Path.dirname(file);; here = Path.dirname(here)) {
    const real = await Fs.realpath(Path.join(here, "node_modules", name)).catch(() => null)
    if (real !== null) return real.split(Path.sep).includes("node_modules") ? null : real
    if (Path.dirname(here) === here) return null
  }
}

const realFile = async (path: string): Promise<string | null> => {
  try {
    const real = await Fs.realpath(path)
    return (await Fs.stat(real)).isFile() ? real : null
  } catch {
    return null
  }
}

const namedFiles = async (file: string, text: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const { imported, named } of pathsNamed(text)) {
    let path: string
    try {
      path = named.startsWith("file:") ? fileURLToPath(named) : Path.resolve(Path.dirname(file), named.replace(/[?#].*$/, ""))
    } catch {
      continue
    }
    for (const candidate of candidates(path)) {
      const real = await realFile(candidate)
      if (real !== null && (isModule(real) || (imported && isJson(real)))) found.push(real)
    }
  }
  return found
}

const filesBelow = async (directory: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const waiting = [directory]
  for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
    for (const entry of await Fs.readdir(here, { withFileTypes: true })) {
      if (leftOut.has(entry.name)) continue
      const path = Path.join(here, entry.name)
      if (entry.isDirectory()) waiting.push(path)
      else {
        const real = await realFile(path)
        if (real !== null && (isModule(real) || isJson(real) || ((await Fs.stat(real)).mode & 0o111) !== 0)) found.push(real)
      }
      if (found.length > mostFiles) throw new NotCovered(`${directory} holds more than ${mostFiles} files`)
    }
  }
  return found
}

/** Reads and hashes all that a consent to this plugin covers. `directory`: that of its package, null for a single file. */
export const coverFiles = async (entry: string, directory: string | null): Promise<Covered> => {
  const base = directory ?? Path.dirname(entry)
  const hashes = new Map<string, string>()
  const waiting = [entry, ...directory === null ? [] : await filesBelow(directory)]
  const linkedSeen = new Set<string>()
  let bytes = 0
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (hashes.has(file)) continue
    bytes += (await Fs.stat(file)).size
    if (bytes > mostBytes || hashes.size >= mostFiles) {
      throw new NotCovered(`it consists of more than ${mostFiles} files or ${mostBytes / 1024 / 1024} MiB`)
    }
    const content = await Fs.readFile(file)
    hashes.set(file, sha256(content))
    if (!isCode(file)) continue
    const text = content.toString("utf8")
    waiting.push(...await namedFiles(file, text))
    for (const name of new Set(packagesNamed(text))) {
      const linked = name === "reprise" ? null : await linkedPackage(name, file)
      if (linked !== null && !linkedSeen.has(linked)) {
        linkedSeen.add(linked)
        waiting.push(...await filesBelow(linked))
      }
    }
  }
  return { hashes, files: [...hashes].map(([path, hash]) => ({ name: Path.relative(base, path), sha256: hash })) }
}
