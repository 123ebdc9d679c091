import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent, SessionAddress } from "../plugin/provider-driver.ts"

/**
 * Where an agent's conversations are, by its provider; null where the provider could not say, which is unknown: an address
 * made up in its place would look like proof that nothing is there.
 */
export const sessionAddressOf = (
  provider: Provider,
  agent: ProviderAgent,
  sessionId: string | null
): SessionAddress | null => {
  try {
    return provider.sessionAddress(agent, sessionId)
  } catch {
    return null
  }
}
