import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { EventLog, type Lease } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { standard } from "../policy/Policy.ts"
import { type TeamPolicy, teamPolicy } from "../policy/TeamPolicy.ts"
import { isBeingUndone, undoStep } from "./going-back.ts"
import type { RestartPlan } from "./plan.ts"
import { currentState, prepare, type Prepared } from "./prepare.ts"
import { type Acted, actOn, type AgentReport, refusedReport, reportOf, type RestartReport } from "./restart-act.ts"
import { decisionEvents } from "./restart-events.ts"
import type { RestartOptions } from "./restart-request.ts"
import { untouchedToo } from "./refuse.ts"
import { beginWith } from "./roll-back.ts"
import type { Rollout } from "./rollout.ts"

/**
 * Whether what was done is to be taken back: all of them were to come back or none, and not all did. A home that vanished
 * is no agent's failure, and whether that was meant nobody knows: then nothing more is done.
 */
export const isToBeUndone = ({ request: { policy } }: RestartPlan<unknown, unknown>, { results, vanishedAfter }: Rollout): boolean =>
  policy.undo && vanishedAfter === null && results.some(({ result }) => result === "failed")

/**
 * A restart that was being taken back is taken back to its end, unless somebody says what is to become of it. Whom and how
 * else was asked for is for the next restart: nothing is taken over, and nobody left out, for the sake of this one.
 */
export const finishingWhatIsUndone = <E, R>(options: RestartOptions<E, R>, { operation }: TeamState): RestartOptions<E, R> => {
  if (options.unfinished !== undefined || !isBeingUndone(operation)) return options
  const { agents: _agents, onDrift: _onDrift, onlyDead: _onlyDead, takeover: _takeover, ...rest } = options
  return { ...rest, unfinished: "rollback" }
}

const takenBackFirst = "The interrupted restart was to be all or none, and not all had come back"

/** What is told whoever asked for a restart, and had one taken back first. */
export const takenBackInstead = (report: RestartReport): RestartReport => {
  const { key } = report.team
  const done = report.outcome === "restarted"
  return {
    ...report,
    outcome: done ? "failed" : report.outcome,
    ok: false,
    message: `${takenBackFirst}: ${done ? "that it is taken back is done now" : "it is taken back before anything else"}. ${report.message}`,
    next: done ? [`reprise restart --team ${key}`] : [`reprise restart --team ${key} --rollback`, `reprise restart --team ${key} --continue`],
    details: { ...report.details, reason: done ? "undone" : "not_undone", stopped: whose(report.agents, "stopped") }
  }
}

/** Going back takes each agent as long as the policy gives it; its checks are for those who come back. */
const inTheirTime = (policy: TeamPolicy, { agents }: RestartPlan<unknown, unknown>): TeamPolicy =>
  teamPolicy({
    ...policy,
    decide: (facts) => {
      const made = policy.decide(facts)
      const given = agents.find((entry) => entry.facts.agent.spec.id === facts.agent.spec.id)?.decided.handling
      return given === undefined ? made : {
        ...made,
        handling: { ...made.handling, graceMs: given.graceMs, readyWithinMs: given.readyWithinMs }
      }
    }
  })

const failuresOf = ({ results }: Rollout) =>
  results.flatMap(({ agent, failure, result }) => result === "failed" && failure !== null ? { agent, failure } : [])

/** What became of an agent in the end: what taking the restart back did of it, else what the restart itself did. */
const inTheEnd = (plan: RestartPlan<unknown, unknown>, { rollout }: Acted, taken: RestartReport): ReadonlyArray<AgentReport> =>
  plan.agents.flatMap((entry) => {
    const { id } = entry.facts.agent.spec
    const now = taken.agents.find((agent) => agent.id === id)
    const first = rollout.results.find(({ agent }) => agent === id)
    if (now === undefined || first === undefined) return []
    const decisive = ["stopped", "resumed", "started", "failed"].includes(now.result)
    const { heldBack } = now
    return {
      ...reportOf(entry, now, decisive ? { agent: first.agent, result: now.result, failure: now.failure } : first),
      ...heldBack === undefined ? {} : { heldBack }
    }
  })

const whose = (agents: ReadonlyArray<AgentReport>, ...results: ReadonlyArray<AgentReport["result"]>): ReadonlyArray<string> =>
  agents.flatMap(({ id, result }) => results.includes(result) ? id : [])

