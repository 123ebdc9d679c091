import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing, type Provider } from "../plugin/PluginHost.ts"

/** The providers of some teams' agents, loaded once. */
export interface LoadedProviders {
  readonly find: (name: string) => Provider | undefined
  readonly missing: ReadonlyArray<PluginMissing>
}

export const loadProviders = (
  names: Iterable<string>
): Effect.Effect<LoadedProviders, never, PluginHost> =>
  Effect.gen(function*() {
    const host = yield* PluginHost
    const loaded = yield* Effect.forEach([...new Set(names)], (name) => Effect.either(host.provider(name)))
    const providers = new Map<string, Provider>()
    const missing: Array<PluginMissing> = []
    for (const answer of loaded) {
      if (Either.isRight(answer)) providers.set(answer.right.name, answer.right)
      else missing.push(answer.left)
    }
    return { find: (name) => providers.get(name), missing }
  })

/** The names of the providers that teams' agents run. */
export const providerNames = (teams: ReadonlyArray<TeamState>): ReadonlyArray<string> =>
  teams.flatMap((team) => team.agents.map((agent) => agent.spec.provider))
