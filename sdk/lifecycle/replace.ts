import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import { holdInput } from "../messaging/input-lease.ts"
import { endLeftovers, isNothingLeft, leftBy, leftoverEvents } from "./leftovers.ts"
import { panesToEnd } from "./observe.ts"
import type { AgentPlan } from "./plan.ts"
import { fail, type RolloutContext, scopeOf } from "./rollout-context.ts"
import { type SpawnPlan, writeSpawnFiles } from "./spawn.ts"

/** How long the agent's processes may take to end: what the policy says of it, else the setting. */
export const graceOf = <E, R>(context: RolloutContext<E, R>, { decided }: AgentPlan<E, R>): number =>
  decided.handling.graceMs ?? context.plan.request.graceMs

/** Ends everything that is or was this agent, and proves it gone: a conversation has one live process. */
export const stopOld = <E, R>(context: RolloutContext<E, R>, entry: AgentPlan<E, R>) => {
  const { facts: { agent }, observation } = entry
  const panes = panesToEnd(entry)
  if (panes.length === 0) return Effect.void
  const scope = scopeOf(context, agent, agent.generation)
  const stopped = Effect.forEach(panes, (pane) =>
    context.transport.stop(pane, { graceMs: graceOf(context, entry) }).pipe(
      Effect.mapError((error) => fail("unknown", `Its old process could not be ended: ${error.message}`, true)),
      Effect.flatMap((report) =>
        report.gone ? Effect.succeed(report.evidence) : Effect.fail(
          fail("unknown", `Its old process (${report.survivors.join(", ")}) is still there, so no new one was started.`, true)
        )
      )
    ))
  // What a dead process may have left is ended as well; it was no stop of the agent, and nobody types into it.
  if (observation.process.state === "dead" && observation.strays.length === 0) return Effect.asVoid(stopped)
  const stop = context.operation.step({
    name: "stop",
    agent: agent.spec.id,
    generation: agent.generation,
    run: stopped,
    result: (reports): ReadonlyArray<Event> => [
      { type: "agent.stopped", ...scope, evidence: reports.join("; ") }
    ]
  })
  return Effect.scoped(
    holdInput(scope.team, scope.agent, "restart", "15 seconds").pipe(
      Effect.catchTag("LeaseHeld", (held) => Effect.fail(fail("unknown", `It is being typed into: ${held.message}`, true))),
      Effect.zipRight(stop)
    )
  )
}

/** Ends what ended generations of the agent left behind: its own process, and those before it, are proved gone by now. */
export const stopLeftovers = <E, R>(context: RolloutContext<E, R>, entry: AgentPlan<E, R>) =>
  Effect.gen(function*() {
    const { facts: { agent } } = entry
    const by = yield* leftBy(context.plan.team, agent, agent.generation)
    const report = yield* endLeftovers(by, graceOf(context, entry), new Set())
    if (!isNothingLeft(report)) yield* context.operation.append(leftoverEvents(scopeOf(context, agent, agent.generation), report))
    return report
  })

/** Nothing is spawned into a home that vanished under us. */
const probeHome = <E, R>(context: RolloutContext<E, R>): Effect.Effect<void, AgentFailure> =>
  Effect.gen(function*() {
    const { gone, unseen, used } = yield* Ref.get(context.home)
    const vanished = fail(
      "unknown",
      `session_disappeared_after_spawn: the team's home vanished after ${unseen.join(", ") || "all of them"} had started, so nothing more was spawned.`,
      true
    )
    if (gone) return yield* Effect.fail(vanished)
    if (!used) return
    const listing = yield* Effect.mapError(context.transport.list, (error) =>
      fail("unknown", `The ${context.transport.name} transport could not be asked before the start: ${error.message}`, true))
    if (listing.home === "absent") {
      yield* Ref.update(context.home, (home) => ({ ...home, gone: true }))
      return yield* Effect.fail(vanished)
    }
    // It was seen with these in it.
    yield* Ref.update(context.home, (home) => ({ ...home, unseen: home.unseen.filter((id) => !unseen.includes(id)) }))
  })

/** Starts the new process, its intent on disk before it begins. */
export const spawnNew = <E, R>(context: RolloutContext<E, R>, agent: AgentState, spawn: SpawnPlan, fresh: ReadonlyArray<Event>) => {
  const scope = scopeOf(context, agent, spawn.generation)
  return context.operation.step({
    name: "spawn",
    agent: agent.spec.id,
    generation: spawn.generation,
    detail: (pane) => ({ pid: pane.pid }),
    intent: [...fresh, {
      type: "agent.spawn_intended",
      ...scope,
      spawn: spawn.token,
      mode: spawn.mode,
      session_id: spawn.sessionId,
      rollout_path: spawn.transcript,
      launch_context: spawn.launchContext
    }],
    run: probeHome(context).pipe(
      Effect.zipRight(writeSpawnFiles(spawn)),
      Effect.zipRight(Effect.mapError(context.transport.spawn(spawn.request), (error) =>
        fail(error.reason === "Refused" ? "missing_binary" : "unknown", `It could not be started: ${error.message}`))),
      Effect.tap(() => Ref.update(context.home, (home) => ({ ...home, used: true, unseen: [...home.unseen, agent.spec.id] })))
    ),
    result: (pane): ReadonlyArray<Event> => [{ type: "agent.spawned", ...scope, spawn: spawn.token, pane }],
    failed: (failure): ReadonlyArray<Event> => [
      { type: "agent.spawn_failed", ...scope, spawn: spawn.token, failure }
    ]
  })
}
