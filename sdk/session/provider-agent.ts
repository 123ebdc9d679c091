import type { AgentSpec } from "../domain/team.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"

/** The agent as its provider sees it. */
export const providerAgent = (
  team: { readonly key: string; readonly workspace: string },
  spec: AgentSpec
): ProviderAgent => ({
  team: team.key,
  id: spec.id,
  role: spec.role,
  prompt: spec.prompt,
  workspace: team.workspace,
  cwd: spec.cwd,
  model: spec.model,
  effort: spec.effort,
  permissions: spec.permissions,
  tools: spec.tools,
  options: spec.options
})
