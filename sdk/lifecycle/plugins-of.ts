import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing, type Provider } from "../plugin/PluginHost.ts"

/**
 * The providers of some teams' agents, loaded once. What one of them scrubs from the environment, all do: an agent of one
 * CLI may be what starts another.
 */
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
    const scrubbed = [...new Set([...providers.values()].flatMap((provider) => provider.scrubbed ?? []))]
    const kept = [...new Set([...providers.values()].flatMap((provider) => provider.kept ?? []))]
    for (const [name, provider] of providers) providers.set(name, { ...provider, scrubbed, kept })
    return { find: (name) => providers.get(name), missing }
  })

/** The names of the providers that teams' agents run. */
export const providerNames = (teams: ReadonlyArray<TeamState>): ReadonlyArray<string> =>
  teams.flatMap((team) => team.agents.map((agent) => agent.spec.provider))
