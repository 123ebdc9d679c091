import * as Duration from "effect/Duration"
import { isVerified } from "./interrupted.ts"
import { panesToEnd } from "./observe.ts"
import { type AgentPlan, type RestartPlan, touches } from "./plan.ts"
import { batchesOf } from "./rollout.ts"
import { heldByPerson } from "./takeover.ts"

/** One thing that carrying out a plan does for an agent: its name as the journal has it, and what it is in words. */
export interface PlanStep {
  readonly name: "gate" | "takeover" | "stop" | "spawn" | "ready" | "verify" | "healthy" | "deliver"
  readonly says: string
}

const step = (name: PlanStep["name"], says: string): PlanStep => ({ name, says })

const ending = (entry: AgentPlan<unknown, unknown>, grace: string): ReadonlyArray<PlanStep> => {
  const held = heldByPerson(entry.facts.agent, entry.observation)
  const pids = panesToEnd(entry).map(({ pid }) => pid).join(", ")
  const { process, strays } = entry.observation
  return [
    ...held === null ? [] : [step("takeover", `ends process ${held.pid} (${held.place}), which a person started, and proves it gone`)],
    ...pids === "" ? [] : process.state === "dead" && strays.length === 0
      ? [step("stop", `ends whatever the dead process ${pids} left behind`)]
      : [step("stop", `ends process ${pids} with all that it started, killed after ${grace}, and proves it gone`)]
  ]
}

/** What carrying out the plan does for one agent, in order; nothing for one that is left alone. */
export const stepsOf = (plan: RestartPlan<unknown, unknown>, entry: AgentPlan<unknown, unknown>): ReadonlyArray<PlanStep> => {
  const { decided: { decision, gates, handling }, facts: { agent } } = entry
  const { id } = agent.spec
  const { request, team } = plan
  const grace = Duration.format(handling.graceMs ?? request.graceMs)
  if (entry.stoppedAgain === true) return ending(entry, grace)
  const back = entry.alreadyBack && entry.rolloutEnded === undefined
  if (!touches(decision) && !back) return []
  const readyWithin = Duration.format(handling.readyWithinMs ?? request.readyWithinMs)
  const healthyForMs = batchesOf(plan).find(({ agents }) => agents.includes(id))?.healthyForMs ?? 0
  const waiting = team.pendingMessages.filter((message) => message.agent === id).length
  const open = decision.kind === "resume" ? handling.workStillOpen.map(({ name }) => name) : []
  const tries = handling.backoff?.times ?? 0
  const starting = [
    ...gates.map(({ name }) => step("gate", name === "discard-context" ? "takes the grant discard-context" : `passes "${name}"`)),
    ...ending(entry, grace),
    step(
      "spawn",
      `${decision.kind === "resume" ? `starts it in session ${decision.session?.id ?? "unknown"}` : "starts it in a new conversation"}` +
        `${tries === 0 ? "" : `; a start that fails is tried again ${tries} times`}`
    ),
    step("ready", `waits until it can be spoken to, ${readyWithin} at most`)
  ]
  return [
    // Who is back already has still to show what was not seen of it before the interruption.
    ...back ? [] : starting,
    ...back && isVerified(team.operation, id) ? [] : handling.verify.map(({ name }) => step("verify", `checks: ${name}`)),
    ...healthyForMs === 0 ? [] : [step("healthy", `sees it live for ${Duration.format(healthyForMs)} before anybody else is touched`)],
    ...waiting === 0 ? [] : [
      step("deliver", `types what waits for it (${waiting})${open.length === 0 ? "" : `, unless a check says no: ${open.join(", ")}`}`)
    ]
  ]
}
