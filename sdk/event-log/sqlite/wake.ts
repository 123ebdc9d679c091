import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as fs from "node:fs"
import * as path from "node:path"
import type { LogFiles } from "./files.ts"

/** Watches the directory; undefined while it can't be watched. */
const watch = (files: LogFiles, wake: () => void): fs.FSWatcher | undefined => {
  const name = path.basename(files.database)
  try {
    const watcher = fs.watch(files.directory, { persistent: false }, (_event, file) => {
      if (file === null || file.startsWith(name)) wake()
    })
    watcher.on("error", () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

/**
 * Says, at once and then again and again, that the log should be looked at: after a commit of this process, when
 * another process wrote, and slowly in any case. Wakes that nobody took yet are one.
 */
export const changes = Effect.fn("EventLog.changes")(function*(files: LogFiles, committed: PubSub.PubSub<void>) {
  const wakes = yield* Queue.sliding<void>(1)
  const wake = (): void => void Queue.unsafeOffer(wakes, undefined)
  const commits = yield* PubSub.subscribe(committed)
  yield* Queue.take(commits).pipe(Effect.zipRight(Effect.sync(wake)), Effect.forever, Effect.forkScoped)
  let watcher: fs.FSWatcher | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => watcher?.close()))
  wake()
  yield* Effect.sync(() => {
    // The directory may be made later, or anew.
    watcher ??= watch(files, wake)
    wake()
  }).pipe(Effect.repeat(Schedule.spaced("500 millis")), Effect.forkScoped)
  return wakes
})
