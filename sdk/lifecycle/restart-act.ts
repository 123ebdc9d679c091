import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { DecisionKind } from "../domain/decision.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { Event, OperationKind } from "../domain/event.ts"
import { type AgentState, agentOf, type TeamState } from "../event-log/TeamState.ts"
import { EventLog, type Lease } from "../event-log/EventLog.ts"
import { deliverPending } from "../messaging/deliver.ts"
import { adoptedSpared } from "./adopted.ts"
import { type AgentView, candidatesOf, type CandidateView, viewAgent, viewTeam } from "./agent-view.ts"
import { captureSessions } from "./capture.ts"
import { isNothingLeft, type LeftoverReport } from "./leftovers.ts"
import { mayLive, observeTeam } from "./observe.ts"
import { beginOperation, finishOperation, type Operation } from "./operation.ts"
import { orUnfinished, roomFor } from "./operation-unfinished.ts"
import { type AgentPlan, type Refusal, type RestartPlan, touches } from "./plan.ts"
import { currentState, type Prepared } from "./prepare.ts"
import { passGates, type Reasons } from "./gates.ts"
import { carriedUndo, livesByIt, undoEnded } from "./going-back.ts"
import { carriedVerdict, endedBatches } from "./interrupted.ts"
import { nobodyAgreed } from "./ready.ts"
import { type AgentResult, batchesOf, isStaged, type Rollout, rollOut } from "./rollout.ts"
import { withoutProviders } from "./unprovided.ts"

/** One agent in the report of a restart. */
export interface AgentReport extends AgentView {
  readonly decision: DecisionKind
  /** Why it is refused or skipped, for programs; null where nothing is said. */
  readonly code: string | null
  /** For `session_ambiguous`: the conversations that it may have been in last, the newest first. */
  readonly candidates?: ReadonlyArray<CandidateView>
  readonly why: ReadonlyArray<string>
  readonly result: AgentResult["result"]
  readonly failure: AgentFailure | null
  /** Processes that earlier generations of it had left; left out where nothing was found. */
  readonly leftovers?: LeftoverReport
  /** Why what waits for it was not given to it; left out where nothing was held back. */
  readonly heldBack?: string
  readonly before: { readonly generation: number; readonly pid: number | null; readonly session: string | null }
}

/** What came of a restart: the one value that the table, the JSON and the exit code render. */
export interface RestartReport {
  readonly outcome: Refusal["outcome"] | "restarted" | "partial" | "failed"
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly details: Readonly<Record<string, unknown>>
  readonly team: TeamState
  readonly agents: ReadonlyArray<AgentReport>
  readonly operation: { readonly id: string; readonly startedAt: string; readonly tookMs: number } | null
  readonly plan: RestartPlan<unknown, unknown>
}

export const reportOf = (
  { decided, facts, observation }: AgentPlan<unknown, unknown>,
  view: AgentView,
  result: AgentResult
): AgentReport => ({
  ...view,
  decision: decided.decision.kind,
  code: decided.decision.code,
  ...candidatesOf(facts.resumability),
  why: decided.decision.why,
  result: result.result,
  failure: result.failure ?? (result.result === "untouched" || result.result === "skipped" ? null : view.failure),
  ...result.leftovers === undefined || isNothingLeft(result.leftovers) ? {} : { leftovers: result.leftovers },
  before: {
    generation: facts.agent.generation,
    pid: mayLive(observation.process) ? observation.pane?.pid ?? facts.agent.adopted?.pid ?? null : null,
    session: facts.agent.session?.id ?? null
  }
})

/** The report of a refusal: nothing was touched, so the agents are as they were seen. */
export const refusedReport = (plan: RestartPlan<unknown, unknown>, refusal: Refusal): RestartReport => ({
  outcome: refusal.outcome,
  ok: false,
  message: refusal.message,
  next: refusal.next,
  details: refusal.details,
  team: plan.team,
  agents: plan.agents.map((entry) =>
    reportOf(entry, viewAgent(entry.facts.agent, entry.observation, null), {
      agent: entry.facts.agent.spec.id,
      result: entry.decided.decision.kind === "refuse" ? "refused" : "untouched",
      failure: null
    })
  ),
  operation: null,
  plan
})

