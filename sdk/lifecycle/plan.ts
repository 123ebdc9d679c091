import type { SessionConvergence } from "../domain/decision.ts"
import type { EventOf } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { Trigger } from "../domain/history.ts"
import type { AgentId, OperationId } from "../domain/ids.ts"
import type { AgentSpec } from "../domain/team.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { ForeignPane } from "../plugin/transport-driver.ts"
import type { Facts } from "../policy/Facts.ts"
import type { Decided, TeamPolicy } from "../policy/Policy.ts"
import type { OnDrift } from "../session/launch-context.ts"
import type { BootAnswer } from "./boot.ts"
import type { AgentObservation } from "./observe.ts"
import type { StartFinding } from "./preconditions.ts"

export { touches } from "../policy/Policy.ts"

/** What one agent is in for, with everything that the decision was made from. */
export interface AgentPlan<out E = never, out R = never> {
  readonly facts: Facts
  readonly observation: AgentObservation
  readonly decided: Decided<E, R>
  /** Not asked for in this restart: neither decided nor touched. */
  readonly untouched: boolean
  /** Already brought back by the interrupted operation that this restart continues. */
  readonly alreadyBack: boolean
  /**
   * The rollout that this restart continues had failed when it was interrupted: with this agent, or, where there is no
   * failure, before this agent was reached.
   */
  readonly rolloutEnded?: { readonly failure: AgentFailure | null }
  /** It did not live before the operation that is taken back, lives by it, and is stopped again. */
  readonly stoppedAgain?: true
}

/** Why nothing was touched; the first that applies, in the order in which they are looked at. */
export type RefusalCode =
  | "resume_not_ready"
  | "refused_invalid_first_send_at"
  | "refused_dirty_topology"
  | "grant_missing"
  | "refused_resume_atomicity"
  | "refused_session_identity_mismatch"
  | "refused_plan_stale"
  | "confirmation_required"
  | "failed"

export interface Refusal {
  readonly outcome: RefusalCode
  readonly message: string
  /** Commands that would go on. */
  readonly next: ReadonlyArray<string>
  readonly details: Readonly<Record<string, unknown>>
}

/** The decisions of one restart, as a value: made by `Restart.plan`, shown by `explain`, carried out by `execute`. */
export interface RestartPlan<out E = never, out R = never> {
  readonly team: TeamState
  readonly request: RestartRequest<E, R>
  readonly agents: ReadonlyArray<AgentPlan<E, R>>
  readonly convergence: SessionConvergence
  readonly foreign: ReadonlyArray<ForeignPane>
  readonly refusal: Refusal | null
  /** What speaks against the starts and does not keep them from being made. */
  readonly warnings: ReadonlyArray<StartFinding>
  /** The interrupted operation that executing the plan would continue. */
  readonly continues: OperationId | null
  /** What follows the boot that triggered the restart; null where none did. */
  readonly boot: BootAnswer | null
  /** The conversation that the user selected, as it is recorded when the plan is carried out; null where none was. */
  readonly selected: EventOf<"session.captured"> | null
  /** The `lifecycleVersion` of the team before anything was learnt for the plan. */
  readonly basedOn: number
}

export interface RestartRequest<out E = never, out R = never> {
  readonly team: string
  readonly policy: TeamPolicy<E, R>
  readonly agents: ReadonlyArray<AgentId> | "all"
  /** What the agents are launched from, where the team file is in hand: the log keeps no secret of it. */
  readonly specs?: ReadonlyArray<AgentSpec>
  /** The permission mode of each agent's next start, decided before anything is touched; see `nextPermissions`. */
  readonly permissions?: ReadonlyMap<string, string | null>
  /** Only agents that are proved dead. */
  readonly onlyDead: boolean
  readonly onDrift: OnDrift
  /** Whether a process of a person's that is in an agent's conversation is ended for it. */
  readonly takeover?: boolean
  /** The conversation that the one named agent continues, by its user's word. */
  readonly session?: string
  /** Whether an agent that would come back otherwise than its team file says is refused. */
  readonly refuseDrift?: boolean
  /** Why the restart is done; `person` where nothing is said. */
  readonly trigger?: Trigger
  /** What was asked for an interrupted operation; one that is found is continued where nothing was. */
  readonly unfinished?: "continue" | "rollback"
  /** Whether agents at work may be interrupted; without it, a plan that would interrupt one is refused when carried out. */
  readonly interruptBusy?: boolean
  /** How long to wait for sessions, and how often to look, in milliseconds. */
  readonly convergeWithinMs: number
  readonly convergePollMs: number
  /** How long an agent may take until it is ready, in milliseconds. */
  readonly readyWithinMs: number
  /** How long a process may take to end when asked, in milliseconds, before it is killed. */
  readonly graceMs: number
  /** How many agents are restarted at once. */
  readonly concurrency: number
}

/** Whether the request means this agent. One that the team file no longer has is never meant. */
export const means = ({ agents }: RestartRequest<unknown, unknown>, { removed, spec }: AgentState): boolean =>
  !removed && (agents === "all" || agents.includes(spec.id))

/** The agent with the spec that it is to be launched from. */
export const asLaunched = ({ permissions, specs }: RestartRequest<unknown, unknown>, agent: AgentState): AgentState => {
  const spec = specs?.find(({ id }) => id === agent.spec.id) ?? agent.spec
  const mode = permissions?.get(agent.spec.id)
  return { ...agent, spec: mode === undefined ? spec : { ...spec, permissions: mode } }
}