const counted = (names: ReadonlyArray<string>, one: string, many: string): ReadonlyArray<string> =>
  names.length === 0 ? [] : [`${names.join(", ")} ${names.length === 1 ? one : many}`]

/**
 * Takes back what was done of a restart of which not all came back: who lived before lives on in its conversation, who did
 * not is stopped again. It is a restart that goes back, with its own journal; what cuts it off can be finished by
 * `--rollback`, or the restart itself by `--continue`.
 */
export const undo = <E, R>({ plan }: Prepared<E, R>, lease: Lease, acted: Acted) =>
  Effect.gen(function*() {
    const { operation, rollout } = acted
    const { key } = plan.team
    const failures = failuresOf(rollout)
    yield* operation.append([
      { type: "operation.step", team: key, operation: operation.id, step: undoStep, phase: "intent", failed: failures }
    ])
    const log = yield* EventLog
    const recording = { _tag: "Log" as const, lease }
    const state = yield* currentState(key, plan.team)
    const { concurrency, convergeWithinMs, readyWithinMs, trigger } = plan.request
    const beginning = yield* beginWith(state, standard, {
      unfinished: "rollback",
      concurrency,
      convergeWithin: convergeWithinMs,
      readyWithin: readyWithinMs,
      ...trigger === undefined ? {} : { trigger }
    }, recording)
    const back = yield* prepare({
      team: beginning.team,
      request: { ...beginning.request, interruptBusy: true, policy: inTheirTime(beginning.request.policy, plan) },
      recording,
      granted: new Set(),
      continuing: true
    })
    const why = failures.map(({ agent, failure }) => `${agent}: ${failure.reason.replace(/\.*$/, "")}.`).join(" ")
    const whole = `Not all of team ${key} came back. ${why} It was to be all or none`
    if (back.plan.refusal !== null) {
      const { details, message } = back.plan.refusal
      const refused = refusedReport(back.plan, {
        outcome: "failed",
        // This time nothing was touched; the restart that is to be taken back did touch.
        message: `${whole}, and what was done could not be taken back yet: ${message.replace(` ${untouchedToo}`, "")}`,
        next: [`reprise restart --team ${key} --rollback`, `reprise restart --team ${key} --continue`],
        details: { reason: "not_undone", failures, undo: details }
      })
      const tookMs = (yield* Clock.currentTimeMillis) - operation.startedAt
      const report: RestartReport = {
        ...refused,
        plan,
        agents: inTheEnd(plan, acted, refused),
        operation: { id: operation.id, startedAt: new Date(operation.startedAt).toISOString(), tookMs }
      }
      return report
    }
    yield* log.append(decisionEvents(back.plan), { lease })
    const taken = yield* actOn(back, lease)
    const agents = inTheEnd(plan, acted, taken)
    if (taken.details["reason"] === "not_undone") {
      const report: RestartReport = { ...taken, message: `${whole}. ${taken.message}`, plan, agents: inTheEnd(plan, acted, taken), details: { ...taken.details, failures } }
      return report
    }
    const owed = plan.agents.flatMap(({ facts }) => state.operation?.alive.includes(facts.agent.spec.id) === true ? facts.agent.spec.id : [])
    const notBack = whose(taken.agents, "failed", "refused").filter((id) => owed.some((one) => one === id))
    const did = [
      ...counted(whose(agents, "resumed", "started"), "lives on in its conversation", "live on in their conversations"),
      ...counted(whose(agents, "stopped"), "was stopped again", "were stopped again"),
      ...counted(whose(agents, "untouched"), "was not touched", "were not touched"),
      ...counted(notBack, "lived before and could not be brought back", "lived before and could not be brought back")
    ]
    const report: RestartReport = {
      ...taken,
      outcome: "failed",
      ok: false,
      message: `${whole}, so what was done was taken back${did.length === 0 ? "" : `: ${did.join("; ")}`}.`,
      next: [`reprise restart --team ${key}`],
      details: { reason: "undone", failures, stopped: whose(agents, "stopped"), notReached: rollout.notReached, notBack },
      plan,
      agents,
      operation: taken.operation === null ? null : {
        id: operation.id,
        startedAt: new Date(operation.startedAt).toISOString(),
        tookMs: Date.parse(taken.operation.startedAt) - operation.startedAt + taken.operation.tookMs
      }
    }
    return report
  })
