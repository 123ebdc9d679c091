import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import { agentOf } from "../event-log/TeamState.ts"
import type { Transport } from "../plugin/PluginHost.ts"
import type { PaneInspection } from "../plugin/transport-driver.ts"
import { currentState } from "./prepare.ts"
import { type AgentResult, fail, type RolloutContext, scopeOf } from "./rollout-context.ts"

const lookEveryMs = 250

/** Looks until the time is over, or a death is seen; answers with the last that was seen. */
const watch = (transport: Transport, pane: PaneIdentity, untilMs: number): Effect.Effect<PaneInspection> =>
  Effect.gen(function*() {
    const seen = yield* transport.inspect(pane)
    const left = untilMs - (yield* Clock.currentTimeMillis)
    if (seen.state === "dead" || left <= 0) return seen
    yield* Effect.sleep(Duration.millis(Math.min(lookEveryMs, left)))
    return yield* watch(transport, pane, untilMs)
  })

/** Whether an agent that is back lives for so long. One that ends, or can't be seen, has not come back after all. */
export const provedHealthy = <E, R>(context: RolloutContext<E, R>, result: AgentResult, forMs: number) =>
  Effect.gen(function*() {
    if (forMs === 0 || (result.result !== "resumed" && result.result !== "started")) return result
    const { operation, plan, transport } = context
    const agent = agentOf(yield* currentState(plan.team.key, plan.team), result.agent)
    const pane = agent?.spawn?.pane ?? null
    if (agent === undefined || pane === null) return result
    const until = (yield* Clock.currentTimeMillis) + forMs
    const seen = yield* operation.step({
      name: "healthy",
      agent: result.agent,
      generation: agent.generation,
      run: watch(transport, pane, until),
      detail: ({ evidence, state }) => ({ state, evidence }),
      result: ({ evidence, exit, state }): ReadonlyArray<Event> =>
        state === "dead" ? [{ type: "agent.exited", ...scopeOf(context, agent, agent.generation), exit, evidence }] : []
    })
    const evidence = seen.evidence.replace(/\.*$/, "")
    const back: AgentResult = seen.state === "alive" ? result : {
      ...result,
      result: "failed",
      failure: seen.state === "dead"
        ? fail("crash", `It was ready and did not live for ${Duration.format(forMs)}: ${evidence}.`, true)
        : fail("unknown", `It was ready, and whether it lived for ${Duration.format(forMs)} is unknown: ${evidence}.`)
    }
    return back
  })
