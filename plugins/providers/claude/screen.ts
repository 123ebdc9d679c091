import type { Draft, Screen, ScreenState } from "reprise/plugin"
import { approvalPrompt, dialogOn } from "./dialogs.ts"
import { startupPrompt } from "./startup.ts"

// How the screen is read. Every answer needs the shape of a whole frame: Claude Code shows its input line also while it
// works, and any words may stand in the conversation above it.

/** What the input line shows while it is empty; told from the same words typed by where the cursor is. */
const placeholders = [
  /^Try "/,
  /^Press up to edit queued messages/,
  /^Once fixed, resend your message/,
  /^Resend your message/
]

/** The rule of an input line that shows only a part of its text. */
const isScrolledRule = (line: string | undefined): boolean =>
  line !== undefined && /^─+ [↑↓] \d+ more ─+(?: \S.* ─+)?$/.test(line.trimEnd())

const isRule = (line: string | undefined): boolean =>
  line !== undefined && (/^─{6,}(?: \S.* ─+)?$/.test(line.trimEnd()) || isScrolledRule(line))

/** The input line between its two rules, what stands under it, and where it begins. */
export interface Composer {
  readonly row: number
  readonly lines: ReadonlyArray<string>
  readonly footer: ReadonlyArray<string>
  /** What stands above the upper rule, blank lines left out. */
  readonly above: ReadonlyArray<string>
}

const longestFooter = 12

/** The input line; null when the lowest part of the screen has not its shape. */
export const composerOn = ({ lines }: Screen): Composer | null => {
  let lower = lines.length - 1
  while (lower >= 0 && !isRule(lines[lower])) lower -= 1
  if (lower < 2) return null
  const footer = lines.slice(lower + 1).filter((line) => line.trim() !== "")
  // All under it is its own: something else would begin at the edge.
  if (footer.length === 0 || footer.length > longestFooter || footer.some((line) => !/^ {2,}\S/.test(line))) return null
  let upper = lower - 1
  while (upper >= 0 && !isRule(lines[upper])) upper -= 1
  const input = lines.slice(upper + 1, lower)
  if (upper < 0) return null
  // The line with the prompt is out of sight where the text is scrolled.
  const begins = isScrolledRule(lines[upper]) || /^[❯!#](?:[\s\u00a0]|$)/.test(input[0] ?? "")
  const continued = isScrolledRule(lines[upper]) ? input : input.slice(1)
  if (!begins || continued.some((line) => !/^ {2}|^$/.test(line))) return null
  return { row: upper + 1, lines: input, footer, above: lines.slice(0, upper).filter((line) => line.trim() !== "") }
}

const modes = /^ {2}(?:⏸|⏵⏵|⏵) .*\bon\b|^ {2}\? for shortcuts|^ {2}paste again to expand|^ {2}⏵⏵/

const interruptible = /\besc to interrupt\b/

/** The line that moves while a turn runs. */
const spinner = /^[·✢✳✶✻✽*] \S.*(?:…|\.\.\.)|^[·✢✳✶✻✽*] .*\bretrying in \d/

/** What Claude Code says when a turn failed; it stands last, with nothing said after it. */
const failed = /^(?:●|⎿|\s{2}⎿)\s+(?:.*· )?(?:API Error\b|Please run \/login|Invalid API key|Not logged in|Unable to connect|There(?:'|’)s an issue with the selected model \(|.*limit reached|You(?:'|’)ve (?:hit|reached) your|Credit balance)/i

const isRunningTitle = (title: string): boolean => /^[◐◑◒◓⠁-⣿]/.test(title)

/**
 * The last block above the input line that begins at the edge, the note of how long a turn took left out. What stands
 * indented below a message is the answer of Claude Code itself; below anything else it is the word of a tool.
 */
const lastBlock = (above: ReadonlyArray<string>): string => {
  const at = above.findLastIndex((line) => /^\S/.test(line) && !/^✻ \S+ for \d/.test(line))
  const block = above[at] ?? ""
  const answer = block.startsWith("❯") ? above.slice(at + 1).find((line) => /^ {2}⎿\s/.test(line)) : undefined
  return answer?.trim() ?? block
}

/** What stands at the right, above the input line, while there is no login. */
export const notLoggedIn = (composer: Composer): boolean =>
  composer.above.slice(-3).some((line) => /^\s{4,}Not logged in · run \/login$/i.test(line.trimEnd()))

/** What it is doing; whatever is not recognised is `unknown`. */
export const classify = (screen: Screen): ScreenState => {
  if (startupPrompt(screen) !== null) return "starting"
  if (approvalPrompt(screen) !== null) return "awaiting_approval"
  if (dialogOn(screen) !== null) return "unknown"
  const composer = composerOn(screen)
  if (composer === null) return "unknown"
  if (isRunningTitle(screen.title) || composer.footer.some((line) => interruptible.test(line))) return "busy"
  if (composer.above.slice(-3).some((line) => spinner.test(line))) return "busy"
  if (!composer.footer.some((line) => modes.test(line))) return "unknown"
  return failed.test(lastBlock(composer.above)) || notLoggedIn(composer) ? "error" : "idle"
}

/** What stands on the input line that was not sent. */
export const draft = (screen: Screen): Draft => {
  const composer = composerOn(screen)
  if (composer === null || dialogOn(screen) !== null) return null
  const text = composer.lines.map((line) => line.slice(2).trimEnd()).join("\n").trimEnd()
  const atStart = screen.cursor.row === composer.row && screen.cursor.column <= 2
  return atStart && placeholders.some((placeholder) => placeholder.test(text)) ? "" : text
}

/** The last words of the conversation above the input line. */
export const lastWords = (screen: Screen): string | null => {
  const composer = composerOn(screen)
  return composer === null ? null : lastBlock(composer.above)
}
