import { endsOf, openFiles } from "./host.ts"
import { isOfPerson, turnIn } from "./transcript.ts"

// Which conversation a process of Codex is in: it holds `thread-writer-locks/<id>.lock` open from its start on, and the
// rollout from the first message on. The lock file itself stays behind when the process ends, so only what is open counts.

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
const lockPath = new RegExp(`/thread-writer-locks/(${uuid})\\.lock(?: \\(deleted\\))?$`)
const rolloutPath = new RegExp(`/sessions/.*-(${uuid})\\.jsonl$`)

/** The session of a lock that is open, by its path; null for any other file. */
export const lockedSession = (path: string): string | null => lockPath.exec(path)?.[1] ?? null

export interface OpenConversation {
  readonly sessionId: string
  /** Null before the first message. */
  readonly transcript: string | null
  readonly turn: "open" | "closed" | null
}

export type OpenConversations =
  | { readonly _tag: "One"; readonly conversation: OpenConversation }
  | { readonly _tag: "None" }
  /** `latest`: the one that was certainly written last in the process's life. */
  | { readonly _tag: "Several"; readonly sessions: ReadonlyArray<string>; readonly latest: OpenConversation | null }
  | { readonly _tag: "Unreadable" }

interface Found {
  readonly sessionId: string
  readonly transcript: string | null
  readonly ends: ReturnType<typeof endsOf>
}

const conversationOf = ({ ends, sessionId, transcript }: Found, startedAt: number | null): OpenConversation =>
  ({ sessionId, transcript, turn: ends === null ? null : turnIn(ends.tail, startedAt) })

/** A file of the future was written before the clock was set back. */
const futureMs = 1_000
/** Two writes that lie closer together are not told apart. */
const apartMs = 50

/**
 * Of several conversations the one that was written last. It was written in the life of the process, and clearly after
 * the others; in one that has no rollout nothing was said.
 */
const latestOf = (found: ReadonlyArray<Found>, startedAt: number | null, now: number): Found | null => {
  const written = found.filter(({ transcript }) => transcript !== null)
  if (startedAt === null || written.some(({ ends }) => ends === null || ends.writtenAt > now + futureMs)) return null
  const at = (one: Found | undefined): number => one?.ends?.writtenAt ?? -Infinity
  const [newest, second] = written.toSorted((one, other) => at(other) - at(one))
  return newest !== undefined && at(newest) > startedAt && at(newest) - at(second) > apartMs ? newest : null
}

/**
 * The conversation that a process writes. Those that its agent opened beside it are left aside; of several others none is
 * surely the one. `startedAt` is when the process began, in milliseconds of the epoch.
 */
export const conversationIn = (
  pid: number,
  startedAt: number | null = null,
  look: { readonly open: typeof openFiles; readonly ends: typeof endsOf } = { open: openFiles, ends: endsOf }
): OpenConversations => {
  const open = look.open(pid)
  if (open === null) return { _tag: "Unreadable" }
  const locked = [...new Set(open.flatMap((path) => lockedSession(path) ?? []))]
  const found = locked.map((sessionId) => {
    const transcript = open.find((path) => rolloutPath.exec(path)?.[1] === sessionId) ?? null
    return { sessionId, transcript, ends: transcript === null ? null : look.ends(transcript) }
  })
  const own = found.length < 2 ? found : found.filter(({ ends }) => ends === null || isOfPerson(ends.head) !== false)
  const [one, another] = own
  if (one === undefined) {
    return found.length === 0 ? { _tag: "None" } : { _tag: "Several", sessions: locked, latest: null }
  }
  if (another !== undefined) {
    const latest = latestOf(own, startedAt, Date.now())
    const works = own.some((each) => conversationOf(each, startedAt).turn === "open")
    return {
      _tag: "Several",
      sessions: own.map(({ sessionId }) => sessionId),
      latest: latest === null ? null : { ...conversationOf(latest, startedAt), ...works ? { turn: "open" } : {} }
    }
  }
  return { _tag: "One", conversation: conversationOf(one, startedAt) }
}
