import type { CapturedVia, Confidence } from "../domain/session.ts"

// Whose conversation is a file? Decided over all agents of a workspace at once, by evidence only: order and recency are
// none.

/** One agent's claim to new files in one directory. */
export interface SpawnWindow {
  /** `team/agent`. */
  readonly owner: string
  readonly provider: string
  readonly directory: string
  /** When its newest spawn was intended; milliseconds of the epoch. */
  readonly from: number
  /** When the process was proved dead; null while it may write. */
  readonly until: number | null
  /** The id that we gave to its conversation: an address. Null where the provider chooses. */
  readonly assignedId: string | null
  /** Whether its session is still to be found. */
  readonly pending: boolean
  /** Whether its session is known by an identity: then a file of unknown origin is not its own. */
  readonly identified: boolean
}

/** A transcript that was seen in a directory. */
export interface TranscriptCandidate {
  readonly provider: string
  readonly directory: string
  readonly path: string
  readonly sessionId: string
  /** `team/agent` of the marker that we injected, if any. */
  readonly marker: string | null
  readonly cwd: string | null
  /** Milliseconds of the epoch; null where the file system does not tell. */
  readonly bornAt: number | null
  /** Whether some agent of the workspace holds this session. */
  readonly claimed: boolean
}

export interface Attribution {
  readonly owner: string
  readonly sessionId: string
  readonly path: string
  readonly via: CapturedVia
  readonly confidence: Confidence
}

export interface AttributionResult {
  readonly assigned: ReadonlyArray<Attribution>
  /** Pending agents that had candidates and none that is surely theirs. */
  readonly ambiguous: ReadonlyArray<{ readonly owner: string; readonly candidates: ReadonlyArray<string> }>
  readonly candidateCounts: Readonly<Record<string, number>>
}

const sees = (window: SpawnWindow, candidate: TranscriptCandidate): boolean =>
  window.provider === candidate.provider &&
  window.directory === candidate.directory &&
  candidate.bornAt !== null &&
  // Strict: a file from exactly the instant of the spawn may be the one before.
  candidate.bornAt > window.from &&
  (window.until === null || candidate.bornAt < window.until)

/**
 * Gives transcripts to pending agents: by the assigned id, by the injected marker, else by birth inside exactly one
 * agent's spawn window, if that agent's window holds no other file. Everything else is ambiguous and stays so.
 */
export const attribute = (
  windows: ReadonlyArray<SpawnWindow>,
  candidates: ReadonlyArray<TranscriptCandidate>
): AttributionResult => {
  const free = candidates.filter((candidate) => !candidate.claimed)
  const assigned: Array<Attribution> = []
  const ambiguous: Array<{ owner: string; candidates: ReadonlyArray<string> }> = []
  const candidateCounts: Record<string, number> = {}
  const addresses = new Set(windows.flatMap((window) => window.assignedId ?? []))

  for (const window of windows) {
    if (!window.pending) continue
    const give = (found: TranscriptCandidate, via: CapturedVia, confidence: Confidence) =>
      assigned.push({ owner: window.owner, sessionId: found.sessionId, path: found.path, via, confidence })
    const here = free.filter((candidate) =>
      candidate.provider === window.provider && candidate.directory === window.directory
    )

    if (window.assignedId !== null) {
      // An address: a miss is "not yet", never "take another".
      const own = here.find((candidate) => candidate.sessionId === window.assignedId)
      candidateCounts[window.owner] = own === undefined ? 0 : 1
      if (own !== undefined) give(own, "assigned_id", "high")
      continue
    }

    const marked = here.filter((candidate) => candidate.marker === window.owner && sees(window, candidate))
    if (marked.length === 1 && marked[0] !== undefined) {
      candidateCounts[window.owner] = 1
      give(marked[0], "identity_marker", "high")
      continue
    }

    const seen = here.filter((candidate) =>
      candidate.marker === null && !addresses.has(candidate.sessionId) && sees(window, candidate)
    )
    const possible = marked.length > 1 ? marked : seen
    candidateCounts[window.owner] = possible.length
    const only = possible.length === 1 && marked.length === 0 ? possible[0] : undefined
    const shared = only !== undefined &&
      windows.some((other) => other.owner !== window.owner && !other.identified && sees(other, only))
    if (only !== undefined && !shared) give(only, "spawn_window", "medium")
    else if (possible.length > 0) {
      ambiguous.push({ owner: window.owner, candidates: possible.map((candidate) => candidate.path) })
    }
  }
  return { assigned, ambiguous, candidateCounts }
}
