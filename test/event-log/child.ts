// One process of the tests in processes.test.ts: `child.ts ROLE DIRECTORY NAME COUNT`. Says each fact as a line.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { accepted, intended, step, team } from "./samples.ts"

const [role, directory = "", name = "", countText = "0"] = process.argv.slice(2)
const count = Number(countText)
const alpha = team("alpha")

/** Synchronous: what was said before a kill was said. A pipe that is full for the moment is written to again. */
const writeAll = (text: string): void => {
  for (let rest = Buffer.from(text); rest.length > 0;) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest))
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error
    }
  }
}

const say = (line: string) => Effect.sync(() => writeAll(`${line}\n`))

const appendAll = Effect.gen(function*() {
  const log = yield* EventLog
  yield* Effect.forEach(
    Array.from({ length: count }, (_, index) => `${name}-${index}`),
    (id) => Effect.flatMap(log.append([accepted("alpha", "coder-1", id), accepted("beta", "coder-2", id)]), (position) =>
      say(`${id} ${position}`)),
    { concurrency: 4, discard: true }
  )
})

const followAll = Effect.gen(function*() {
  const log = yield* EventLog
  yield* say("following")
  yield* log.follow().pipe(Stream.take(count), Stream.runForEach((entry) => say(String(entry.position))))
})

/** Takes the lease again and again, and changes the team on the state that it reads under it. */
const fight = Effect.gen(function*() {
  const log = yield* EventLog
  for (let round = 0; round < count; round += 1) {
    yield* Effect.scoped(Effect.gen(function*() {
      const lease = yield* log.lease(teamResource(alpha), name).pipe(
        Effect.retry({ while: (error) => error._tag === "LeaseHeld", schedule: Schedule.spaced("3 millis") })
      )
      const before = Option.match(yield* log.state(alpha), {
        onNone: () => ({ version: 0, generation: 0 }),
        onSome: (state) => ({ version: state.lifecycleVersion, generation: state.agents[0]?.generation ?? 0 })
      })
      const position = yield* log.append(
        [step("alpha", `${name}-${round}`), intended("alpha", "coder-1", before.generation + 1)],
        { lease, expectedVersion: before.version }
      )
      yield* say(`${lease.token} ${position} ${before.generation + 1}`)
    }))
  }
})

/** Holds the lease until it is killed. */
const hold = Effect.scoped(Effect.gen(function*() {
  const log = yield* EventLog
  const lease = yield* log.lease(teamResource(alpha), name)
  yield* say(`held ${lease.token}`)
  return yield* Effect.never
}))

const roles: Record<string, typeof appendAll | typeof fight> = { append: appendAll, follow: followAll, fight, hold }

Effect.runPromise(
  (roles[role ?? ""] ?? Effect.dieMessage(`no role ${role}`)).pipe(
    Effect.provide(EventLogSqlite.layer({ directory, busyFor: "30 seconds" }))
  )
).catch((cause: unknown) => {
  process.stderr.write(`${String(cause)}\n`)
  process.exitCode = 1
})
