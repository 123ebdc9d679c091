// A command line of Codex that a person wrote, as far as a resume has to know it.

const withValue = new Set([
  "-c", "--config", "--enable", "--disable", "--remote", "--remote-auth-token-env", "-i", "--image", "-m", "--model",
  "--local-provider", "--listen", "-p", "--profile", "-s", "--sandbox", "-C", "--cd", "--add-dir", "-a", "--ask-for-approval"
])
const long: Readonly<Record<string, string>> = {
  "-c": "--config", "-i": "--image", "-m": "--model", "-p": "--profile", "-s": "--sandbox", "-C": "--cd",
  "-a": "--ask-for-approval"
}

export interface CodexWords {
  /** `resume`, `exec`…, or the prompt of a fresh start; null where there is no such word. */
  readonly verb: string | null
  /** The word after it that is no flag. */
  readonly object: string | null
  readonly flags: ReadonlySet<string>
  /** The last value of each flag that has one. */
  readonly values: Readonly<Record<string, string>>
  /** What `--config KEY=VALUE` sets, without the quotes around a value. */
  readonly config: Readonly<Record<string, string>>
}

/** Reads the words after the program. */
export const readWords = (words: ReadonlyArray<string>): CodexWords => {
  const flags = new Set<string>()
  const values: Record<string, string> = {}
  const config: Record<string, string> = {}
  const plain: Array<string> = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ""
    if (word === "--") break
    if (!word.startsWith("-") || word === "-") {
      plain.push(word)
      continue
    }
    const [name = "", inline] = word.startsWith("--")
      ? word.split(/=(.*)/s)
      : [word.slice(0, 2), word.length > 2 ? word.slice(2).replace(/^=/, "") : undefined]
    const full = long[name] ?? name
    if (!withValue.has(name)) flags.add(full)
    else values[full] = inline ?? words[at += 1] ?? ""
    const [key = "", set] = full === "--config" ? (values[full] ?? "").split(/=(.*)/s) : []
    if (set !== undefined) config[key.trim()] = set.trim().replace(/^(["'])(.*)\1$/s, "$2")
  }
  const [verb = null, object = null] = plain
  return { verb, object, flags, values, config }
}

/** The words after the program, of the native program or of the script that npm installs; null for another program. */
export const codexWords = (argv: ReadonlyArray<string>): { readonly words: ReadonlyArray<string>; readonly script: boolean } | null => {
  const [program = "", second = ""] = argv
  if (isCodex(program)) return { words: argv.slice(1), script: false }
  return /(?:^|\/)(?:node|nodejs|bun)$/.test(program) && /(?:^|\/)(?:codex|codex\.js)$/.test(second)
    ? { words: argv.slice(2), script: true }
    : null
}

const isCodex = (program: string): boolean => /(?:^|\/)codex(?:-[a-z0-9_-]+)?$/.test(program)
