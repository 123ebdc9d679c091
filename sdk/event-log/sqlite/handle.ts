import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as fs from "node:fs"
import type { EventLogError } from "../errors.ts"
import { makeCommit } from "./commit.ts"
import { failureOf, refuse } from "./failures.ts"
import type { LogFiles } from "./files.ts"
import { makeLeaseTable } from "./lease-table.ts"
import { makeMirror, type Mirror, type MirrorOptions } from "./mirror.ts"
import { open, type Opened } from "./open.ts"
import { makeStore } from "./store.ts"

export interface HandleOptions extends MirrorOptions {
  readonly busyFor: Duration.DurationInput
  readonly onBehind: (team: string) => void
}

const assemble = (files: LogFiles, opened: Opened, options: HandleOptions) => {
  const store = makeStore(files, opened)
  let mirror: Mirror | undefined
  return {
    store,
    commit: makeCommit(store, options.onBehind),
    leases: makeLeaseTable(store),
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
  const opening = yield* Effect.makeSemaphore(1)

  const close = (): void => {
    log?.close()
    log = undefined
  }
  const isInPlace = (): boolean =>
    log !== undefined && fs.statSync(files.database, { throwIfNoEntry: false })?.ino === log.store.opened.ino

  const openAs = (operation: string, intent: "read" | "write") => {
    const attempt = Effect.try({
      try: () => {
        if (isInPlace()) return undefined
        close()
        return open(files, intent)
      },
      catch: failureOf(files, operation)
    })
    const adopt = (opened: Opened) =>
      Effect.try({
        try: () => {
          try {
            log = assemble(files, opened, options)
          } catch (cause) {
            opened.close()
            throw cause
          }
        },
        catch: failureOf(files, operation)
      })
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
            if (log.store.opened.readOnly) throw refuse(files, operation, "ReadOnly", "opened for reading")
            log.startMirror()
            return log
          },
          catch: failureOf(files, operation)
        })
      return isInPlace() ? ready() : Effect.flatMap(openAs(operation, "write"), ready)
    })

  yield* Effect.addFinalizer(() => Effect.sync(close))
  // A file that can't be used is told at once.
  yield* Effect.retry(forReading("open"), {
    while: (error) => error.reason === "Busy",
    schedule: Schedule.spaced("20 millis").pipe(Schedule.jittered, Schedule.upTo(options.busyFor))
  })
  return { current: () => log, forReading, forWriting }
})
