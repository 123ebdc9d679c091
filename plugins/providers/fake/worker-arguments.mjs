// What the worker is told on its command line. A mistake ends it at once, with a code and a sentence.

export const exits = { usage: 2, missing: 3, inUse: 4, hangup: 129, terminated: 143 }

/** Control characters never reach the terminal: what people say must not steer it. @param {string} text */
export const printable = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd").replace(/\t/g, "  ")

/** @param {number} code @param {string} sentence @returns {never} */
export function refuse(code, sentence) {
  process.stderr.write(`${printable(sentence)}\n`)
  process.exit(code)
}

const flags = /** @type {const} */ ([
  "session-id", "resume", "fork", "root", "agent", "session", "startup", "turn", "onResume", "model", "effort",
  "permissions", "prompt-file", "composer", "login"
])
/** @type {Partial<Record<typeof flags[number], string>>} */
export const given = {}
for (let at = 2; at < process.argv.length; at += 2) {
  const flag = flags.find((name) => `--${name}` === process.argv[at])
  const value = process.argv[at + 1]
  if (flag === undefined) refuse(exits.usage, `Unknown argument ${process.argv[at]}.`)
  if (value === undefined) refuse(exits.usage, `--${flag} needs a value.`)
  given[flag] = value
}

/**
 * @template {string} T
 * @param {"session" | "startup" | "onResume" | "composer"} flag
 * @param {readonly [T, ...T[]]} values
 * @returns {T}
 */
const oneOf = (flag, values) => {
  const value = given[flag] ?? values[0]
  return values.find((candidate) => candidate === value) ??
    refuse(exits.usage, `--${flag} is one of ${values.join(", ")}, not ${value}.`)
}
export const session = oneOf("session", ["at-start", "at-first-message"])
export const startup = oneOf("startup", ["ready", "trust", "slow", "hang"])
export const onResume = oneOf("onResume", ["ok", "exit", "missing"])
/** Whether the input line has commands and escapes as real CLIs have them; `alters` says that its provider does not know. */
export const interprets = oneOf("composer", ["plain", "interprets", "alters"]) !== "plain"
export const turnMs = Number(given.turn ?? "20")
if (!Number.isFinite(turnMs) || turnMs < 0) {
  refuse(exits.usage, `--turn is a number of milliseconds, not ${given.turn}.`)
}
/** Why it is logged out, where the variable that lets it in is not there; null otherwise. */
export const loggedOut = given.login === undefined || (process.env[given.login] ?? "") !== "" ? null : `Not logged in: set ${given.login}`
export const root = given.root ?? refuse(exits.usage, "--root is missing: the directory of the transcripts.")
export const agent = given.agent ?? process.env["REPRISE_FAKE_AGENT"] ?? null
if (given.resume !== undefined && (given.fork !== undefined || given["session-id"] !== undefined)) {
  refuse(exits.usage, "--resume stands alone: neither --fork nor --session-id goes with it.")
}
for (const id of [given["session-id"], given.resume, given.fork]) {
  if (id !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(id)) refuse(exits.usage, `Not a session ID: ${id}.`)
}