/** Whether doing the same again must fail again: a flag, or a question to which only the team file can agree. */
export const onlyFileCures = ({ kind, reason }: AgentFailure): boolean =>
  kind === "bad_flags" || (kind === "not_ready" && reason.includes(nobodyAgreed))

const sentence = (
  { agents, team: { key: team } }: RestartPlan<unknown, unknown>,
  { notReached, results, vanishedAfter }: Rollout,
  kind: OperationKind
): Pick<RestartReport, "outcome" | "ok" | "message" | "next" | "details"> => {
  const decisionOf = (id: string) => agents.find(({ facts }) => facts.agent.spec.id === id)?.decided.decision
  const reasonOf = (id: string): string => `${decisionOf(id)?.why.join("; ") || "refused by the policy"}.`
  const back = results.filter(({ result }) => result === "resumed" || result === "started")
  const bad = results.filter(({ result }) => result === "failed" || result === "refused")
  const resumed = back.filter(({ result }) => result === "resumed").length
  const again = results.flatMap(({ agent, result }) => result === "stopped" ? agent : [])
  const count = (n: number) => `${n} ${n === 1 ? "agent" : "agents"}`
  // Whoever comes up for the first time was nowhere to come back from.
  const first = kind === "launch" && resumed === 0 && bad.every(({ agent }) => decisionOf(agent)?.kind !== "resume")
  const are = (n: number) => n === 1 ? "is" : "are"
  const stopped = again.length === 0 ? "" : `; stopped again: ${again.join(", ")}`
  const did = back.length === 0
    ? again.length === 0 ? "Nothing had to be done" : `Nobody of team ${team} had to be brought back${stopped}`
    : `${count(back.length)} of team ${team} ${are(back.length)} ` +
      (first ? "up" : `back: ${resumed} resumed, ${back.length - resumed} started anew`) + stopped
  const none = `No agent of team ${team} ${first ? "is up" : "came back"}`
  if (bad.length === 0) return { outcome: "restarted", ok: true, message: `${did}.`, next: [], details: {} }
  const why = bad.map(({ agent, failure }) => `${agent}: ${failure?.reason ?? reasonOf(agent)}`)
  return {
    outcome: back.length === 0 ? "failed" : "partial",
    ok: false,
    message: `${back.length === 0 ? none : did}; ${count(bad.length)} ${first ? `${are(bad.length)} not` : "did not"}. ${why.join(" ")}` +
      `${notReached.length === 0 ? "" : ` The rollout ended there, and these were not touched: ${notReached.join(", ")}.`}`,
    next: bad.every(({ failure }) => failure !== null && onlyFileCures(failure))
      ? [`reprise down --team ${team}`, "reprise up FILE"]
      : [`reprise restart ${[...bad.map(({ agent }) => agent), ...notReached].join(" ")} --team ${team}`],
    details: {
      ...notReached.length === 0 ? {} : { notReached },
      failures: bad.map(({ agent, failure, result }) => {
        const escalateTo = decisionOf(agent)?.escalateTo
        return { agent, result, failure, ...escalateTo === undefined ? {} : { escalatedTo: escalateTo } }
      }),
      ...vanishedAfter === null ? {} : { reason: "session_disappeared_after_spawn", after: vanishedAfter }
    }
  }
}

const notUndone = (
  said: ReturnType<typeof sentence>,
  team: string,
  stillThere: ReadonlyArray<string>
): ReturnType<typeof sentence> => ({
  ...said,
  outcome: "failed",
  message: `${stillThere.join(", ")} could not be stopped again, so that it is not taken back to its end. ${said.message}`,
  next: [`reprise restart --team ${team} --rollback`, `reprise restart --team ${team} --continue`],
  details: { ...said.details, reason: "not_undone" }
})

