import type { ApprovalPrompt, Draft, ScreenState, StartupPrompt } from "./provider-screen.ts"
import type { Key, Screen } from "./transport-driver.ts"

/**
 * When a rule holds: every pattern that it gives must be found. `last` looks at the last line that is not blank,
 * `lines` at each of the lowest lines (12, or `within`), `title` at the terminal's title.
 */
export interface ScreenPattern {
  readonly title?: RegExp
  readonly last?: RegExp
  readonly lines?: RegExp
  readonly within?: number
}

export interface ScreenData {
  /** The first rule that holds gives the state; where none does, the state is unknown. Prompts come before all. */
  readonly states: ReadonlyArray<ScreenPattern & { readonly state: Exclude<ScreenState, "unknown"> }>
  readonly startupPrompts?: ReadonlyArray<
    ScreenPattern & { readonly name: string; readonly question: string; readonly answer: ReadonlyArray<Key> }
  >
  readonly approvals?: ReadonlyArray<ScreenPattern & ApprovalPrompt>
  /** The input line, what was typed being group `draft`; what is shown while it is empty is a placeholder. */
  readonly draft?: { readonly line: RegExp; readonly placeholder?: RegExp }
  /** Where the session's id is shown, as group `id`. */
  readonly session?: RegExp
}

/** A pattern with memory (`g`, `y`) would answer differently every second time. */
const still = (pattern: RegExp): RegExp => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""))

const matcher = (pattern: ScreenPattern, subject: string): (screen: Screen) => boolean => {
  const { last, lines, title, within = 12 } = pattern
  const tests: Array<(screen: Screen, visible: ReadonlyArray<string>) => boolean> = []
  if (title !== undefined) tests.push((screen) => still(title).test(screen.title))
  if (last !== undefined) tests.push((_, visible) => still(last).test(visible.at(-1) ?? ""))
  if (lines !== undefined) tests.push((_, visible) => visible.slice(-within).some((line) => still(lines).test(line)))
  if (tests.length === 0) throw new TypeError(`The rule for ${subject} has no pattern, so it would hold on any screen.`)
  return (screen) => {
    const visible = screen.lines.filter((line) => line.trim() !== "")
    // Nothing can be told from an empty screen, whatever a title says.
    return visible.length > 0 && tests.every((test) => test(screen, visible))
  }
}

/** Makes the part of a driver that reads screens from rules. */
export const screenReader = (data: ScreenData) => {
  const states = data.states.map((rule) => ({ state: rule.state, holds: matcher(rule, `state ${rule.state}`) }))
  const startups = (data.startupPrompts ?? []).map((prompt) => ({ prompt, holds: matcher(prompt, prompt.name) }))
  const approvals = (data.approvals ?? []).map((prompt) => ({ prompt, holds: matcher(prompt, prompt.question) }))

  const startupPrompt = (screen: Screen): StartupPrompt | null => {
    const found = startups.find((rule) => rule.holds(screen))?.prompt
    return found === undefined ? null : { name: found.name, question: found.question, answer: found.answer }
  }
  const approvalPrompt = (screen: Screen): ApprovalPrompt | null => {
    const found = approvals.find((rule) => rule.holds(screen))?.prompt
    return found === undefined ? null : { question: found.question, choices: found.choices }
  }
  return {
    startupPrompt,
    approvalPrompt,
    classify: (screen: Screen): ScreenState =>
      startupPrompt(screen) !== null
        ? "starting"
        : approvalPrompt(screen) !== null
        ? "awaiting_approval"
        : states.find((rule) => rule.holds(screen))?.state ?? "unknown",
    draft: (screen: Screen): Draft => {
      if (data.draft === undefined) return null
      const line = still(data.draft.line)
      for (const text of [...screen.lines].reverse()) {
        const draft = line.exec(text)?.groups?.["draft"]
        if (draft === undefined) continue
        return data.draft.placeholder !== undefined && still(data.draft.placeholder).test(draft) ? "" : draft
      }
      return null
    },
    sessionOn: (screen: Screen): string | null => {
      if (data.session === undefined) return null
      const pattern = still(data.session)
      for (const line of screen.lines) {
        const id = pattern.exec(line)?.groups?.["id"]
        if (id !== undefined) return id
      }
      return null
    }
  }
}
