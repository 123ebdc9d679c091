import * as Path from "node:path"
import type { ConsentSubject } from "../../consent/consent.ts"
import type { Needs } from "../definePlugin.ts"

// What a plugin asks of the machine, and what it is handed. This narrows and documents; it does not isolate: a plugin
// is code in this process.

type AllNeeds = Required<Needs>

const list = (items: ReadonlyArray<string>): string => items.map((item) => JSON.stringify(item)).join(", ")

/** A plugin's needs as people read them; null when it asks for nothing. */
export const describeNeeds = (needs: AllNeeds): string | null => {
  const parts = [
    ...(needs.executables.length > 0 ? [`run ${list(needs.executables)}`] : []),
    ...(needs.directories.length > 0 ? [`read and write in ${list(needs.directories)}`] : []),
    ...(needs.env.length > 0 ? [`see the environment variables ${list(needs.env)}`] : [])
  ]
  return parts.length === 0 ? null : parts.join("; ")
}

/** A word as a shell takes it back. */
const quoted = (word: string): string => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** What a plugin's author chose, without control characters: it can't hide what the user is asked. */
export const plain = (text: string): string => text.replace(/\p{C}/gu, "?")

/** What a user is told who has not consented to a plugin. */
export const consentSentence = (spec: string, why: string, subject: ConsentSubject): string =>
  `${why}. It asks to ${plain(subject.grants.join("; "))}. Nothing of it was imported or run. ` +
  `If you agree, give --allow-plugin ${quoted(spec)}, or --trust ${subject.digest} for exactly this content.`

/** The variables of `env` that are named, or match a name that ends in `*`. */
export const grantedEnv = (
  env: Readonly<Record<string, string | undefined>>,
  patterns: ReadonlyArray<string>
): Readonly<Record<string, string>> => {
  const granted: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    const matches = patterns.some((pattern) =>
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    )
    if (matches) granted[name] = value
  }
  return granted
}

/** Directories as absolute paths: `~` is the home, `{workspace}` the workspace; others count from the latter. */
export const grantedDirectories = (
  directories: ReadonlyArray<string>,
  places: { readonly home: string; readonly workspace: string }
): ReadonlyArray<string> =>
  directories.map((directory) => {
    if (directory === "~" || directory.startsWith("~/")) return Path.join(places.home, directory.slice(1))
    if (directory === "{workspace}" || directory.startsWith("{workspace}/")) {
      return Path.join(places.workspace, directory.slice("{workspace}".length))
    }
    return Path.resolve(places.workspace, directory)
  })

// Without these hardly any program starts, finds its files or shows its text.
const ofEveryProgram = [
  "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TERM", "TMPDIR", "XDG_RUNTIME_DIR"
]

/** The environment of the programs that a plugin runs: what was granted, and what every program needs. */
export const programEnv = (
  env: Readonly<Record<string, string | undefined>>,
  patterns: ReadonlyArray<string>
): Readonly<Record<string, string>> => grantedEnv(env, [...ofEveryProgram, ...patterns])
