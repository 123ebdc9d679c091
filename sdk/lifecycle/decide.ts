import * as Effect from "effect/Effect"
import type * as FileSystem from "@effect/platform/FileSystem"
import type { Provider } from "../plugin/PluginHost.ts"
import type { Facts } from "../policy/Facts.ts"
import type { Decided, TeamPolicy } from "../policy/Policy.ts"
import { driftOf, specForSpawn } from "../session/launch-context.ts"
import { providerAgent } from "../session/provider-agent.ts"
import { Resumability, resumability } from "../session/resumability.ts"
import type { Converged } from "./converge.ts"
import { type AgentObservation, isShown, type TeamObservation } from "./observe.ts"
import { type AgentPlan, means, type RestartRequest } from "./plan.ts"

const without = (kind: "skip" | "refuse", code: string | null, why: string): Decided => ({
  decision: { kind, code, why: [why], session: null, requires: [], forcedFresh: null },
  gates: []
})

/** What holds for every policy comes before it: nobody may act on what is unknown or not ours. */
const decideOne = <E, R>(policy: TeamPolicy<E, R>, facts: Facts, unlisted: string | null): Decided<E, R> => {
  if (facts.agent.spec.paused) return without("skip", null, "it is paused in the team file")
  if (facts.process.state === "unknown") {
    return without("refuse", "unknown", `whether its process lives is unknown (${facts.process.evidence}), so nothing may be started beside it`)
  }
  if (unlisted !== null) {
    return without("refuse", "unknown", `what else runs in its name is unknown (${unlisted}), so nothing may be started beside it`)
  }
  return policy.decide(facts)
}

const nothingSeen: AgentObservation = {
  process: { state: "unknown", evidence: "it was not looked at" },
  pane: null,
  exit: null,
  strays: []
}

interface DecideInput<E, R> {
  readonly request: RestartRequest<E, R>
  readonly converged: Converged
  readonly observation: TeamObservation
  readonly findProvider: (name: string) => Provider | undefined
  /** Agents that the interrupted operation has brought back. */
  readonly back: ReadonlySet<string>
}

/** Gathers each agent's facts and lets the policy decide. */
export const decideAll = <E, R>(
  { back, converged, findProvider, observation, request }: DecideInput<E, R>
): Effect.Effect<ReadonlyArray<AgentPlan<E, R>>, never, FileSystem.FileSystem> =>
  Effect.forEach(converged.team.agents.filter((agent) => isShown(agent, observation)), (agent) =>
    Effect.gen(function*() {
      const id = agent.spec.id
      const observed = observation.agents.get(id) ?? nothingSeen
      const spec = specForSpawn(agent, request.onDrift)
      const provider = findProvider(spec.provider)
      const facts: Facts = {
        team: converged.team.key,
        agent,
        process: observed.process,
        resumability: provider === undefined
          ? Resumability.Unknown({ why: `its provider ${spec.provider} is not loaded` })
          : yield* resumability(agent.session, providerAgent(converged.team, spec), provider),
        spoken: converged.discovery.spoken.get(id) ?? { state: "unknown", evidence: "it was not looked at" },
        unconverged: converged.requiredMissing.includes(id) ? converged.convergence : null,
        drift: driftOf(agent)
      }
      const named = means(request, agent)
      const dead = observed.process.state === "dead" && agent.phase !== "stopped"
      const untouched = !named || (request.onlyDead && !dead && !agent.spec.paused)
      const alreadyBack = !untouched && back.has(id)
      const decided: Decided<E, R> = untouched
        ? without("skip", null, named
          ? agent.phase === "stopped" ? "it was stopped, which is no death" : `it is not dead: ${observed.process.evidence}`
          : agent.removed ? "it is not in the team file any more" : "it was not named")
        : alreadyBack
        ? without("skip", null, "the interrupted operation has brought it back already")
        : decideOne(request.policy, facts, observation.failure?.message ?? null)
      return { facts, observation: observed, decided, untouched, alreadyBack }
    }), { concurrency: 16 })
