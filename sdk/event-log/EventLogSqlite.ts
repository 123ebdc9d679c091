import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { type Event } from "../domain/event.ts"
import { TeamKey } from "../domain/ids.ts"
import { type Batch, batchOf, missingLease } from "./batch.ts"
import { type AppendOptions, EventLog, type Lease, type LeaseHolder, type ReadOptions } from "./EventLog.ts"
import { type AppendError, EventLogError, LeaseHeld } from "./errors.ts"
import { ownIdentity } from "./process-identity.ts"
import { entryOf, unwritable } from "./rows.ts"
import { nothingFolded } from "./snapshot.ts"
import type { TeamState } from "./TeamState.ts"
import { snapshotEvery } from "./sqlite/commit.ts"
import { failureOf, refuse } from "./sqlite/failures.ts"
import { logFiles } from "./sqlite/files.ts"
import { makeHandle, type OpenLog } from "./sqlite/handle.ts"
import { keepMarker } from "./sqlite/keep-marker.ts"
import { makeReserve } from "./sqlite/reserve.ts"
import { changes } from "./sqlite/wake.ts"

export interface Options {
  /** The runtime's directory, `WORKSPACE/.reprise`; made at the first write. */
  readonly directory: string
  /** How long a lease outlives its last heartbeat where its holder's life can't be told. */
  readonly leaseTtl?: Duration.DurationInput
  /** How long a busy file is tried. */
  readonly busyFor?: Duration.DurationInput
  /** Reprise's directory among the user's states, `$XDG_STATE_HOME/reprise`: the log's marker is kept there. */
  readonly stateHome?: string | undefined
  readonly mirrorMaxBytes?: number
  readonly mirrorsKept?: number
}

interface Append {
  readonly batch: Batch
  readonly done: Deferred.Deferred<number, AppendError>
}

const maxBatches = 1024
const isTeamKey = Schema.is(TeamKey)

