// Our names for what Codex may do, and the flags that say so. Always explicit: what the user's configuration says is
// not known here, and a mode that is not known can't be compared with the leader's.

const byMode = {
  "read-only": ["--sandbox", "read-only", "--ask-for-approval", "on-request"],
  "workspace-write": ["--sandbox", "workspace-write", "--ask-for-approval", "on-request"],
  "full-access": ["--sandbox", "danger-full-access", "--ask-for-approval", "on-request"],
  "bypass": ["--dangerously-bypass-approvals-and-sandbox"]
} as const

export type PermissionMode = keyof typeof byMode

/** From the narrowest to the widest. */
export const permissionModes: ReadonlyArray<PermissionMode> = ["read-only", "workspace-write", "full-access", "bypass"]

export const defaultPermissions: PermissionMode = "workspace-write"

const isMode = (name: string): name is PermissionMode => Object.hasOwn(byMode, name)

/** The flags of a mode; null where there is no such mode. */
export const permissionFlags = (mode: string | null): ReadonlyArray<string> | null => {
  const name = mode ?? defaultPermissions
  return isMode(name) ? byMode[name] : null
}

/**
 * The mode of flags that a person gave, never a wider one than they allow; null where they don't say, so that a resume
 * gets the default.
 */
export const modeOfFlags = (
  flags: { readonly bypass: boolean; readonly sandbox: string | null; readonly approval: string | null }
): PermissionMode | null => {
  if (flags.bypass) return "bypass"
  // It asks before all but a few commands that read. No other mode asks as often and writes.
  if (flags.approval === "untrusted") return "read-only"
  switch (flags.sandbox) {
    case "read-only":
      return "read-only"
    case "workspace-write":
      return "workspace-write"
    case "danger-full-access":
      return flags.approval === "never" ? "bypass" : "full-access"
    default:
      return null
  }
}
