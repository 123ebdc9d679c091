import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type EventType, isLifecycleEvent } from "../domain/event.ts"
import { EventLog, type Lease } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { ApprovalDenied, Approvals } from "../policy/Approvals.ts"
import type { DiscardContext } from "../policy/Grants.ts"
import { skip } from "../policy/Policy.ts"
import type { RestartPlan } from "./plan.ts"
import type { PlanDocument } from "./plan-document.ts"
import { differencesOf, factsOf, type PlanDifference } from "./plan-facts.ts"
import { type KnownGates, policyOfDocument, requestOfDocument, unknownTo } from "./planned-policy.ts"
import { prepare, type Recording } from "./prepare.ts"
import { refusedReport, type RestartReport } from "./restart-act.ts"
import type { RestartError, RestartOptions, RestartServices } from "./restart-request.ts"
import { grantsGiven, settle, underLease } from "./restart-run.ts"
import { beginWith } from "./roll-back.ts"
import { teamState } from "./team.ts"

/** A plan holds what is a program and no data, so that only the script that it was made by can carry it out; nothing was done. */
export class PlanNotPortable extends Schema.TaggedError<PlanNotPortable>("reprise/PlanNotPortable")("PlanNotPortable", {
  team: Schema.String,
  /** What of it is a program. */
  programs: Schema.Array(Schema.String),
  /** The command that does the same; null where a script made the plan. */
  command: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    return `The plan for team ${this.team} holds what no file can (${this.programs.join("; ")}), so only the ` +
      `${this.command === null ? "script that made it" : "command that made it"} can carry it out. Nothing was done. ` +
      `${this.command === null ? "Run that script." : "Run that."}`
  }
}

export interface ApplyOptions<E = never, R = never, E2 = never, R2 = never> {
  /** Gates and checks that the plan names and no file can hold, by their names. */
  readonly gates?: KnownGates<E, R>
  /** Consent to interrupt agents that are at work, as in a restart. */
  readonly interruptBusy?: boolean
  /** Called with the decisions before anything is touched; its failure leaves everything untouched. */
  readonly beforeActing?: RestartOptions<E2, R2>["beforeActing"]
}

interface Decision {
  readonly agent: string
  readonly decision: string
  readonly session: string | null
}

const decisionsOf = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<Decision> =>
  plan.agents.map(({ decided: { decision }, facts }) => ({
    agent: facts.agent.spec.id,
    decision: decision.kind,
    session: decision.session?.id ?? null
  }))

/** The agents for whom it would now be decided otherwise. */
const otherDecisions = (then: ReadonlyArray<Decision>, now: ReadonlyArray<Decision>): ReadonlyArray<PlanDifference> =>
  then.flatMap((was) => {
    const is = now.find(({ agent }) => agent === was.agent)
    if (is !== undefined && is.decision === was.decision && is.session === was.session) return []
    const words = (decision: Decision | undefined) =>
      decision === undefined ? "not in the team" : `${decision.decision}${decision.session === null ? "" : ` of session ${decision.session}`}`
    return [{
      agent: was.agent,
      member: "decision",
      was: words(was),
      is: words(is),
      says: `${was.agent}: the decision was ${words(was)} and is ${words(is)}`
    }]
  })

const stale = (plan: RestartPlan<unknown, unknown>, differences: ReadonlyArray<PlanDifference>, command: string): RestartReport =>
  refusedReport(plan, {
    outcome: "refused_plan_stale",
    message: `The plan no longer fits: ${differences.map(({ says }) => says).join("; ")}. No process was touched. Make it again.`,
    next: [`${command} --dry-run`],
    details: { differences }
  })

/** The report of a plan that was overtaken; null where it decides as it did. */
export const overtaken = (made: RestartPlan<unknown, unknown>, now: RestartPlan<unknown, unknown>): RestartReport | null => {
  const differences = now.refusal === null ? otherDecisions(decisionsOf(made), decisionsOf(now)) : []
  return differences.length === 0 ? null : stale(now, differences, `reprise restart --team ${now.team.key}`)
}

