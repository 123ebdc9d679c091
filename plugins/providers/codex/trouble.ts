import type { Screen, Trouble } from "reprise/plugin"
import { asksForLogin, isOpenElsewhere } from "./screen.ts"

// What is wrong with a Codex that lives: what its screen complains of, if it is the last thing that happened.

const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === ""

/** The complaint that stands right above the composer, its lines joined; null where something came after it. */
const complaint = (lines: ReadonlyArray<string>): string | null => {
  const composer = lines.findLastIndex((line) => /^[›!](?: |$)/.test(line))
  const start = lines.findLastIndex((line, index) => index < composer && line.startsWith("■ "))
  if (start < 0) return null
  const words: Array<string> = []
  for (let at = start; at < composer; at += 1) {
    const line = lines[at] ?? ""
    if (isBlank(line)) {
      if (lines.slice(at, composer).some((rest) => !isBlank(rest))) return null
      break
    }
    words.push(line.trim())
  }
  return words.join(" ").replace(/^■ /, "")
}

/** That Codex gets no answer and tries again by itself, with its reason on the line below; null where it does not. */
const retries = (lines: ReadonlyArray<string>): string | null => {
  const composer = lines.findLastIndex((line) => /^[›!](?: |$)/.test(line))
  const at = lines.findLastIndex((line, index) => index < composer && /^[•◦] Reconnecting\b.*\besc to interrupt\)\s*$/.test(line))
  // Words of an answer would have more of it below.
  if (at < 0 || lines.slice(at + 1, composer).some((line) => !isBlank(line) && !/^ {2,}/.test(line))) return null
  const below = lines.slice(at + 1, composer).filter((line) => !isBlank(line)).map((line) => line.replace(/^\s*└?\s*/, "").trim())
  // A tip stands below the reason.
  const tip = below.findIndex((line) => line.startsWith("Tip: "))
  const why = (tip < 0 ? below : below.slice(0, tip)).join(" ")
  return `Codex gets no answer and tries again${why === "" ? "." : `: ${why}`}`
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

const whenPattern = /try again at (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th), (\d{4}) )?(\d{1,2}):(\d{2}) (AM|PM)/

/**
 * When a limit is lifted, by the clock of this place; null where it does not say. Without a day it is the same day: at a
 * later hour than that, the limit is over.
 */
export const limitEnd = (words: string, now: Date): Date | null => {
  const match = whenPattern.exec(words)
  if (match === null) return null
  const [, month, day, year, hour, minute, half] = match
  const hours = Number(hour) % 12 + (half === "PM" ? 12 : 0)
  const at = month === undefined
    ? new Date(now.getFullYear(), now.getMonth(), now.getDate(), hours, Number(minute))
    : new Date(Number(year), months.indexOf(month), Number(day), hours, Number(minute))
  return Number.isNaN(at.getTime()) ? null : at
}

const limitWords = /hit your usage limit|usage limit reached|reached your .{0,40}limit|out of credits/i
const authWords = new RegExp(
  "\\b401\\b|unauthorized|Missing environment variable|access token could not be refreshed|" +
    "log ?out and (?:sign|log) in|not logged in",
  "i"
)
/** Answers to what was typed, not troubles. */
const harmless = /^Conversation interrupted|^'\/[\w-]+' is disabled|^Unrecognized command/

/** What is wrong with a Codex that shows this; `now` decides whether a limit is over. */
export const troubleAt = ({ lines }: Screen, now: Date): Trouble | null => {
  if (asksForLogin(lines)) {
    const reason = "Codex asks its user to log in. Run codex login, or start it once by hand, and restart the agent."
    return { kind: "auth", reason, retryable: false, retryAt: null }
  }
  if (isOpenElsewhere(lines)) {
    const reason = "Codex says that this conversation is open in another app. Close it there (its background server keeps what " +
      "a window left: codex app-server daemon stop), and restart the agent."
    return { kind: "not_ready", reason, retryable: true, retryAt: null }
  }
  const retried = retries(lines)
  if (retried !== null) return { kind: "unknown", reason: retried, retryable: true, retryAt: null }
  const words = complaint(lines)
  if (words === null || harmless.test(words)) return null
  const reason = `Codex says: ${words}`
  if (limitWords.test(words)) {
    const end = limitEnd(words, now)
    if (end !== null && end.getTime() <= now.getTime()) return null
    return { kind: "usage_limit", reason, retryable: true, retryAt: end?.toISOString() ?? null, inConversation: true }
  }
  return authWords.test(words)
    ? { kind: "auth", reason, retryable: false, retryAt: null, inConversation: true }
    : { kind: "unknown", reason, retryable: true, retryAt: null, inConversation: true }
}
