import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { EventLog, type Lease } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { standard } from "../policy/Policy.ts"
import { isBeingUndone, undoStep } from "./interrupted.ts"
import type { RestartPlan } from "./plan.ts"
import { currentState, prepare, type Prepared } from "./prepare.ts"
import { type Acted, actOn, type AgentReport, notStopped, refusedReport, reportOf, type RestartReport } from "./restart-act.ts"
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

/** A restart that was being taken back is taken back to its end, unless somebody asks for something else. */
export const finishingWhatIsUndone = <Options extends RestartOptions<unknown, unknown>>(options: Options, { operation }: TeamState): Options =>
  options.unfinished === undefined && isBeingUndone(operation) ? { ...options, unfinished: "rollback" } : options

/** What is told whoever asked for a restart, and had one taken back first. */
export const takenBackInstead = (report: RestartReport): RestartReport =>
  report.outcome !== "restarted" ? report : {
    ...report,
    outcome: "failed",
    ok: false,
    message: `The interrupted restart was to be all or none, and not all had come back: that it is taken back is done now. ${report.message}`,
    next: [`reprise restart --team ${report.team.key}`],
    details: { ...report.details, reason: "undone", stopped: whose(report.agents, "stopped") }
  }

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
    const { trigger } = plan.request
    const back = yield* prepare({
      ...yield* beginWith(state, standard, { unfinished: "rollback", ...trigger === undefined ? {} : { trigger } }, recording),
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
    const alive = notStopped(back.plan, taken.agents.map(({ id, result }) => ({ agent: id, result })))
    if (alive.length > 0) {
      const report: RestartReport = {
        ...taken,
        outcome: "failed",
        ok: false,
        message: `${whole}, and what was done could not all be taken back yet: ${alive.join(", ")} did not live before and could not be proved ended.`,
        next: [`reprise restart --team ${key} --rollback`, `reprise restart --team ${key} --continue`],
        details: { reason: "not_undone", failures, undo: taken.details },
        plan,
        agents
      }
      return report
    }
    const notBack = whose(taken.agents, "failed", "refused")
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
