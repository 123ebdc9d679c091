import { existsSync } from "node:fs"
import { basename } from "node:path"
import { Effect } from "reprise/plugin"
import type { HostProcess, Json, ProviderFailure, RecognisedProcess } from "reprise/plugin"
import { modeOf } from "./permissions.ts"
import { configHomeOf, findTranscript, projectDirectory, transcriptOf } from "./places.ts"
import { isOf, readRecord } from "./session-records.ts"

// Claude Codes that a person started by hand: known by their command line, told by their own records.

/** The words after the program; null where it is another program. */
const wordsOf = (argv: ReadonlyArray<string>): ReadonlyArray<string> | null => {
  const [program = "", script = ""] = argv
  if (basename(program) === "claude") return argv.slice(1)
  const isNode = /^(?:node|bun)(?:js)?$/.test(basename(program))
  if (isNode && (/[/\\]@anthropic-ai[/\\]claude-code[/\\]/.test(script) || basename(script) === "claude")) return argv.slice(2)
  // The native installation runs its versions by their number.
  return /[/\\]claude[/\\]versions[/\\][^/\\]+$/.test(program) ? argv.slice(1) : null
}

const valueOf = (words: ReadonlyArray<string>, ...names: ReadonlyArray<string>): string | null => {
  for (const [at, word] of words.entries()) {
    if (names.includes(word)) return words[at + 1] ?? null
    const name = names.find((one) => word.startsWith(`${one}=`))
    if (name !== undefined) return word.slice(name.length + 1)
  }
  return null
}

/** All values of a flag that takes several. */
const valuesOf = (words: ReadonlyArray<string>, ...names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const values: Array<string> = []
  let taking = false
  for (const word of words) {
    if (word.startsWith("-")) taking = names.includes(word)
    else if (taking) values.push(word)
  }
  return values
}

const optionsOf = (words: ReadonlyArray<string>): Readonly<Record<string, Json>> => {
  const lists = {
    allowTools: valuesOf(words, "--allowedTools", "--allowed-tools"),
    denyTools: valuesOf(words, "--disallowedTools", "--disallowed-tools"),
    addDirectories: valuesOf(words, "--add-dir")
  }
  return Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0))
}

/** What of the environment leads to the same account and service; nothing here is a secret. */
const wanted = [
  "CLAUDE_CONFIG_DIR",
  "ANTHROPIC_BASE_URL",
  "ANTHROPIC_MODEL",
  "ANTHROPIC_VERTEX_PROJECT_ID",
  "AWS_PROFILE",
  "AWS_REGION",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_FOUNDRY",
  "CLAUDE_CODE_USE_VERTEX",
  "CLOUD_ML_REGION"
] as const

const secrets = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] as const

/** A web address may hold a password. */
const isSecretFree = (value: string): boolean => !/\/\/[^/]*@/.test(value)

const envOf = (env: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(wanted.flatMap((name) => {
    const value = env[name]
    return value !== undefined && value !== "" && isSecretFree(value) ? [[name, value]] : []
  }))

/** Subcommands and runs without a terminal are no agents. */
const isConversation = (words: ReadonlyArray<string>): boolean =>
  !/^(?:agents|attach|auth|auto-mode|daemon|doctor|gateway|import|install|logs|mcp|plugins?|purge|respawn|rm|setup-token|stop|kill|ultrareview|update|upgrade)$/.test(words[0] ?? "") &&
  !words.some((word) => /^(?:-p|--print|--bg|--background|-v|--version|-h|--help)$/.test(word))

/** A process as it would be written into a team file; null when it is no conversation of Claude Code. */
export const recognise = (process: HostProcess): Effect.Effect<RecognisedProcess | null, ProviderFailure> =>
  Effect.gen(function*() {
    const words = wordsOf(process.argv)
    if (words === null || !isConversation(words)) return null
    const configHome = configHomeOf(process.env)
    const record = yield* readRecord("recognise", configHome, process.pid)
    const told = {
      model: valueOf(words, "--model"),
      permissions: modeOf(words),
      options: optionsOf(words),
      env: envOf(process.env)
    }
    const untold = (why: string): RecognisedProcess | null =>
      process.cwd === null ? null : { ...told, sessionId: null, transcript: null, cwd: process.cwd, evidence: why }
    if (record === null) return untold(`${configHome}/sessions has no record of it, so its session can't be told exactly.`)
    if (isOf(record, process) !== true) {
      return untold(`${configHome}/sessions/${process.pid}.json was left by an earlier process of that number.`)
    }
    if (record.kind !== undefined && record.kind !== null && record.kind !== "interactive") {
      return untold(`It is a session of the kind ${record.kind}, not one at a terminal.`)
    }
    // A conversation belongs to the directory that it was begun in, or that it was resumed in since.
    const places = [record.cwd, ...process.cwd === null ? [] : [process.cwd]]
    const transcripts = places.map((cwd) => ({ cwd, path: transcriptOf(projectDirectory(configHome, cwd), record.sessionId) }))
      .concat({ cwd: record.cwd, path: findTranscript(configHome, record.cwd, record.sessionId) })
    const found = transcripts.find(({ path }) => existsSync(path))
    const login = secrets.filter((name) => (process.env[name] ?? "") !== "")
    const evidence = [
      `${configHome}/sessions/${process.pid}.json, which it wrote at its start, names session ${record.sessionId}.`,
      ...(found === undefined ? ["Nothing was said in it yet."] : []),
      ...(login.length === 0 ? [] : [`It logs in with ${login.join(" and ")} of its environment; a resume needs the same.`])
    ].join(" ")
    return {
      ...told,
      sessionId: record.sessionId,
      transcript: found?.path ?? null,
      cwd: found?.cwd ?? record.cwd,
      evidence
    }
  })