/** What notes that something was decided, and changes nothing of a team's life: a plan that was refused does not age by it. */
const notes: ReadonlySet<string> = new Set<EventType>([
  "restart.resume_decision",
  "restart.gate_passed",
  "restart.escalated",
  "restart.atomic_refusal",
  "restart.first_send_at_invalid"
])

/** The version of the team's life as far as the plan is concerned: its own where only decisions were noted since. */
const versionSince = ({ facts: { lifecycleVersion } }: PlanDocument, state: TeamState) =>
  Effect.gen(function*() {
    if (state.lifecycleVersion <= lifecycleVersion) return state.lifecycleVersion
    const log = yield* EventLog
    const since = yield* Stream.runCollect(log.read({ team: state.key, after: lifecycleVersion }))
    return [...since].every((entry) => entry._tag === "Event" && (!isLifecycleEvent(entry.event) || notes.has(entry.event.type)))
      ? lifecycleVersion
      : state.lifecycleVersion
  })

/** Nobody was seen, so that nothing can be told of what changed. */
const blind = ({ refusal }: RestartPlan<unknown, unknown>): boolean => refusal?.details["reason"] === "transport_unreachable"

/**
 * Carries out a plan that was written down. Everything is looked at again, and a fact that is not as it was refuses the
 * plan as `refused_plan_stale`, with the differences, before anything is touched. Grants and approvals are asked for as
 * in a restart.
 *
 * @example
 * ```ts
 * run(Effect.flatMap(Restart.parseDocument(text), Restart.apply), {
 *   provide: [Grants.notGiven, Approvals.terminal]
 * })
 * ```
 */
export const apply = <E = never, R = never, E2 = never, R2 = never>(
  document: PlanDocument,
  options: ApplyOptions<E, R, E2, R2> = {}
): Effect.Effect<
  RestartReport,
  RestartError | PlanNotPortable | ApprovalDenied | E | E2,
  RestartServices | DiscardContext | Approvals | R | R2
> =>
  Effect.gen(function*() {
    const known: KnownGates<E, R> = options.gates ?? {}
    const programs = unknownTo(document, known)
    if (programs.length > 0) {
      return yield* new PlanNotPortable({ team: document.team, programs, command: document.command })
    }
    const found = yield* teamState(document.team)
    const request = {
      ...requestOfDocument(document, policyOfDocument(document, known)),
      interruptBusy: options.interruptBusy ?? false
    }
    const prepared = (state: TeamState, basedOn: number, recording: Recording) =>
      Effect.gen(function*() {
        const beginning = document.requested.unfinished === "rollback"
          ? yield* beginWith(state, skip("it is taken back"), { unfinished: "rollback" }, recording)
          : { team: state }
        return yield* prepare({
          ...beginning,
          request,
          recording,
          granted: yield* grantsGiven,
          continuing: state.operation !== null,
      keepsPromises: true,
          basedOn
        })
      })
    const then = document.agents.map(({ decision, id }) => ({ agent: id, decision: decision.kind, session: decision.session?.id ?? null }))
    const differences = (plan: RestartPlan<unknown, unknown>) => {
      const facts = differencesOf(document.facts, factsOf(plan))
      return facts.length > 0 ? facts : otherDecisions(then, decisionsOf(plan))
    }
    const command = document.command ?? `reprise restart --team ${document.team}`
    return yield* underLease(found, "apply", (lease: Lease, state) =>
      Effect.gen(function*() {
        // Looked at without a trace first: a plan that does not fit leaves none.
        const basedOn = yield* versionSince(document, state)
        const seen = (yield* prepared(state, basedOn, { _tag: "DryRun" })).plan
        if (seen.refusal !== null && blind(seen)) return refusedReport(seen, seen.refusal)
        const changed = differences(seen)
        if (changed.length > 0) return stale(seen, changed, command)
        const ready = yield* prepared(state, basedOn, { _tag: "Log", lease })
        const since = blind(ready.plan) ? [] : differences(ready.plan)
        return since.length > 0 ? stale(ready.plan, since, command) : yield* settle(ready, lease, options.beforeActing)
      }))
  })
