import type { CapturedVia, Confidence } from "../domain/session.ts"

// What attribution is made from, and what comes of it.

/** What a process's own records say of the session that it is in, or was in when it ended. */
export interface SessionReport {
  readonly sessionId: string
  /** Where that session is written, where that is known. */
  readonly path: string | null
  /** Whether a transcript lies there. */
  readonly transcript: "present" | "missing" | "unknown"
  readonly confidence: Confidence
  /** A sentence: how it is known. */
  readonly evidence: string
}

/** One agent's claim to new files in its directories. */
export interface SpawnWindow {
  /** `team/agent`. */
  readonly owner: string
  readonly provider: string
  /** Real paths. */
  readonly directories: ReadonlyArray<string>
  /** A real path; null where it can't be told. */
  readonly cwd: string | null
  /** When its newest spawn was intended; milliseconds of the epoch. */
  readonly from: number
  /** Since when its processes may have left files here, the earlier ones too; `from` where nothing is said. */
  readonly everFrom?: number
  /** When the process was proved dead; null while it may write. */
  readonly until: number | null
  /** The id that we gave to its conversation: an address. Null where the provider chooses. */
  readonly assignedId: string | null
  /** The session that it is known to have. */
  readonly held: string | null
  /** Whether its session is still to be found. */
  readonly pending: boolean
  /** Whether our marker was seen in what its process writes: then a file without one is not its own. */
  readonly marks: boolean
  readonly report: SessionReport | null
  /** Whether its live process keeps records that tell its session, or whose reading failed: then nothing is guessed. */
  readonly tells: boolean
  /** Sessions that can't be its own: the one that it is a copy of. */
  readonly never: ReadonlyArray<string>
  /** Sessions that its processes were seen in, or were seen to have open. */
  readonly seenIn?: ReadonlyArray<string>
  /** When it was recorded to be in the session that it has: one that it was in before then was left. */
  readonly heldSince?: number
  /** Whether its files are to be asked which conversation it was last in: no process says so, and no user chose one. */
  readonly unobserved?: boolean
  /** Whether it got an earlier conversation back: one that it began since and in which nothing was said is left. */
  readonly wasRestored?: boolean
  /** Of a live process that has several conversations open and does not say which one it shows: all of them. */
  readonly openNow?: ReadonlyArray<string>
  /** Whether the transcript of the session that it has was seen and is gone. */
  readonly lostHeld?: boolean
}

/** A transcript that was seen in a directory. */
export interface TranscriptCandidate {
  readonly provider: string
  /** A real path. */
  readonly directory: string
  readonly path: string
  readonly sessionId: string
  /** `team/agent` of the marker that we injected, if any. */
  readonly marker: string | null
  /** A real path, as the transcript says; null where it does not. */
  readonly cwd: string | null
  /** Milliseconds of the epoch; null where the file system does not tell. */
  readonly bornAt: number | null
  /** When it was last written; null where the file system does not tell. */
  readonly writtenAt: number | null
  /** The conversation that it began as a copy of, where it says so. */
  readonly forkedFrom?: string | null
  /** Whether anything was said in it; left out where that was not looked at. */
  readonly spokenTo?: boolean
  /** Whether only its name could be read: whether it has a marker is not known. */
  readonly unread?: boolean
}

/** A file that says of no session, and may become one's transcript; null for one whose birth is not known. */
export interface NamelessFile {
  readonly provider: string
  readonly directory: string
  readonly bornAt: number | null
}

export interface AttributionWorld {
  readonly windows: ReadonlyArray<SpawnWindow>
  readonly candidates: ReadonlyArray<TranscriptCandidate>
  /** Who holds a session, by `sessionKey`: `team/agent` of any team of the workspace. */
  readonly holders: ReadonlyMap<string, string>
  /** Whose a file is known to be, by its path: a file is one conversation, whatever provider reads it. */
  readonly claims?: ReadonlyMap<string, ReadonlySet<string>>
  readonly nameless: ReadonlyArray<NamelessFile>
  /** Directories in which something could not be read, by `directoryKey`. */
  readonly incomplete: ReadonlySet<string>
  /** Whether the clock was not set back since the windows opened: else times of birth are evidence of nothing. */
  readonly steadyClock: boolean
  /** Milliseconds of the epoch. */
  readonly now: number
}

export const sessionKey = (provider: string, sessionId: string): string => `${provider}/${sessionId}`
export const directoryKey = (provider: string, directory: string): string => `${provider}\0${directory}`

export interface Attribution {
  readonly owner: string
  readonly sessionId: string
  /** Null while the process says that it is in a session which has no transcript yet. */
  readonly path: string | null
  readonly via: CapturedVia
  readonly confidence: Confidence
  /** The session that the agent went on from; null where it had none. */
  readonly replaces: string | null
  /** A sentence: how it is known. */
  readonly reason: string
}

export interface Ambiguity {
  readonly owner: string
  readonly candidates: ReadonlyArray<string>
  /** The same as sessions, the newest first, where they are conversations that it may have been in last. */
  readonly sessions?: ReadonlyArray<SessionCandidate>
  /** A sentence: why none of them is surely its own. */
  readonly reason: string
}

/** A conversation that an agent may have been in last. */
export interface SessionCandidate {
  readonly sessionId: string
  readonly transcript: string | null
  /** Milliseconds of the epoch; null where that is not known. */
  readonly writtenAt: number | null
}

export interface AttributionResult {
  readonly assigned: ReadonlyArray<Attribution>
  /** Agents that had candidates and none that is surely theirs. */
  readonly ambiguous: ReadonlyArray<Ambiguity>
  readonly candidateCounts: Readonly<Record<string, number>>
}
