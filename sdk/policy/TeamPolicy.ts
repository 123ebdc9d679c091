import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Requirement } from "../domain/decision.ts"
import type { BudgetScope } from "../domain/history.ts"
import type { AgentPolicy, Decided } from "./AgentPolicy.ts"
import { type ApprovalDenied, Approvals, type Question } from "./Approvals.ts"
import type { Facts } from "./Facts.ts"
import { demandChoice, demandPolicy, spanMs } from "./checked.ts"
import { allAtOnce, demandRollout, type Rollout } from "./Rollout.ts"

/** A condition on which a restart is carried out at all, for the sake of the agents that it would touch. */
export interface TeamGate<out E = never, out R = never> {
  readonly name: string
  /** Whether it is an approval, whose question is its name: such a gate can be written down. */
  readonly approval?: boolean
  readonly pass: (restart: Omit<Question, "question">) => Effect.Effect<string, E, R>
}

/** What of a launch context that is not as the team file has it now: keep it, refuse, or take the file's. */
export type DriftPolicy = "keep" | "refuse" | "adopt"

/** What a restart does that a boot of the machine triggered. */
export type BootPolicy = "ask" | "hold" | "resume"

/** Agents' policies plus what belongs to the whole team. */
export interface TeamPolicy<out E = never, out R = never> extends Pipeable {
  readonly _tag: "TeamPolicy"
  readonly description: string
  readonly decide: (facts: Facts) => Decided<E, R>
  readonly requires: ReadonlyArray<Requirement>
  /** The patterns by which it means agents: one that means nobody in a team is shown, since it may be misspelt. */
  readonly names: ReadonlyArray<string>
  /** One refusal refuses all; else the others go on. */
  readonly atomic: boolean
  /** One start that fails has all that was done taken back; else each failure is its agent's own. */
  readonly undo: boolean
  /** Passed before anything is touched, if anything is to be. */
  readonly gates: ReadonlyArray<TeamGate<E, R>>
  /** Passed once after each boot, where a boot triggered the restart and nothing was decided since. */
  readonly bootGates: ReadonlyArray<TeamGate<E, R>>
  readonly onBoot: BootPolicy
  /** How long to wait for missing sessions; null leaves it to the setting. */
  readonly convergeWithinMs: number | null
  /** Whether a missing session may be taken from what the log knows of earlier ones. */
  readonly repairFromLog: boolean
  /** Null leaves it to the restart's options. */
  readonly onDrift: DriftPolicy | null
  readonly rollout: Rollout
  /** Whether it bounds how often agents are restarted; one that does not is supervised with a standard budget. */
  readonly budgeted?: boolean
  /** Its budgets as data, for whoever shows it. */
  readonly budgets?: ReadonlyArray<{ readonly restarts: number; readonly perMs: number; readonly scope: BudgetScope }>
}

/** Where one policy for all agents will do, an `AgentPolicy` stands for the team's. */
export type AnyPolicy<E, R> = AgentPolicy<E, R> | TeamPolicy<E, R>

/** Makes a team's policy of its parts. */
export const teamPolicy = <E, R>(fields: Omit<TeamPolicy<E, R>, "_tag" | "pipe">): TeamPolicy<E, R> => ({
  ...fields,
  _tag: "TeamPolicy",
  pipe() {
    return pipeArguments(this, arguments)
  }
})

/** One policy for every agent of the team. One refusal refuses all until `isolated`; a start that fails is its agent's own. */
export const forAll = <E, R>(policy: AgentPolicy<E, R>): TeamPolicy<E, R> =>
  teamPolicy({
    description: policy.description,
    decide: policy.decide,
    requires: policy.requires,
    names: [],
    atomic: true,
    undo: false,
    gates: [],
    bootGates: [],
    onBoot: "ask",
    convergeWithinMs: null,
    repairFromLog: true,
    onDrift: null,
    rollout: allAtOnce
  })

/** Takes either kind of policy for a team's. */
export const toTeam = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => {
  demandPolicy("A team", policy)
  return policy._tag === "TeamPolicy" ? policy : forAll(policy)
}

