import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { readdir, readFile, readlink } from "node:fs/promises"
import { join } from "node:path"
import { Effect, ProviderFailure, processTree, readProcess, Schema, sharedLook } from "reprise/plugin"
import type { AgentProcess, ProcessEvidence, ScreenState, SessionHolder } from "reprise/plugin"
import { findTranscript } from "./places.ts"

// Each running Claude Code keeps a record of itself, `sessions/<pid>.json` of its config home. It is taken away at the
// end; a process that was killed leaves it behind, so a record counts only for the process of that start time.

const Fields = Schema.Struct({
  pid: Schema.Int,
  sessionId: Schema.NonEmptyString,
  cwd: Schema.NonEmptyString,
  procStart: Schema.optional(Schema.NullOr(Schema.Union(Schema.String, Schema.Number))),
  pidDomain: Schema.optional(Schema.NullOr(Schema.String)),
  version: Schema.optional(Schema.NullOr(Schema.String)),
  kind: Schema.optional(Schema.NullOr(Schema.String)),
  status: Schema.optional(Schema.NullOr(Schema.String)),
  waitingFor: Schema.optional(Schema.NullOr(Schema.String)),
  startedAt: Schema.optional(Schema.NullOr(Schema.Number))
})
export type SessionRecord = typeof Fields.Type

const decode = Schema.decodeUnknownEither(Schema.parseJson(Fields))

const failure = (operation: string, detail: string) => new ProviderFailure({ provider: "claude", operation, detail })

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

const isMissing = (code: string): boolean => code === "ENOENT" || code === "ENOTDIR"

const torn = "is not a record of a session as Claude Code writes it."
const isTorn = ({ detail }: ProviderFailure): boolean => detail.endsWith(torn)

const recordPath = (configHome: string, pid: number): string => join(configHome, "sessions", `${pid}.json`)

/** The record of a pid; null when there is none. A record that can't be read is a failure: nothing is known then. */
export const readRecord = (
  operation: string,
  configHome: string,
  pid: number
): Effect.Effect<SessionRecord | null, ProviderFailure> => {
  const path = recordPath(configHome, pid)
  const read = Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: codeOf }).pipe(
    Effect.catchAll((code) =>
      isMissing(code) ? Effect.succeed(null) : Effect.fail(failure(operation, `${path} can't be read: ${code}.`)))
  )
  const parsed = Effect.flatMap(read, (text) => {
    if (text === null) return Effect.succeed(null)
    const record = decode(text)
    return Either.isRight(record)
      ? Effect.succeed(record.right)
      : Effect.fail(failure(operation, `${path} ${torn}`))
  })
  // It is written in place: a look may come in the middle of that.
  return Effect.retry(parsed, Schedule.intersect(Schedule.recurs(3), Schedule.spaced("10 millis")))
}

/** Whether a record was written by exactly this process; null when it does not say. */
export const isOf = (record: SessionRecord, process: { readonly pid: number; readonly startTime: string }): boolean | null => {
  if (record.pid !== process.pid) return false
  const started = record.procStart
  if (started === undefined || started === null) return null
  return String(started) === (process.startTime.split("@")[0] ?? "")
}

/** Whether its pid is one of another container's, as far as both say. */
const isElsewhere = async (record: SessionRecord): Promise<boolean> => {
  const space = /pid:\[\d+\]$/.exec(record.pidDomain ?? "")?.[0]
  if (space === undefined) return false
  const ours = await readlink("/proc/self/ns/pid").catch(() => null)
  return ours !== null && ours !== space
}

const states: Readonly<Record<string, ScreenState>> = { idle: "idle", busy: "busy", waiting: "awaiting_approval" }

const doing = (record: SessionRecord): string =>
  record.status === undefined || record.status === null
    ? ""
    : `, ${record.status}${record.waitingFor === undefined || record.waitingFor === null ? "" : ` (${record.waitingFor})`}`

const evidenceOf = (configHome: string, record: SessionRecord, alive: boolean): ProcessEvidence => ({
  sessionId: record.sessionId,
  transcript: findTranscript(configHome, record.cwd, record.sessionId),
  state: !alive || record.status === undefined || record.status === null ? null : states[record.status] ?? "unknown",
  evidence: alive
    ? `${recordPath(configHome, record.pid)} says session ${record.sessionId}${doing(record)}`
    : `${recordPath(configHome, record.pid)}, left by that process, says that its last session was ${record.sessionId}`
})

