import type * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { GrantName } from "../domain/decision.ts"
import type { Event } from "../domain/event.ts"
import type { Trigger } from "../domain/history.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, type Lease, teamResource } from "../event-log/EventLog.ts"
import { agentOf, type TeamState } from "../event-log/TeamState.ts"
import type { PluginHost, PluginMissing } from "../plugin/PluginHost.ts"
import { DiscardContext } from "../policy/Grants.ts"
import { type AnyPolicy, type DriftPolicy, skip, standard, toTeam } from "../policy/Policy.ts"
import { closest } from "../spec/suggestion.ts"
import type { TeamTargetAmbiguous, TeamTargetUnresolved } from "../spec/workspace.ts"
import type { HostEnvironment } from "./operation.ts"
import type { RestartPlan, RestartRequest } from "./plan.ts"
import { demandRank, type TeamOwnerMismatch } from "./rank.ts"
import { prepare, type Prepared } from "./prepare.ts"
import { actOn, refusedReport, type RestartReport } from "./restart-act.ts"
import { decisionEvents, refusalEvents } from "./restart-events.ts"
import { deadlines, type InvalidSetting } from "./settings.ts"
import { teamState } from "./team.ts"

export { clearBudget } from "./clear-budget.ts"
export { explain } from "./explain.ts"
export type { RestartReport } from "./restart-act.ts"

/** An agent was named that the team does not have; nothing was done. */
export class AgentUnknown extends Schema.TaggedError<AgentUnknown>("reprise/AgentUnknown")("AgentUnknown", {
  team: Schema.String,
  agent: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const near = closest(this.agent, this.known)
    return `Team ${this.team} has no agent ${JSON.stringify(this.agent)}` +
      `${near === undefined ? "" : `; did you mean "${near}"?`} (it has ${this.known.join(", ") || "none"}). Nothing was done.`
  }
}

/** There is no interrupted operation to continue or roll back; nothing was done. */
export class NothingUnfinished extends Schema.TaggedError<NothingUnfinished>("reprise/NothingUnfinished")("NothingUnfinished", {
  team: Schema.String
}) {
  override get message(): string {
    return `Team ${this.team} has no interrupted operation. Nothing was done.`
  }
}

/** What a restart needs besides what its policy asks for. */
export type RestartServices = EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment

/** How a restart can fail. Refusals are not failures: they come as a report. */
export type RestartError =
  | AppendError
  | EventLogError
  | LeaseHeld
  | PluginMissing
  | TeamTargetAmbiguous
  | TeamTargetUnresolved
  | AgentUnknown
  | NothingUnfinished
  | InvalidSetting
  | TeamOwnerMismatch

export interface RestartOptions<E = never, R = never> {
  /** These agents only, hence none for an empty list; all by default. */
  readonly agents?: ReadonlyArray<string>
  /** Only agents that are proved dead. */
  readonly onlyDead?: boolean
  /**
   * Leave to end a process that a person started and that is in the conversation of an agent. Without it, the agent is
   * refused as `session_held`.
   */
  readonly takeover?: boolean
  /** How long to wait for sessions that are still missing. @default 12 seconds */
  readonly convergeWithin?: Duration.DurationInput
  /** How long an agent may take until it can be spoken to; what its policy says comes before it. @default 30 seconds */
  readonly readyWithin?: Duration.DurationInput
  /** How many agents are restarted at once. @default 4 */
  readonly concurrency?: number
  /**
   * Whether an agent keeps what it last ran with, takes the team file as it is now, or is refused where the two differ.
   * @default what the policy says, else "keep"
   */
  readonly onDrift?: DriftPolicy
  /** Why the restart is done. @default "person" */
  readonly trigger?: Trigger
  /** Requires an interrupted operation, and finishes it or takes it back. Without it, one that is found is continued. */
  readonly unfinished?: "continue" | "rollback"
  /** Called with the decisions before anything is touched; its failure leaves everything untouched. */
  readonly beforeActing?: (plan: RestartPlan<unknown, unknown>) => Effect.Effect<void, E, R>
}

