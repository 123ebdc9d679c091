import type { Agent } from "./world.ts"
import type { CliName } from "./pins.ts"

// What the checks know of a CLI and its plugin beside the command line.

interface Known {
  /** Permission modes by the plugin's names. */
  readonly never: string
  readonly asking: string
  /** The idle CLI, when it was started by hand. */
  readonly ready: RegExp
  /** The dialog in which it asks whether a command may be run. */
  readonly dialog: RegExp
  /** How the words of an answer begin on the screen. */
  readonly answer: string
  /** Opens a new conversation in the same process. */
  readonly renew: string
}

export const known: Readonly<Record<CliName, Known>> = {
  claude: {
    never: "bypassPermissions",
    asking: "default",
    ready: /bypass permissions on|\? for shortcuts/,
    dialog: /Do you want to proceed\?/,
    answer: "●",
    renew: "/clear"
  },
  codex: {
    never: "bypass",
    asking: "workspace-write",
    ready: /Ask Codex to do anything/,
    dialog: /Would you like to run the following command\?/,
    answer: "•",
    renew: "/new"
  }
}

/** A team file: agents of this CLI that all work in the workspace itself. */
export const teamFile = (
  name: string,
  agents: Readonly<Record<string, { readonly cli: CliName; readonly permissions?: string }>>
): string =>
  [
    `name: ${name}`,
    "agents:",
    ...Object.entries(agents).map(([id, { cli, permissions }]) =>
      `  ${id}: { provider: ${cli}, permissions: ${permissions ?? known[cli].never} }`
    ),
    ""
  ].join("\n")

/** The session of an agent that has one. */
export const sessionOf = (agent: Agent): string => {
  if (agent.session === null) throw new Error(`${agent.id} has no session: ${agent.evidence}`)
  return agent.session.id
}
