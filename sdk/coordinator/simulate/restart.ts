import type { Event } from "../../domain/event.ts"
import type { AgentFailure } from "../../domain/failure.ts"
import type { AgentId } from "../../domain/ids.ts"
import { OperationId } from "../../domain/ids.ts"
import type { AgentPlan, RestartPlan } from "../../lifecycle/plan.ts"
import { touches } from "../../lifecycle/plan.ts"
import { consequenceEvents } from "../../lifecycle/restart-events.ts"
import { batchesOf } from "../../lifecycle/rollout.ts"
import { asUsual } from "../../policy/AgentPolicy.ts"
import { credentialOf } from "../../policy/Facts.ts"
import type { Batch } from "../../policy/Rollout.ts"
import { type Asked, concurrency, planOf, readyWithinMs } from "./decide.ts"
import { drawLife, drawStart, type Listener, speakTo } from "./fate.ts"
import { readyEvents, scopeOf, startEvents, team } from "./setting.ts"
import { agentAt, happened, indexOf, iso, momentOf, setUp, type World } from "./world.ts"

/** What came of one agent. */
export interface Came {
  readonly result: "resumed" | "started" | "untouched" | "failed" | "stopped"
  readonly failure: AgentFailure | null
}

/** What came of a simulated restart. */
export interface Report {
  readonly plan: RestartPlan<unknown, unknown>
  /** Of those that were to be touched; nobody where it was refused. */
  readonly came: ReadonlyMap<AgentId, Came>
}

/** A restart that is under way. */
export interface Restarting {
  /** Somebody died: a start of it that is under way has failed. */
  readonly died: (index: number, failure: AgentFailure) => void
  /** The machine went down: it ends here. */
  readonly cut: () => void
}

const paceMs = 1_000

interface Hooks {
  readonly listener: Listener
  readonly done: (report: Report) => void
}

/**
 * Plays a restart: decides by the policy, and, where nothing refuses it, brings the agents back batch by batch, as the
 * executor does. Answers with null where it was over at once.
 */
