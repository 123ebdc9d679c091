// A process that behaves in a terminal as a coding CLI does, with no model behind it. It uses node's builtins only and
// starts as fast as node does. `index.ts` beside it is the driver that starts it and reads its screen.
import { mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs"
import { join } from "node:path"

/** @typedef {{ role: "user" | "assistant", text: string }} Told */
/** @typedef {{ question: string, choices: ReadonlyArray<string>, selected: number, escape: number, choose: (index: number) => void }} Dialog */

const placeholder = "Say something to the worker"
const exits = { usage: 2, missing: 3, inUse: 4, hangup: 129, terminated: 143 }
const slowStartMs = 1500

/** Control characters never reach the terminal: what people say must not steer it. @param {string} text */
const printable = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd").replace(/\t/g, "  ")

/** @param {number} code @param {string} sentence @returns {never} */
function refuse(code, sentence) {
  process.stderr.write(`${printable(sentence)}\n`)
  process.exit(code)
}

// Arguments

const flags = /** @type {const} */ ([
  "session-id", "resume", "fork", "root", "agent", "session", "startup", "turn", "onResume", "model", "effort",
  "permissions", "prompt-file"
])
/** @type {Partial<Record<typeof flags[number], string>>} */
const given = {}
for (let at = 2; at < process.argv.length; at += 2) {
  const flag = flags.find((name) => `--${name}` === process.argv[at])
  const value = process.argv[at + 1]
  if (flag === undefined) refuse(exits.usage, `Unknown argument ${process.argv[at]}.`)
  if (value === undefined) refuse(exits.usage, `--${flag} needs a value.`)
  given[flag] = value
}

/** @template {string} T @param {"session" | "startup" | "onResume"} flag @param {readonly [T, ...T[]]} values @returns {T} */
const oneOf = (flag, values) => {
  const value = given[flag] ?? values[0]
  return values.find((candidate) => candidate === value) ??
    refuse(exits.usage, `--${flag} is one of ${values.join(", ")}, not ${value}.`)
}
const session = oneOf("session", ["at-start", "at-first-message"])
const startup = oneOf("startup", ["ready", "trust", "slow", "hang"])
const onResume = oneOf("onResume", ["ok", "exit", "missing"])
const turnMs = Number(given.turn ?? "20")
if (!Number.isFinite(turnMs) || turnMs < 0) refuse(exits.usage, `--turn is a number of milliseconds, not ${given.turn}.`)
const root = given.root ?? refuse(exits.usage, "--root is missing: the directory of the transcripts.")
const agent = given.agent ?? process.env["REPRISE_FAKE_AGENT"] ?? null
if (given.resume !== undefined && (given.fork !== undefined || given["session-id"] !== undefined)) {
  refuse(exits.usage, "--resume stands alone: neither --fork nor --session-id goes with it.")
}
for (const id of [given["session-id"], given.resume, given.fork]) {
  if (id !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(id)) refuse(exits.usage, `Not a session ID: ${id}.`)
}

// The conversation and its transcript

/** @param {string} id */
const fileOf = (id) => join(root, `${id}.jsonl`)

/** @param {string} id @returns {string | null} */
const load = (id) => {
  try {
    return readFileSync(fileOf(id), "utf8")
  } catch {
    return null
  }
}

/** @param {string} content @returns {Told[]} */
const recordsOf = (content) =>
  content.split("\n").flatMap((line) => {
    try {
      const record = JSON.parse(line)
      return (record.role === "user" || record.role === "assistant") && typeof record.text === "string" ? [record] : []
    } catch {
      return []
    }
  })

const sourceId = given.resume ?? given.fork
const source = sourceId === undefined ? null : onResume === "missing" ? null : load(sourceId)
if (sourceId !== undefined && source === null) {
  refuse(exits.missing, `No conversation found with session ID ${sourceId}.`)
}
if (given.resume !== undefined && onResume === "exit") refuse(1, "Told to exit on resume.")
const sessionId = given.resume ?? given["session-id"] ?? (await import("node:crypto")).randomUUID()
if (given.resume === undefined && load(sessionId) !== null) {
  refuse(exits.inUse, `Session ID ${sessionId} is already in use.`)
}

/** @type {Told[]} */
const conversation = source === null ? [] : recordsOf(source)
/** The file stays open, as with real CLIs: one that was deleted from outside does not come back. @type {number | null} */
let transcript = null
const openTranscript = () => {
  if (transcript !== null) return transcript
  mkdirSync(root, { recursive: true, mode: 0o700 })
  transcript = openSync(fileOf(sessionId), "a", 0o600)
  if (given.resume === undefined) {
    writeSync(transcript, `${JSON.stringify({ sessionId, cwd: process.cwd(), agent })}\n`)
    for (const record of conversation) writeSync(transcript, `${JSON.stringify(record)}\n`)
  } else if (source !== null && !source.endsWith("\n")) {
    writeSync(transcript, "\n")
  }
  return transcript
}
/** @param {"user" | "assistant"} role @param {string} text */
const record = (role, text) => {
  const told = { role, text, at: new Date().toISOString() }
  conversation.push(told)
  writeSync(openTranscript(), `${JSON.stringify(told)}\n`)
  if (!terminal && role === "assistant") process.stdout.write(`${printable(text)}\n`)
}

// What is going on

const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
/** @type {"starting" | "open"} */
let phase = "starting"
/** @type {{ timer: NodeJS.Timeout | null } | null} */
let turn = null
/** @type {Dialog | null} */
let dialog = null
/** @type {string | null} */
let problem = null
/** @type {string | null} */
let givenTitle = null
/** @type {string[]} */
const queue = []
/** What was typed and not sent; a long paste is one piece with a label. @type {{ text: string, label: string | null }[]} */
let draft = []
let pastes = 0
let interruptedAt = 0

/** @param {number} code @param {string} words @returns {never} */
function end(code, words) {
  if (terminal) process.stdout.write(`\x1b[?2004l\x1b[?7h\x1b[H\x1b[J${tail(rows() - 2).join("\r\n")}\r\n${words}\r\n`)
  else process.stdout.write(`${words}\n`)
  process.exit(code)
}
const farewell = () => end(0, `To go on with this conversation: --resume ${sessionId}`)

/** @param {string} answer */
const finish = (answer) => {
  record("assistant", answer)
  turn = null
  draw()
  pump()
}

const child = async () => {
  const { spawn } = await import("node:child_process")
  // It ends by itself after ten minutes, so that a test that was killed leaves nothing for long.
  const code = "process.on('SIGHUP',()=>{});process.on('SIGTERM',()=>{});setTimeout(()=>{},600000);console.log('up')"
  const started = spawn(process.execPath, ["-e", code], { detached: true, stdio: ["ignore", "pipe", "ignore"] })
  started.stdout.once("data", () => {
    started.stdout.destroy()
    started.unref()
    finish(`child ${started.pid}`)
  })
}

/** @param {string} text */
const begin = (text) => {
  record("user", text)
  problem = null
  turn = { timer: null }
  const [command, ...rest] = text.trim().split(/\s+/)
  const argument = rest.join(" ")
  const before = conversation.slice(0, -1).filter((told) => told.role === "user" && told.text.trim() !== "recall")
  let answer = `noted: ${text.replace(/\s+/g, " ").slice(0, 200)}`
  let takes = turnMs
  if (command === "recall" && argument === "") {
    answer = before.map((told) => told.text.replace(/\s*\n\s*/g, " ")).join("\n") || "(nothing)"
  } else if (command === "/crash") {
    end(Number(argument) || 1, "Fatal: told to crash.")
  } else if (command === "/exit") {
    farewell()
  } else if (command === "/approve") {
    dialog = {
      question: "Do you want to run this command?", choices: ["Yes", "No"], selected: 0, escape: 1,
      choose: (index) => finish(index === 0 ? "approved" : "denied")
    }
    draw()
    return answerFromLines()
  } else if (command === "/hang") {
    return draw()
  } else if (command === "/child") {
    draw()
    return void child()
  } else if (command === "/error") {
    turn = null
    problem = argument || "the model did not answer"
    if (!terminal) process.stdout.write(`error: ${printable(problem)}\n`)
    draw()
    return pump()
  } else if (command === "/busy") {
    takes = Number(argument) || 1000
    answer = `was busy for ${takes} ms`
  } else if (command === "/title") {
    givenTitle = argument
  } else if (command === "/lose-transcript") {
    unlinkSync(fileOf(sessionId))
    answer = "lost the transcript"
  }
  turn.timer = setTimeout(() => finish(answer), takes)
  draw()
}
const pump = () => {
  if (phase !== "open" || turn !== null) return
  const next = queue.shift()
  if (next !== undefined) begin(next)
  else if (closing) farewell()
}
/** @param {string} text */
const submit = (text) => {
  if (text.trim() === "") return
  queue.push(text)
  pump()
}
/** @param {number} index */
const choose = (index) => {
  const asked = dialog
  dialog = null
  asked?.choose(index)
}
/** Without a terminal the next line answers an open question; the end of input is a no. */
const answerFromLines = () => {
  if (terminal || dialog === null) return
  const line = queue.shift()
  if (line !== undefined) choose(line.trim() === "2" ? 1 : dialog.selected)
  else if (closing) choose(dialog.escape)
}
const interrupt = () => {
  if (turn === null) return
  if (turn.timer !== null) clearTimeout(turn.timer)
  finish("interrupted")
}

// The screen: drawn whole, the last row first, so that a half-drawn frame never says "ready" too early.

const rows = () => Math.max(process.stdout.rows || 24, 4)
const columns = () => Math.max(process.stdout.columns || 80, 12)
/** @param {string} character */
const widthOf = (character) => /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(character) ? 2 : 1

/** Lines no wider than the screen; the lines after the first of each are marked. @param {string} text @param {number} width */
const wrap = (text, width) =>
  printable(text).split("\n").flatMap((line) => {
    const wrapped = [""]
    let used = 0
    for (const character of line) {
      if (used + widthOf(character) > width) {
        wrapped.push("")
        used = 0
      }
      wrapped[wrapped.length - 1] += character
      used += widthOf(character)
    }
    return wrapped.map((part, index) => ({ part, continued: index > 0 }))
  })
/** One line that fits; what was cut off is told by an ellipsis. @param {string} text @param {number} width */
const clip = (text, width) => {
  const line = printable(text).replace(/\n/g, " ")
  const [whole] = wrap(line, width)
  return whole?.part === line ? line : `${wrap(line, width - 1)[0]?.part ?? ""}…`
}
/** The newest lines of the conversation. @param {number} count */
const tail = (count) => {
  /** @type {string[]} */
  const lines = []
  for (let at = conversation.length - 1; at >= 0 && lines.length < count; at -= 1) {
    const told = conversation[at]
    if (told === undefined) continue
    const shown = wrap(told.text.slice(-20_000), columns() - 2)
    lines.unshift(...shown.map(({ part }, index) => `${index > 0 ? "  " : told.role === "user" ? "> " : "● "}${part}`))
  }
  return count <= 0 ? [] : lines.slice(-count)
}
const header = () => [`Fake worker${agent === null ? "" : ` for ${agent}`}`, `session ${sessionId}`]
const footer = () =>
  phase === "starting" ? "⏵ starting" : turn !== null
    ? `⏵ working · esc to interrupt${queue.length > 0 ? ` · ${queue.length} queued` : ""}`
    : problem !== null ? `⏵ error · ${problem}` : "⏵ ready · ? for shortcuts"
const title = () => {
  const mark = dialog !== null ? "[ ! ]" : turn !== null ? "◐" : phase === "starting" ? "…" : "✳"
  return printable(givenTitle ?? `${mark} fake ${agent ?? sessionId}`).replace(/\n/g, " ")
}

function draw() {
  if (!terminal) return
  const [height, width] = [rows(), columns()]
  /** @type {string[]} */
  let below
  let cursor = { row: height, column: 1 }
  if (dialog !== null) {
    const { choices, question, selected } = dialog
    below = [
      ...wrap(question, width).map(({ part }) => part),
      ...choices.map((choice, index) => `${index === selected ? "❯" : " "} ${index + 1}. ${choice}`),
      "Enter to confirm · Esc to cancel"
    ]
  } else {
    const rule = "─".repeat(width)
    const shown = draft.map((piece) => piece.label ?? piece.text).join("")
    const lines = wrap(shown === "" ? clip(placeholder, width - 3) : shown, width - 3).slice(-Math.max(1, height - 3))
    const composer = lines.map(({ continued, part }, index) => `${index === 0 ? "›" : continued ? "↳" : " "} ${part}`)
    const last = lines.at(-1)?.part ?? ""
    below = [rule, ...composer, rule, footer()]
    cursor = { row: height - 2, column: shown === "" ? 3 : 3 + [...last].reduce((sum, one) => sum + widthOf(one), 0) }
  }
  const above = height - below.length
  const head = above >= 4 ? header() : []
  const talk = tail(above - head.length)
  const frame = [...head, ...talk, ...Array(Math.max(0, above - head.length - talk.length)).fill(""), ...below].slice(-height)
  const written = frame.map((line, index) => `\x1b[${index + 1};1H\x1b[2K${clip(line, width)}`).reverse().join("")
  process.stdout.write(`\x1b]2;${title()}\x07\x1b[?25l${written}\x1b[${cursor.row};${cursor.column}H\x1b[?25h`)
}

// The keyboard

/** @param {string} text */
const paste = (text) => {
  if (dialog !== null) return
  const clean = text.replace(/\r\n?/g, "\n")
  const lines = clean.split("\n").length
  const long = clean.length > 800 || lines > Math.max(1, Math.min(10, rows() - 10))
  if (long) pastes += 1
  draft.push({ text: clean, label: long ? `[Pasted text #${pastes} +${lines - 1} lines]` : null })
}
/** @param {string} key */
const press = (key) => {
  if (dialog !== null) {
    const count = dialog.choices.length
    if (key === "\r") choose(dialog.selected)
    else if (key === "\x1b" || key === "\x03") choose(dialog.escape)
    else if (key === "\x1b[A") dialog.selected = (dialog.selected + count - 1) % count
    else if (key === "\x1b[B") dialog.selected = (dialog.selected + 1) % count
    else if (Number(key) >= 1 && Number(key) <= count) choose(Number(key) - 1)
  } else if (key === "\r") {
    const text = draft.map((piece) => piece.text).join("")
    draft = []
    submit(text)
  } else if (key === "\x1b") {
    interrupt()
  } else if (key === "\x03") {
    if (turn !== null) return interrupt()
    if (Date.now() - interruptedAt < 1000 || phase === "starting") return farewell()
    interruptedAt = Date.now()
    draft = []
  } else if (key === "\x04") {
    if (draft.length === 0) farewell()
  } else if (key === "\x15") {
    draft = []
  } else if (key === "\x7f" || key === "\b") {
    const piece = draft.pop()
    if (piece !== undefined && piece.label === null && [...piece.text].length > 1) {
      draft.push({ text: [...piece.text].slice(0, -1).join(""), label: null })
    }
  } else if (key === "\n" || key === "\t" || key >= " ") {
    if (!key.startsWith("\x1b")) draft.push({ text: key, label: null })
  }
}

const [pasteStart, pasteEnd] = ["\x1b[200~", "\x1b[201~"]
let unread = ""
let escapeTimer = setTimeout(() => {}, 0)
/** Takes whole keys and whole pastes off what was read; the rest waits for more. @param {boolean} settled */
const readKeys = (settled) => {
  while (unread !== "") {
    if (unread.startsWith(pasteStart)) {
      const close = unread.indexOf(pasteEnd)
      if (close < 0) return
      paste(unread.slice(pasteStart.length, close))
      unread = unread.slice(close + pasteEnd.length)
      continue
    }
    const sequence = /^\x1b(?:\[[0-9;?]*[@-~]|O[A-Z])/.exec(unread)?.[0]
    // An escape alone is a key only when nothing follows it for a moment.
    if (sequence === undefined && !settled && /^\x1b(?:$|O$|\[[0-9;?]*$)/.test(unread)) return
    const key = sequence ?? String.fromCodePoint(unread.codePointAt(0) ?? 0)
    unread = unread.slice(key.length)
    press(key.startsWith("\x1bO") ? `\x1b[${key.slice(2)}` : key)
  }
}

// Life

let closing = false
const open = () => {
  phase = "open"
  if (!terminal) process.stdout.write("ready\n")
  draw()
  pump()
}
const start = () => {
  if (startup === "slow") setTimeout(open, slowStartMs)
  else if (startup !== "hang") open()
}

if (session === "at-start" || given.resume !== undefined || given.fork !== undefined) openTranscript()
process.on("SIGTERM", () => end(exits.terminated, "Terminated."))
process.on("SIGHUP", () => process.exit(exits.hangup))
process.stdin.setEncoding("utf8")
process.stdin.on("error", () => process.exit(exits.hangup))
process.stdout.on("error", () => process.exit(exits.hangup))
if (terminal) {
  process.stdin.setRawMode(true)
  process.stdout.write("\x1b[?2004h\x1b[?7l\x1b[2J")
  process.stdout.on("resize", () => {
    process.stdout.write("\x1b[2J")
    draw()
  })
  process.stdin.on("data", (chunk) => {
    clearTimeout(escapeTimer)
    // A long paste comes in many pieces: it is looked at only when its end may have come.
    const inPaste = unread.startsWith(pasteStart)
    unread += chunk
    if (inPaste && !chunk.includes("~")) return
    readKeys(false)
    if (unread.startsWith("\x1b") && !unread.startsWith(pasteStart)) {
      escapeTimer = setTimeout(() => {
        readKeys(true)
        draw()
      }, 50)
    }
    draw()
  })
  process.stdin.on("end", () => process.exit(exits.hangup))
} else {
  process.stdin.on("data", (chunk) => {
    unread += chunk
    const lines = unread.split("\n")
    unread = lines.pop() ?? ""
    for (const line of lines) submit(line)
    answerFromLines()
  })
  process.stdin.on("end", () => {
    closing = true
    if (unread !== "") submit(unread)
    answerFromLines()
    if (phase === "starting") process.exit(0)
    pump()
  })
}
if (startup === "trust" && terminal) {
  dialog = {
    question: `Do you trust the files in this folder?\n${process.cwd()}`, choices: ["No, exit", "Yes, I trust this folder"],
    selected: 0, escape: 0,
    choose: (index) => index === 0 ? end(0, "Not trusted.") : start()
  }
  draw()
} else {
  draw()
  start()
}
