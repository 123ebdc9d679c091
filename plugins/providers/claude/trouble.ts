import type { AgentFailure, Screen, Trouble } from "reprise/plugin"
import { dialogOn, questionText } from "./dialogs.ts"
import { composerOn, lastWords, notLoggedIn } from "./screen.ts"

// What is wrong with an agent that lives. Only what stands last on the screen counts: an error that was followed by more
// is over. What stands in the conversation may be of before its start: that is said of it.

const failure = (kind: AgentFailure["kind"], reason: string, retryAt: string | null = null): AgentFailure => ({
  kind,
  reason,
  retryable: kind !== "auth",
  retryAt
})

const clock = /\b(?:([A-Z][a-z]{2}) (\d{1,2})(?:,| at)? )?(\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\b/

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** The next time that shows this, as Claude Code names it: `3pm`, `1:36am`, `Nov 25, 3pm`; null where none is named. */
export const nextTime = (text: string, now: Date): string | null => {
  const match = clock.exec(text)
  if (match === null) return null
  const [, month, day, hour = "", minute = "0", half = ""] = match
  if (Number(hour) < 1 || Number(hour) > 12 || Number(minute) > 59) return null
  const at = new Date(now)
  at.setHours((Number(hour) % 12) + (half === "p" ? 12 : 0), Number(minute), 0, 0)
  // The minute that is named has begun already when the limit is lifted in it.
  const isPast = () => at.getTime() < now.getTime() - 60_000
  if (month !== undefined && day !== undefined) {
    if (!months.includes(month) || Number(day) < 1 || Number(day) > 31) return null
    at.setMonth(months.indexOf(month), Number(day))
    if (isPast()) at.setFullYear(at.getFullYear() + 1)
  } else if (isPast()) at.setDate(at.getDate() + 1)
  return at.toISOString()
}

const usageLimit = new RegExp([
  "\\blimit reached\\b",
  "\\bYou(?:'|’)(?:ve| have) (?:hit|reached) your .{0,40}\\b(?:limit|cap)\\b",
  "\\b(?:You(?:'|’)re o|O)ut of (?:extra )?usage\\b",
  "\\bAPI Error: Request rejected \\(429\\)",
  "\\bcredit balance is too low\\b"
].join("|"))
const loginWords = /\bPlease run \/login\b|\bNot logged in\b|\bInvalid API key\b|\bOAuth (?:token|session)[\w ]* expired\b/i
const loginScreen = /\bSelect login method\b|\bPaste code here if prompted\b|\bBrowser didn(?:'|’)t open\? Use the url below to sign in\b/
const apiError = /^●?\s*(?:⎿\s*)?(API Error\b.*)/

/** What Claude Code says in the model's place where it is given a model that there is not. */
const noModel = /^●?\s*(There(?:'|’)s an issue with the selected model \(.*)/

const loginAdvice = "Claude Code is not logged in. Log in once: claude, then /login."

/** Claude Code tries again by itself, and says so where it says what it does: that is about now. */
const retrying = /\bretrying in \d/

const said = (failed: AgentFailure): Trouble => ({ ...failed, inConversation: true })

const shown = (text: string): string => text.replace(/^[●⎿✻\s]+/, "").slice(0, 200)

/** What is known to be wrong with what this screen shows. `now`: from when on a time of day is the next one. */
export const trouble = (screen: Screen, now: Date = new Date()): Trouble | null => {
  const whole = screen.lines.map((line) => line.trim()).join(" ")
  const last = lastWords(screen)
  const dialog = dialogOn(screen)
  if (dialog !== null) {
    const asked = questionText(dialog)
    return usageLimit.test(asked) ? failure("usage_limit", `Claude Code says: ${asked.slice(0, 200)}`, nextTime(asked, now)) : null
  }
  const composer = composerOn(screen)
  if (last === null || composer === null) return loginScreen.test(whole) ? failure("auth", loginAdvice) : null
  if (notLoggedIn(composer)) return failure("auth", loginAdvice)
  if (retrying.test(last)) return failure("unknown", `Claude Code gets no answer and tries again: ${shown(last)}`)
  if (usageLimit.test(last)) {
    return said(failure("usage_limit", `Claude Code says: ${shown(last)}`, nextTime(last, now)))
  }
  if (loginWords.test(last)) return said(failure("auth", `Claude Code is not logged in. It says: ${shown(last)}`))
  const error = apiError.exec(last)?.[1] ?? noModel.exec(last)?.[1]
  return error === undefined ? null : said(failure("unknown", `The turn of Claude Code failed: ${error.slice(0, 200)}`))
}
