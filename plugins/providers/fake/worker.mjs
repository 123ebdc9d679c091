// A process that behaves in a terminal as a coding CLI does, with no model behind it. It uses node's builtins only and
// starts as fast as node does. `index.ts` beside it is the driver that starts it and reads its screen.
import { agent, exits, given, interprets, loggedOut, printable, session, startup, turnMs } from "./worker-arguments.mjs"
import { beginAnother, conversation, enter, loseTranscript, openTranscript, record, sessionId } from "./worker-conversation.mjs"
import { sayOfItself } from "./worker-record.mjs"
import { frame, keyboard, tail } from "./worker-terminal.mjs"

/** @typedef {import("./worker-terminal.mjs").Question & { escape: number, choose: (index: number) => void }} Dialog */

const slowStartMs = 1500
const rows = () => Math.max(process.stdout.rows || 24, 4)
const columns = () => Math.max(process.stdout.columns || 80, 12)

// Turns

const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
/** @type {"starting" | "open"} */
let phase = "starting"
/** @type {{ timer: NodeJS.Timeout | null } | null} */
let turn = null
/** @type {Dialog | null} */
let dialog = null
/** @type {string | null} */
let problem = loggedOut
/** @type {string | null} */
let givenTitle = null
/** @type {string[]} */
const queue = []
/**
 * What was typed and not sent; a long paste is one piece with a label.
 * @type {{ text: string, label: string | null }[]}
 */
let draft = []
let pastes = 0
let interruptedAt = 0
/** Whether the end of input was seen. */
let closing = false

/** @param {number} code @param {string} words @returns {never} */
function end(code, words) {
  const lines = terminal ? [...tail(conversation, columns(), rows() - 2), words] : [words]
  process.stdout.write(`${terminal ? "\x1b[?2004l\x1b[?7h\x1b[H\x1b[J" : ""}${lines.join("\r\n")}\n`)
  process.exit(code)
}
const farewell = () => end(0, `To go on with this conversation: --resume ${sessionId}`)

/** @param {string} answer */
const finish = (answer) => {
  record("assistant", answer)
  if (!terminal) process.stdout.write(`${printable(answer)}\n`)
  turn = null
  draw()
  pump()
}

/**
 * What it says in place of an answer where it can't work, as a CLI does: in the conversation, where it stays.
 * @param {string[]} words
 */
const failureOf = ([kind, seconds]) =>
  kind === "login" ? "✗ Not logged in. Run login." : kind === "limit"
    ? `✗ Usage limit reached${seconds === undefined ? "." : `, resets at ${new Date(Date.now() + Number(seconds) * 1000).toISOString()}.`}`
    : `✗ The model did not answer: ${kind ?? "error"}.`

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
  problem = loggedOut
  if (loggedOut !== null) {
    if (!terminal) process.stdout.write(`error: ${printable(loggedOut)}\n`)
    draw()
    return pump()
  }
  if (text.trim() === "/clear") {
    turn = { timer: null }
    return void beginAnother(session === "at-start").then(() => {
      turn = null
      draw()
      pump()
    })
  }
  const [, chosen] = /^\/resume (\S+)$/.exec(text.trim()) ?? []
  if (chosen !== undefined && enter(chosen)) {
    draw()
    return pump()
  }
  record("user", text)
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
  } else if (command === "/fail") {
    answer = failureOf(rest)
  } else if (command === "/title") {
    givenTitle = argument
  } else if (command === "/lose-transcript") {
    loseTranscript()
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

// The screen and the keyboard

const header = () => [`Fake worker${agent === null ? "" : ` for ${agent}`}`, `session ${sessionId}`]
const footer = () =>
  phase === "starting" ? "⏵ starting" : turn !== null
    ? `⏵ working · esc to interrupt${queue.length > 0 ? ` · ${queue.length} queued` : ""}`
    : problem !== null ? `⏵ error · ${problem}` : "⏵ ready · ? for shortcuts"
const title = () => {
  const mark = dialog !== null ? "[ ! ]" : turn !== null ? "◐" : phase === "starting" ? "…" : "✳"
  return givenTitle ?? `${mark} fake ${agent ?? sessionId}`
}

function draw() {
  sayOfItself(sessionId, dialog !== null ? "awaiting_approval"
    : phase === "starting" ? "starting" : turn !== null ? "busy" : problem !== null ? "error" : "idle")
  if (!terminal) return
  const typed = draft.map((piece) => piece.label ?? piece.text).join("")
  const view = { header: header(), conversation, dialog, draft: typed, footer: footer(), title: title() }
  process.stdout.write(frame(view, columns(), rows()))
}

/** @param {string} text */
const paste = (text) => {
  if (dialog !== null) return
  const lines = text.split("\n").length
  const long = text.length > 800 || lines > Math.max(1, Math.min(10, rows() - 10))
  if (long) pastes += 1
  draft.push({ text, label: long ? `[Pasted text #${pastes} +${lines - 1} lines]` : null })
}
const messages = /^\/(?:approve|busy|child|clear|crash|error|exit|hang|lose-transcript|title)\b/
/** An input line that has commands and escapes. @param {string} text */
const interpret = (text) => {
  if (text.startsWith("!")) draft = [{ text, label: null }]
  else if (text.endsWith("\\")) draft = [{ text: `${text.slice(0, -1)}\n`, label: null }]
  else if (/^(?:exit|quit|:q)$/.test(text.trim())) farewell()
  else if (text.startsWith("/") && !messages.test(text)) givenTitle = `unknown command ${text}`
  else submit(text.replaceAll("\t", "    ").trimEnd())
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
    if (interprets) interpret(text)
    else submit(text)
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

// Life

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
  process.stdin.on("data", keyboard({ press, paste, settled: draw }))
  process.stdin.on("end", () => process.exit(exits.hangup))
} else {
  let unread = ""
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
    question: `Do you trust the files in this folder?\n${process.cwd()}`,
    choices: ["No, exit", "Yes, I trust this folder"],
    selected: 0,
    escape: 0,
    choose: (index) => index === 0 ? end(0, "Not trusted.") : start()
  }
  draw()
} else {
  draw()
  start()
}
