import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { AppendError, EventLogError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import { agentOf } from "../event-log/TeamState.ts"
import { credentialOf } from "../policy/Facts.ts"
import { isVerified } from "./interrupted.ts"
import { observeTeam } from "./observe.ts"
import type { HostEnvironment } from "./operation.ts"
import { StartPace } from "./pace.ts"
import { type AgentPlan, asLaunched } from "./plan.ts"
import { currentState } from "./prepare.ts"
import { proveReady, verify } from "./prove-ready.ts"
import { graceOf, spawnNew, stopLeftovers, stopOld } from "./replace.ts"
import { type AgentResult, fail, isAgentFailure, type RolloutContext, scopeOf } from "./rollout-context.ts"
import { planSpawn } from "./spawn.ts"
import { stillInIt } from "./still-in-it.ts"
import { stillResumable } from "./still-resumable.ts"
import { inItsCopy, stillSilent } from "./still-silent.ts"
import { takeOver } from "./takeover.ts"

/** What a fresh start leaves behind is written down with it, and never found again by a repair. */
const leftBehind = <E, R>(context: RolloutContext<E, R>, { decided, facts }: AgentPlan<E, R>, reason: string): ReadonlyArray<Event> => {
  const { agent } = facts
  if (decided.decision.kind !== "fresh_start" || !decided.decision.requires.includes("discard-context")) return []
  const scope = scopeOf(context, agent, agent.generation)
  return [
    {
      type: "discard.session_tombstone",
      ...scope,
      agent_id: agent.spec.id,
      session_id: agent.session?.id ?? null,
      reason
    },
    { type: "restart.fresh_spawn", ...scope, agent_id: agent.spec.id, left_behind: agent.session, reason }
  ]
}

/** The agent as its last try left it: only what is known of it may be ended and started once more. */
const asItIsNow = <E, R>(
  context: RolloutContext<E, R>,
  entry: AgentPlan<E, R>
): Effect.Effect<AgentPlan<E, R>, AgentFailure | EventLogError, EventLog> =>
  Effect.gen(function*() {
    const { plan, transport } = context
    const { id } = entry.facts.agent.spec
    const state = yield* currentState(plan.team.key, plan.team)
    const agent = agentOf(state, id)
    const observation = (yield* observeTeam(state, transport)).agents.get(id)
    if (agent === undefined || observation === undefined || !["alive", "dead", "absent"].includes(observation.process.state)) {
      return yield* Effect.fail(
        fail("unknown", "It was not tried again, since what its last try left can't be told: " +
          `${observation?.process.evidence.replace(/\.*$/, "") ?? "it is not in the team any more"}.`)
      )
    }
    const { decision } = entry.decided
    if (decision.kind === "resume" && decision.session?.id !== agent.session?.id) {
      return yield* Effect.fail(fail("resume_mismatch", "It was not tried again: it is in another conversation than it was to continue."))
    }
    return { ...inItsCopy(entry, agent), observation }
  })

/** Whether doing the same again can help now: not before the CLI itself says so. */
const canHelp = (error: unknown): Effect.Effect<boolean> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    isAgentFailure(error) && error.retryable && (error.retryAt === null || !(Date.parse(error.retryAt) > now)))

/**
 * Carries out what was decided for one agent: its old process is ended and proved gone, the new one started and proved
 * ready. Where the policy says so, a start that failed is tried again. A failure is a result.
 */
