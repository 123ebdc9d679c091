// The permission modes of Claude Code, from the narrowest to the widest. `manual` is its newer name for `default`.

export const permissionModes = ["plan", "dontAsk", "default", "acceptEdits", "auto", "bypassPermissions"] as const

export const permissionAliases = { manual: "default" } as const

export const defaultPermissions = "default"

export const isMode = (mode: string): boolean =>
  Object.hasOwn(permissionAliases, mode) || permissionModes.some((known) => known === mode)

/** The words of a mode. It is always named: left to itself, Claude Code takes the one of the user's settings. */
export const modeWords = (mode: string): ReadonlyArray<string> =>
  mode === "bypassPermissions"
    ? ["--dangerously-skip-permissions"]
    : ["--permission-mode", mode === "manual" ? permissionAliases.manual : mode]

/** The mode that a command line names; null where it leaves it to the settings. */
export const modeOf = (argv: ReadonlyArray<string>): string | null => {
  if (argv.includes("--dangerously-skip-permissions")) return "bypassPermissions"
  const at = argv.lastIndexOf("--permission-mode")
  const named = at >= 0 ? argv[at + 1] : argv.find((word) => word.startsWith("--permission-mode="))?.slice("--permission-mode=".length)
  return named !== undefined && isMode(named) ? named : null
}
