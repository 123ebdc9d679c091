import { join } from "node:path"
import type { SessionAddress } from "reprise/plugin"

// A conversation is `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, its day that on which its thread was made, by the
// clock of the process's own time zone. The id is a UUIDv7, so it tells that moment; the zone may put it a day aside.

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const dayMs = 86_400_000
/** More days than that are not listed: an agent's newest conversation is not a quarter older than its look. */
const mostDays = 92

export const isSessionId = (id: string): boolean => uuid.test(id)

/** When a conversation was made, in milliseconds of the epoch; null where the id does not tell. */
export const madeAt = (id: string): number | null =>
  isSessionId(id) && id[14] === "7" ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null

const two = (number: number): string => String(number).padStart(2, "0")

const directoryOf = (configHome: string, moment: number): string => {
  const day = new Date(moment)
  return join(configHome, "sessions", String(day.getFullYear()), two(day.getMonth() + 1), two(day.getDate()))
}

/** The directories of the days from one moment to another, the newest first, one more on either side. */
const daysBetween = (configHome: string, from: number, to: number): ReadonlyArray<string> => {
  const days = new Set<string>()
  for (let at = to + dayMs; at >= from - dayMs && days.size < mostDays; at -= dayMs) days.add(directoryOf(configHome, at))
  // The steps of a day can jump over the last one.
  return [...days.add(directoryOf(configHome, from - dayMs))]
}

/** Where an agent's conversations are. The days of new ones: from its start until now, each with its neighbours. */
export const addressIn = (
  configHome: string,
  startedAt: string | null,
  sessionId: string | null,
  now: number,
  /** Whether a Codex that is started by hand has this home. */
  isDefault = true
): SessionAddress => {
  const started = startedAt === null ? Number.NaN : Date.parse(startedAt)
  const from = Number.isFinite(started) && started <= now ? started : now
  const directory = directoryOf(configHome, from)
  if (sessionId === null) {
    return {
      directory,
      transcript: null,
      alsoIn: daysBetween(configHome, from, now).filter((other) => other !== directory)
    }
  }
  if (!isSessionId(sessionId)) return { directory, transcript: null }
  const made = madeAt(sessionId)
  const directories = made === null ? daysBetween(configHome, from, now) : daysBetween(configHome, made, made)
  const ending = `-${sessionId.toLowerCase()}.jsonl`
  const archive = { directories: [join(configHome, "archived_sessions")], kind: "archived", restore: unarchive(configHome, sessionId, isDefault) } as const
  return {
    directory,
    transcript: null,
    search: { directories, ending },
    forms: [
      // Codex compresses what was idle for long, and opens it as it is.
      { directories, ending: `${ending}.zst`, kind: "resumable" },
      { ...archive, ending },
      { ...archive, ending: `${ending}.zst` }
    ]
  }
}

/** The command that brings an archived conversation back, for the Codex that has it. */
const unarchive = (configHome: string, sessionId: string, isDefault: boolean): string =>
  `${isDefault ? "" : `CODEX_HOME=${/^[\w./:=@%+-]+$/.test(configHome) ? configHome : `'${configHome.replaceAll("'", "'\\''")}'`} `}codex unarchive ${sessionId.toLowerCase()}`
