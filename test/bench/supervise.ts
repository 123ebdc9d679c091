import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { mkdirSync, realpathSync } from "node:fs"
import { join } from "node:path"
import * as Supervise from "../../sdk/coordinator/Supervise.ts"
import { TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import { refuse, standard, withBudget } from "../../sdk/policy/Policy.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { endServersIn } from "./bare-tmux.ts"
import { house } from "./house.ts"
import { row, tmuxVersion } from "./measure.ts"
import { cleanEnvironment, notMeasured, NotMeasured, progress, temporaryDirectory } from "./suite.ts"
import type { Suite } from "./suite.ts"

const key = TeamKey.make("alpha")
const crowd = 4
const runs = 15

/** What is waited for in the log, of one agent's next generation. */
interface Awaited {
  readonly agent: string
  readonly after: number
  readonly exited: Deferred.Deferred<number>
  readonly intended: Deferred.Deferred<number>
  readonly started: Deferred.Deferred<number>
  readonly ready: Deferred.Deferred<number>
}

const within = <A>(awaited: Deferred.Deferred<A>, what: string) =>
  Deferred.await(awaited).pipe(Effect.timeoutFail({
    duration: "30 seconds",
    onTimeout: () => new NotMeasured({ reason: `${what} was not seen within 30 seconds.` })
  }))

/**
 * From a worker's SIGKILL, beside workers that live on, until its death, the intent of its next start, and its new process
 * are on disk in the log: the same policy as a restart, with no back-off.
 */
export const supervise: Suite = {
  names: ["supervise.death_to_event", "supervise.death_to_intent", "supervise.death_to_start"],
  measure: (wanted) =>
    Effect.gen(function*() {
      if (tmuxVersion() === null) return yield* new NotMeasured({ reason: "tmux is not here" })
      const home = realpathSync(yield* temporaryDirectory)
      const workspace = join(home, "workspace")
      mkdirSync(workspace)
      const env = cleanEnvironment(home)
      yield* endServersIn(join(home, "tmp"), env)
      yield* progress(`Killing a supervised worker ${runs} times.`)
      const samples = yield* Effect.gen(function*() {
        const log = yield* EventLog
        const team = JSON.stringify({
          name: key,
          defaults: { provider: "fake", options: { session: "at-start" } },
          agents: Object.fromEntries(Array.from({ length: crowd }, (_, index) => [`coder-${index + 1}`, {}]))
        })
        yield* Launch.up(yield* parseTeamFile(team, { file: "team.yaml", workspace }), { workspace, transport: "tmux", plugins: [] })
        let waiting: Awaited | null = null
        yield* log.follow({ after: yield* log.position }).pipe(
          Stream.runForEach((entry) =>
            Effect.suspend(() => {
              if (entry._tag !== "Event" || waiting === null) return Effect.void
              const { event } = entry
              if (!("agent" in event) || event.agent !== waiting.agent || !("generation" in event)) return Effect.void
              const now = performance.now()
              const old = event.generation === waiting.after
              switch (event.type) {
                case "agent.exited":
                  return old ? Deferred.succeed(waiting.exited, now) : Effect.void
                case "agent.spawn_intended":
                  return old ? Effect.void : Deferred.succeed(waiting.intended, now)
                case "agent.spawned":
                  return old ? Effect.void : Deferred.succeed(waiting.started, now)
                case "agent.ready":
                  return old ? Effect.void : Deferred.succeed(waiting.ready, now)
                default:
                  return Effect.void
              }
            })
          ),
          Effect.forkScoped
        )
        const policy = withBudget({ restarts: 10_000, per: "1 day", exceeded: refuse("spent", "it was too often") })(standard)
        yield* Effect.forkScoped(Supervise.supervise(key, policy, { stableFor: 0, stagger: 0 }))
        yield* log.follow({ team: key, types: ["supervision.enabled"] }).pipe(Stream.take(1), Stream.runDrain)
        const once = (index: number) =>
          Effect.gen(function*() {
            const agent = `coder-${index % crowd + 1}`
            const state = Option.getOrThrow(yield* log.state(key))
            const { generation = 0, spawn = null } = agentOf(state, agent) ?? {}
            const pane = spawn?.pane ?? null
            if (pane === null) return yield* new NotMeasured({ reason: `${agent} has no process.` })
            const awaited: Awaited = {
              agent,
              after: generation,
              exited: yield* Deferred.make<number>(),
              intended: yield* Deferred.make<number>(),
              started: yield* Deferred.make<number>(),
              ready: yield* Deferred.make<number>()
            }
            waiting = awaited
            // The restart before is over, and the supervisor has looked once more.
            yield* Effect.sleep("300 millis")
            const killed = performance.now()
            process.kill(pane.pid, "SIGKILL")
            const took = {
              exited: (yield* within(awaited.exited, "A death")) - killed,
              intended: (yield* within(awaited.intended, "The intent of a start")) - killed,
              started: (yield* within(awaited.started, "A start")) - killed
            }
            yield* within(awaited.ready, "An agent that is ready")
            return took
          })
        // Once before it counts, so that the code is loaded.
        yield* once(0)
        return yield* Effect.forEach(Array.from({ length: runs }, (_, index) => index + 1), once)
      }).pipe(Effect.scoped, Effect.provide(house(workspace, env)), Effect.mapError(notMeasured))
      return [
        ...(wanted.has("supervise.death_to_event") ? [row("supervise.death_to_event", "ms", samples.map(({ exited }) => exited))] : []),
        ...(wanted.has("supervise.death_to_intent") ? [row("supervise.death_to_intent", "ms", samples.map(({ intended }) => intended))] : []),
        ...(wanted.has("supervise.death_to_start") ? [row("supervise.death_to_start", "ms", samples.map(({ started }) => started))] : [])
      ]
    })
}
