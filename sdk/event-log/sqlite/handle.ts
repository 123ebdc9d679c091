import type { Database } from "better-sqlite3"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as fs from "node:fs"
import type { LogIdentity } from "../../domain/log-identity.ts"
import { isRefused, judgeLog, type LogVerdict } from "../../domain/log-verdict.ts"
import type { EventLogError } from "../errors.ts"
import { refusedLog } from "../refused-log.ts"
import { makeCommit } from "./commit.ts"
import { failureOf, isBusy, refuse } from "./failures.ts"
import { type LogFiles, sizeOf } from "./files.ts"
import { factsWithoutLog, headIn, identityIn, logFacts, surroundingsOf } from "./log-facts.ts"
import { makeLeaseTable } from "./lease-table.ts"
import { makeMirror, type Mirror, type MirrorOptions } from "./mirror.ts"
import { open, type Opened } from "./open.ts"
import { relocateLog } from "./relocate.ts"
import { makeStore } from "./store.ts"

export interface HandleOptions extends MirrorOptions {
  /** Reprise's directory among the user's states, with the markers of logs; none are read or written without it. */
  readonly stateHome: string | undefined
  readonly busyFor: Duration.DurationInput
  readonly onBehind: (team: string) => void
  readonly onMoved: (from: string, to: string) => void
}

const assemble = (files: LogFiles, opened: Opened, options: HandleOptions) => {
  const store = makeStore(files, opened)
  const identity = store.identity()
  const surroundings = surroundingsOf(files, options.stateHome, identity?.id)
  const judge = (): LogVerdict =>
    identity === undefined
      ? { _tag: "Lost", evidence: ["it does not say which workspace it is for"] }
      : judgeLog(logFacts(files, options.stateHome, identity, store.head(), surroundings))
  let mirror: Mirror | undefined
  let verdict = judge()
  let hasMoved = false
  const rolledBack = (position: number, before: number): never => {
    verdict = { _tag: "RolledBack", position, evidence: [`this process had read it up to position ${before}`] }
    throw refusedLog(verdict, "append", files.database)
  }
  const commit = makeCommit(store, options.onBehind, rolledBack)
  return {
    store,
    commit,
    leases: makeLeaseTable(store),
    surroundings,
    verdict: () => verdict,
    hasMoved: () => hasMoved,
    /** Records the place where the log is now, if it is another one than it says. */
    settle: (at: string) => {
      if (opened.readOnly || identity === undefined) return
      if (verdict._tag === "Moved" || (verdict._tag === "Current" && verdict.refresh)) {
        relocateLog(store, commit, identity, surroundings.here, at)
        if (verdict._tag === "Moved") options.onMoved(verdict.from, surroundings.here.path)
        verdict = { _tag: "Current", refresh: false }
        hasMoved = true
      }
    },
    get mirror(): Mirror | undefined {
      return mirror
    },
    /** Before the first write; who only reads leaves the mirror alone. */
    startMirror: () => {
      mirror ??= makeMirror(files, { head: store.head, after: (from, to) => store.page({}, from, to) }, options)
    },
    close: () => {
      mirror?.close()
      opened.close()
    }
  }
}

export type OpenLog = ReturnType<typeof assemble>

/**
 * The open log file of a process: opened at the first need, made at the first write, and opened anew when another file
 * took its place, since what would be written to a file without a name would be lost.
 */
