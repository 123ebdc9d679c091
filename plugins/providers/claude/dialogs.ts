import type { ApprovalPrompt, Key, Screen } from "reprise/plugin"

// Dialogs: a question, choices of which one is marked, and a line that names the keys. While one is open, Enter chooses.

export interface Dialog {
  readonly choices: ReadonlyArray<{ readonly label: string; readonly number: number | null; readonly selected: boolean }>
  /** What stands above the choices, from the line on which the dialog begins. */
  readonly above: ReadonlyArray<string>
}

/** The line that names the keys. On a narrow screen it is wrapped. */
const closing = /^ {0,3}(?:Enter to (?:confirm|select|continue|stay)|Esc to (?:cancel|go back|exit)|Tab to (?:amend|toggle)|↑\/↓ to)\b/

const numbered = /^ {0,5}(❯| )? ?(\d{1,2})\. (\S.*)$/
const plain = /^ {1,4}(❯| ) (\S.*)$/
/** A label that was too long, or what is said about it, goes on under it. */
const continued = /^ {5,}\S/
const moreLines = /^\s*[↑↓] \d+ more lines?\s*$/

const isRule = (line: string): boolean => /^ *[─╌━▔]{6,}/.test(line)
/** The rule that carries the conversation's name stays under a dialog. */
const isLowestRule = (line: string): boolean => /^─{2,} \S.* ─+$/.test(line.trimEnd())

type Choice = Dialog["choices"][number]

/** The choices above a row, and the row of the highest of them. */
const choicesAbove = (lines: ReadonlyArray<string>, end: number): { readonly choices: ReadonlyArray<Choice>; readonly top: number } => {
  const choices: Array<Choice> = []
  let top = end + 1
  let rest = ""
  const add = (label: string, number: number | null, selected: boolean, at: number) => {
    choices.unshift({ label: `${label.trim()}${rest === "" ? "" : ` ${rest}`}`, number, selected })
    rest = ""
    top = at
  }
  for (let at = end; at >= 0; at -= 1) {
    const line = lines[at] ?? ""
    const lowest = choices[0]?.number ?? null
    const [, mark, digits, label = ""] = numbered.exec(line) ?? []
    if (digits !== undefined && (choices.length === 0 || lowest === Number(digits) + 1)) {
      add(label, Number(digits), mark === "❯", at)
      if (digits === "1") break
      continue
    }
    if (continued.test(line)) {
      rest = `${line.trim()}${rest === "" ? "" : ` ${rest}`}`
      continue
    }
    const [, sign, words = ""] = plain.exec(line) ?? []
    if (sign !== undefined && lowest === null) {
      add(words, null, sign === "❯", at)
      continue
    }
    const between = line.trim() === "" || moreLines.test(line) || isRule(line)
    if (between && (choices.length === 0 || lowest !== null)) continue
    break
  }
  return { choices, top }
}

/** The open dialog; null when the lowest part of the screen has not its shape. */
export const dialogOn = ({ lines }: Screen): Dialog | null => {
  let end = lines.length - 1
  const skipBlank = () => {
    while (end >= 0 && (lines[end] ?? "").trim() === "") end -= 1
  }
  skipBlank()
  const named = isLowestRule(lines[end] ?? "")
  if (named) end -= 1
  skipBlank()
  const below = end
  while (end >= 0 && closing.test(lines[end] ?? "")) end -= 1
  if (!named && below === end) return null
  const { choices, top } = choicesAbove(lines, end)
  if (choices.length < 2 || choices.filter(({ selected }) => selected).length !== 1) return null
  const above = lines.slice(0, top)
  const begin = above.findLastIndex((line) => /^ *[─▔]{6,}/.test(line))
  return { choices, above: above.slice(begin + 1) }
}

/** The text above the choices in one line, rules left out: a narrow screen wraps it anywhere. */
export const questionText = (dialog: Dialog): string =>
  dialog.above.filter((line) => !isRule(line)).map((line) => line.trim()).filter((line) => line !== "").join(" ")

/** The keys from the marked choice to another one, and Enter. */
export const keysTo = (dialog: Dialog, wanted: number): ReadonlyArray<Key> => {
  const from = dialog.choices.findIndex((one) => one.selected)
  return [...Array.from({ length: Math.abs(wanted - from) }, (): Key => wanted > from ? "Down" : "Up"), "Enter"]
}

/** The last question above the choices. */
const lastQuestion = (dialog: Dialog): string => {
  const lines = dialog.above.filter((line) => !isRule(line) && line.trim() !== "").map((line) => line.trim())
  const asked = lines.findLast((line) => line.endsWith("?")) ?? lines.at(-1) ?? ""
  return asked.slice(0, 300)
}

/** A dialog that waits for a person: a tool that wants to run, a plan, a question. */
export const approvalPrompt = (screen: Screen): ApprovalPrompt | null => {
  const dialog = dialogOn(screen)
  if (dialog === null || dialog.choices.some(({ number }) => number === null) || lastQuestion(dialog) === "") return null
  return {
    question: lastQuestion(dialog),
    choices: dialog.choices.map(({ label, number }) => ({ label, keys: [String(number)] }))
  }
}
