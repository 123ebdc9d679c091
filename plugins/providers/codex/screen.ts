import type { ApprovalPrompt, Draft, Key, Screen, ScreenState, StartupPrompt } from "reprise/plugin"
import { dialogOf, isAsking, type Dialog } from "./dialog.ts"

// How Codex's screen is read. The composer and its placeholder are there at all times, so they say nothing of the state:
// that is in the title, which the command asks for (`Ready | project`), and under the composer in the line that names the
// model once the conversation is there. Every answer needs the whole shape; a word somewhere proves nothing.

/** What the composer shows while it is empty. */
export const placeholder = "Ask Codex to do anything"

const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === ""

const lastLine = (lines: ReadonlyArray<string>): number => {
  for (let at = lines.length - 1; at >= 0; at -= 1) if (!isBlank(lines[at])) return at
  return -1
}

interface Composer {
  readonly start: number
  readonly text: ReadonlyArray<string>
  readonly footer: ReadonlyArray<string>
}

const isContinued = (line: string | undefined): boolean => isBlank(line) || line?.startsWith("  ") === true

/** The composer is where the cursor is: the line with its sign, those that continue it, and a footer below a gap. */
const composerOf = ({ cursor, lines }: Screen): Composer | null => {
  let start = cursor.row
  while (start >= 0 && isContinued(lines[start])) start -= 1
  if (cursor.column < 2 && cursor.row === start) return null
  if (start < 0 || !/^[›!](?: |$)/.test(lines[start] ?? "")) return null
  const last = lastLine(lines)
  for (let at = start + 1; at <= last; at += 1) if (!isContinued(lines[at])) return null
  let gap = last
  while (gap > cursor.row && !isBlank(lines[gap])) gap -= 1
  const footer = gap > cursor.row ? lines.slice(gap + 1, last + 1) : []
  if (footer.length > 3) return null
  let end = gap > cursor.row ? gap : last
  while (end > cursor.row && isBlank(lines[end])) end -= 1
  // A long draft says at its edge that it is scrolled.
  const text = lines.slice(start, end + 1).map((line) => line.slice(2).replace(/\s{2,}[↑↓]\s*$/, "").trimEnd())
  return { start, text: lines[start]?.startsWith("!") === true ? ["!", ...text] : text, footer }
}

/** What stands on the input line. The placeholder is told from the same words typed by where the cursor is. */
export const draft = (screen: Screen): Draft => {
  if (dialogOf(screen.lines) !== null) return null
  const composer = composerOf(screen)
  if (composer === null) return null
  const text = composer.text.join("\n").trimEnd()
  const untouched = screen.cursor.row === composer.start && screen.cursor.column === 2
  return untouched && isPlaceholder(text) ? "" : text
}

/** A narrow screen cuts it off. */
const isPlaceholder = (text: string): boolean =>
  text === placeholder || (text.endsWith("…") && placeholder.startsWith(text.slice(0, -1)))

/** What the title says: `⠧ Working | project`. A title of another shape says nothing. */
const runStateOf = (title: string): string | null => /^(?:[\u2800-\u28ff] )?(\p{L}+) \| \S/u.exec(title)?.[1] ?? null

const spins = (title: string): boolean => /^[\u2800-\u28ff] /.test(title)
const needsAction = (title: string): boolean => /^\[ [!.] \] Action Required(?: \| |$)/.test(title)

/**
 * The line of a turn that runs, right above the composer, with its details below it; it is not there while an answer
 * streams. Whatever else stands above the composer came after any such line.
 */
const works = (lines: ReadonlyArray<string>, start: number): boolean => {
  const last = lines.slice(0, start).findLast((line) => !isBlank(line) && !/^ {2}(?!Worked for )\S?/.test(line))
  return last !== undefined && /^[•◦] .*\(\d+.*\besc to interrupt\)$/.test(last.trimEnd())
}

/** The model and the directory: they are there once the conversation is. */
const namesModel = (footer: ReadonlyArray<string>): boolean => /^ {2}(?![←?⚠])\S.* · \S/.test(footer[0] ?? "")

/**
 * The conversation that is shown, by the line below the composer, which the command asks to name it. A line that was cut
 * off does not say it whole.
 */
export const sessionOn = (screen: Screen): string | null => {
  const composer = dialogOf(screen.lines) === null ? composerOf(screen) : null
  const found = (composer?.footer ?? []).flatMap((line) => [...line.matchAll(/(?:^|[\s·])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=$|[\s·])/g)].map(([, id]) => id ?? ""))
  return found.length === 1 ? found[0] ?? null : null
}

