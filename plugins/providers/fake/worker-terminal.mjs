// What the worker's screen looks like, and how the keyboard is read.
import { printable } from "./worker-arguments.mjs"

/** @typedef {{ question: string, choices: ReadonlyArray<string>, selected: number }} Question */
/**
 * @typedef {object} View
 * @property {ReadonlyArray<string>} header
 * @property {ReadonlyArray<import("./worker-conversation.mjs").Told>} conversation
 * @property {Question | null} dialog
 * @property {string} draft
 * @property {string} footer
 * @property {string} title
 */

const placeholder = "Say something to the worker"
const wide = new RegExp(
  "[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\u{1f300}-\\u{1faff}]",
  "u"
)

/** @param {string} character */
const widthOf = (character) => wide.test(character) ? 2 : 1

/**
 * Lines no wider than the screen; the lines after the first of each are marked.
 * @param {string} text
 * @param {number} width
 */
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
/**
 * The newest lines of the conversation.
 * @param {View["conversation"]} conversation
 * @param {number} width
 * @param {number} count
 */
export const tail = (conversation, width, count) => {
  /** @type {string[]} */
  const lines = []
  for (let at = conversation.length - 1; at >= 0 && lines.length < count; at -= 1) {
    const told = conversation[at]
    if (told === undefined) continue
    const shown = wrap(told.text.slice(-20_000), width - 2)
    lines.unshift(...shown.map(({ part }, index) => `${index > 0 ? "  " : told.role === "user" ? "> " : "● "}${part}`))
  }
  return count <= 0 ? [] : lines.slice(-count)
}

/** @param {Question} dialog @param {number} width */
const drawnDialog = ({ choices, question, selected }, width) => [
  ...wrap(question, width).map(({ part }) => part),
  ...choices.map((choice, index) => `${index === selected ? "❯" : " "} ${index + 1}. ${choice}`),
  "Enter to confirm · Esc to cancel"
]

/**
 * The input line between its rules, and the column behind what was typed.
 * @param {string} draft
 * @param {number} width
 * @param {number} height
 */
const drawnComposer = (draft, width, height) => {
  const rule = "─".repeat(width)
  const lines = wrap(draft === "" ? clip(placeholder, width - 3) : draft, width - 3).slice(-Math.max(1, height - 3))
  const last = draft === "" ? "" : lines.at(-1)?.part ?? ""
  return {
    lines: [
      rule,
      ...lines.map(({ continued, part }, index) => `${index === 0 ? "›" : continued ? "↳" : " "} ${part}`),
      rule
    ],
    column: 3 + [...last].reduce((sum, character) => sum + widthOf(character), 0)
  }
}

/**
 * A whole screen. It is drawn from the last row up, so that a half-drawn frame never says "ready" too early.
 * @param {View} view
 * @param {number} width
 * @param {number} height
 */
export const frame = (view, width, height) => {
  const composer = view.dialog === null ? drawnComposer(view.draft, width, height) : null
  const below = view.dialog !== null
    ? drawnDialog(view.dialog, width)
    : [...composer?.lines ?? [], view.footer]
  const above = height - below.length
  const head = above >= 4 ? view.header : []
  const talk = tail(view.conversation, width, above - head.length)
  const blank = Array.from({ length: Math.max(0, above - head.length - talk.length) }, () => "")
  const rows = [...head, ...talk, ...blank, ...below].slice(-height)
    .map((line, index) => `\x1b[${index + 1};1H\x1b[2K${clip(line, width)}`)
    .reverse().join("")
  const cursor = composer === null ? `${height};1` : `${height - 2};${composer.column}`
  return `\x1b]2;${printable(view.title).replace(/\n/g, " ")}\x07\x1b[?25l${rows}\x1b[${cursor}H\x1b[?25h`
}

const [pasteStart, pasteEnd] = ["\x1b[200~", "\x1b[201~"]

/**
 * Takes whole keys and whole pastes off what is read; the rest waits for more.
 * @param {{ press: (key: string) => void, paste: (text: string) => void, settled: () => void }} on
 * @returns {(chunk: string) => void}
 */
export const keyboard = (on) => {
  let unread = ""
  let timer = setTimeout(() => {}, 0)
  /** @param {boolean} settled */
  const take = (settled) => {
    while (unread !== "") {
      if (unread.startsWith(pasteStart)) {
        const close = unread.indexOf(pasteEnd)
        if (close < 0) return
        on.paste(unread.slice(pasteStart.length, close).replace(/\r\n?/g, "\n"))
        unread = unread.slice(close + pasteEnd.length)
        continue
      }
      const sequence = /^\x1b(?:\[[0-9;?]*[@-~]|O[A-Z])/.exec(unread)?.[0]
      // An escape alone is a key only when nothing follows it for a moment.
      if (sequence === undefined && !settled && /^\x1b(?:$|O$|\[[0-9;?]*$)/.test(unread)) return
      const key = sequence ?? String.fromCodePoint(unread.codePointAt(0) ?? 0)
      unread = unread.slice(key.length)
      on.press(key.startsWith("\x1bO") ? `\x1b[${key.slice(2)}` : key)
    }
  }
  return (chunk) => {
    clearTimeout(timer)
    // A long paste comes in many pieces: it is looked at only when its end may have come.
    const inPaste = unread.startsWith(pasteStart)
    unread += chunk
    if (inPaste && !chunk.includes("~")) return
    take(false)
    if (unread.startsWith("\x1b") && !unread.startsWith(pasteStart)) {
      timer = setTimeout(() => {
        take(true)
        on.settled()
      }, 50)
    }
    on.settled()
  }
}
