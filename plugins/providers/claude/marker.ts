import type { ProviderAgent } from "reprise/plugin"

// Whose conversation it is: the name that it was started with, which Claude Code writes into its first records.

const prefix = "reprise:"

/** The name of an agent's conversations, as people see it in Claude Code's lists too. */
export const markerName = (agent: Pick<ProviderAgent, "team" | "id">): string => `${prefix}${agent.team}/${agent.id}`

/** The agent that a name stands for, as `team/agent`; null for a name of a person's. */
export const markerIn = (name: string): string | null =>
  name.startsWith(prefix) && /^[^/]+\/[^/]+$/.test(name.slice(prefix.length)) ? name.slice(prefix.length) : null
