// Imported lazily: a command that reads no team file does not pay for the YAML parser.
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml"
import type { Alias, Node, Pair, YAMLError, YAMLMap } from "yaml"

/** One-based. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface YamlProblem extends Place {
  readonly path: ReadonlyArray<string>
  readonly problem: string
  /** The problem without a word of the document, for one that is not what was asked for. */
  readonly bare: string
}

export interface YamlReading {
  readonly problems: ReadonlyArray<YamlProblem>
  /** What the document says, as plain data; absent when it could not be read or must not be expanded. */
  readonly content: { readonly value: unknown } | undefined
  /** Where something of that path stands; of a path that leads nowhere, the place of its nearest ancestor. */
  readonly place: (path: ReadonlyArray<string>, of: "key" | "value") => Place
  /** Whether the path leads somewhere. */
  readonly has: (path: ReadonlyArray<string>) => boolean
}

const maxDepth = 64
const maxNodes = 50_000
const maxFindings = 1_000
const mergeKey = "<<"

const startOf = (node: unknown): number | undefined =>
  isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined

const keyText = (pair: Pair): string | undefined => {
  if (!isScalar(pair.key)) return undefined
  const { value } = pair.key
  // The parser gives the merge key as a symbol.
  if (typeof value === "symbol") return mergeKey
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : ""
}

const syntaxSentence = (error: YAMLError): string => {
  switch (error.code) {
    case "TAB_AS_INDENT":
      return "a tab stands where YAML wants spaces; indent with spaces"
    case "MULTIPLE_DOCS":
      return "a second YAML document begins here (\"---\"); a team file holds one"
    case "TAG_RESOLVE_FAILED":
      return "a YAML tag that has no meaning in a team file"
    default:
      return `not valid YAML: ${error.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? error.code}`
  }
}

// The parser recurses, and tells of its stack's end by an exception or as an error of the document.
const tooDeep = "nested too deeply to be read"
const isStackOverflow = (message: string): boolean => message.includes("Maximum call stack size")

const tooMany = (total: number): string => `holds ${total} values; ${maxNodes} are allowed`

interface Finding {
  readonly offset: number
  readonly path: ReadonlyArray<string>
  readonly problem: string
  readonly bare: string
  /** The document can't be expanded into plain data at all. */
  readonly fatal: boolean
}

interface Survey {
  readonly findings: ReadonlyArray<Finding>
  readonly targets: ReadonlyMap<Alias, Node>
}

/** Looks for what the parser lets pass: keys twice, aliases to nowhere or to themselves, a tree that explodes. */
const survey = (root: unknown, lineOf: (offset: number) => number): Survey => {
  const findings: Array<Finding> = []
  const targets = new Map<Alias, Node>()
  const anchors = new Map<string, Node>()
  const sizes = new Map<unknown, number>()
  const open = new Set<unknown>()
  const find = (offset: number, path: ReadonlyArray<string>, problem: string, fatal: boolean, bare = problem) => {
    if (fatal || findings.length < maxFindings) findings.push({ offset, path, problem, bare, fatal })
  }

  const aliasSize = (alias: Alias, path: ReadonlyArray<string>): number => {
    const target = anchors.get(alias.source)
    const at = startOf(alias) ?? 0
    if (target === undefined) {
      find(at, path, `there is no anchor "&${alias.source}" above this alias`, true, "an alias has no anchor above it")
      return 1
    }
    if (open.has(target)) {
      find(at, path, `the alias "*${alias.source}" stands inside of what it names`, true, "an alias stands inside of what it names")
      return 1
    }
    targets.set(alias, target)
    return sizes.get(target) ?? 1
  }

  const mapSize = (map: YAMLMap, path: ReadonlyArray<string>, depth: number): number => {
    const seen = new Map<string, number>()
    let size = 1
    for (const pair of map.items) {
      const key = keyText(pair)
      const at = startOf(pair.key) ?? startOf(map) ?? 0
      if (key === undefined) {
        find(at, path, "a key must be plain text", false)
        continue
      }
      const here = [...path, key]
      const first = seen.get(key)
      if (first !== undefined && key !== mergeKey) {
        find(at, here, `the key is there twice (first on line ${lineOf(first)})`, false)
      } else if (key === "__proto__") {
        find(at, here, "this name can't be used as a key", true)
      }
      seen.set(key, first ?? at)
      if (key === mergeKey) checkMerge(pair.value, here)
      size += 1 + sizeOf(pair.value, here, depth + 1)
    }
    return size
  }

  const checkMerge = (value: unknown, path: ReadonlyArray<string>): void => {
    const target = isAlias(value) ? anchors.get(value.source) : value
    if (target === undefined) return
    const sources = isSeq(target) ? target.items : [target]
    const maps = sources.every((source) => isMap(isAlias(source) ? anchors.get(source.source) : source))
    if (!maps) find(startOf(value) ?? 0, path, "only mappings can be merged", true)
  }

  const sizeOf = (node: unknown, path: ReadonlyArray<string>, depth: number): number => {
    if (depth > maxDepth) {
      find(startOf(node) ?? 0, path.slice(0, 8), `nested more than ${maxDepth} levels deep`, true)
      return 1
    }
    if (isAlias(node)) return aliasSize(node, path)
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return 1
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    open.add(node)
    let size = 1
    if (isMap(node)) size = mapSize(node, path, depth)
    if (isSeq(node)) {
      node.items.forEach((item, index) => {
        if (isPair(item)) return
        size += sizeOf(item, [...path, String(index)], depth + 1)
      })
    }
    open.delete(node)
    sizes.set(node, size)
    return size
  }

  const total = sizeOf(root, [], 0)
  if (total <= maxNodes) return { findings, targets }
  return {
    findings: [{ offset: 0, path: [], problem: tooMany(total), bare: tooMany(total), fatal: true }],
    targets
  }
}

