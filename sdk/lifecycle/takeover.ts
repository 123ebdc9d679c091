import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import type { AdoptedProcess, AgentState } from "../event-log/TeamState.ts"
import { HostProcesses } from "../session/host-processes.ts"
import { agentsBelow } from "./adopted.ts"
import type { AgentObservation } from "./observe.ts"
import type { AgentPlan } from "./plan.ts"
import { fail, type RolloutContext, scopeOf } from "./rollout-context.ts"

// A process that a person started is ended by Reprise in one case only: they said so, for this restart.

/** The process that is in the agent's conversation by a person's hand; null where none is. */
export const heldByPerson = (agent: AgentState, { process }: AgentObservation): AdoptedProcess | null =>
  process.state === "alive" ? agent.adopted : null

/** Ends the person's process, where leave was given, and proves its whole tree gone. */
export const takeOver = <E, R>(context: RolloutContext<E, R>, { facts: { agent }, observation }: AgentPlan<E, R>, graceMs: number) => {
  const held = heldByPerson(agent, observation)
  if (held === null) return Effect.void
  const { pid, place, startTime } = held
  if (context.plan.request.takeover !== true) {
    return Effect.fail(fail("unknown", `Process ${pid} (${place}), which a person started, is in its conversation, and nobody gave leave to end it.`))
  }
  return Effect.asVoid(context.operation.step({
    name: "takeover",
    agent: agent.spec.id,
    generation: agent.generation,
    detail: (evidence: string) => ({ pid, evidence }),
    // Since it was decided, an agent may have been started below it.
    run: Effect.flatMap(agentsBelow(held), (below): Effect.Effect<string, AgentFailure> =>
      below === null || below.length > 0
        ? Effect.fail(fail("unknown", `Process ${pid} (${place}) was not ended: ${
          below === null ? "whether agents run below it could not be read" : `agents run below it, which would end with it: ${below.join(", ")}`
        }.`, true))
        : Effect.flatMap(Effect.flatMap(HostProcesses, (host) => host.endTree({ pid, startTime }, graceMs)), (ended) =>
          ended.gone
            ? Effect.succeed(ended.evidence)
            : Effect.fail(fail("unknown", `Process ${pid} (${place}) could not be proved ended, so no new one was started: ${ended.evidence}.`, true)))),
    result: (evidence: string): ReadonlyArray<Event> => [{
      type: "agent.stopped",
      ...scopeOf(context, agent, agent.generation),
      evidence: `process ${pid} (${place}) was taken over: ${evidence}`
    }]
  }))
}
