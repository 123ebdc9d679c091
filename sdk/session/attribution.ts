import {
  type Ambiguity,
  type Attribution,
  type AttributionResult,
  type AttributionWorld,
  directoryKey,
  sessionKey,
  type SpawnWindow,
  type TranscriptCandidate
} from "./attribution-world.ts"
import { birthSlackMs } from "./clock.ts"
import { latestOf } from "./unobserved-change.ts"

// Whose conversation is a file? Decided over all agents of a workspace at once, by evidence only: order and recency are
// none.

export * from "./attribution-world.ts"

const inPlace = (window: SpawnWindow, file: { readonly provider: string; readonly directory: string }): boolean =>
  window.provider === file.provider && window.directories.includes(file.directory)

const inTime = (window: SpawnWindow, bornAt: number | null): boolean =>
  bornAt !== null &&
  // Strict: a file from exactly the instant of the spawn may be the one before.
  bornAt > window.from &&
  (window.until === null || bornAt < window.until)

/** Whether it may have made a file, as far as times can tell starts and births apart. */
const maybeInTime = (window: SpawnWindow, bornAt: number | null): boolean =>
  bornAt === null ||
  (bornAt >= (window.everFrom ?? window.from) - birthSlackMs && (window.until === null || bornAt <= window.until + birthSlackMs))

/** A transcript that says that it was made elsewhere is another's, whatever else it says. */
const inCwd = (window: SpawnWindow, candidate: TranscriptCandidate): boolean =>
  candidate.cwd === null || window.cwd === null || candidate.cwd === window.cwd

const sees = (window: SpawnWindow, candidate: TranscriptCandidate): boolean =>
  inPlace(window, candidate) && inCwd(window, candidate) && inTime(window, candidate.bornAt)

/** Whether it may have made a file that is in somebody else's window: whoever can't be ruled out shares it. */
const maySee = (window: SpawnWindow, candidate: TranscriptCandidate): boolean =>
  inPlace(window, candidate) && inCwd(window, candidate) && maybeInTime(window, candidate.bornAt)

type Verdict =
  | { readonly _tag: "Given"; readonly attribution: Attribution }
  | { readonly _tag: "Ambiguous"; readonly ambiguity: Ambiguity }
  | { readonly _tag: "Nothing" }

const nothing: Verdict = { _tag: "Nothing" }

/** Who else was told to have a session or says that it is in it, by `sessionKey`. */
const namedBy = (windows: ReadonlyArray<SpawnWindow>): ReadonlyMap<string, ReadonlySet<string>> => {
  const names = new Map<string, Set<string>>()
  for (const { assignedId, held, owner, provider, report } of windows) {
    for (const id of [assignedId, held, report?.sessionId ?? null]) {
      if (id === null) continue
      const key = sessionKey(provider, id)
      names.set(key, (names.get(key) ?? new Set()).add(owner))
    }
  }
  return names
}

