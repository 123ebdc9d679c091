import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

/**
 * Reprise's directory among the user's states: `$XDG_STATE_HOME/reprise`, else `~/.local/state/reprise`. Undefined where
 * the user has no home.
 */
export const stateHome = (env: Readonly<Record<string, string | undefined>>): string | undefined => {
  const given = env["XDG_STATE_HOME"]
  if (given !== undefined && isAbsolute(given)) return join(given, "reprise")
  const home = env["HOME"] || homeOfUser()
  return home === undefined || !isAbsolute(home) ? undefined : join(home, ".local", "state", "reprise")
}

const homeOfUser = (): string | undefined => {
  try {
    return homedir()
  } catch {
    return undefined
  }
}