const changed = <E, R>(policy: AnyPolicy<E, R>, change: Partial<Omit<TeamPolicy<E, R>, "_tag" | "pipe">>): TeamPolicy<E, R> =>
  teamPolicy<E, R>({ ...toTeam(policy), ...change })

/** One agent's refusal is its own, and so is its failure: the others go on. */
export const isolated = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => changed(policy, { atomic: false, undo: false })

/** One agent's refusal refuses the whole restart before anything is touched. So it is where a policy says nothing of it. */
export const refusedTogether = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => changed(policy, { atomic: true })

/**
 * All of them or none. One agent's refusal refuses the whole restart before anything is touched; and where a start fails,
 * what was done is taken back: who lived before lives on in its conversation, who did not is stopped again, and nobody
 * else is touched.
 */
export const atomic = <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => changed(policy, { atomic: true, undo: true })

/** How long to wait for sessions that are still missing; what a restart's own options say comes before it. */
export const convergeWithin = (within: Duration.DurationInput): <E, R>(policy: AnyPolicy<E, R>) => TeamPolicy<E, R> => {
  const convergeWithinMs = spanMs("convergeWithin", within)
  return <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => changed(policy, { convergeWithinMs })
}

/** Whether an agent without a session may get the newest that the log knows to have been its own. It may, by default. */
export const repairFromLog = (repair: boolean) => <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> =>
  changed(policy, { repairFromLog: repair })

/** What is done where the team file says something else than what an agent last ran with. */
export const onDrift = (drift: DriftPolicy): <E, R>(policy: AnyPolicy<E, R>) => TeamPolicy<E, R> => {
  demandChoice("onDrift", ["keep", "refuse", "adopt"], drift)
  return <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => changed(policy, { onDrift: drift })
}

/** In what order agents are brought back, and what has to hold before the next ones are. */
export const rollout = (how: Rollout): <E, R>(policy: AnyPolicy<E, R>) => TeamPolicy<E, R> => {
  demandRollout("rollout", how)
  return <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E, R> => changed(policy, { rollout: how })
}

/** A gate that asks somebody. */
export const approval = (question: string): TeamGate<ApprovalDenied, Approvals> => ({
  name: question,
  approval: true,
  pass: (restart) => Effect.flatMap(Approvals, (approvals) => approvals.ask({ ...restart, question }))
})

const asking = (requires: ReadonlyArray<Requirement>): ReadonlyArray<Requirement> => [...new Set<Requirement>([...requires, "approvals"])]

/** Asks somebody before anything is touched. Where nothing is to be touched, nobody is asked. */
export const withApproval = (question: string) => <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E | ApprovalDenied, R | Approvals> => {
  const self = toTeam(policy)
  return teamPolicy<E | ApprovalDenied, R | Approvals>({
    ...self,
    description: `${self.description}, with approval`,
    requires: asking(self.requires),
    gates: [...self.gates, approval(question)]
  })
}

/**
 * What happens when the machine came up again: decided once for each boot, and kept. `hold` leaves the team as it is,
 * `resume` brings it back, `ask` asks. Without it the team is left as it is until a person restarts it.
 */
export function onBoot(decision: "hold" | "resume"): <E, R>(policy: AnyPolicy<E, R>) => TeamPolicy<E, R>
export function onBoot(decision: "ask"): <E, R>(policy: AnyPolicy<E, R>) => TeamPolicy<E | ApprovalDenied, R | Approvals>
export function onBoot(decision: BootPolicy): <E, R>(policy: AnyPolicy<E, R>) => TeamPolicy<E | ApprovalDenied, R | Approvals> {
  demandChoice("onBoot", ["ask", "hold", "resume"], decision)
  return <E, R>(policy: AnyPolicy<E, R>) => {
    const self = toTeam(policy)
    return teamPolicy<E | ApprovalDenied, R | Approvals>({
      ...self,
      onBoot: decision,
      requires: decision === "ask" ? asking(self.requires) : self.requires,
      bootGates: decision === "ask" ? [approval("The machine came up again. Bring the team back?")] : []
    })
  }
}
