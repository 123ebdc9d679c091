import type { AgentFailure, Screen } from "reprise/plugin"
import { composerOn, lastWords, notLoggedIn } from "./screen.ts"

// What is wrong with an agent that lives. Only what stands last on the screen counts: an error that was followed by more
// is over.

const failure = (kind: AgentFailure["kind"], reason: string, retryAt: string | null = null): AgentFailure => ({
  kind,
  reason,
  retryable: kind !== "auth",
  retryAt
})

const clock = /\b(\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\b/i

/** The next time that the clock shows this; null where no time is named. A usage limit is told in the local time. */
export const nextTime = (text: string, now: Date): string | null => {
  const match = clock.exec(text)
  if (match === null) return null
  const [, hour = "", minute = "0", half = ""] = match
  const at = new Date(now)
  at.setHours((Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0), Number(minute), 0, 0)
  if (Number(hour) < 1 || Number(hour) > 12 || Number(minute) > 59) return null
  // The minute that is named has begun already when the limit is lifted in it.
  if (at.getTime() < now.getTime() - 60_000) at.setDate(at.getDate() + 1)
  return at.toISOString()
}

const usageLimit = /\b(?:5-hour|hourly|daily|weekly|session|usage|Opus|Sonnet|monthly)[\w -]{0,20} limit reached\b|\bYou(?:'|’)ve (?:hit|reached) your (?:[\w-]+ ){0,3}limit\b|\bout of (?:extra )?usage\b/i
const loginWords = /\bPlease run \/login\b|\bNot logged in\b|\bInvalid API key\b|\bOAuth (?:token|session)[\w ]* expired\b/i
const loginScreen = /\bSelect login method\b|\bPaste code here if prompted\b|\bBrowser didn(?:'|’)t open\? Use the url below to sign in\b/
const apiError = /^●?\s*(?:⎿\s*)?(API Error\b.*)/

const loginAdvice = "Claude Code is not logged in. Log in once: claude, then /login."

const shown = (text: string): string => text.replace(/^[●⎿✻\s]+/, "").slice(0, 200)

/** What is known to be wrong with what this screen shows. */
export const trouble = (screen: Screen, now: Date = new Date()): AgentFailure | null => {
  const whole = screen.lines.map((line) => line.trim()).join(" ")
  const last = lastWords(screen)
  const composer = composerOn(screen)
  if (last === null || composer === null) return loginScreen.test(whole) ? failure("auth", loginAdvice) : null
  if (notLoggedIn(composer)) return failure("auth", loginAdvice)
  if (usageLimit.test(last)) {
    return failure("usage_limit", `Claude Code says: ${shown(last)}`, nextTime(last, now))
  }
  // Claude Code tries again by itself as long as it says so.
  if (/\bretrying in \d/.test(last)) return null
  if (loginWords.test(last)) return failure("auth", `Claude Code is not logged in. It says: ${shown(last)}`)
  const error = apiError.exec(last)?.[1]
  return error === undefined ? null : failure("unknown", `The turn of Claude Code failed: ${error.slice(0, 200)}`)
}
