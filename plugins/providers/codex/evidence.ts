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
  | { readonly _tag: "Several"; readonly sessions: ReadonlyArray<string> }
  | { readonly _tag: "Unreadable" }

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
    return found.length === 0 ? { _tag: "None" } : { _tag: "Several", sessions: locked }
  }
  if (another !== undefined) return { _tag: "Several", sessions: own.map(({ sessionId }) => sessionId) }
  const { ends, sessionId, transcript } = one
  return { _tag: "One", conversation: { sessionId, transcript, turn: ends === null ? null : turnIn(ends.tail, startedAt) } }
}
