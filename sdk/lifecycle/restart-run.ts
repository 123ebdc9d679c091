import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { GrantName } from "../domain/decision.ts"
import { LeaseHeld } from "../event-log/errors.ts"
import { EventLog, type Lease, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { DiscardContext } from "../policy/Grants.ts"
import { passGates } from "./gates.ts"
import { refuseInterruption } from "./interruption.ts"
import type { Prepared } from "./prepare.ts"
import { demandRank } from "./rank.ts"
import { carryOut, conclude, refusedReport } from "./restart-act.ts"
import { decisionEvents, refusalEvents } from "./restart-events.ts"
import type { RestartOptions } from "./restart-request.ts"
import { isToBeUndone, undo } from "./undo.ts"

/** Grants of which a layer was provided. Types ask for them at compile time; a policy from a file is asked here. */
export const grantsGiven: Effect.Effect<ReadonlySet<GrantName>> = Effect.map(
  Effect.serviceOption(DiscardContext),
  (grant): ReadonlySet<GrantName> => new Set(Option.isSome(grant) && grant.value.reason !== "" ? ["discard-context"] : [])
)

/** Has the team to itself, by its rank, and with its state as it is then. */
export const underLease = <A, E, R>(
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

/** Fails with who is at it, where the unfinished operation of a team is still being carried out. */
export const demandInterrupted = ({ key }: TeamState) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const resource = teamResource(key)
    const holder = yield* log.holder(resource)
    if (holder !== null) return yield* new LeaseHeld({ resource, holder: { ...holder, expiresAt: holder.since } })
  })

/** Refuses or acts on what was prepared; decisions are on disk before anything is touched. */
export const settle = <E, R, E2, R2>(
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
    const reasons = yield* passGates(made, lease)
    const interrupts = yield* refuseInterruption(prepared, `reprise restart --team ${made.team.key}`)
    if (interrupts !== null) return refusedReport(made, interrupts)
    if (made.selected !== null) yield* log.append([made.selected], { lease })
    const acted = yield* carryOut(prepared, lease, reasons)
    return yield* isToBeUndone(made, acted.rollout) ? undo(prepared, lease, acted) : conclude(prepared, lease, acted)
  })
