import * as Effect from "effect/Effect"
import type { BootDecision, Event } from "../domain/event.ts"
import type { AppendError } from "../event-log/errors.ts"
import { EventLog, type Lease } from "../event-log/EventLog.ts"
import { type GateFailed, orGateFailed } from "../policy/GateFailed.ts"
import { type RestartPlan, touches } from "./plan.ts"

const denies = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "ApprovalDenied" &&
  "reason" in error && error.reason === "denied"

/** What the gates said, in the plan's order: why what is left behind may be. */
export type Reasons = ReadonlyArray<string>

/**
 * Passes the gates of the boot, of the team and of all agents, before anything is touched: one that closes must not find
 * the team half restarted. What they said is written down.
 */
export const passGates = <E, R>(plan: RestartPlan<E, R>, lease: Lease): Effect.Effect<Reasons, E | AppendError | GateFailed, R | EventLog> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const team = plan.team.key
    const { policy } = plan.request
    const touched = plan.agents.flatMap(({ decided, facts }) => touches(decided.decision) ? facts.agent.spec.id : [])
    const asked = { team, agents: touched }
    const passed: Array<Event> = []
    const note = (gate: string, said: string): void => {
      passed.push({ type: "restart.gate_passed", team, gate, said })
    }

    const { boot } = plan
    const decideBoot = (decision: BootDecision, why: string): ReadonlyArray<Event> =>
      boot === null || boot.id === null || !boot.record ? [] : [{ type: "boot.decided", team, boot_id: boot.id, decision, why }]
    if (boot !== null && boot.decision === "ask") {
      for (const gate of policy.bootGates) {
        const said = yield* orGateFailed(gate.name, null)(gate.pass(asked)).pipe(
          // A no is kept for this boot; that there was nobody to ask is none.
          Effect.tapError((error) => denies(error) ? log.append(decideBoot("hold", `${gate.name} No.`), { lease }) : Effect.void)
        )
        note(gate.name, said)
      }
      passed.push(...decideBoot("resume", "somebody was asked, and said yes"))
    } else if (boot !== null && boot.decision !== "ask") passed.push(...decideBoot(boot.decision, boot.why))

    if (touched.length > 0) {
      for (const gate of policy.gates) note(gate.name, yield* orGateFailed(gate.name, null)(gate.pass(asked)))
    }
    const reasons = yield* Effect.forEach(plan.agents, ({ decided, facts }) =>
      Effect.gen(function*() {
        const granted: Array<string> = []
        for (const gate of decided.gates) {
          const said = yield* orGateFailed(gate.name, facts.agent.spec.id)(gate.pass(facts))
          if (gate.name === "discard-context") granted.push(said)
          else passed.push({ type: "restart.gate_passed", team, agent: facts.agent.spec.id, gate: gate.name, said })
        }
        return granted.join("; ") || decided.decision.why.join("; ")
      }))
    if (passed.length > 0) yield* log.append(passed, { lease })
    return reasons
  })
