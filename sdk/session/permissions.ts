import type { AgentSpec } from "../domain/team.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { ProviderDriver } from "../plugin/provider-driver.ts"
import { wasAnothers } from "./changed-provider.ts"

// Whether one permission mode allows more than another. What can't be compared counts as wider: only equal is equal.

export type Modes = Pick<ProviderDriver, "permissionModes" | "permissionAliases" | "defaultPermissions">

/** The name under which a mode is listed. */
const listedName = (mode: string, provider: Modes | undefined): string => {
  const aliases = provider?.permissionAliases
  return aliases !== undefined && Object.hasOwn(aliases, mode) ? aliases[mode] ?? mode : mode
}

/** The mode that a team file means: its own, else its provider's standard one, so that it is always explicit. */
export const meantPermissions = (spec: Pick<AgentSpec, "permissions">, provider: Modes | undefined): string | null => {
  const mode = spec.permissions ?? provider?.defaultPermissions ?? null
  return mode === null ? null : listedName(mode, provider)
}

const rankOf = (mode: string | null, provider: Modes): number =>
  mode === null ? -1 : provider.permissionModes?.indexOf(listedName(mode, provider)) ?? -1

/** Whether a mode may allow more than another: false only where it is the same, or known to be narrower. */
export const mayBeWider = (mode: string | null, than: string | null, provider: Modes | undefined): boolean => {
  if (mode === than) return false
  const [asked, limit] = provider === undefined ? [-1, -1] : [rankOf(mode, provider), rankOf(than, provider)]
  return asked < 0 || limit < 0 || asked > limit
}

/** Whether nothing is narrower, so that it is within any limit. */
export const isNarrowest = (mode: string | null, provider: Modes | undefined): boolean =>
  mode !== null && provider?.permissionModes?.[0] === mode

export interface Permissions {
  readonly mode: string | null
  /** The mode of the team file that was not taken, as it may be wider than the one before; undefined where none is. */
  readonly notTaken?: string | null
}

/**
 * The mode of an agent's next start. What its team file says is taken where it is no wider than what it last ran with;
 * `mayWiden` where a person starts it from the file after it was stopped.
 */
export const nextPermissions = (
  agent: Pick<AgentState, "spec" | "spawn">,
  provider: Modes | undefined,
  mayWiden: boolean
): Permissions => {
  const meant = meantPermissions(agent.spec, provider)
  if (agent.spawn === null) return { mode: meant }
  if (wasAnothers(agent)) {
    // Two CLIs' modes can't be compared: the narrowest is within any.
    const narrowest = provider?.permissionModes?.[0]
    return mayWiden || narrowest === undefined || meant === narrowest ? { mode: meant } : { mode: narrowest, notTaken: meant }
  }
  const before = meantPermissions(agent.spawn.launchContext, provider)
  return mayWiden || !mayBeWider(meant, before, provider) ? { mode: meant } : { mode: before, notTaken: meant }
}
