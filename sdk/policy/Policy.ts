// What `Policy` offers: what an agent gets, who gets it, how, and what belongs to the whole team.
export { grantsAmong } from "../domain/decision.ts"
export * from "./AgentPolicy.ts"
export * from "./Budget.ts"
export * from "./how.ts"
export * from "./PolicyInvalid.ts"
export * from "./TeamPolicy.ts"
export * from "./what.ts"
export * from "./whom.ts"