/** Why what waits for a resumed agent is not for it any more; null where nothing speaks against it. */
const heldBackBy = <E, R>({ decided, facts }: AgentPlan<E, R>, resumed: boolean): Effect.Effect<string | null, never, R> =>
  !resumed ? Effect.succeed(null) :
    Effect.map(
      Effect.forEach(decided.handling.workStillOpen, (check) => check.run(facts)),
      (verdicts) => verdicts.flatMap(({ ok, said }) => ok ? [] : [said]).join("; ") || null
    )

/** Releases what waited for the agents that are back, and for nobody else; answers with whose went on waiting, and why. */
const deliverAll = <E, R>(team: TeamState, prepared: Prepared<E, R>, lease: Lease, results: ReadonlyArray<AgentResult>) =>
  Effect.forEach(results.flatMap(({ agent, result }) => result === "resumed" || result === "started" ? agent : []), (id) =>
    Effect.gen(function*() {
      const agent = agentOf(team, id)
      const provider = agent === undefined ? undefined : prepared.providers.find(agent.spec.provider)
      if (
        agent === undefined || provider === undefined || agent.phase !== "running" ||
        team.pendingMessages.every((message) => message.agent !== id)
      ) return []
      const entry = prepared.plan.agents.find(({ facts }) => facts.agent.spec.id === id)
      const why = entry === undefined ? null : yield* heldBackBy(entry, results.some(({ agent: of, result }) => of === id && result === "resumed"))
      if (why !== null) {
        const log = yield* EventLog
        yield* log.append([{ type: "restart.held_back", team: team.key, agent: id, generation: agent.generation, why }], { lease })
        return [{ id, why }]
      }
      yield* deliverPending({ team, agent: id, transport: prepared.transport, provider }).pipe(
        Effect.catchTag("LeaseHeld", () => Effect.void)
      )
      return []
    }), { concurrency: 4 }).pipe(Effect.map((held) => held.flat()))

const wereAlive = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<AgentState["spec"]["id"]> => {
  const { continues, team: { operation } } = plan
  const alive = plan.agents.flatMap(({ facts, observation }) =>
    mayLive(observation.process) && (continues === null || !livesByIt(operation, facts.agent)) ? facts.agent.spec.id : [])
  // What an interrupted operation had found alive is still what a roll back owes.
  return continues === null ? alive : [...new Set([...alive, ...operation?.alive ?? []])]
}

/** What was done, in an operation that is not over yet. */
export interface Acted {
  readonly operation: Operation
  readonly rollout: Rollout
}

/** Carries out what was decided, as a journaled operation. */
export const carryOut = <E, R>(prepared: Prepared<E, R>, lease: Lease, reasons: Reasons, kind: OperationKind = "restart") =>
  Effect.gen(function*() {
    const { plan, providers, transport } = prepared
    const { team } = plan
    const unfinished = team.operation
    const log = yield* EventLog
    // Before anything is touched: what is done and can't be recorded would be lost.
    yield* log.reserve(roomFor(plan.agents.length))
    const operation = yield* beginOperation({
      kind,
      team: team.key,
      lease,
      agents: plan.agents.flatMap(({ facts, untouched }) => untouched ? [] : facts.agent.spec.id),
      alive: wereAlive(plan),
      policy: plan.request.policy.description,
      // Whatever goes on with it, or takes it back, keeps its promise.
      ...unfinished === null ? {} : { continues: [...unfinished.continues, unfinished.id] },
      allOrNone: plan.request.policy.undo || (plan.request.unfinished === "rollback" && unfinished?.allOrNone === true),
      batches: isStaged(plan) ? [...endedBatches(plan.agents), ...batchesOf(plan)] : [],
      ...plan.request.trigger === undefined || plan.request.trigger === "person" ? {} : { trigger: plan.request.trigger },
      before: (id) => unfinished === null ? [] : [...undoEnded(team.key, unfinished), {
        type: "operation.finished",
        team: team.key,
        operation: unfinished.id,
        outcome: `continued_by ${id}`,
        took_ms: 0
      }],
      // Whoever was back already is so for the next continuation too.
      after: (id) => [
        ...plan.agents.flatMap(({ alreadyBack, facts: { agent: { generation, spec } } }): ReadonlyArray<Event> =>
          ["ready", "verify"].flatMap((step) => alreadyBack && unfinished?.steps[`${step}/${spec.id}`] === "result"
            ? [{ type: "operation.step", team: team.key, operation: id, agent: spec.id, generation, step, phase: "result" }]
            : [])),
        ...carriedVerdict(team.key, id, plan.agents),
        ...plan.request.unfinished === "rollback" ? carriedUndo(team.key, id, unfinished) : []
      ]
    })
    const spared = [
      ...plan.foreign.map(({ command, pane }) => `${pane} ${command}`),
      ...adoptedSpared(
        plan.agents.map(({ decided, facts, observation }) =>
          ({ agent: facts.agent, lives: mayLive(observation.process) && !touches(decided.decision) })),
        team.key
      )
    ]
    const rollout = yield* orUnfinished(plan, { id: operation.id, kind }, transport)(
      rollOut({ plan, operation, transport, findProvider: providers.find }, reasons, spared)
    )
    const acted: Acted = { operation, rollout }
    return acted
  })

