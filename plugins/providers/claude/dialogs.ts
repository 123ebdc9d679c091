import type { ApprovalPrompt, Key, Screen } from "reprise/plugin"

// Dialogs: a question, choices of which one is marked, and a line that names the keys. While one is open, Enter chooses.

export interface Dialog {
  readonly choices: ReadonlyArray<{ readonly label: string; readonly number: number | null; readonly selected: boolean }>
  /** What stands above the choices, from the line on which the dialog begins. */
  readonly above: ReadonlyArray<string>
}

/** The line that ends a dialog. On a narrow screen it is cut or wrapped. */
const closing = /^ {1,3}(?:Enter to (?:confirm|select|continue|stay)|Esc to (?:cancel|go back|exit)|Tab to (?:amend|toggle)|↑\/↓ to)\b/

const choice = /^ {1,4}(❯| ) {1}(?:(\d{1,2})\. )?(\S.*)$/

const isRule = (line: string): boolean => /^ ?[─╌━]{6,}/.test(line)

/** The open dialog; null when the lowest part of the screen has not its shape. */
export const dialogOn = ({ lines }: Screen): Dialog | null => {
  let end = lines.length - 1
  while (end >= 0 && (lines[end] ?? "").trim() === "") end -= 1
  while (end >= 0 && !closing.test(lines[end] ?? "") && closing.test(lines[end - 1] ?? "")) end -= 1
  if (end < 2 || !closing.test(lines[end] ?? "")) return null
  let at = end - 1
  while (at >= 0 && (lines[at] ?? "").trim() === "") at -= 1
  const choices: Array<{ label: string; number: number | null; selected: boolean }> = []
  let top = at + 1
  let rest = ""
  for (; at >= 0; at -= 1) {
    const line = lines[at] ?? ""
    const found = choice.exec(line)
    const numbered = found?.[2] !== undefined
    if (found !== null && (found[1] === "❯" || numbered || choices.every(({ number }) => number === null)) && !/^ {5,}\S/.test(line)) {
      choices.unshift({
        label: `${(found[3] ?? "").trim()}${rest === "" ? "" : ` ${rest}`}`,
        number: numbered ? Number(found[2]) : null,
        selected: found[1] === "❯"
      })
      rest = ""
      top = at
      continue
    }
    // A label that was too long goes on under itself.
    if (/^ {5,}\S/.test(line) && choices.length > 0) {
      rest = `${line.trim()}${rest === "" ? "" : ` ${rest}`}`
      continue
    }
    break
  }
  const selected = choices.filter((one) => one.selected)
  if (choices.length < 2 || selected.length !== 1) return null
  const above = lines.slice(0, top)
  const begin = above.findLastIndex((line) => /^─{6,}/.test(line))
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
