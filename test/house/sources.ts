// What the tests of the house look at: the files that belong to the project, and what they import.
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Source {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
  /** Specifiers of `import`, `export … from`, `import()` and `require()`, as they stand. */
  readonly imports: ReadonlyArray<string>
}

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1")

export const importsOf = (text: string): ReadonlyArray<string> => {
  const code = withoutComments(text)
  const patterns = [
    /(?:^|[\n;])\s*(?:import|export)\s[^"'`]*?\sfrom\s*["']([^"']+)["']/g,
    /(?:^|[\n;])\s*import\s*["']([^"']+)["']/g,
    /\bimport\(\s*(?:\/\*.*?\*\/\s*)?["']([^"']+)["']/g,
    /\brequire\(\s*["']([^"']+)["']/g
  ]
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].flatMap((match) => match[1] ?? []))
}

/** The TypeScript and JavaScript below a folder of the project. */
export const sources = (folder: string): ReadonlyArray<Source> =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts|mjs|cjs|js)$/.test(entry.name))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name)
      const text = readFileSync(file, "utf8")
      return { path: relative(root, file).replaceAll("\\", "/"), text, imports: importsOf(text) }
    })

/** The project file that a relative import means. */
export const target = (from: Source, specifier: string): string => posix.join(dirname(from.path), specifier)
