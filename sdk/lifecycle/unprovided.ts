import type { PluginMissing } from "../plugin/PluginHost.ts"
import type { AgentView } from "./agent-view.ts"

/** What is known of an agent without its provider: whether it was stopped or paused, by the log alone. */
const knownWithoutProvider: ReadonlySet<AgentView["status"]> = new Set(["stopped", "paused", "unknown"])

/**
 * The views of agents whose provider is not there: what they do is unknown, for that reason. A provider tells what a
 * process does and why one ended; without it an agent is neither idle nor dead.
 */
export const withoutProviders = (
  views: ReadonlyArray<AgentView>,
  missing: ReadonlyArray<PluginMissing>
): ReadonlyArray<AgentView> =>
  views.map((view) => {
    const lacking = missing.find(({ kind, name }) => kind === "provider" && name === view.provider)
    if (lacking === undefined) return view
    const why = `its provider ${view.provider} is not there: ${lacking.message.replace(/\.$/, "")}`
    return {
      ...view,
      status: knownWithoutProvider.has(view.status) ? view.status : "unknown",
      evidence: `${view.evidence.replace(/\.$/, "")}; ${why}`
    }
  })