export const makeHandle = Effect.fn("EventLogSqlite.open")(function*(files: LogFiles, options: HandleOptions) {
  let log: OpenLog | undefined
  let known: LogIdentity | undefined
  let hasMoved = false
  const opening = yield* Effect.makeSemaphore(1)

  const close = (): void => {
    log?.close()
    log = undefined
  }
  const isInPlace = (): boolean =>
    log !== undefined && fs.statSync(files.database, { throwIfNoEntry: false })?.ino === log.store.opened.ino

  const judgeWithoutLog = (): LogVerdict => {
    const verdict = judgeLog(factsWithoutLog(files, options.stateHome))
    return verdict._tag === "Unmade" && known !== undefined && options.stateHome !== undefined
      ? { _tag: "Lost", evidence: ["this process had it open, and it was taken away"] }
      : verdict
  }
  /** Whether a file with several names is this workspace's own. */
  const isOwn = (copy: Database): boolean => {
    const identity = identityIn(copy)
    if (identity === undefined) return true
    const surroundings = surroundingsOf(files, options.stateHome, identity.id)
    return judgeLog(logFacts(files, options.stateHome, identity, headIn(copy), surroundings))._tag !== "Copied"
  }

  const openAs = (operation: string, intent: "read" | "write") => {
    const attempt = Effect.try({
      try: () => {
        if (isInPlace()) return undefined
        close()
        if (intent === "write" && (sizeOf(files.database) ?? 0) === 0) {
          const verdict = judgeWithoutLog()
          if (isRefused(verdict)) throw refusedLog(verdict, operation, files.database)
        }
        return open(files, intent, isOwn)
      },
      catch: failureOf(files, operation)
    })
    const adopt = (opened: Opened) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.try({
        try: () => {
          try {
            const assembled = assemble(files, opened, options)
            try {
              assembled.settle(new Date(now).toISOString())
            } catch (cause) {
              // Reading goes on with the old paths; a write tries again.
              if (intent === "write" || isBusy(cause)) throw cause
            }
            hasMoved ||= assembled.hasMoved()
            log = assembled
            // A log that is not this workspace's own may be put aside for a new one.
            known = isRefused(assembled.verdict()) ? undefined : assembled.store.identity()
          } catch (cause) {
            opened.close()
            throw cause
          }
        },
        catch: failureOf(files, operation)
      }))
    const upgraded = (from: number) =>
      Effect.promise(() => import("./upgrade.ts")).pipe(
        Effect.flatMap(({ upgrade }) => upgrade(files, from)),
        Effect.catchAllCause((cause) => {
          const thrown = Cause.squash(cause)
          return Effect.fail(failureOf(files, operation)(thrown instanceof Error ? thrown.cause ?? thrown : thrown))
        })
      )
    const once: Effect.Effect<void, EventLogError> = Effect.flatMap(attempt, (opened) => {
      if (opened === undefined) return Effect.void
      if (opened.older === undefined) return adopt(opened)
      const from = opened.older
      opened.close()
      const openAgain = Effect.flatMap(attempt, (again) => again === undefined ? Effect.void : adopt(again))
      return Effect.zipRight(upgraded(from), openAgain)
    })
    return opening.withPermits(1)(once)
  }

  const forReading = (operation: string): Effect.Effect<OpenLog | undefined, EventLogError> =>
    Effect.suspend(() =>
      isInPlace() ? Effect.succeed(log) : Effect.map(openAs(operation, "read"), () => log)
    )

  const forWriting = (operation: string): Effect.Effect<OpenLog, EventLogError> =>
    Effect.suspend(() => {
      const ready = () =>
        Effect.try({
          try: () => {
            if (log === undefined) throw refuse(files, operation, "Unknown", "it could not be opened")
            const verdict = log.verdict()
            if (isRefused(verdict)) throw refusedLog(verdict, operation, files.database)
            if (log.store.opened.readOnly) throw refuse(files, operation, "ReadOnly", "opened for reading")
            log.settle(new Date().toISOString())
            log.startMirror()
            return log
          },
          catch: failureOf(files, operation)
        })
      // Opened where it could not be written to: that may be over now, and else the failure says why it is not.
      if (log?.store.opened.readOnly === true) close()
      return isInPlace() ? ready() : Effect.flatMap(openAs(operation, "write"), ready)
    })

  yield* Effect.addFinalizer(() => Effect.sync(close))
  // A file that can't be used is told at once.
  yield* Effect.retry(forReading("open"), {
    while: (error) => error.reason === "Busy",
    schedule: Schedule.spaced("20 millis").pipe(Schedule.jittered, Schedule.upTo(options.busyFor))
  })
  /** What the log is; of one that is not there, what its absence is. */
  const verdict: Effect.Effect<LogVerdict, EventLogError> = Effect.flatMap(forReading("open"), (opened) =>
    opened === undefined
      ? Effect.try({ try: judgeWithoutLog, catch: failureOf(files, "open") })
      : Effect.sync(opened.verdict))
  return { current: () => log, forReading, forWriting, verdict, hasMoved: () => hasMoved }
})
