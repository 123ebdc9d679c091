// What `Policy` offers: what an agent gets, who gets it, how, and what belongs to the whole team.
export { grantsAmong } from "../domain/decision.ts"
export {
  type AgentPolicy,
  agentPolicy,
  type Backoff,
  type Check,
  type Decided,
  decided,
  fallsThrough,
  type Gate,
  type Handling,
  touches,
  type Verdict
} from "./AgentPolicy.ts"
export { type Budget, withBudget } from "./Budget.ts"
export { type ForAgent, readyWithin, verify, withBackoff, withGate, withGrace, workStillOpen } from "./how.ts"
export { GateFailed } from "./GateFailed.ts"
export { PolicyInvalid } from "./PolicyInvalid.ts"
export {
  type AnyPolicy,
  atomic,
  type BootPolicy,
  convergeWithin,
  type DriftPolicy,
  forAll,
  isolated,
  onBoot,
  onDrift,
  repairFromLog,
  rollout,
  type TeamGate,
  type TeamPolicy,
  toTeam,
  withApproval
} from "./TeamPolicy.ts"
export { escalate, fresh, freshIfNeverMessaged, none, orElse, refuse, resume, resumeOrFresh, skip, standard } from "./what.ts"
export { type Branches, byProvider, byRole, type ContextOf, type ErrorOf, perAgent, when } from "./whom.ts"
