import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { Event } from "../domain/event.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import { agentOf } from "../event-log/TeamState.ts"
import type { Transport } from "../plugin/PluginHost.ts"
import type { PaneInspection, TransportEvent } from "../plugin/transport-driver.ts"
import { inspectPane } from "../session/look.ts"
import { currentState } from "./prepare.ts"
import { type AgentResult, fail, type RolloutContext, scopeOf } from "./rollout-context.ts"
import { endedFor } from "./waits.ts"

/** How often to look where no event says that there is something to see: one may get lost. */
const lookEveryMs = 1000

const concerns = ({ pane, spawn }: PaneIdentity) => (event: TransportEvent): boolean =>
  event._tag === "HomeGone" || (event.pane.pane === pane && event.pane.spawn === spawn)

/** Looks until the time is over, or a death is seen; answers with the last that was seen. An event makes it look at once. */
const watch = (transport: Transport, pane: PaneIdentity, untilMs: number): Effect.Effect<PaneInspection> =>
  Effect.scoped(Effect.gen(function*() {
    const stirred = yield* Queue.sliding<void>(1)
    yield* transport.events.pipe(
      Stream.filter(concerns(pane)),
      Stream.runForEach(() => Queue.offer(stirred, undefined)),
      Effect.ignoreLogged,
      Effect.forkScoped
    )
    const look: Effect.Effect<PaneInspection> = Effect.gen(function*() {
      const seen = yield* inspectPane(transport, pane)
      const left = untilMs - (yield* elapsedMillis)
      if (seen.state === "dead" || left <= 0) return seen
      yield* Effect.timeoutOption(Queue.take(stirred), Duration.millis(Math.min(lookEveryMs, left)))
      return yield* look
    })
    return yield* look
  }))

/** Whether one agent that is back lives for so long. `over` ends the wait: another one did not. */
const lives = <E, R>(context: RolloutContext<E, R>, result: AgentResult, forMs: number, over: Deferred.Deferred<void>) =>
  Effect.gen(function*() {
    const { operation, plan, transport } = context
    const agent = agentOf(yield* currentState(plan.team.key, plan.team), result.agent)
    const pane = agent?.spawn?.pane ?? null
    if (agent === undefined || pane === null) return result
    const until = (yield* elapsedMillis) + forMs
    const cut = Effect.zipRight(Deferred.await(over), inspectPane(transport, pane))
    const run: Effect.Effect<PaneInspection> = Effect.raceFirst(watch(transport, pane, until), cut)
    const seen = yield* operation.step({
      name: "healthy",
      agent: result.agent,
      generation: agent.generation,
      run,
      detail: ({ evidence, state }) => ({ state, evidence }),
      result: ({ evidence, exit, state }): ReadonlyArray<Event> =>
        state !== "dead" ? [] : [{
          type: "agent.exited",
          ...scopeOf(context, agent, agent.generation),
          exit,
          evidence,
          ...endedFor(agent, exit, context.findProvider(agent.spec.provider))
        }]
    })
    if (seen.state === "alive") return result
    yield* Deferred.succeed(over, undefined)
    const evidence = seen.evidence.replace(/\.*$/, "")
    const failed: AgentResult = {
      ...result,
      result: "failed",
      failure: seen.state === "dead"
        ? fail("crash", `It was ready and did not live for ${Duration.format(forMs)}: ${evidence}.`, true)
        : fail("unknown", `It was ready, and whether it lived for ${Duration.format(forMs)} is unknown: ${evidence}.`)
    }
    return failed
  })

/**
 * Whether the agents of a batch, which are back, live for so long together. One that ends, or can't be seen, has not come
 * back after all; and where one of them is not even back, nobody waits for the others.
 */
export const provedHealthy = <E, R>(context: RolloutContext<E, R>, results: ReadonlyArray<AgentResult>, forMs: number) =>
  Effect.gen(function*() {
    if (forMs === 0 || results.some(({ result }) => result === "failed")) return results
    const over = yield* Deferred.make<void>()
    return yield* Effect.forEach(results, (result) =>
      result.result === "resumed" || result.result === "started" ? lives(context, result, forMs, over) : Effect.succeed(result), {
      concurrency: "unbounded"
    })
  })
