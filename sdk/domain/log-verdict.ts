import type { DirectoryIdentity, LogIdentity } from "./log-identity.ts"

/** What was found at another place that the log or its marker names. */
export interface OtherPlace {
  readonly path: string
  /**
   * `gone`: there is no such directory. `other`: it holds no log, or another one. `same_directory`: it is this directory by
   * another name. `this_log`: it is the workspace of this log. `unknown`: it could not be read.
   */
  readonly state: "gone" | "other" | "same_directory" | "this_log" | "unknown"
}

/** What was observed of a log and its surroundings. */
export interface LogFacts {
  /** The workspace as it is now. */
  readonly here: DirectoryIdentity
  /** Null where there is no log, or one that holds no event. */
  readonly log: { readonly identity: LogIdentity; readonly position: number } | null
  /** Places other than this one, the recorded one first. */
  readonly others: ReadonlyArray<OtherPlace>
  /** The last position of the mirror; 0 where there is none. */
  readonly mirror: number
  /** The last position that the marker in the user's state directory knows; null where this user has none of this log. */
  readonly marker: number | null
  /** Traces of teams beside the log or in the user's state directory, as sentences. */
  readonly remains: ReadonlyArray<string>
}

/** Whether a log is the current state of its workspace. */
export type LogVerdict =
  /** `refresh`: the directory at the recorded path is another one, such as a restored backup. */
  | { readonly _tag: "Current"; readonly refresh: boolean }
  /** There is no log and no trace of one. */
  | { readonly _tag: "Unmade" }
  /** The recorded directory is gone or holds another log: this is the workspace now. */
  | { readonly _tag: "Moved"; readonly from: string }
  /** The log belongs to a workspace that exists elsewhere; `certain` is false where that one could not be read. */
  | { readonly _tag: "Copied"; readonly original: string; readonly certain: boolean }
  /** The log is older than what was recorded after it. */
  | { readonly _tag: "RolledBack"; readonly position: number; readonly evidence: ReadonlyArray<string> }
  /** Teams were recorded here, and the log holds none of them. */
  | { readonly _tag: "Lost"; readonly evidence: ReadonlyArray<string> }

/** Decides what a log is, from observed facts. Pure. A place that could not be read is never taken for an absent one. */
export const judgeLog = ({ here, log, marker, mirror, others, remains }: LogFacts): LogVerdict => {
  if (log === null) return remains.length === 0 ? { _tag: "Unmade" } : { _tag: "Lost", evidence: remains }
  const original = others.find(({ state }) => state === "this_log") ?? others.find(({ state }) => state === "unknown")
  if (original !== undefined) return { _tag: "Copied", original: original.path, certain: original.state === "this_log" }
  const { identity, position } = log
  const evidence = [
    ...mirror > position ? [`events.jsonl reaches position ${mirror}`] : [],
    ...marker !== null && marker > position ? [`its marker in the user's state directory reaches position ${marker}`] : []
  ]
  if (evidence.length > 0) return { _tag: "RolledBack", position, evidence }
  const recorded = others.find(({ path }) => path === identity.path)
  if (identity.path !== here.path && recorded?.state !== "same_directory") return { _tag: "Moved", from: identity.path }
  return {
    _tag: "Current",
    refresh: identity.path === here.path && (identity.inode !== here.inode || identity.device !== here.device)
  }
}

/** Whether nothing may be recorded in the log, started or stopped by it. */
export const isRefused = (
  verdict: LogVerdict
): verdict is Extract<LogVerdict, { readonly _tag: "Copied" | "RolledBack" | "Lost" }> =>
  verdict._tag === "Copied" || verdict._tag === "RolledBack" || verdict._tag === "Lost"
