import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { processState, type TransportEvent } from "reprise/plugin"
import type { Notification } from "./control-parser.ts"
import type { Unanswered } from "./failures.ts"
import { type Ground, identify, isOwn, listRows, type OwnRow, readExit } from "./Ground.ts"
import type { Server } from "./server-look.ts"

/** What happens to the panes, told as it happens. */
export interface Watch {
  readonly events: Stream.Stream<TransportEvent>
  /** A window of ours was made on this server; it may be gone again by now. */
  readonly spawned: (server: Server, row: OwnRow) => Effect.Effect<void>
}

const isSame = (one: Server, other: Server): boolean => one.pid === other.pid && one.startTime === other.startTime

/** Windows that closed before anybody knew whose they were; more than this need not be remembered. */
const rememberedClosings = 1000

/** One fiber a transport follows tmux's notifications, from the first time that somebody wants to know. */
export const makeWatch = Effect.fn("tmux.watch")(function*(ground: Ground, scope: Scope.Scope) {
  const hub = yield* PubSub.unbounded<TransportEvent>()
  const nudge = yield* Queue.sliding<void>(1)
  const ready = yield* Deferred.make<void>()
  const known = new Map<string, OwnRow>()
  const closedEarly = new Set<string>()
  let server: Server | null = null
  let running = false

  /** Tells the end of a pane's agent, when it is proved: a closed window does not prove it. */
  const settle = Effect.fnUntraced(function*(row: OwnRow) {
    const identity = yield* identify(ground, row)
    if (identity === null) return
    for (let pause = 1; (yield* processState(identity)) !== "dead"; pause = Math.min(pause * 2, 500)) {
      yield* Effect.sleep(pause)
    }
    const exit = yield* readExit(ground, row.owner.spawn)
    yield* PubSub.publish(hub, { _tag: "Exited", pane: identity, exit })
  })
  const settleApart = (row: OwnRow) => Effect.forkIn(settle(row), scope)

  const learn = Effect.fnUntraced(function*(row: OwnRow) {
    if (closedEarly.delete(row.window)) yield* settleApart(row)
    else known.set(row.window, row)
  })

  const closedWindow = Effect.fnUntraced(function*(window: string) {
    const row = known.get(window)
    if (row !== undefined) {
      known.delete(window)
      yield* settleApart(row)
      return
    }
    closedEarly.add(window)
    const oldest = closedEarly.values().next().value
    if (closedEarly.size > rememberedClosings && oldest !== undefined) closedEarly.delete(oldest)
  })

  const forget = Effect.sync(() => {
    known.clear()
    closedEarly.clear()
    server = null
  })

  const homeGone = Effect.fnUntraced(function*(gone: Server) {
    yield* forget
    yield* PubSub.publish(hub, { _tag: "HomeGone", endpoint: gone.socket })
  })

  /** Looks at one window, or all: what is new is learnt, and of what is missing the end is told. */
  const compare = Effect.fnUntraced(function*(window: string | null) {
    const rows = yield* listRows(ground, window)
    const own = (rows ?? []).filter(isOwn)
    for (const row of own) if (!known.has(row.window)) yield* learn(row)
    for (const [id, row] of known) {
      if (window !== null && id !== window) continue
      if (!own.some((each) => each.pane === row.pane)) yield* closedWindow(id)
    }
  })

  const heed = Effect.fnUntraced(function*(notification: Notification): Effect.fn.Return<void, Unanswered> {
    const [window] = notification.rest.split(" ")
    if (window === undefined) return
    switch (notification.name) {
      case "window-close":
      case "unlinked-window-close":
        return yield* closedWindow(window)
      case "window-add":
      case "unlinked-window-add":
        return known.has(window) ? undefined : yield* compare(window)
      case "layout-change":
        // A person may have split the window of an agent: then its pane closes without its window.
        return yield* compare(window)
    }
  })

  const pause = Effect.race(Queue.take(nudge), Effect.sleep("200 millis"))

  /** One connection's time. Ends when it does; what was missed is found by comparing at the next one. */
  const round = Effect.gen(function*() {
    // While there is no server, it is enough to knock.
    const following = server === null && !(yield* ground.home.listens) ? null : yield* ground.home.follow
    if (following === null) {
      if (server !== null) yield* homeGone(server)
      yield* Deferred.succeed(ready, undefined)
      return yield* pause
    }
    if (server !== null && !isSame(server, following.server)) yield* homeGone(server)
    server = following.server
    const told = yield* PubSub.subscribe(following.connection.notifications)
    yield* compare(null)
    yield* Deferred.succeed(ready, undefined)
    yield* Queue.take(told).pipe(
      Effect.flatMap(heed),
      Effect.forever,
      Effect.raceFirst(following.connection.closed)
    )
  }).pipe(
    Effect.scoped,
    // Unknown is no event: look again.
    Effect.catchAll(() => Effect.zipRight(Deferred.succeed(ready, undefined), pause))
  )

  const begin = Effect.suspend(() => {
    if (running) return Effect.void
    running = true
    return Effect.forkIn(Effect.forever(round), scope)
  })

  const watch: Watch = {
    events: Stream.unwrapScoped(Effect.gen(function*() {
      const stream = yield* Stream.fromPubSub(hub, { scoped: true })
      yield* begin
      yield* Deferred.await(ready)
      return stream
    })),
    spawned: Effect.fnUntraced(function*(on, row) {
      if (!running) return
      yield* Queue.offer(nudge, undefined)
      if (server === null || isSame(server, on)) yield* learn(row)
    })
  }
  return watch
})
