import { closeSync, existsSync, openSync, rmSync, statSync } from "node:fs"
import Database from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { codeOf, describe, Unanswered } from "./failures.ts"

// tmux 3.3a crashes when one client in control mode attaches or detaches while another does so. The processes of a
// workspace take turns by a lock on a file beside the socket. The operating system holds it, so that a process that was
// killed never keeps it.

const inodeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.ino ?? null

const isBusy = (error: unknown): boolean => codeOf(error).startsWith("SQLITE_BUSY")

const lockOnce = (path: string): Database.Database | null => {
  closeSync(openSync(path, "a", 0o600))
  const database = new Database(path, { timeout: 0 })
  try {
    const opened = inodeOf(path)
    database.exec("BEGIN EXCLUSIVE")
    // The file may have been removed by the previous holder: then this is the lock of a file that others do not see.
    if (opened !== null && inodeOf(path) === opened) return database
  } catch (error) {
    database.close()
    if (isBusy(error)) return null
    throw error
  }
  database.close()
  return null
}

class Taken {
  readonly _tag = "Taken"
}

const acquire = (path: string, limitMs: number) =>
  Effect.try({
    try: () => lockOnce(path),
    catch: (error) => new Unanswered({ detail: `${path} can't be locked: ${describe(error)}` })
  }).pipe(
    Effect.flatMap((held) => held === null ? Effect.fail(new Taken()) : Effect.succeed(held)),
    Effect.retry({
      while: (error) => error._tag === "Taken",
      schedule: Schedule.spaced("4 millis").pipe(Schedule.upTo(limitMs))
    }),
    Effect.catchTag("Taken", () =>
      new Unanswered({ detail: `another process has been connecting to tmux for ${limitMs} ms` }))
  )

/** Runs an effect while no other process attaches a client in control mode to this server, or detaches one. */
export const withControlLock = (path: string, limitMs: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.interruptible(acquire(path, limitMs)),
    () => effect,
    (database) => Effect.sync(() => database.close())
  )

/** Removes the lock's file, unless another process is using it. */
export const removeControlLock = (path: string): Effect.Effect<void> =>
  Effect.suspend(() =>
    existsSync(path) ? Effect.ignore(withControlLock(path, 0)(Effect.sync(() => rmSync(path, { force: true })))) : Effect.void
  )
