// The fenced blocks of the documents, and what their first lines ask for.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../house/sources.ts"

/**
 * `file=NAME` is written into the workspace of its document, `run` is run in it line by line, `output` is compared with what
 * the block before it wrote, and `does-not-compile="WORDS"` must fail with an error that has these words. What is marked
 * `compiler` stands, line by line, in the complaint about the block before it.
 */
export interface Block {
  readonly document: string
  readonly line: number
  readonly language: string
  readonly marks: ReadonlyMap<string, string>
  readonly text: string
}

export const documents = ["README.md", "docs/commands.md", "docs/restart.md", "docs/policies.md", "docs/simulation.md", "docs/quick-start.md", "docs/plugins.md", "docs/clis.md", "docs/providers/codex.md", "docs/design.md"]

export const textOf = (document: string): string => readFileSync(join(root, document), "utf8")

const marksOf = (info: string): ReadonlyMap<string, string> =>
  new Map([...info.matchAll(/([\w-]+)(?:=(?:"([^"]*)"|(\S+)))?/g)].map((found) => [found[1] ?? "", found[2] ?? found[3] ?? ""]))

export const blocksOf = (document: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let open: { readonly line: number; readonly language: string; readonly info: string; readonly lines: Array<string> } | null = null
  textOf(document).split("\n").forEach((text, at) => {
    const fence = /^```(\S*)(.*)$/.exec(text)
    if (open === null && fence !== null) open = { line: at + 1, language: fence[1] ?? "", info: fence[2] ?? "", lines: [] }
    else if (open !== null && fence !== null) {
      blocks.push({ document, line: open.line, language: open.language, marks: marksOf(open.info), text: `${open.lines.join("\n")}\n` })
      open = null
    } else open?.lines.push(text)
  })
  return blocks
}

/** A line of a `run` block: what to run, and the exit code that its comment promises (0 without one). */
export const commandsOf = (block: Block): ReadonlyArray<{ readonly command: string; readonly exit: number }> =>
  block.text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [command = "", comment = ""] = line.split(/\s+# /)
    return { command, exit: Number(/^exit (\d+)/.exec(comment)?.[1] ?? 0) }
  })

/**
 * Compares loosely: blanks count as one, `…` stands for anything in a line, and a line that is `…` alone for any number of
 * lines. Answers with the first expected line that is not found, or null.
 */
export const missing = (expected: string, actual: string): string | null => {
  const squeeze = (text: string) => text.replace(/\s+/g, " ").trim()
  const lines = actual.split("\n").map(squeeze).filter((line) => line !== "")
  let at = 0
  let skip = false
  for (const raw of expected.split("\n").map(squeeze).filter((line) => line !== "")) {
    if (raw === "…") {
      skip = true
      continue
    }
    const parts = raw.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/^ | $/g, " ?"))
    const pattern = new RegExp(`^${parts.join(".*")}$`)
    const found = skip ? lines.findIndex((line, index) => index >= at && pattern.test(line)) : pattern.test(lines[at] ?? "") ? at : -1
    if (found < 0) return `${raw}\n  instead of: ${lines[at] ?? "(the end)"}`
    at = found + 1
    skip = false
  }
  return skip || at === lines.length ? null : `the end\n  instead of: ${lines[at] ?? ""}`
}

/** The paths of a JSON value's members, with a list's first element standing for all. */
const members = (value: unknown, prefix = ""): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.length === 0 ? [] : members(value[0], `${prefix}[]`)
  if (typeof value !== "object" || value === null) return [prefix]
  return [...(prefix === "" ? [] : [prefix]), ...Object.entries(value).flatMap(([name, inner]) => members(inner, `${prefix}.${name}`))]
}

/** The members that one value has and the other has not, as a sentence; null where there are none. Order counts. */
export const differentMembers = (shown: unknown, answered: unknown): string | null => {
  const [expected, actual] = [members(shown).join("\n"), members(answered).join("\n")]
  return expected === actual ? null : `shown:\n${expected}\nanswered:\n${actual}`
}