const judge = (world: AttributionWorld) => {
  const { candidates, claims, holders, incomplete, nameless, now, steadyClock, windows } = world
  const names = namedBy(windows)
  /** Who else has to do with a session; null for nobody. */
  const rivalOf = (window: SpawnWindow, sessionId: string): string | null => {
    const key = sessionKey(window.provider, sessionId)
    const holder = holders.get(key)
    if (holder !== undefined && holder !== window.owner) return holder
    return [...names.get(key) ?? []].find((owner) => owner !== window.owner) ?? null
  }
  /** Whether a file is known to be another agent's. */
  const isClaimed = (window: SpawnWindow, path: string): boolean =>
    [...claims?.get(path) ?? []].some((owner) => owner !== window.owner)
  const given = (
    window: SpawnWindow,
    found: Pick<Attribution, "sessionId" | "path" | "via" | "confidence" | "reason">
  ): Verdict => ({ _tag: "Given", attribution: { owner: window.owner, replaces: window.held, ...found } })
  const ambiguous = (window: SpawnWindow, paths: ReadonlyArray<string>, reason: string): Verdict => ({
    _tag: "Ambiguous",
    ambiguity: { owner: window.owner, candidates: paths, reason }
  })
  const ambiguousAmong = (window: SpawnWindow, among: ReadonlyArray<TranscriptCandidate>, reason: string): Verdict => ({
    _tag: "Ambiguous",
    ambiguity: {
      owner: window.owner,
      candidates: among.map(({ path }) => path),
      sessions: among.map(({ path, sessionId, writtenAt }) => ({ sessionId, transcript: path, writtenAt })),
      reason
    }
  })

  /** The process's own word: where it went over to another session, too. */
  const byReport = (window: SpawnWindow): Verdict => {
    const { assignedId, held, never, owner, pending, provider, report } = window
    if (report === null || report.sessionId === held || (pending && report.sessionId === assignedId)) return nothing
    const { confidence, evidence, path, sessionId } = report
    const found = candidates.find((candidate) => candidate.provider === provider && candidate.sessionId === sessionId)
    const rival = never.includes(sessionId)
      ? "the agent that it is a copy of"
      : rivalOf(window, sessionId) ?? (found !== undefined && found.marker !== null && found.marker !== owner ? found.marker : null)
    if (rival !== null) {
      return ambiguous(window, [found?.path ?? path ?? sessionId], `its process says that it is in session ${sessionId}, which is ${rival}'s`)
    }
    const via = { sessionId, via: "process_report", confidence, reason: evidence } as const
    if (found !== undefined) return given(window, { ...via, path: found.path })
    // Until the new one is written, the conversation before it is what there is to come back to.
    const before = held !== null || candidates.some((candidate) => candidate.provider === provider && candidate.sessionId === assignedId)
    return report.transcript === "missing" && !before ? given(window, { ...via, path }) : nothing
  }

  /** The id that we gave is an address: a miss is "not yet", never "take another". */
  const byAddress = (window: SpawnWindow, assignedId: string): Verdict => {
    const own = candidates.find((candidate) => inPlace(window, candidate) && candidate.sessionId === assignedId)
    if (own === undefined || (own.marker !== null && own.marker !== window.owner)) return nothing
    const holder = holders.get(sessionKey(window.provider, assignedId))
    if (holder !== undefined && holder !== window.owner) return nothing
    return given(window, {
      sessionId: assignedId,
      path: own.path,
      via: "assigned_id",
      confidence: "high",
      reason: "it lies at the address of the ID that it was given"
    })
  }

  const possibleOf = (window: SpawnWindow): { readonly marked: ReadonlyArray<TranscriptCandidate>; readonly unmarked: ReadonlyArray<TranscriptCandidate> } => {
    const free = candidates.filter((candidate) =>
      sees(window, candidate) && rivalOf(window, candidate.sessionId) === null &&
      !isClaimed(window, candidate.path) && !window.never.includes(candidate.sessionId)
    )
    return {
      marked: free.filter(({ marker }) => marker === window.owner),
      unmarked: free.filter(({ marker }) => marker === null)
    }
  }

  /** What it wrote last: it may have gone over to another conversation while no observer looked. */
  const byLastWrite = (window: SpawnWindow, taken: ReadonlySet<string>): Verdict => {
    const open = window.openNow ?? []
    if (open.length > 0) {
      const among = candidates.filter(({ provider, sessionId }) => provider === window.provider && open.includes(sessionId))
      const sessions = open.map((sessionId) => {
        const found = among.find((candidate) => candidate.sessionId === sessionId)
        return { sessionId, transcript: found?.path ?? null, writtenAt: found?.writtenAt ?? null }
      }).toSorted((one, other) => (other.writtenAt ?? 0) - (one.writtenAt ?? 0))
      return {
        _tag: "Ambiguous",
        ambiguity: { owner: window.owner, candidates: sessions.map(({ sessionId, transcript }) => transcript ?? sessionId), sessions, reason: "its process has several conversations open and does not say which one it shows" }
      }
    }
    if (window.unobserved !== true) return nothing
    const isKnown = (id: string): boolean => id === window.held || id === window.assignedId || window.seenIn?.includes(id) === true
    const free = candidates.filter((candidate) =>
      candidate.provider === window.provider && (isKnown(candidate.sessionId) || (inPlace(window, candidate) && inCwd(window, candidate))) && (candidate.marker === null || candidate.marker === window.owner) &&
      rivalOf(window, candidate.sessionId) === null && !isClaimed(window, candidate.path) && !taken.has(candidate.path)
    )
    /** An agent that is made as a copy of this conversation, and whose own is not known yet. */
    const maySomeoneElseCopy = ({ forkedFrom = null }: TranscriptCandidate): boolean =>
      windows.some((other) => other.owner !== window.owner && other.held === null && forkedFrom !== null && other.never.includes(forkedFrom))
    const latest = latestOf({ window, free, maySomeoneElseCopy, steadyClock, now })
    switch (latest._tag) {
      case "Same":
        return nothing
      case "Unsure":
        return ambiguousAmong(window, latest.candidates, latest.reason)
      case "Moved": {
        const { path, sessionId } = latest.candidate
        return given(window, latest.marked
          ? { sessionId, path, via: "identity_marker", confidence: "high", reason: "of the conversations that say that they are its own, it was written last" }
          : { sessionId, path, via: "process_report", confidence: "medium", reason: "of the conversations that its process was seen in, it was written last" })
      }
    }
  }

  const byMarkerOrWindow = (window: SpawnWindow, contested: boolean): Verdict => {
    const { marked, unmarked } = possibleOf(window)
    const [own] = marked
    if (own !== undefined) {
      const doubt = marked.length > 1
        ? "more than one file says that it is its own"
        // It may be of the process before.
        : !steadyClock ? "the clock was set back, so that its age tells nothing" : null
      return doubt !== null
        ? ambiguousAmong(window, marked, doubt)
        : given(window, { sessionId: own.sessionId, path: own.path, via: "identity_marker", confidence: "high", reason: "it says whose it is" })
    }
    const [only] = unmarked
    if (only === undefined) return nothing
    const sharing = windows.find((other) => other.owner !== window.owner && !other.marks && unmarked.some((candidate) => maySee(other, candidate)))
    const doubt = contested
      ? "its process says that it is in another"
      : window.tells
      ? "its process tells which session it has, and has not told yet"
      : unmarked.length > 1
      ? "more than one came after its start"
      : sharing !== undefined
      ? `${sharing.owner} could have written it as well`
      : !steadyClock
      ? "the clock was set back since its start"
      : window.directories.some((directory) => incomplete.has(directoryKey(window.provider, directory)))
      ? "what else lies there could not all be read"
      : nameless.some((file) => inPlace(window, file) && (file.bornAt === null || inTime(window, file.bornAt)))
      ? "another file there does not say whose it is"
      : null
    if (doubt !== null) return ambiguousAmong(window, unmarked, doubt)
    return given(window, {
      sessionId: only.sessionId,
      path: only.path,
      via: "spawn_window",
      confidence: "medium",
      reason: "it was born after this agent's start, and no other agent's"
    })
  }

  const countOf = (window: SpawnWindow): number => {
    if (window.assignedId !== null) {
      return candidates.some((candidate) => inPlace(window, candidate) && candidate.sessionId === window.assignedId) ? 1 : 0
    }
    const { marked, unmarked } = possibleOf(window)
    return marked.length > 0 ? marked.length : unmarked.length
  }

  /** `taken`: the files that agents without a conversation so far are given. */
  const verdictOn = (window: SpawnWindow, taken: ReadonlySet<string>): Verdict => {
    const reported = byReport(window)
    if (reported._tag === "Given") return reported
    const written = reported._tag === "Nothing" ? byLastWrite(window, taken) : nothing
    if (written._tag !== "Nothing") return written
    if (!window.pending) return reported
    const guessed = window.assignedId !== null
      ? byAddress(window, window.assignedId)
      : byMarkerOrWindow(window, reported._tag === "Ambiguous")
    return guessed._tag === "Given" || reported._tag === "Nothing" ? guessed : reported
  }
  return { countOf, verdictOn }
}

