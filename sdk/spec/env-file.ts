// Environment files (`env_file`) and references (`${NAME}`) in the values of a team file. Pure.

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Something wrong in an environment file. Line and column are one-based. */
export interface EnvFileProblem {
  readonly line: number
  readonly column: number
  readonly problem: string
}

export interface EnvFileReading {
  readonly env: Readonly<Record<string, string>>
  readonly problems: ReadonlyArray<EnvFileProblem>
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" }

/** The value that begins at `text`, and what is wrong with it at which offset. */
const readValue = (text: string): { readonly value: string } | { readonly at: number; readonly problem: string } => {
  const quote = text[0]
  if (quote !== "\"" && quote !== "'") return { value: text.replace(/(^|\s+)#.*$/, "").trimEnd() }
  let value = ""
  for (let at = 1; at < text.length; at++) {
    const character = text[at] ?? ""
    if (character === quote) {
      const rest = text.slice(at + 1)
      return /^\s*(#.*)?$/.test(rest) ? { value } : { at: at + 1, problem: "text after the closing quote" }
    }
    if (quote === "\"" && character === "\\" && at + 1 < text.length) {
      at += 1
      const escaped = text[at] ?? ""
      value += escapes[escaped] ?? escaped
    } else value += character
  }
  return { at: 0, problem: `the closing ${quote} is missing on this line` }
}

/**
 * Reads `NAME=VALUE` lines. Empty lines and `#` comments are skipped, `export` is allowed, and a value may be quoted.
 * Values are taken as they are: no `${NAME}` is expanded in them.
 */
export const parseEnvFile = (text: string): EnvFileReading => {
  const env: Record<string, string> = {}
  const problems: Array<EnvFileProblem> = []
  for (const [index, raw] of text.replace(/^\uFEFF/, "").split(/\r?\n/).entries()) {
    const line = index + 1
    if (/^\s*(#.*)?$/.test(raw)) continue
    const indent = /^\s*(export\s+)?/.exec(raw)?.[0].length ?? 0
    const equals = raw.indexOf("=", indent)
    if (equals < 0) {
      problems.push({ line, column: indent + 1, problem: "expected NAME=VALUE" })
      continue
    }
    const name = raw.slice(indent, equals).trimEnd()
    if (!namePattern.test(name)) {
      problems.push({ line, column: indent + 1, problem: "expected a variable name of letters, digits and underscores before =" })
      continue
    }
    const start = equals + 1 + (/^\s*/.exec(raw.slice(equals + 1))?.[0].length ?? 0)
    const read = readValue(raw.slice(start))
    if ("problem" in read) problems.push({ line, column: start + read.at + 1, problem: read.problem })
    else if (read.value.includes("\0")) problems.push({ line, column: start + 1, problem: "holds a NUL character" })
    else env[name] = read.value
  }
  return { env, problems }
}

// `$${` stands for a plain `${`.
const reference = /\$\$\{|\$\{([^}]*)\}?/g

/** What is wrong with the references of a value; null where nothing is. */
export const referenceProblem = (value: string): string | null => {
  for (const [found, name] of value.matchAll(reference)) {
    if (found === "$${") continue
    if (!found.endsWith("}")) return "the } of a ${NAME} is missing; write $${ for a plain ${"
    if (name === undefined || !namePattern.test(name)) {
      return `${found} is no reference to a variable: only \${NAME} is; write $\${ for a plain \${`
    }
  }
  return null
}

/** A value with its references replaced. */
export interface Expanded {
  readonly value: string
  /** The names that it refers to. */
  readonly names: ReadonlyArray<string>
  /** Those of them that the environment does not have, or has empty. */
  readonly missing: ReadonlyArray<string>
}

/** Replaces `${NAME}` by the variable of this environment. */
export const expandReferences = (text: string, env: Readonly<Record<string, string | undefined>>): Expanded => {
  const names: Array<string> = []
  const value = text.replace(reference, (found: string, name: string | undefined) => {
    if (found === "$${") return "${"
    if (name === undefined || !namePattern.test(name) || !found.endsWith("}")) return found
    names.push(name)
    return env[name] ?? ""
  })
  return { value, names, missing: [...new Set(names.filter((name) => (env[name] ?? "") === ""))] }
}