/** Ends the operation, releases what waited for the agents that are back, and reports. */
export const conclude = <E, R>(prepared: Prepared<E, R>, lease: Lease, { operation, rollout }: Acted, kind: OperationKind = "restart") =>
  Effect.gen(function*() {
    const { plan, providers, transport } = prepared
    const { team } = plan
    const stillThere = plan.agents.flatMap(({ facts: { agent: { spec: { id } } }, stoppedAgain = false }) =>
      stoppedAgain && rollout.results.some(({ agent, result }) => agent === id && result === "failed") ? id : [])
    const said = stillThere.length === 0 ? sentence(plan, rollout, kind) : notUndone(sentence(plan, rollout, kind), team.key, stillThere)
    // What could not be taken back to its end is still to be.
    const tookMs = stillThere.length > 0
      ? (yield* Clock.currentTimeMillis) - operation.startedAt
      : yield* orUnfinished(plan, { id: operation.id, kind }, transport)(
        finishOperation(operation, said.ok && kind === "launch" ? "launched" : said.outcome)
      )
    // The restart is done and recorded: what fails from here on is said, and does not take its report away.
    const heldBack = yield* Effect.flatMap(currentState(team.key, team), (state) => captureSessions(state, providers.find, null)).pipe(
      Effect.zipRight(Effect.flatMap(currentState(team.key, team), (state) => deliverAll(state, prepared, lease, rollout.results))),
      Effect.catchAll((error) => Effect.as(Effect.logWarning(`After the restart: ${error.message}`), []))
    )
    const after = yield* currentState(team.key, team)
    const observation = yield* observeTeam(after, transport)
    const views = withoutProviders(yield* viewTeam(after, observation, transport, providers.find), providers.missing)
    const report: RestartReport = {
      ...said,
      team: after,
      plan,
      operation: { id: operation.id, startedAt: new Date(operation.startedAt).toISOString(), tookMs },
      agents: plan.agents.flatMap((entry) => {
        const view = views.find(({ id }) => id === entry.facts.agent.spec.id)
        const result = rollout.results.find(({ agent }) => agent === entry.facts.agent.spec.id)
        const held = heldBack.find(({ id }) => id === entry.facts.agent.spec.id)
        return view === undefined || result === undefined
          ? []
          : { ...reportOf(entry, view, result), ...held === undefined ? {} : { heldBack: held.why } }
      })
    }
    return report
  })

/** Carries out what a policy without gates decided, as one journaled operation, and reports. */
export const actOn = <R>(prepared: Prepared<never, R>, lease: Lease, kind: OperationKind = "restart") =>
  passGates(prepared.plan, lease).pipe(
    Effect.catchTag("GateFailed", Effect.die),
    Effect.flatMap((reasons) => carryOut(prepared, lease, reasons, kind)),
    Effect.flatMap((acted) => conclude(prepared, lease, acted, kind))
  )
