import * as Effect from "effect/Effect"
import type * as FileSystem from "@effect/platform/FileSystem"
import type { AgentSpec } from "../domain/team.ts"
import { redacted } from "../event-log/redact.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { Facts } from "../policy/Facts.ts"
import type { Decided, TeamPolicy } from "../policy/Policy.ts"
import { driftOf, specForSpawn } from "../session/launch-context.ts"
import { providerAgent } from "../session/provider-agent.ts"
import { Resumability, resumability } from "../session/resumability.ts"
import type { Converged } from "./converge.ts"
import { type AgentObservation, isShown, type TeamObservation } from "./observe.ts"
import { type AgentPlan, asLaunched, means, type RestartRequest, touches } from "./plan.ts"

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

/** Nobody is started from what stands where a secret stood. In the environment, the host's own takes its place. */
const withSecrets = <E, R>({ env: _, ...spec }: AgentSpec, decided: Decided<E, R>): Decided<E, R> =>
  !touches(decided.decision) || !JSON.stringify(spec).includes(redacted) ? decided : without(
    "refuse",
    "secret_not_kept",
    "its team file holds something like a secret, which the log does not keep, so it can be started only from the file: " +
      "stop it if it lives, then reprise up FILE"
  )

/** A process of ours that the log knows nothing of: ending it could drop a conversation that nobody wrote down. */
const unrecorded = (agent: AgentState, observed: AgentObservation): Decided | null =>
  agent.spawn !== null || observed.strays.length === 0 ? null : without(
    "refuse",
    "unrecorded_process",
    `a process of it lives (${observed.strays.map(({ pid }) => pid).join(", ")}) that this log knows nothing of, so its ` +
      "conversation can't be told; bring the log back, or end the process yourself"
  )

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
      const spec = specForSpawn(asLaunched(request, agent), request.onDrift)
      const provider = findProvider(spec.provider)
      const facts: Facts = {
        team: converged.team.key,
        agent,
        process: observed.process,
        resumability: provider === undefined
          ? Resumability.Unknown({ why: `its provider ${spec.provider} is not loaded` })
          : yield* resumability(agent.session, providerAgent(converged.team, spec, agent.spawn), provider),
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
        : unrecorded(agent, observed) ?? withSecrets(spec, decideOne(request.policy, facts, observation.failure?.message ?? null))
      return { facts, observation: observed, decided, untouched, alreadyBack }
    }), { concurrency: 16 })