export const bringBack = <E, R>(
  context: RolloutContext<E, R>,
  entry: AgentPlan<E, R>,
  reason: string
): Effect.Effect<AgentResult, AppendError, EventLog | FileSystem.FileSystem | HostEnvironment | R> => {
  const { decided: { decision, handling }, facts: { agent } } = entry
  const done = (result: AgentResult["result"], failure: AgentFailure | null = null): AgentResult => ({
    agent: agent.spec.id,
    result,
    failure
  })
  const stopAll = (now: AgentPlan<E, R>) =>
    Effect.zipRight(stopOld(context, now), stopLeftovers(context, now))
  if (entry.untouched) return Effect.succeed(done("untouched"))
  if (entry.rolloutEnded !== undefined) {
    const { failure } = entry.rolloutEnded
    return Effect.succeed(failure === null ? done("untouched") : done("failed", failure))
  }
  if (entry.alreadyBack) {
    const back = done(agent.spawn?.mode === "resume" ? "resumed" : "started")
    if (isVerified(context.plan.team.operation, agent.spec.id)) return Effect.succeed(back)
    return verify(context, entry, agent.generation).pipe(
      Effect.as(back),
      Effect.catchIf(isAgentFailure, (failure) => Effect.succeed(done("failed", failure)))
    )
  }
  if (entry.stoppedAgain === true) {
    return stopAll(entry).pipe(
      Effect.map((leftovers) => ({ ...done("stopped"), leftovers })),
      Effect.catchIf(isAgentFailure, (failure) => Effect.succeed(done("failed", failure)))
    )
  }
  if (decision.kind === "skip") return Effect.succeed(done("skipped"))
  if (decision.kind === "refuse") return Effect.succeed(done("refused"))
  const provider = context.findProvider(agent.spec.provider)
  if (provider === undefined) {
    return Effect.succeed(done("failed", fail("unknown", `Its provider ${agent.spec.provider} is not loaded.`)))
  }
  const { plan: { request, team } } = context
  const modeOf = (now: AgentPlan<E, R>) => now.decided.decision.kind === "resume" ? "resume" : "fresh"
  const layOut = (now: AgentPlan<E, R>) =>
    Effect.tap(planSpawn(team, asLaunched(request, now.facts.agent), provider, modeOf(now), request.onDrift), (spawn) =>
      stillResumable(provider, spawn, now))
  const attempt = (meant: AgentPlan<E, R>) =>
    Effect.gen(function*() {
      const pace = yield* StartPace
      const planned = yield* layOut(meant)
      yield* stillInIt(context, provider, planned, meant, true)
      yield* takeOver(context, meant, graceOf(context, meant))
      const leftovers = yield* stopAll(meant)
      yield* stillInIt(context, provider, planned, meant, false)
      const now = yield* stillSilent(context, meant)
      const spawn = now === meant ? planned : yield* layOut(now)
      // What was left behind is written down with the first intent of a new start, and once.
      const fresh = now.facts.agent.generation === agent.generation ? leftBehind(context, now, reason) : []
      yield* context.serial(provider)(pace.before(credentialOf(now.facts.agent)).pipe(
        Effect.zipRight(Clock.currentTimeMillis),
        Effect.flatMap((spawnedAt) =>
          Effect.flatMap(spawnNew(context, now.facts.agent, spawn, fresh), (pane) =>
            proveReady(context, now, provider, spawn, pane, spawnedAt)))
      ))
      yield* verify(context, now, spawn.generation)
      return { ...done(modeOf(now) === "resume" ? "resumed" : "started"), leftovers }
    })
  const again = (count: number, of: number) =>
    context.operation.step({
      name: "retry",
      agent: agent.spec.id,
      run: asItIsNow(context, entry),
      detail: ({ facts }) => ({ try: count, of, after: facts.agent.failure?.reason ?? null })
    })
  const work = Effect.gen(function*() {
    const { backoff } = handling
    if (backoff === null) return yield* attempt(entry)
    const tries = yield* Ref.make(0)
    return yield* Ref.getAndUpdate(tries, (count) => count + 1).pipe(
      Effect.flatMap((count) => count === 0 ? attempt(entry) : Effect.flatMap(again(count, backoff.times), attempt)),
      Effect.retry({ schedule: backoff.schedule, times: backoff.times, while: canHelp })
    )
  })
  return work.pipe(Effect.catchIf(isAgentFailure, (failure) => Effect.succeed(done("failed", failure))))
}
