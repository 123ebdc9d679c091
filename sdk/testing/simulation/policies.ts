import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Supervise from "../../coordinator/Supervise.ts"
import * as Restart from "../../lifecycle/Restart.ts"
import * as Approvals from "../../policy/Approvals.ts"
import * as Budget from "../../policy/Budget.ts"
import * as Grants from "../../policy/Grants.ts"
import * as Policy from "../../policy/Policy.ts"
import * as Rollout from "../../policy/Rollout.ts"
import type { CommandStep, PolicyName, VariedPolicy } from "./scenario.ts"

const granted = Layer.merge(Grants.discardContext("the world lets it go"), Approvals.always)

const rolling = Rollout.rolling({ batch: 1, healthyFor: "300 millis" })

const each = Policy.isolated(Policy.standard)
const scopedBudget = (scope: "team" | "credential") => ({ restarts: 2, per: "5 minutes", scope, exceeded: Policy.escalate("leader") } as const)

/** What they ask outside says no now and then: by the generation, so that it does not depend on when they are asked. */
const varied = {
  sequence: Policy.rollout(Rollout.sequence(["bob", ["ada", "c*"]], { healthyFor: "100 millis" }))(each),
  leaderLast: Policy.rollout(Rollout.leaderLast(rolling))(each),
  dependencyOrder: Policy.rollout(Rollout.dependencyOrder({ healthyFor: "100 millis" }))(each),
  perAgent: Policy.isolated(Policy.perAgent({ ada: Policy.resume, "b*": Policy.standard, dot: Policy.skip("it is not wanted") }, { otherwise: Policy.standard })),
  verified: Policy.isolated(Policy.standard.pipe(Policy.verify(({ agent }) =>
    agent.generation % 3 === 1 ? Effect.fail("its work can't be found") : Effect.void))),
  gated: Policy.standard.pipe(Policy.withGate("somebody agrees", ({ agent }) =>
    agent.spec.id !== "ada" && agent.generation % 2 === 1 ? Effect.dieMessage("nobody answers") : Effect.succeed("agreed"))),
  workOpen: Policy.isolated(Policy.standard.pipe(Policy.workStillOpen(Effect.succeed(true)))),
  workDone: Policy.isolated(Policy.standard.pipe(Policy.workStillOpen(Effect.succeed(false)))),
  budgetTeam: Budget.withBudget(scopedBudget("team"))(each),
  budgetCredential: Budget.withBudget(scopedBudget("credential"))(each)
} satisfies Readonly<Record<VariedPolicy, Policy.AnyPolicy<unknown, never>>>

/** Policies without a grant, by the names that scenarios call them. */
const careful = {
  ...varied,
  standard: Policy.standard,
  resume: Policy.resume,
  isolated: Policy.isolated(Policy.standard),
  atomic: Policy.atomic(Policy.standard),
  atomicRolling: Policy.atomic(Policy.standard).pipe(Policy.rollout(rolling)),
  rolling: Policy.isolated(Policy.standard).pipe(Policy.rollout(rolling)),
  canary: Policy.standard.pipe(Policy.rollout(Rollout.canary("ada", { healthyFor: "200 millis" }).then(Rollout.allAtOnce))),
  backoff: Policy.isolated(Policy.standard.pipe(Policy.withBackoff(Schedule.spaced("200 millis"), { times: 2 }))),
  budget: Policy.isolated(Policy.standard).pipe(
    Budget.withBudget({ restarts: 2, per: "1 minute", exceeded: Policy.escalate("leader") })
  )
}

/** Policies that may let conversations go. */
const letsGo: ReadonlySet<PolicyName> = new Set<PolicyName>(["fresh", "resumeOrFresh", "rollingFresh", "atomicFresh"])

const allOrNone: ReadonlySet<PolicyName> = new Set<PolicyName>(["atomic", "atomicRolling", "atomicFresh"])

/** Whether a policy promises that all come back, or nobody who did not live before. */
export const isAllOrNone = (name: PolicyName): boolean => allOrNone.has(name)

/** Whether a policy asks for leave to let conversations go, and is given it. */
export const asksForLeave = (name: PolicyName): boolean => letsGo.has(name)

/** Restarts by a policy that is named in a scenario, with all that it asks for. */
export const restartBy = (name: PolicyName, team: string | undefined, options: Restart.RestartOptions) => {
  switch (name) {
    case "fresh":
      return Effect.provide(Restart.restart(team, Policy.fresh, options), granted)
    case "resumeOrFresh":
      return Effect.provide(Restart.restart(team, Policy.isolated(Policy.resumeOrFresh), options), granted)
    case "rollingFresh":
      return Effect.provide(Restart.restart(team, Policy.fresh.pipe(Policy.rollout(rolling)), options), granted)
    case "atomicFresh":
      return Effect.provide(Restart.restart(team, Policy.atomic(Policy.fresh), options), granted)
    case "approved":
      return Effect.provide(Restart.restart(team, Policy.withApproval("all of them?")(Policy.standard), options), granted)
    case "denied":
      return Effect.provide(Restart.restart(team, Policy.withApproval("all of them?")(Policy.standard), options), Approvals.never)
    case "noGrant":
      // A script whose types were not checked: nobody gave leave.
      return Effect.provide(Restart.restart(team, Policy.resumeOrFresh, options), Grants.notGiven)
    default:
      return Restart.restart(team, careful[name], options)
  }
}

type Supervision = Extract<CommandStep, { do: "supervise" }>

/** How often the supervisors of scenarios may bring one agent back. The first is what a policy gets that says nothing of it. */
export const budgetOf = {
  standard: { restarts: 3, perMs: 600_000 },
  tight: { restarts: 1, perMs: 300_000 },
  // Nobody of a team, or with a login, is restarted oftener than all of them may be.
  team: { restarts: 2, perMs: 300_000 },
  credential: { restarts: 2, perMs: 300_000 }
} as const

/** Supervises a team as a scenario says. */
export const superviseBy = ({ budget, onBoot, strategy }: Supervision, team: string) => {
  const { perMs, restarts } = budgetOf[budget]
  const policy = budget === "standard" ? Policy.toTeam(Policy.standard) : Policy.standard.pipe(
    Budget.withBudget({
      restarts,
      per: perMs,
      exceeded: Policy.escalate("leader"),
      ...budget === "tight" ? {} : { scope: budget }
    })
  )
  if (onBoot === undefined) return Supervise.supervise(team, policy, { strategy })
  if (onBoot === "hold" || onBoot === "resume") return Supervise.supervise(team, Policy.onBoot(onBoot)(policy), { strategy })
  return Effect.provide(
    Supervise.supervise(team, Policy.onBoot("ask")(policy), { strategy }),
    onBoot === "ask: yes" ? Approvals.always : Approvals.never
  )
}
