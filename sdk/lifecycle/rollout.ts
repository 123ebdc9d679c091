import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Ref from "effect/Ref"
import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId } from "../domain/ids.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { AppendError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { Provider, Transport } from "../plugin/PluginHost.ts"
import { holdInput } from "../messaging/input-lease.ts"
import { panesToEnd } from "./observe.ts"
import type { HostEnvironment, Operation } from "./operation.ts"
import { type AgentPlan, asLaunched, type RestartPlan } from "./plan.ts"
import { awaitReady, type ReadyReport } from "./ready.ts"
import { holderOf, reportedSession } from "./reported-session.ts"
import { planSpawn, type SpawnPlan, writeSpawnFiles } from "./spawn.ts"

/** What came of one agent. */
export interface AgentResult {
  readonly agent: AgentId
  readonly result: "resumed" | "started" | "skipped" | "refused" | "untouched" | "failed"
  readonly failure: AgentFailure | null
}

/** What is known of the team's home while its agents are spawned. */
interface Home {
  /** Whether anything was spawned into it: before that it may well not be there. */
  readonly used: boolean
  /** Agents spawned since it was last seen. */
  readonly unseen: ReadonlyArray<AgentId>
  readonly gone: boolean
}

/** What came of all of them. */
export interface Rollout {
  readonly results: ReadonlyArray<AgentResult>
  /** The agents that had been spawned since the home was last seen, when it was found to have vanished. */
  readonly vanishedAfter: ReadonlyArray<AgentId> | null
}

interface RolloutContext<E, R> {
  readonly plan: RestartPlan<E, R>
  readonly operation: Operation
  readonly transport: Transport
  readonly findProvider: (name: string) => Provider | undefined
  readonly home: Ref.Ref<Home>
  readonly serial: (provider: Provider) => <A, E2, R2>(effect: Effect.Effect<A, E2, R2>) => Effect.Effect<A, E2, R2>
}

const fail = (kind: AgentFailure["kind"], reason: string, retryable = false): AgentFailure => ({
  kind,
  reason,
  retryable,
  retryAt: null
})

const scopeOf = (context: RolloutContext<unknown, unknown>, agent: AgentState, generation: number) => ({
  team: context.plan.team.key,
  operation: context.operation.id,
  agent: agent.spec.id,
  generation
})