const request = <E, R>(
  team: TeamState,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<unknown, unknown>
): Effect.Effect<RestartRequest<E, R>, AgentUnknown | InvalidSetting, HostEnvironment> =>
  Effect.gen(function*() {
    const standardDeadlines = yield* deadlines
    const ids: Array<AgentId> = []
    const known = team.agents.filter(({ removed }) => !removed)
    for (const named of options.agents ?? []) {
      const agent = known.find(({ spec }) => spec.id === named)
      if (agent === undefined) {
        return yield* new AgentUnknown({ team: team.key, agent: named, known: known.map(({ spec }) => spec.id) })
      }
      ids.push(agent.spec.id)
    }
    const whole = toTeam(policy)
    const drift = options.onDrift ?? whole.onDrift ?? "keep"
    const converging = options.convergeWithin ?? whole.convergeWithinMs
    return {
      team: team.key,
      policy: whole,
      agents: options.agents === undefined ? "all" : ids,
      onlyDead: options.onlyDead ?? false,
      takeover: options.takeover ?? false,
      onDrift: drift === "adopt" ? "adopt" : "keep",
      refuseDrift: drift === "refuse",
      trigger: options.trigger ?? "person",
      ...standardDeadlines,
      ...converging === null ? {} : { convergeWithinMs: Duration.toMillis(converging) },
      ...options.readyWithin === undefined ? {} : { readyWithinMs: Duration.toMillis(options.readyWithin) },
      concurrency: options.concurrency ?? 4
    }
  })

/**
 * Observes and decides, and changes nothing: no lease, no event, no process. One pass of convergence, unless
 * `convergeWithin` says to wait.
 *
 * @example
 * ```ts
 * run(Effect.map(Restart.plan("alpha", Policy.fresh), Restart.explain))
 * ```
 */
export const plan = <E, R>(
  team: string | undefined,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<unknown, unknown> = {}
): Effect.Effect<RestartPlan<E, R>, RestartError, RestartServices> =>
  Effect.gen(function*() {
    const state = yield* teamState(team)
    if (options.unfinished !== undefined && state.operation === null) {
      return yield* new NothingUnfinished({ team: state.key })
    }
    const asked = yield* request(state, policy, { convergeWithin: 0, ...options })
    const prepared = yield* prepare({
      request: asked,
      team: state,
      recording: { _tag: "DryRun" },
      granted: null,
      continuing: state.operation !== null
    })
    return prepared.plan
  })

/** Grants of which a layer was provided. Types ask for them at compile time; a policy from a file is asked here. */
const grantsGiven: Effect.Effect<ReadonlySet<GrantName>> = Effect.map(
  Effect.serviceOption(DiscardContext),
  (grant): ReadonlySet<GrantName> => new Set(Option.isSome(grant) && grant.value.reason !== "" ? ["discard-context"] : [])
)

const underLease = <A, E, R>(
  team: TeamState,
  command: string,
  use: (lease: Lease, team: TeamState) => Effect.Effect<A, E, R>
) =>
  Effect.scoped(Effect.gen(function*() {
    yield* demandRank(team)
    const log = yield* EventLog
    const lease = yield* log.lease(teamResource(team.key), command)
    // What was read before the lease was ours may be history.
    const current = yield* log.state(team.key)
    return yield* use(lease, Option.getOrElse(current, () => team))
  }))

/** Refuses or acts on what was prepared; decisions are on disk before anything is touched. */
const settle = <E, R, E2, R2>(
  prepared: Prepared<E, R>,
  lease: Lease,
  beforeActing: RestartOptions<E2, R2>["beforeActing"]
) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const { plan: made } = prepared
    if (made.refusal?.outcome === "resume_not_ready") return refusedReport(made, made.refusal)
    const decisions = [...decisionEvents(made), ...refusalEvents(made)]
    if (decisions.length > 0) yield* log.append(decisions, { lease })
    if (made.refusal !== null) return refusedReport(made, made.refusal)
    if (beforeActing !== undefined) yield* beforeActing(made)
    return yield* actOn(prepared, lease)
  })

/**
 * Brings a team back by a policy: the whole order of a restart, under the team's lease. Refusals are reports with
 * `ok: false`, and then no process was touched. An interrupted operation that is found is continued.
 *
 * Fails with `LeaseHeld` while another command changes the team.
 *
 * @example
 * ```ts
 * run(Restart.restart("alpha", Policy.resume))
 * ```
 */