export const restart = (world: World, asked: Asked, { done, listener }: Hooks): Restarting | null => {
  const plan = planOf(momentOf(world), asked)
  const touched = plan.agents.filter(({ decided }) => touches(decided.decision))
  happened(world, consequenceEvents(plan))
  const came = new Map<AgentId, Came>()
  if (plan.refusal !== null || touched.length === 0) {
    if (plan.refusal !== null) world.tally.refused += 1
    done({ plan, came })
    return null
  }
  world.tally.approvals += asked.policy.gates.length
  const operation = OperationId.make(`o-${++world.operations}`)
  happened(world, [{
    type: "operation.started",
    team,
    operation,
    kind: "restart",
    agents: touched.map(({ facts }) => facts.agent.spec.id),
    alive: [],
    policy: asked.policy.description,
    trigger: asked.trigger
  }])
  const startedAt = world.now
  world.busy = true

  let going = true
  let well = true
  let undone = false
  let active = 0
  let waiting: ReadonlyArray<AgentPlan<unknown, unknown>> = []
  let batches: ReadonlyArray<Batch> = batchesOf(plan)
  let healthyForMs = 0
  /** What the death of an agent means that is being brought back. */
  const inHand = new Map<number, (failure: AgentFailure) => void>()
  const free = new Map<string, number>()
  /** Whose conversations were left behind in it. */
  const dropped = new Set<AgentId>()

  // Methods: to name a function costs more than what most of these do, and each restart makes them anew.
  const steps = {
    finish(): void {
      going = false
      world.busy = false
      happened(world, [{ type: "operation.finished", team, operation, outcome: well ? "restarted" : "partial", took_ms: world.now - startedAt }])
    },
    nextBatch(): void {
      const [batch, ...others] = batches
      if (batch === undefined || !well) {
        for (const { agents } of batches) {
          for (const { facts: { agent: { spec: { id } } } } of touched) {
            if (agents.includes(id)) came.set(id, { result: "untouched", failure: null })
          }
        }
        if (!well && asked.policy.undo && !undone) return steps.takeBack()
        steps.finish()
        return done({ plan, came })
      }
      batches = others
      healthyForMs = batch.healthyForMs
      waiting = touched.filter(({ facts }) => batch.agents.includes(facts.agent.spec.id))
      steps.pump()
    },
    /** All of them or none: who lived before is brought back to its conversation, and who did not is stopped again. */
    takeBack(): void {
      undone = true
      batches = []
      healthyForMs = 0
      const owed: Array<AgentPlan<unknown, unknown>> = []
      for (const entry of touched) {
        const { agent } = entry.facts
        const { id, provider } = agent.spec
        const result = came.get(id)?.result
        if (result === undefined || result === "untouched") continue
        const index = indexOf(world, id)
        const givesBack = dropped.has(id) && agent.session !== null
        if (givesBack && agent.session !== null) {
          world.tally.dropped -= 1
          happened(world, [{
            type: "resume.session_repaired",
            ...scopeOf(id, agentAt(world, index)?.generation ?? 0, operation),
            agent_id: id,
            provider,
            old_session_id: null,
            session_id: agent.session.id,
            rollout_path: null,
            captured_via: "event_log_repair",
            attribution_confidence: agent.session.confidence
          }])
        }
        if (entry.observation.process.state !== "alive") {
          steps.stop(index, id)
          came.set(id, { result: "stopped", failure: came.get(id)?.failure ?? null })
        } else if (result === "failed" || givesBack) {
          const { decision } = entry.decided
          owed.push(agent.session === null ? entry : {
            ...entry,
            decided: { ...entry.decided, handling: asUsual, decision: { ...decision, kind: "resume", session: agent.session } }
          })
        }
      }
      waiting = owed
      steps.pump()
    },
    stop(index: number, id: AgentId): void {
      const living = world.agents[index]
      if (living?.alive !== true) return
      living.alive = false
      happened(world, [{ type: "agent.stopped", ...scopeOf(id, agentAt(world, index)?.generation ?? 0, operation), evidence: "simulated" }])
      setUp(world, index, false)
    },
    pump(): void {
      while (going && active < concurrency) {
        const [entry, ...others] = waiting
        if (entry === undefined) break
        waiting = others
        active += 1
        steps.attempt(entry, 0)
      }
      if (going && active === 0 && waiting.length === 0) steps.nextBatch()
    },
    over(entry: AgentPlan<unknown, unknown>, result: Came["result"], failure: AgentFailure | null): void {
      came.set(entry.facts.agent.spec.id, { result, failure })
      inHand.delete(indexOf(world, entry.facts.agent.spec.id))
      if (result === "failed") well = false
      active -= 1
      steps.pump()
    },

    /** Stops what is left of the agent and starts it; those that share a login keep a distance when nobody asked for them. */
    attempt(entry: AgentPlan<unknown, unknown>, tries: number): void {
      const { agent } = entry.facts
      const index = indexOf(world, agent.spec.id)
      steps.stop(index, agent.spec.id)
      const credential = credentialOf(agent)
      const begin = asked.trigger === "person" ? world.now : Math.max(world.now, free.get(credential) ?? 0)
      free.set(credential, begin + paceMs)
      world.at(begin, () => { if (going) steps.start(entry, index, tries) })
    },

    start(entry: AgentPlan<unknown, unknown>, index: number, tries: number): void {
      const [now, living] = [agentAt(world, index), world.agents[index]]
      if (now === undefined || living === undefined) return
      const { decision, handling } = entry.decided
      const { spec: { id, provider } } = now
      const generation = now.generation + 1
      const scope = scopeOf(id, generation, operation)
      const mode = decision.kind === "resume" ? "resume" : "fresh"
      const session = mode === "resume" ? decision.session?.id ?? `${id}/${generation}` : `${id}/${generation}`
      const drops = mode === "fresh" && tries === 0 && entry.facts.spoken.state === "spoken"
      const tombstone: ReadonlyArray<Event> = drops ? [{
        type: "discard.session_tombstone",
        ...scopeOf(id, now.generation, operation),
        agent_id: id,
        session_id: now.session?.id ?? null,
        reason: "simulated"
      }] : []
      if (drops) {
        if (living.lost) world.tally.lost += 1
        else {
          world.tally.dropped += 1
          dropped.add(id)
        }
      }
      const login = world.setting.scenario.agents[id]?.login ?? null
      happened(world, [...tombstone, ...startEvents(scope, { session, mode, login })])
      if (mode === "fresh") living.lost = false
      living.alive = true
      living.lives += 1
      world.tally.starts += 1
      const drawn = drawStart(world, index)
      const within = handling.readyWithinMs ?? readyWithinMs
      const ends = {
        current(): boolean {
          return agentAt(world, index)?.generation === generation && living.alive
        },
        ready(this: void): void {
          if (!ends.current() || inHand.get(index) !== ends.failed) return
          happened(world, readyEvents(scope, session, provider).slice(0, mode === "resume" ? 1 : 2))
          ends.back()
          world.tally.restarts += 1
          if (mode === "resume") world.tally.kept += 1
          const result = mode === "resume" ? "resumed" : "started"
          if (!going) return
          if (healthyForMs === 0) return steps.over(entry, result, null)
          const unhealthy = (failure: AgentFailure): void => steps.over(entry, "failed", failure)
          inHand.set(index, unhealthy)
          world.at(world.now + healthyForMs, () => {
            if (going && inHand.get(index) === unhealthy) steps.over(entry, result, null)
          })
        },
        back(): void {
          setUp(world, index, true)
          drawLife(world, listener, index)
          speakTo(world, index)
        },
        failed(this: void, failure: AgentFailure): void {
          if (!going || inHand.get(index) !== ends.failed) return
          inHand.delete(index)
          // What was not ready in time is left alone, and may be so later.
          if (failure.kind !== "not_ready") living.alive = false
          happened(world, [{ type: "agent.failed", ...scope, failure }])
          const { backoff } = handling
          const waitsFor = failure.retryAt === null ? 0 : Date.parse(failure.retryAt)
          const helps = failure.retryable && !(waitsFor > Date.parse(iso(world, world.now)))
          if (backoff === null || !helps || tries >= backoff.times) return steps.over(entry, "failed", failure)
          world.needs.push({
            schedule: backoff.schedule,
            count: tries + 1,
            resolve: (delayMs) => world.at(world.now + delayMs, () => { if (going) steps.attempt(entry, tries + 1) })
          })
        }
      }
      inHand.set(index, ends.failed)
      const { failure, takesMs } = drawn
      if (failure !== null) world.at(world.now + Math.min(takesMs, within), () => ends.failed(failure))
      else if (takesMs <= within) world.at(world.now + takesMs, ends.ready)
      else {
        const late: AgentFailure = { kind: "not_ready", reason: "it was not ready in time", retryable: true, retryAt: null }
        world.at(world.now + takesMs, () => {
          if (!ends.current()) return
          // Nobody waits for it any more, and its conversation is there all the same.
          if (mode === "fresh") happened(world, readyEvents(scope, session, provider).slice(1))
          ends.back()
        })
        world.at(world.now + within, () => ends.failed(late))
      }
    }
  }

  steps.nextBatch()
  return {
    died: (index, failure) => inHand.get(index)?.(failure),
    cut: () => {
      well = false
      inHand.clear()
      if (going) steps.finish()
    }
  }
}
