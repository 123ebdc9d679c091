import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { Event } from "../domain/event.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import { type Batch, batches, type RolloutAgent } from "../policy/Rollout.ts"
import { bringBack } from "./bring-back.ts"
import type { Reasons } from "./gates.ts"
import { provedHealthy } from "./healthy.ts"
import { panesToEnd } from "./observe.ts"
import type { HostEnvironment } from "./operation.ts"
import { type RestartPlan, touches } from "./plan.ts"
import type { AgentResult, Home, RolloutContext } from "./rollout-context.ts"
import { heldByPerson } from "./takeover.ts"

export type { AgentResult } from "./rollout-context.ts"

/** What came of all of them. */
export interface Rollout {
  readonly results: ReadonlyArray<AgentResult>
  /** The agents that had been spawned since the home was last seen, when it was found to have vanished. */
  readonly vanishedAfter: ReadonlyArray<AgentId> | null
  /** Agents that were to be brought back and were left alone, since somebody before them failed. */
  readonly notReached: ReadonlyArray<AgentId>
}

/** What the stops of this operation may hit, and what they spare, written before the first of them. */
const killAudit = <E, R>(context: RolloutContext<E, R>, observed: ReadonlyArray<string>): ReadonlyArray<Event> => {
  const kill = context.plan.agents.flatMap(({ decided, facts, observation }) =>
    decided.decision.kind !== "resume" && decided.decision.kind !== "fresh_start" ? [] :
      [
        ...panesToEnd({ facts, observation }).map((pane) => ({ agent: facts.agent.spec.id, pid: pane.pid, pane: pane.pane })),
        ...[heldByPerson(facts.agent, observation)].flatMap((held) =>
          held === null ? [] : { agent: facts.agent.spec.id, pid: held.pid, pane: held.place, takeover: true })
      ]
  )
  return kill.length === 0 ? [] : [{
    type: "transport.pre_kill_audit",
    team: context.plan.team.key,
    operation: context.operation.id,
    kill,
    spare: observed
  }]
}

/** The batches in which the policy of a plan brings its agents back; only those whom it touches are in them. */
export const batchesOf = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<Batch> =>
  batches(
    plan.request.policy.rollout,
    plan.agents.flatMap(({ decided, facts: { agent: { spec }, roster } }): ReadonlyArray<RolloutAgent> =>
      touches(decided.decision)
        ? [{ id: spec.id, role: spec.role, dependsOn: roster.find(({ id }) => id === spec.id)?.dependsOn ?? [] }]
        : []
    )
  )

/**
 * Carries the decisions out, batch after batch as the policy orders them. Within a batch agents go in parallel, a few at a
 * time, and one agent's failure is its own; the batches after it are then left untouched.
 */
export const rollOut = <E, R>(
  input: Omit<RolloutContext<E, R>, "home" | "serial">,
  reasons: Reasons,
  spared: ReadonlyArray<string>
): Effect.Effect<Rollout, AppendError, EventLog | FileSystem.FileSystem | HostEnvironment | R> =>
  Effect.gen(function*() {
    const home = yield* Ref.make<Home>({ used: false, unseen: [], gone: false })
    const one = yield* Effect.makeSemaphore(1)
    const context: RolloutContext<E, R> = {
      ...input,
      home,
      serial: (provider) => provider.capabilities.resumeConcurrency === "serial" ? one.withPermits(1) : (effect) => effect
    }
    const { plan } = context
    const audit = killAudit(context, spared)
    if (audit.length > 0) yield* context.operation.append(audit)

    const results = new Map<AgentId, AgentResult>()
    const notReached: Array<AgentId> = []
    const carryOut = (ids: ReadonlyArray<string>, healthyForMs: number) =>
      Effect.forEach(plan.agents.entries(), ([at, entry]) =>
        ids.includes(entry.facts.agent.spec.id)
          ? bringBack(context, entry, reasons[at] ?? "").pipe(
            Effect.flatMap((result) => provedHealthy(context, result, healthyForMs)),
            Effect.tap((result) => Effect.sync(() => results.set(result.agent, result))),
            Effect.map(({ result }) => result !== "failed")
          )
          : Effect.succeed(true), { concurrency: plan.request.concurrency })

    const planned = batchesOf(plan)
    const inSome = new Set(planned.flatMap(({ agents }) => agents))
    yield* carryOut(plan.agents.flatMap(({ facts }) => inSome.has(facts.agent.spec.id) ? [] : facts.agent.spec.id), 0)
    let well = true
    for (const batch of planned) {
      if (well) {
        const came = yield* carryOut(batch.agents, batch.healthyForMs)
        well = came.every(Boolean)
        continue
      }
      for (const { facts: { agent: { spec: { id } } } } of plan.agents) {
        if (!batch.agents.includes(id)) continue
        notReached.push(id)
        results.set(id, { agent: id, result: "untouched", failure: null })
      }
    }
    const { gone, unseen } = yield* Ref.get(home)
    return {
      results: plan.agents.flatMap(({ facts }) => results.get(facts.agent.spec.id) ?? []),
      vanishedAfter: gone ? unseen : null,
      notReached
    }
  })