/**
 * Gives transcripts to agents. The strongest evidence first: what a process's own records say; the id that we assigned;
 * the marker that we injected; else birth inside exactly one agent's spawn window, if that agent's window holds no other
 * file. Everything else is ambiguous and stays so. Never a session that another agent holds, was told to have, or says
 * that it is in.
 */
export const attribute = (world: AttributionWorld): AttributionResult => {
  const { countOf, verdictOn } = judge(world)
  // An agent that waits for its first transcript has the better claim to a new file than one that may have changed over.
  const first = new Map(world.windows.flatMap((window) =>
    window.pending && window.held === null && window.assignedId === null ? [[window, verdictOn(window, new Set())] as const] : []
  ))
  const taken = new Set([...first.values()].flatMap((verdict) => verdict._tag === "Given" ? verdict.attribution.path ?? [] : []))
  const verdicts = world.windows.map((window) => ({ window, verdict: first.get(window) ?? verdictOn(window, taken) }))
  const given = verdicts.flatMap(({ verdict, window }) =>
    verdict._tag === "Given" ? [{ key: sessionKey(window.provider, verdict.attribution.sessionId), attribution: verdict.attribution }] : []
  )
  type Given = (typeof given)[number]
  const twice = ({ attribution: { path }, key }: Given): boolean =>
    given.filter((other) => other.key === key || (path !== null && other.attribution.path === path)).length > 1
  return {
    assigned: given.flatMap((one) => twice(one) ? [] : one.attribution),
    ambiguous: [
      ...verdicts.flatMap(({ verdict }) => verdict._tag === "Ambiguous" ? verdict.ambiguity : []),
      ...given.flatMap((one) => {
        const { owner, path, sessionId } = one.attribution
        return twice(one) ? [{ owner, candidates: [path ?? sessionId], reason: "more than one agent could be in it" }] : []
      })
    ],
    candidateCounts: Object.fromEntries(
      verdicts.flatMap(({ window }) => window.pending ? [[window.owner, countOf(window)] as const] : [])
    )
  }
}