const make = Effect.fn("EventLogSqlite.make")(function*(options: Options) {
  const files = logFiles(options.directory)
  const busyFor = Duration.decode(options.busyFor ?? "10 seconds")
  const ttl = Duration.decode(options.leaseTtl ?? "15 seconds")
  const claimant = { process: ownIdentity(), instance: randomUUID(), ttlMs: Duration.toMillis(ttl) }
  const mine = new Set<string>()
  const committed = yield* PubSub.sliding<void>(1)
  const behind = yield* Queue.unbounded<string>()

  const patiently = <A, E>(effect: Effect.Effect<A, E | EventLogError>) =>
    effect.pipe(Effect.retry({
      while: (error) => error instanceof EventLogError && error.reason === "Busy",
      schedule: Schedule.exponential("1 millis", 1.5).pipe(
        Schedule.union(Schedule.spaced("20 millis")),
        Schedule.jittered,
        Schedule.upTo(busyFor)
      )
    }))
  const attempt = <A>(operation: string, body: () => A) =>
    Effect.try({ try: body, catch: failureOf(files, operation) })

  const moves: Array<string> = []
  const handle = yield* makeHandle(files, {
    busyFor,
    stateHome: options.stateHome,
    onMoved: (from, to) => void moves.push(`The workspace ${from} is at ${to} now; the paths of its teams were changed.`),
    onBehind: (team) => void Queue.unsafeOffer(behind, team),
    maxBytes: options.mirrorMaxBytes ?? 5 * 1024 * 1024,
    kept: options.mirrorsKept ?? 5
  })
  yield* Effect.forEach(moves, (moved) => Effect.logWarning(moved))
  const marker = yield* keepMarker(handle, options.stateHome)

  /** Does something with the log's file where there is one. */
  const reading = <A>(operation: string, missing: A, body: (log: OpenLog) => A) =>
    patiently(Effect.flatMap(handle.forReading(operation), (log) =>
      log === undefined ? Effect.succeed(missing) : attempt(operation, () => body(log))))

  // ---- the mirror

  const toMirror = yield* Queue.sliding<void>(1)
  let mirrorFailed = false
  const catchUp = Effect.suspend(() => {
    const log = handle.current()
    return log?.mirror === undefined ? Effect.succeed("more" as const) : Effect.sync(log.mirror.catchUp)
  })
  /** Brings the mirror to a position, within bounds: an append that is on disk never fails for its mirror. */
  const mirrored = (position: number, within: Duration.DurationInput) =>
    catchUp.pipe(
      Effect.flatMap((result) =>
        typeof result === "number" ? Effect.succeed(result) : Effect.fail(result)
      ),
      Effect.retry({
        while: (why) => why === "busy" || why === "more",
        schedule: Schedule.spaced("1 millis").pipe(Schedule.upTo(within))
      }),
      Effect.exit,
      Effect.flatMap((exit) => {
        if (Exit.isSuccess(exit)) {
          mirrorFailed = false
          return Effect.void
        }
        const left = Cause.failureOption(exit.cause)
        if (Option.isSome(left) && position === 0) {
          // Nobody waits for this line: there is much to do, or another process is at it.
          return Effect.sync(() => void Queue.unsafeOffer(toMirror, undefined))
        }
        if (mirrorFailed) return Effect.void
        mirrorFailed = true
        return Effect.logWarning(
          `${files.mirror} could not be brought to position ${position} (${Cause.pretty(exit.cause).split("\n")[0]}). ` +
            "The events are safe in the log; the missing lines follow when it can be written again."
        )
      })
    )
  yield* Queue.take(toMirror).pipe(
    // Lines are written in handfuls where nobody waits for them.
    Effect.zipRight(Effect.sleep("10 millis")),
    Effect.zipRight(mirrored(0, "1 second")),
    Effect.forever,
    Effect.forkScoped
  )

  // ---- appending

  const queue = yield* Queue.unbounded<Append | "close">()
  let closed = false

  const reserved = makeReserve(files)

  const writeOnce = (batches: ReadonlyArray<Batch>) =>
    patiently(Effect.flatMap(handle.forWriting("append"), (log) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        attempt("append", () => log.commit(batches, new Date(now).toISOString())))))
  const write = (batches: ReadonlyArray<Batch>) =>
    Effect.retry(writeOnce(batches), { times: 1, while: (error) => error.reason === "Full" && reserved.release() })

  const complete = (append: Append, exit: Exit.Exit<number, AppendError>) => Deferred.unsafeDone(append.done, exit)

  const record = (appends: ReadonlyArray<Append>): Effect.Effect<void> =>
    write(appends.map((append) => append.batch)).pipe(
      Effect.matchCauseEffect({
        onSuccess: (outcomes) =>
          Effect.zipRight(PubSub.publish(committed, undefined), Effect.sync(() => {
            outcomes.forEach((outcome, index) => {
              const append = appends[index]
              if (append === undefined) return
              complete(append, Either.match(outcome, { onLeft: Exit.fail, onRight: Exit.succeed }))
            })
            Queue.unsafeOffer(toMirror, undefined)
            marker.touch()
          })),
        onFailure: (cause) => {
          // One that can't be written must not fail those that stood beside it.
          if (appends.length > 1) return Effect.forEach(appends, (append) => record([append]), { discard: true })
          return Effect.sync(() => appends.forEach((append) => complete(append, Exit.failCause(cause))))
        }
      })
    )

  const writer = yield* Effect.gen(function*() {
    while (true) {
      const first = yield* Queue.take(queue)
      // Those who were woken by the last commit come with their next event.
      yield* Effect.yieldNow()
      const works = [first, ...Chunk.toReadonlyArray(yield* Queue.takeUpTo(queue, maxBatches))]
      const appends = works.filter((work) => work !== "close")
      if (appends.length > 0) yield* record(appends)
      if (appends.length < works.length) return
    }
  }).pipe(Effect.interruptible, Effect.forkDaemon)

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      closed = true
      yield* Queue.offer(queue, "close")
      yield* Fiber.join(writer)
      const log = handle.current()
      if (log?.mirror !== undefined) yield* mirrored(log.store.head(), "2 seconds")
      yield* marker.write
    })
  )

  const append = (events: ReadonlyArray<Event>, appendOptions: AppendOptions = {}): Effect.Effect<number, AppendError> =>
    Effect.suspend(() => {
      if (events.length === 0) return position
      if (closed) return Effect.fail(refuse(files, "append", "Unknown", "it was closed"))
      const refused = missingLease(events, appendOptions)
      if (refused !== undefined) return Effect.fail(refused)
      const problem = unwritable(events)
      if (problem !== undefined) return Effect.fail(refuse(files, "append", "Unknown", problem))
      const batch = batchOf(events, appendOptions)
      const done = Deferred.unsafeMake<number, AppendError>(Fiber.id(writer))
      Queue.unsafeOffer(queue, { batch, done })
      const recorded = Deferred.await(done)
      return batch.hasStep ? Effect.tap(recorded, (at) => mirrored(at, "2 seconds")) : recorded
    })

  // ---- reading

  const position = reading("position", 0, (log) => log.store.head())

  const identity = reading("identity", null, (log) => log.store.identity() ?? null)

  const teams = reading<ReadonlyArray<string>>("teams", [], (log) => log.store.teams()).pipe(
    Effect.map((keys) => keys.filter((key) => isTeamKey(key)))
  )

  const state = (team: TeamKey): Effect.Effect<Option.Option<TeamState>, EventLogError> =>
    Effect.gen(function*() {
      let folded = yield* reading("state", nothingFolded, (log) => log.store.base(team))
      const begun = handle.current()
      let count = 0
      while (true) {
        const next = yield* reading("state", { folded, count: 0 }, (log) => log.store.foldPage(team, folded))
        folded = next.folded
        count += next.count
        if (next.count === 0) break
        yield* Effect.yieldNow()
      }
      const log = handle.current()
      // Another file took the log's place meanwhile.
      if (log !== begun) return yield* state(team)
      if (log !== undefined && count > 0) {
        log.store.keep(team, folded)
        if (count > snapshotEvery && !log.store.opened.readOnly) {
          // A snapshot saves time and no more: without it the next process folds again.
          const put = () => log.store.transact(() => log.store.putSnapshot(team, folded))
          yield* patiently(attempt("snapshot", put)).pipe(
            Effect.catchAll((error) => Effect.logDebug(error.message))
          )
        }
      }
      return Option.fromNullable(folded.state)
    })

  yield* Queue.take(behind).pipe(
    Effect.flatMap((team) => isTeamKey(team) ? state(team) : Effect.void),
    Effect.catchAll((error) => Effect.logDebug(error.message)),
    Effect.forever,
    Effect.forkScoped
  )

  const pages = (readOptions: ReadOptions, after: number, head: number) =>
    Stream.paginateChunkEffect(after, (from) =>
      reading("read", { rows: [], more: false }, (log) => {
        const rows = log.store.page(readOptions, from, head)
        return { rows, more: log.store.isFullPage(rows) }
      }).pipe(Effect.map(({ more, rows }) => [
        Chunk.unsafeFromArray(rows.map(entryOf)),
        more ? Option.fromNullable(rows.at(-1)?.position) : Option.none()
      ])))

  const read = (readOptions: ReadOptions = {}) =>
    Stream.unwrap(Effect.map(position, (head) => pages(readOptions, readOptions.after ?? 0, head)))

  // The log itself is read at each wake, from where it was read to: so nothing is lost or doubled at any seam.
  const follow = (readOptions: ReadOptions = {}) =>
    Stream.unwrapScoped(Effect.gen(function*() {
      const wakes = yield* changes(files, committed)
      let reached = readOptions.after ?? 0
      return Stream.fromQueue(wakes).pipe(
        Stream.mapEffect(() => position),
        Stream.flatMap((head) => {
          // A shorter log than before is a new one.
          const from = head < reached ? 0 : reached
          reached = head
          return head === from ? Stream.empty : pages(readOptions, from, head)
        })
      )
    }))

  // ---- leases

  const take = (resource: string, command: string) =>
    patiently(Effect.flatMap(handle.forWriting("lease"), (log) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        attempt("lease", () => {
          const token = log.leases.take(resource, command, claimant, mine, now)
          if (typeof token === "number") mine.add(resource)
          return token
        })))).pipe(
      Effect.flatMap((token): Effect.Effect<Lease, LeaseHeld> =>
        typeof token === "number" ? Effect.succeed({ resource, token }) : Effect.fail(token)
      )
    )

  const release = ({ resource, token }: Lease) =>
    patiently(Effect.flatMap(handle.forWriting("lease"), (log) =>
      attempt("lease", () => log.leases.release(resource, token)))).pipe(
      Effect.catchAll((error) => Effect.logWarning(`The lease of ${resource} was not released. ${error.message}`)),
      Effect.ensuring(Effect.sync(() => mine.delete(resource)))
    )

  const beat = ({ resource, token }: Lease) =>
    patiently(Effect.flatMap(handle.forWriting("heartbeat"), (log) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        attempt("heartbeat", () => log.leases.beat(resource, token, claimant.ttlMs, now))))).pipe(
      Effect.catchAll((error) => Effect.as(Effect.logWarning(error.message), true))
    )

  const lease = (resource: string, command: string) =>
    Effect.tap(Effect.acquireRelease(take(resource, command), release), (held) =>
      beat(held).pipe(
        Effect.delay(Duration.times(ttl, 1 / 3)),
        Effect.repeat({ while: (ours) => ours }),
        Effect.zipRight(Effect.logWarning(`The lease of ${resource} was taken over by another process.`)),
        // A lease that a finalizer takes is released too: its heartbeat must not inherit that it can't be interrupted.
        Effect.interruptible,
        Effect.forkScoped
      ))

  const holder = (resource: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      reading<LeaseHolder | null>("lease", null, (log) => log.leases.holder(resource, claimant, mine, now)))

  return EventLog.of({ append, read, follow, state, teams, position, identity, verdict: handle.verdict, lease, holder, reserve: reserved.hold })
})

/**
 * The log of a workspace, in `reprise.db` of the directory, with its mirror `events.jsonl` beside it. Nothing is made
 * before the first write; a file that can't be used fails the layer with a sentence that says what to do.
 */
export const layer = (options: Options): Layer.Layer<EventLog, EventLogError> =>
  Layer.scoped(EventLog, make(options))