/** The keys from the highlighted choice to another one, and Enter: a digit does nothing in these questions. */
const keysTo = ({ choices }: Dialog, pattern: RegExp): ReadonlyArray<Key> | null => {
  const to = choices.findIndex(({ label }) => pattern.test(label))
  const from = choices.findIndex(({ selected }) => selected)
  if (to < 0 || from < 0) return null
  return [...Array.from({ length: Math.abs(to - from) }, (): Key => to > from ? "Down" : "Up"), "Enter"]
}

const trustAdvice =
  "If you trust the directory, give the agent the option trust: true in the team file, then " +
  "reprise down and reprise up; or answer Codex there yourself once, then reprise restart."

const startups: ReadonlyArray<{
  readonly name: string
  readonly above: RegExp
  readonly choice: RegExp
  readonly question: (match: RegExpExecArray) => string
  readonly consent?: StartupPrompt["consent"]
}> = [
  {
    name: "trust",
    above: /(?:Trust this folder|Do you trust the (?:contents of this directory|files in this folder))\?/,
    choice: /^(?:Trust and continue|Yes)\b/,
    question: (match) => match[0],
    consent: { option: "trust", advice: trustAdvice }
  },
  {
    // Reprise starts it where the conversation belongs, or where its user wants it to go on.
    name: "directory",
    above: /Working directory · (?:resume|fork)/,
    choice: /^Use current directory\b/,
    question: () => "Use the session's directory, or the current one?"
  },
  {
    name: "update",
    above: /Update available/,
    choice: /^Skip\b/,
    question: () => "Update available: update now?"
  }
]

/** A question that comes before the first input, by its words and its choices. */
export const startupPrompt = (screen: Screen): StartupPrompt | null => {
  const dialog = dialogOf(screen.lines)
  // At a start there is no title yet; an approval has one, and its words are the model's: they may be those of a question.
  if (dialog === null || needsAction(screen.title)) return null
  for (const { above, choice, consent, name, question } of startups) {
    const match = above.exec(dialog.above)
    const answer = keysTo(dialog, choice)
    if (match === null || answer === null) continue
    return { name, question: question(match), answer, ...consent === undefined ? {} : { consent } }
  }
  return null
}

/** A command, an edit or a tool that waits for a person; the choice's digit acts at once. */
export const approvalPrompt = (screen: Screen): ApprovalPrompt | null => {
  const dialog = dialogOf(screen.lines)
  if (dialog === null || startupPrompt(screen) !== null) return null
  if (!needsAction(screen.title) && !isAsking(dialog.above)) return null
  return {
    question: dialog.question,
    choices: dialog.choices.map(({ label, number }) => ({ label, keys: [String(number)] }))
  }
}

export const asksForLogin = (lines: ReadonlyArray<string>): boolean =>
  lines.some((line) => /^\s*(?:Welcome to Codex|Choose how you want to use Codex)/.test(line)) &&
  lines.some((line) => /^\s*[>›]? *1\. Sign in with ChatGPT/.test(line))

export const isOpenElsewhere = (lines: ReadonlyArray<string>): boolean =>
  lines.filter((line) => !isBlank(line)).slice(-5).some((line) => /This conversation is open in another app/.test(line))

/** What Codex is doing; whatever is not recognised is `unknown`. */
export const classify = (screen: Screen): ScreenState => {
  const { lines, title } = screen
  if (lastLine(lines) < 0) return "unknown"
  if (startupPrompt(screen) !== null) return "starting"
  if (approvalPrompt(screen) !== null || needsAction(title)) return "awaiting_approval"
  if (asksForLogin(lines) || isOpenElsewhere(lines)) return "error"
  const dialog = dialogOf(lines)
  const composer = dialog === null ? composerOf(screen) : null
  if (composer === null) return "unknown"
  if (composer.text[0] === "!") return "unknown"
  const runs = runStateOf(title)
  if (works(lines, composer.start)) return "busy"
  if (composer.footer.length > 0 && !namesModel(composer.footer)) {
    return title === "" || runs === "Ready" || runs === "Starting" ? "starting" : spins(title) ? "busy" : "unknown"
  }
  // `Starting` spins too: its MCP servers start, for half a minute where one hangs. It can be spoken to, but without them.
  if (spins(title)) return "busy"
  if (runs !== "Ready") return "unknown"
  // A draft as high as the screen leaves no room for the footer.
  return composer.footer.length > 0 || draft(screen) !== "" ? "idle" : "unknown"
}