/** The one process among the descendants that has a record, where a wrapper started it. */
const startedBelow = (configHome: string, process: AgentProcess) =>
  Effect.gen(function*() {
    const tree = yield* processTree(process)
    if (tree === null) return yield* failure("processEvidence", `The descendants of process ${process.pid} could not be listed.`)
    const found: Array<{ readonly record: SessionRecord; readonly startTime: string }> = []
    for (const row of tree) {
      if (row.pid === process.pid) continue
      const record = yield* readRecord("processEvidence", configHome, row.pid)
      if (record !== null && isOf(record, row) === true) found.push({ record, startTime: row.startTime })
    }
    // What an agent starts with its own tools is below another one with a record.
    const parents = new Map(tree.map((row) => [row.pid, row.ppid]))
    const below = (pid: number): boolean => {
      for (let at = parents.get(pid); at !== undefined; at = parents.get(at)) {
        if (found.some(({ record }) => record.pid === at)) return true
      }
      return false
    }
    const tops = found.filter(({ record }) => !below(record.pid))
    return tops.length === 1 ? tops[0] ?? null : null
  })

/** What the record of a process says of it. */
export const evidence = (
  configHome: string,
  process: AgentProcess
): Effect.Effect<ProcessEvidence | null, ProviderFailure> =>
  Effect.gen(function*() {
    const own = yield* readRecord("processEvidence", configHome, process.pid).pipe(
      // A kill in the middle of a write leaves a torn one, which says nothing for ever.
      Effect.catchIf((error) => !process.alive && isTorn(error), () => Effect.succeed(null))
    )
    // A record without a start time proves nothing of a dead process: its pid may be another one's by now.
    const mine = own === null ? false : isOf(own, process) ?? process.alive
    if (own !== null && mine && !(yield* Effect.promise(() => isElsewhere(own)))) {
      return evidenceOf(configHome, own, process.alive)
    }
    if (!process.alive) return null
    const below = yield* startedBelow(configHome, process)
    if (below === null) return null
    const { record, startTime } = below
    return { ...evidenceOf(configHome, record, true), process: { pid: record.pid, startTime } }
  })

/** The pids of all that ran with this config home and left a record. */
const recordedPids = (configHome: string) =>
  Effect.tryPromise({ try: () => readdir(join(configHome, "sessions")), catch: codeOf }).pipe(
    Effect.catchAll((code) =>
      isMissing(code)
        ? Effect.succeed<ReadonlyArray<string>>([])
        : Effect.fail(failure("sessionHolders", `${join(configHome, "sessions")} can't be listed: ${code}.`))),
    Effect.map((names) => names.flatMap((name) => /^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
  )

/** All of these records, read once for whoever asks after many sessions at once. */
const allRecords = sharedLook((configHome: string) =>
  Effect.flatMap(recordedPids(configHome), (pids) =>
    Effect.forEach(pids, (pid) =>
      readRecord("sessionHolders", configHome, pid).pipe(
        // A kill in the middle of a write leaves a torn one, which says nothing for ever; who is gone holds nothing.
        Effect.catchAll((error) =>
          Effect.flatMap(readProcess(pid), ({ state }) => state === "dead" ? Effect.succeed(null) : Effect.fail(error))),
        Effect.map((record) => ({ pid, record }))
      ), { concurrency: 16 }))
)

/** Live processes that have this session open. Claude Code itself lets any number of them write to one transcript. */
export const holders = (
  configHome: string,
  sessionId: string
): Effect.Effect<ReadonlyArray<SessionHolder>, ProviderFailure> =>
  Effect.gen(function*() {
    const held: Array<SessionHolder> = []
    for (const { pid, record } of yield* allRecords(configHome)) {
      if (record === null || record.sessionId.toLowerCase() !== sessionId.toLowerCase()) continue
      const path = recordPath(configHome, pid)
      if (yield* Effect.promise(() => isElsewhere(record))) {
        const detail = `${path} is of a process in another container: whether that one lives can't be told from here. ` +
          "Remove the file if it does not."
        return yield* failure("sessionHolders", detail)
      }
      const reading = yield* readProcess(pid)
      if (reading.state === "unknown") {
        return yield* failure("sessionHolders", `${path} names process ${pid}, of which nothing is known: ${reading.reason}.`)
      }
      if (reading.state === "dead" || isOf(record, reading) === false) continue
      held.push({ pid, startTime: reading.startTime, evidence: `${path} says that it has session ${record.sessionId} open` })
    }
    return held
  })