export const restart = <E, R, E2 = never, R2 = never>(
  team: string | undefined,
  policy: AnyPolicy<E, R>,
  options: RestartOptions<E2, R2> = {}
): Effect.Effect<RestartReport, RestartError | E | E2, RestartServices | R | R2> =>
  Effect.gen(function*() {
    const found = yield* teamState(team)
    yield* request(found, policy, options)
    return yield* underLease(found, "restart", (lease, state) =>
      Effect.gen(function*() {
        if (options.unfinished !== undefined && state.operation === null) {
          return yield* new NothingUnfinished({ team: state.key })
        }
        if (options.unfinished === "rollback") return yield* rollBack(state, lease, options)
        const prepared = yield* prepare({
          request: yield* request(state, policy, options),
          team: state,
          recording: { _tag: "Log", lease },
          granted: yield* grantsGiven,
          continuing: state.operation !== null
        })
        return yield* settle(prepared, lease, options.beforeActing)
      }))
  })

/** The conversations that an interrupted operation left behind, given back to agents that were not spoken to since. */
const giveBack = (state: TeamState, lease: Lease) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const entries = yield* Stream.runCollect(log.read({ team: state.key, types: ["restart.fresh_spawn"] }))
    const returned = [...entries].flatMap((entry): ReadonlyArray<Event> => {
      if (entry._tag !== "Event" || entry.event.type !== "restart.fresh_spawn") return []
      const { agent: id, left_behind: session, operation } = entry.event
      const agent = agentOf(state, id)
      const spokenSince = agent === undefined || agent.firstSend._tag !== "Absent" || agent.typedInto
      return session === null || operation !== state.operation?.id || spokenSince ? [] : [{
        type: "resume.session_repaired",
        team: state.key,
        agent: id,
        generation: agent.generation,
        agent_id: id,
        provider: session.provider,
        old_session_id: agent.session?.id ?? null,
        session_id: session.id,
        rollout_path: session.transcript,
        captured_via: "event_log_repair",
        attribution_confidence: session.confidence
      }]
    })
    if (returned.length === 0) return state
    yield* log.append(returned, { lease })
    return Option.getOrElse(yield* log.state(state.key), () => state)
  })

/** Takes an interrupted operation back: who lived before it lives again, in the conversation of before. */
const rollBack = <E, R>(interrupted: TeamState, lease: Lease, options: RestartOptions<E, R>) =>
  Effect.gen(function*() {
    const state = yield* giveBack(interrupted, lease)
    const before = (state.operation?.alive ?? []).filter((id) => agentOf(state, id)?.removed === false)
    const prepared = yield* prepare({
      request: before.length === 0
        ? yield* request(state, skip("nobody lived before the interrupted operation"), { ...options, agents: [] })
        : yield* request(state, standard, { ...options, agents: before }),
      team: state,
      recording: { _tag: "Log", lease },
      granted: yield* grantsGiven,
      continuing: true
    })
    return yield* settle(prepared, lease, options.beforeActing)
  })

const sameDecisions = (a: RestartPlan<unknown, unknown>, b: RestartPlan<unknown, unknown>): ReadonlyArray<string> =>
  a.agents.flatMap((entry) => {
    const other = b.agents.find(({ facts }) => facts.agent.spec.id === entry.facts.agent.spec.id)
    const [then, now] = [entry.decided.decision, other?.decided.decision]
    return now === undefined || then.kind !== now.kind || then.session?.id !== now.session?.id
      ? [`${entry.facts.agent.spec.id}: was ${then.kind}, is ${now?.kind ?? "not in the team"}`]
      : []
  })

/**
 * Carries out a plan that was made before. It is made again under the lease, and refused as `refused_plan_stale` where a
 * decision would now be another.
 */
export const execute = <E, R>(
  made: RestartPlan<E, R>
): Effect.Effect<RestartReport, RestartError | E, RestartServices | R> =>
  Effect.gen(function*() {
    const found = yield* teamState(made.team.key)
    return yield* underLease(found, "restart", (lease, state) =>
      Effect.gen(function*() {
        const prepared = yield* prepare({
          request: made.request,
          team: state,
          recording: { _tag: "Log", lease },
          granted: yield* grantsGiven,
          continuing: state.operation !== null
        })
        const differences = prepared.plan.refusal === null ? sameDecisions(made, prepared.plan) : []
        return differences.length > 0
          ? refusedReport(prepared.plan, {
            outcome: "refused_plan_stale",
            message: `The plan no longer fits: ${differences.join("; ")}. No process was touched. Make it again.`,
            next: [`reprise restart --team ${state.key} --dry-run`],
            details: { differences }
          })
          : yield* settle<E, R, never, never>(prepared, lease, undefined)
      }))
  })
