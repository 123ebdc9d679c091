import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { AgentPlan } from "./plan.ts"
import { awaitReady, type ReadyReport } from "./ready.ts"
import { graceOf } from "./replace.ts"
import { holderOf, reportedSession } from "./reported-session.ts"
import { fail, type RolloutContext, scopeOf } from "./rollout-context.ts"
import type { SpawnPlan } from "./spawn.ts"

const checkSession = (spawn: SpawnPlan, report: ReadyReport): AgentFailure | null =>
  spawn.mode === "resume" && report.sessionId !== null && report.sessionId !== spawn.sessionId
    ? fail("resume_mismatch", `It was asked to continue session ${spawn.sessionId ?? ""} and says that it is in ${report.sessionId}; it was stopped.`)
    : null

/** It went into another agent's conversation, where two would write. */
const inAnothers = (why: string): AgentFailure =>
  fail("resume_mismatch", `It says that it is in a conversation of another agent, and was stopped: ${why}`)

const checkOwner = (scope: ReturnType<typeof scopeOf>, provider: Provider, spawn: SpawnPlan, { sessionId }: ReadyReport) =>
  sessionId === null || sessionId === spawn.sessionId
    ? Effect.succeed(null)
    : Effect.map(holderOf(scope, provider, sessionId), (holder) =>
      holder === null ? null : inAnothers(`session ${sessionId} is ${holder}'s.`))

/** Proves that the new process works and is in the conversation that it was asked to be in; one that is not is stopped. */
export const proveReady = <E, R>(
  context: RolloutContext<E, R>,
  entry: AgentPlan<E, R>,
  provider: Provider,
  spawn: SpawnPlan,
  pane: PaneIdentity,
  /** When its process was started, in milliseconds of the epoch: what was said before is no news of it. */
  spawnedAt: number
) => {
  const { agent } = entry.facts
  const scope = scopeOf(context, agent, spawn.generation)
  const graceMs = graceOf(context, entry)
  return context.operation.step({
    name: "ready",
    agent: agent.spec.id,
    generation: spawn.generation,
    run: Effect.gen(function*() {
      const answer = yield* awaitReady({
        transport: context.transport,
        provider,
        agent: spawn.agent,
        pane,
        withinMs: entry.decided.handling.readyWithinMs ?? context.plan.request.readyWithinMs,
        expectedSession: spawn.sessionId,
        resumes: spawn.mode !== "fresh",
        conversation: { sessionId: spawn.sessionId, transcript: spawn.transcript },
        spawnedAt,
        onPrompt: (prompt) =>
          context.operation.append([{
            type: "startup_prompt_handled",
            ...scope,
            prompt: prompt.name,
            action: prompt.answer.join(" ")
          }])
      })
      if (Either.isLeft(answer)) return yield* Effect.fail(answer.left)
      const mismatch = checkSession(spawn, answer.right) ?? (yield* checkOwner(scope, provider, spawn, answer.right))
      if (mismatch === null) {
        return { ...answer.right, captured: yield* reportedSession(scope, provider, spawn, answer.right) }
      }
      yield* Effect.ignoreLogged(context.transport.stop(pane, { graceMs }))
      return yield* Effect.fail(mismatch)
    }),
    result: (report): ReadonlyArray<Event> => [
      { type: "agent.ready", ...scope, evidence: report.evidence, session_id: report.sessionId },
      ...report.captured
    ],
    failed: (failure): ReadonlyArray<Event> => "kind" in failure ? [{ type: "agent.failed", ...scope, failure }] : []
  }).pipe(
    // Somebody took it meanwhile: the agent's own failure, not the restart's.
    Effect.catchTag("SessionClaimed", (claimed) =>
      Effect.gen(function*() {
        yield* Effect.ignoreLogged(context.transport.stop(pane, { graceMs }))
        const failure = inAnothers(claimed.message)
        yield* context.operation.append([
          {
            type: "operation.step",
            team: scope.team,
            operation: scope.operation,
            step: "ready",
            phase: "result",
            agent: scope.agent,
            generation: scope.generation,
            detail: { failed: failure.reason }
          },
          { type: "agent.failed", ...scope, failure }
        ])
        return yield* Effect.fail(failure)
      }))
  )
}

/** What the policy wants to see of an agent that is ready; what speaks against it makes it a failed one, left as it is. */
export const verify = <E, R>(
  context: RolloutContext<E, R>,
  { decided, facts }: AgentPlan<E, R>,
  generation: number
) => {
  const checks = decided.handling.verify
  if (checks.length === 0) return Effect.void
  const scope = scopeOf(context, facts.agent, generation)
  const run: Effect.Effect<ReadonlyArray<string>, AgentFailure, R> = Effect.forEach(checks, (check) =>
    Effect.filterOrFail(check.run(facts), ({ ok }) => ok, ({ said }) =>
      fail("verify_failed", `It is ready, and "${check.name}" says no: ${said.replace(/\.*$/, "")}. Its process was left alone.`)
    ).pipe(Effect.as(check.name)))
  return context.operation.step({
    name: "verify",
    agent: facts.agent.spec.id,
    generation,
    run,
    detail: (passed) => ({ passed }),
    failed: (failure): ReadonlyArray<Event> => [{ type: "agent.failed", ...scope, failure }]
  })
}
