import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { mkdirSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { AgentId, SpawnToken, TeamKey } from "../../sdk/domain/ids.ts"
import type { PaneIdentity } from "../../sdk/domain/pane.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { endServersIn, sessionIds, workerArgv } from "./bare-tmux.ts"
import { house } from "./house.ts"
import { row, tmuxVersion } from "./measure.ts"
import { cleanEnvironment, notMeasured, NotMeasured, progress, temporaryDirectory } from "./suite.ts"
import type { Suite } from "./suite.ts"

const team = TeamKey.make("alpha")
const crowd = 10
const rounds = 10

/**
 * From a worker's SIGKILL to its `agent.exited` in the log, on disk: through the transport's events, beside workers
 * that live on.
 */
export const death: Suite = {
  names: ["death.p50", "death.p99"],
  measure: (wanted) =>
    Effect.gen(function*() {
      if (tmuxVersion() === null) return yield* new NotMeasured({ reason: "tmux is not here" })
      const home = realpathSync(yield* temporaryDirectory)
      const workspace = join(home, "workspace")
      mkdirSync(workspace)
      const env = cleanEnvironment(home)
      yield* endServersIn(join(home, "tmp"), env)
      yield* progress(`Killing ${crowd * rounds} workers, one after the other.`)
      const samples = yield* Effect.gen(function*() {
        const transport = yield* Effect.flatMap(PluginHost, (host) => host.transport("tmux"))
        const log = yield* EventLog
        const waiting = new Map<string, Deferred.Deferred<number, NotMeasured>>()
        yield* transport.events.pipe(
          Stream.runForEach((event) =>
            Effect.gen(function*() {
              if (event._tag !== "Exited") return
              const waiter = waiting.get(event.pane.spawn)
              if (waiter === undefined) return
              yield* log.append([{
                type: "agent.exited",
                team,
                agent: AgentId.make("coder"),
                generation: 1,
                exit: event.exit,
                evidence: "The transport said so."
              }])
              yield* Deferred.succeed(waiter, performance.now())
            })
          ),
          Effect.forkScoped
        )
        const start = (index: number) =>
          Effect.gen(function*() {
            const [session = ""] = sessionIds(1)
            const agent = `coder-${index}`
            return yield* transport.spawn({
              team,
              agent,
              generation: 1,
              spawn: SpawnToken.make(session),
              argv: workerArgv(join(home, "sessions"), agent, { fresh: session }),
              cwd: workspace,
              env
            })
          })
        const stop = (pane: PaneIdentity) => Effect.ignore(transport.stop(pane, { graceMs: 0 }))
        const kill = (pane: PaneIdentity) =>
          Effect.gen(function*() {
            const waiter = yield* Deferred.make<number, NotMeasured>()
            waiting.set(pane.spawn, waiter)
            const killed = performance.now()
            process.kill(pane.pid, "SIGKILL")
            const heard = yield* Deferred.await(waiter).pipe(Effect.timeoutFail({
              duration: "20 seconds",
              onTimeout: () => new NotMeasured({ reason: "A death was not told within 20 seconds." })
            }))
            waiting.delete(pane.spawn)
            return heard - killed
          })
        const took: Array<number> = []
        for (let round = 0; round < rounds; round++) {
          const panes = yield* Effect.acquireRelease(
            Effect.forEach(Array.from({ length: crowd }, (_, index) => index), start, { concurrency: 4 }),
            (alive) => Effect.forEach(alive, stop, { discard: true })
          )
          for (const pane of panes) took.push(yield* kill(pane))
        }
        return took
      }).pipe(
        Effect.scoped,
        Effect.provide(house(workspace, env)),
        Effect.either,
        Effect.flatMap(Either.match({ onLeft: (error) => Effect.fail(notMeasured(error)), onRight: Effect.succeed }))
      )
      return [
        ...(wanted.has("death.p50") ? [row("death.p50", "ms", samples)] : []),
        ...(wanted.has("death.p99") ? [row("death.p99", "ms", samples, { share: 0.99 })] : [])
      ]
    })
}
