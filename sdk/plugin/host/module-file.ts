// A file that is not a module is not run, and its errors would quote it: it may hold secrets.
import { readFileSync, statSync } from "node:fs"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"

const extensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx"]

/** Also a module that only throws: its error is its own. */
const isCode =
  /\bthrow\s+new\b|\bexport\s*(?:default\b|[{*]|(?:declare\s+|abstract\s+)*(?:const|let|var|function|class|async|enum|type|interface|namespace|import)\b)|\bexports\b\s*[.[=]|\bmodule\.exports\b/

/** Why the file of a URL can't be a policy or a plugin, without a word of it; null where it can, or is not a file. */
export const notAModule = (url: string): string | null => {
  if (!url.startsWith("file:")) return null
  const file = fileURLToPath(url)
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return null
  if (!extensions.includes(extname(file))) return `it is not a TypeScript or JavaScript file (${extensions.slice(0, 6).join(", ")})`
  return isCode.test(readFileSync(file, "utf8")) ? null : "it is not a module: it exports nothing"
}