/** The pair of a key in a mapping or in what is merged into it. */
const pairOf = (map: YAMLMap, key: string, resolve: (node: unknown) => unknown): Pair | undefined => {
  // Of a key that is there twice, the last one is what the data holds.
  const own = map.items.findLast((pair) => keyText(pair) === key)
  if (own !== undefined) return own
  for (const pair of map.items) {
    if (keyText(pair) !== mergeKey) continue
    const merged = resolve(pair.value)
    for (const source of isSeq(merged) ? merged.items : [merged]) {
      const candidate = resolve(source)
      const found = isMap(candidate) ? pairOf(candidate, key, resolve) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Reads one YAML document; pure, never throws. */
export const readYaml = (text: string): YamlReading => {
  const lines = new LineCounter()
  const nowhere = { place: () => ({ line: 1, column: 1 }), has: () => false }
  const broken = (problem: string, bare = problem): YamlReading => ({
    problems: [{ line: 1, column: 1, path: [], problem, bare }],
    content: undefined,
    ...nowhere
  })
  let document
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      merge: true,
      schema: "core",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error"
    })
  } catch (defect) {
    return broken(isStackOverflow(String(defect)) ? tooDeep : `not valid YAML: ${String(defect)}`, isStackOverflow(String(defect)) ? tooDeep : "not valid YAML")
  }
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const errors = [...document.errors, ...document.warnings]
  const overflow = errors.find((error) => isStackOverflow(error.message))
  if (overflow !== undefined) return broken(tooDeep)
  const syntax = errors.slice(0, maxFindings).map((error) => ({
    ...placeAt(error.pos[0]),
    path: [],
    problem: syntaxSentence(error),
    bare: syntaxSentence(error).startsWith("not valid YAML") ? "not valid YAML" : syntaxSentence(error)
  }))
  if (syntax.length > 0) return { problems: syntax, content: undefined, ...nowhere }

  const root = document.contents
  const { findings, targets } = survey(root, (offset) => placeAt(offset).line)
  const resolve = (node: unknown): unknown => isAlias(node) ? targets.get(node) : node
  const locate = (path: ReadonlyArray<string>, of: "key" | "value"): { found: boolean; offset: number } => {
    let node: unknown = root
    let offset = startOf(root) ?? 0
    for (const [index, segment] of path.entries()) {
      const container = resolve(node)
      if (isMap(container)) {
        const pair = pairOf(container, segment, resolve)
        if (pair === undefined) return { found: false, offset }
        const last = index === path.length - 1
        offset = (last && of === "value" ? startOf(pair.value) : undefined) ?? startOf(pair.key) ?? offset
        node = pair.value
      } else if (isSeq(container)) {
        node = container.items[Number(segment)]
        if (node === undefined) return { found: false, offset }
        offset = startOf(node) ?? offset
      } else {
        return { found: false, offset }
      }
    }
    return { found: true, offset }
  }
  const problems = findings.map(({ bare, offset, path, problem }) => ({ ...placeAt(offset), path, problem, bare }))
  const reading = {
    problems,
    place: (path: ReadonlyArray<string>, of: "key" | "value") => placeAt(locate(path, of).offset),
    has: (path: ReadonlyArray<string>) => locate(path, "key").found
  }
  if (findings.some((finding) => finding.fatal)) return { ...reading, content: undefined }
  try {
    const value: unknown = document.toJS({ maxAliasCount: -1 })
    return { ...reading, content: { value } }
  } catch (defect) {
    const { problems: more } = broken(`not valid YAML: ${String(defect)}`, "not valid YAML")
    return { ...reading, problems: [...problems, ...more], content: undefined }
  }
}
