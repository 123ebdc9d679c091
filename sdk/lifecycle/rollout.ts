import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import { batchStep } from "../event-log/fold-operation.ts"
import { type Batch, batches, type RolloutAgent } from "../policy/Rollout.ts"
import { bringBack } from "./bring-back.ts"
import type { Reasons } from "./gates.ts"
import { provedHealthy } from "./healthy.ts"
import { isUnproved, notReachedIn, orderOf } from "./interrupted.ts"
import { panesToEnd } from "./observe.ts"
import type { HostEnvironment, Operation } from "./operation.ts"
import { type RestartPlan, touches } from "./plan.ts"
import { type AgentResult, fail, type Home, type RolloutContext } from "./rollout-context.ts"
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

type BatchFailures = ReadonlyArray<{ readonly agent: AgentId; readonly failure: AgentFailure }>

/** What the stops of this operation may hit, and what they spare, written before the first of them. */
const killAudit = <E, R>(context: RolloutContext<E, R>, observed: ReadonlyArray<string>): ReadonlyArray<Event> => {
  const kill = context.plan.agents.flatMap(({ decided, facts, observation, stoppedAgain = false }) =>
    !touches(decided.decision) && !stoppedAgain ? [] :
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

/**
 * The batches in which a plan brings its agents back: those whom it touches, and those who were back before an
 * interruption and have not lived long enough. The order of an interrupted rollout holds for who was in it, and the
 * policy's for all others.
 */
export const batchesOf = ({ agents, continues, request, team }: RestartPlan<unknown, unknown>): ReadonlyArray<Batch> => {
  if (agents.some(({ rolloutEnded }) => rolloutEnded !== undefined)) return []
  const interrupted = continues !== null && request.agents === "all" ? team.operation : null
  const meant = agents.flatMap(({ alreadyBack, decided, facts: { agent: { spec }, roster } }): ReadonlyArray<RolloutAgent> =>
    touches(decided.decision) || (alreadyBack && isUnproved(interrupted, spec.id))
      ? [{ id: spec.id, role: spec.role, dependsOn: roster.find(({ id }) => id === spec.id)?.dependsOn ?? [] }]
      : []
  )
  const kept = orderOf(interrupted, meant.map(({ id }) => id))
  return [...kept, ...batches(request.policy.rollout, meant.filter(({ id }) => kept.every((batch) => !batch.agents.includes(id))))]
}

/** Whether a plan's agents come back batch after batch, so that each has its steps in the journal. */
export const isStaged = (plan: RestartPlan<unknown, unknown>): boolean =>
  batchesOf(plan).length > 1 || plan.request.policy.rollout._tag !== "AllAtOnce" ||
  (plan.continues !== null && (plan.team.operation?.batches.length ?? 0) > 0)

/** Brings a batch back as a step of the operation: its verdict is what decides whether the next one is touched. */
const asBatch = <E, R>(operation: Operation, number: number, run: Effect.Effect<BatchFailures, E, R>) =>
  Effect.gen(function*() {
    const step = { type: "operation.step", team: operation.team, operation: operation.id, step: batchStep(number) } as const
    yield* operation.append([{ ...step, phase: "intent" }])
    const failed = yield* run
    yield* operation.append([{ ...step, phase: "result", failed }])
    return failed
  })

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
    const notReached = [...notReachedIn(plan.agents)]
    /** Brings these back, and looks after them until they have lived so long; answers with those who did not. */
    const carryOut = (ids: ReadonlyArray<string>, healthyForMs: number) =>
      Effect.gen(function*() {
        const came = yield* Effect.forEach(plan.agents.entries(), ([at, entry]) =>
          ids.includes(entry.facts.agent.spec.id)
            ? Effect.asSome(bringBack(context, entry, reasons[at] ?? ""))
            : Effect.succeedNone, { concurrency: plan.request.concurrency })
        const lived = yield* provedHealthy(context, came.flatMap(Option.toArray), healthyForMs)
        for (const result of lived) results.set(result.agent, result)
        return lived.flatMap(({ agent, failure, result }) => result !== "failed" ? [] :
          { agent, failure: failure ?? fail("unknown", "It did not come back.") })
      })

    const planned = batchesOf(plan)
    const staged = isStaged(plan)
    const inSome = new Set(planned.flatMap(({ agents }) => agents))
    yield* carryOut(plan.agents.flatMap(({ facts }) => inSome.has(facts.agent.spec.id) ? [] : facts.agent.spec.id), 0)
    let well = true
    for (const [index, { agents, healthyForMs }] of planned.entries()) {
      if (well) {
        const batch = carryOut(agents, healthyForMs)
        well = (yield* staged ? asBatch(context.operation, index + 1, batch) : batch).length === 0
        continue
      }
      for (const { facts: { agent: { spec: { id } } } } of plan.agents) {
        if (!agents.includes(id)) continue
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
