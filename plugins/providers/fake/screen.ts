import type { ApprovalPrompt, Draft, Key, Screen, ScreenState, StartupPrompt, Trouble } from "reprise/plugin"

// How the worker's screen is read. Every answer needs the whole shape of a frame: a line that merely says "ready"
// somewhere in the conversation proves nothing.

/** What the input line shows while it is empty. */
export const placeholder = "Say something to the worker"

const trustQuestion = "Do you trust the files in this folder?"
const approvalQuestion = "Do you want to run this command?"
const dialogFooter = "Enter to confirm · Esc to cancel"

const lastLine = (lines: ReadonlyArray<string>): number => {
  for (let at = lines.length - 1; at >= 0; at -= 1) if ((lines[at] ?? "").trim() !== "") return at
  return -1
}

const isRule = (line: string | undefined): boolean => line !== undefined && /^─{6,}$/.test(line.trimEnd())

/** On a narrow screen the worker cuts a line off and says so with an ellipsis. */
const cutShort = (line: string): string => line.trimEnd().replace(/…$/, "").trimEnd()

/** The two rules with the input line between them, and the footer under them. */
const composerOf = (screen: Screen): {
  readonly lines: ReadonlyArray<string>
  readonly footer: string
  /** What stands above it. */
  readonly above: ReadonlyArray<string>
} | null => {
  const footer = lastLine(screen.lines)
  const lower = footer - 1
  if (!isRule(screen.lines[lower])) return null
  for (let upper = lower - 1; upper >= 0; upper -= 1) {
    if (!isRule(screen.lines[upper])) continue
    const lines = screen.lines.slice(upper + 1, lower)
    return lines[0]?.startsWith("›") === true && lines.slice(1).every((line) => /^[ ↳]|^$/.test(line))
      ? { lines, footer: screen.lines[footer] ?? "", above: screen.lines.slice(0, upper) }
      : null
  }
  return null
}

/** An open dialog: its choices in order, which of them Enter would take, and the lines above them. */
const dialogOf = (screen: Screen) => {
  const footer = lastLine(screen.lines)
  const closing = cutShort(screen.lines[footer] ?? "")
  if (closing.length < 8 || !dialogFooter.startsWith(closing)) return null
  const choices: Array<{ readonly label: string; readonly selected: boolean }> = []
  let at = footer - 1
  for (; at >= 0; at -= 1) {
    const choice = /^([❯ ]) (\d+)\. (.+)$/.exec(screen.lines[at] ?? "")
    if (choice === null) break
    choices.unshift({ label: (choice[3] ?? "").trimEnd(), selected: choice[1] === "❯" })
  }
  const selected = choices.findIndex((choice) => choice.selected)
  return choices.length < 2 || selected < 0 ? null : { choices, selected, above: screen.lines.slice(0, at + 1) }
}

const asks = (above: ReadonlyArray<string>, question: string): boolean =>
  above.slice(-12).join("").replaceAll(" ", "").includes(question.replaceAll(" ", ""))

/** The keys from the highlighted choice to another one, and Enter. */
const keysTo = (from: number, to: number): ReadonlyArray<Key> => [
  ...Array.from({ length: Math.abs(to - from) }, (): Key => to > from ? "Down" : "Up"),
  "Enter"
]

const trustPrompt: (screen: Screen) => StartupPrompt | null = (screen) => {
  const dialog = dialogOf(screen)
  if (dialog === null || !asks(dialog.above, trustQuestion)) return null
  const yes = dialog.choices.findIndex((choice) => choice.label.startsWith("Yes"))
  return yes < 0 ? null : { name: "trust", question: trustQuestion, answer: keysTo(dialog.selected, yes) }
}

/** The trust question that may come at start; its highlighted answer is "No". */
export const startupPrompt = trustPrompt

/** A command that waits for a person. */
export const approvalPrompt = (screen: Screen): ApprovalPrompt | null => {
  const dialog = dialogOf(screen)
  if (dialog === null || !asks(dialog.above, approvalQuestion)) return null
  return {
    question: approvalQuestion,
    choices: dialog.choices.map(({ label }, index) => ({ label, keys: [String(index + 1)] }))
  }
}

/** What the worker is doing; whatever is not recognised is `unknown`. */
export const classify = (screen: Screen): ScreenState => {
  if (trustPrompt(screen) !== null) return "starting"
  if (approvalPrompt(screen) !== null) return "awaiting_approval"
  const footer = composerOf(screen)?.footer
  if (footer === undefined) return "unknown"
  if (footer.startsWith("⏵ ready")) return "idle"
  if (footer.startsWith("⏵ working")) return "busy"
  if (footer.startsWith("⏵ starting")) return "starting"
  return footer.startsWith("⏵ error") ? "error" : "unknown"
}

/** What stands on the input line. The placeholder is told from the same words typed by where the cursor is. */
export const draft = (screen: Screen): Draft => {
  const composer = composerOf(screen)
  if (composer === null) return null
  const text = composer.lines
    .map((line, index) => `${index === 0 || line.startsWith("↳") ? "" : "\n"}${line.slice(2)}`)
    .join("")
  return screen.cursor.column <= 2 && placeholder.startsWith(cutShort(text)) ? "" : text
}

/** The last words of its conversation, in one line; null where they are not the worker's own. */
const lastWords = (above: ReadonlyArray<string>): string | null => {
  const at = above.findLastIndex((line) => /^[●>] /.test(line))
  if (at < 0 || above[at]?.startsWith("● ") !== true) return null
  return above.slice(at).map((line) => line.slice(2)).join("").trim()
}

/** What the worker says in place of an answer where it can't work. It stays in the conversation. */
export const trouble = (screen: Screen): Trouble | null => {
  const words = lastWords(composerOf(screen)?.above ?? [])
  if (words === null || !words.startsWith("✗ ")) return null
  const reason = words.slice(2)
  if (reason.startsWith("Not logged in")) return { kind: "auth", reason, retryable: false, retryAt: null, inConversation: true }
  const limit = /^Usage limit reached(?:, resets at (\S+Z))?\.$/.exec(reason)
  return limit === null
    ? { kind: "unknown", reason, retryable: true, retryAt: null, inConversation: true }
    : { kind: "usage_limit", reason, retryable: true, retryAt: limit[1] ?? null, inConversation: true }
}

/** The session that the worker shows in its header. */
export const sessionOn = (screen: Screen): string | null =>
  screen.lines[0]?.startsWith("Fake worker") === true
    ? /^session ([A-Za-z0-9][A-Za-z0-9_-]*)$/.exec((screen.lines[1] ?? "").trimEnd())?.[1] ?? null
    : null