/** Ends everything that is or was this agent, and proves it gone: a conversation has one live process. */
const stopOld = <E, R>(context: RolloutContext<E, R>, entry: AgentPlan<E, R>) => {
  const { facts: { agent }, observation } = entry
  const panes = panesToEnd(entry)
  if (panes.length === 0) return Effect.void
  const scope = scopeOf(context, agent, agent.generation)
  const stopped = Effect.forEach(panes, (pane) =>
    context.transport.stop(pane, { graceMs: context.plan.request.graceMs }).pipe(
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

const spawnNew = <E, R>(context: RolloutContext<E, R>, agent: AgentState, spawn: SpawnPlan, fresh: ReadonlyArray<Event>) => {
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

const proveReady = <E, R>(
  context: RolloutContext<E, R>,
  agent: AgentState,
  provider: Provider,
  spawn: SpawnPlan,
  pane: PaneIdentity
) => {
  const scope = scopeOf(context, agent, spawn.generation)
  const { request } = context.plan
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
        withinMs: request.readyWithinMs,
        expectedSession: spawn.sessionId,
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
      if (mismatch === null) return answer.right
      yield* Effect.ignoreLogged(context.transport.stop(pane, { graceMs: request.graceMs }))
      return yield* Effect.fail(mismatch)
    }),
    result: (report): ReadonlyArray<Event> => [
      { type: "agent.ready", ...scope, evidence: report.evidence, session_id: report.sessionId },
      ...reportedSession(scope, provider, spawn, report)
    ],
    failed: (failure): ReadonlyArray<Event> => "kind" in failure ? [{ type: "agent.failed", ...scope, failure }] : []
  }).pipe(
    // Somebody took it meanwhile: the agent's own failure, not the restart's.
    Effect.catchTag("SessionClaimed", (claimed) =>
      Effect.gen(function*() {
        yield* Effect.ignoreLogged(context.transport.stop(pane, { graceMs: request.graceMs }))
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

const bringBack = <E, R>(
  context: RolloutContext<E, R>,
  entry: AgentPlan<E, R>,
  reason: string
): Effect.Effect<AgentResult, AppendError, EventLog | FileSystem.FileSystem | HostEnvironment> => {
  const { decided, facts: { agent } } = entry
  const done = (result: AgentResult["result"], failure: AgentFailure | null = null): AgentResult => ({
    agent: agent.spec.id,
    result,
    failure
  })
  const { decision } = decided
  if (entry.untouched) return Effect.succeed(done("untouched"))
  if (entry.alreadyBack) return Effect.succeed(done(agent.spawn?.mode === "resume" ? "resumed" : "started"))
  if (decision.kind === "skip") return Effect.succeed(done("skipped"))
  if (decision.kind === "refuse") return Effect.succeed(done("refused"))
  const provider = context.findProvider(agent.spec.provider)
  if (provider === undefined) {
    return Effect.succeed(done("failed", fail("unknown", `Its provider ${agent.spec.provider} is not loaded.`)))
  }
  const mode = decision.kind === "resume" ? "resume" : "fresh"
  const work = Effect.gen(function*() {
    const spawn = yield* planSpawn(context.plan.team, asLaunched(context.plan.request, agent), provider, mode, context.plan.request.onDrift)
    yield* stopOld(context, entry)
    const fresh = leftBehind(context, entry, reason)
    yield* context.serial(provider)(
      Effect.flatMap(spawnNew(context, agent, spawn, fresh), (pane) => proveReady(context, agent, provider, spawn, pane))
    )
    return done(mode === "resume" ? "resumed" : "started")
  })
  return work.pipe(Effect.catchIf(isAgentFailure, (failure) => Effect.succeed(done("failed", failure))))
}

const isAgentFailure = (error: unknown): error is AgentFailure =>
  typeof error === "object" && error !== null && !("_tag" in error) && "kind" in error && "retryable" in error

/** What the stops of this operation may hit, and what they spare, written before the first of them. */
const killAudit = <E, R>(context: RolloutContext<E, R>, observed: ReadonlyArray<string>): ReadonlyArray<Event> => {
  const kill = context.plan.agents.flatMap(({ decided, facts, observation }) =>
    decided.decision.kind !== "resume" && decided.decision.kind !== "fresh_start" ? [] :
      panesToEnd({ facts, observation }).map((pane) => ({ agent: facts.agent.spec.id, pid: pane.pid, pane: pane.pane }))
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
 * Carries the decisions out: each agent's old process is ended and proved gone, the new one started, and proved ready.
 * Agents go in parallel, a few at a time; one agent's failure is its own.
 */
export const rollOut = <E, R>(
  input: Omit<RolloutContext<E, R>, "home" | "serial">,
  /** What the gates of each agent said, in the plan's order. */
  reasons: ReadonlyArray<string>,
  spared: ReadonlyArray<string>
): Effect.Effect<Rollout, AppendError, EventLog | FileSystem.FileSystem | HostEnvironment> =>
  Effect.gen(function*() {
    const home = yield* Ref.make<Home>({ used: false, unseen: [], gone: false })
    const one = yield* Effect.makeSemaphore(1)
    const context: RolloutContext<E, R> = {
      ...input,
      home,
      serial: (provider) => provider.capabilities.resumeConcurrency === "serial" ? one.withPermits(1) : (effect) => effect
    }
    const audit = killAudit(context, spared)
    if (audit.length > 0) yield* context.operation.append(audit)
    const results = yield* Effect.forEach(context.plan.agents, (entry, at) => bringBack(context, entry, reasons[at] ?? ""), {
      concurrency: context.plan.request.concurrency
    })
    const { gone, unseen } = yield* Ref.get(home)
    return { results, vanishedAfter: gone ? unseen : null }
  })

/**
 * Passes the gates of all agents, before anything is written or touched: one that closes must not find the team half
 * restarted. Answers with what they said, in the plan's order.
 */
export const passGates = <E, R>(plan: RestartPlan<E, R>): Effect.Effect<ReadonlyArray<string>, E, R> =>
  Effect.forEach(plan.agents, ({ decided, facts }) =>
    Effect.forEach(decided.gates, (gate) => gate.pass(facts)).pipe(
      Effect.map((passed) => passed.join("; ") || decided.decision.why.join("; "))
    ))
