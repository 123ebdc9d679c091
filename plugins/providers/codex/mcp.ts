import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { McpServer } from "reprise/plugin"
import { tomlArray, tomlString, tomlTable } from "./toml.ts"

// MCP servers as words of the command. An argv can be read by everyone on the machine, so of a server's environment only
// the agent's own identity stands in it; anything else may be a secret and goes into a file that only its user can read.
// Codex's own environment is no place for it either: its shell commands would inherit it, and a server's PATH or key
// would become Codex's.

const launcher = fileURLToPath(new URL("./mcp-launcher.mjs", import.meta.url))
const identity = new Set(["REPRISE_WORKSPACE", "REPRISE_TEAM", "REPRISE_AGENT"])

interface Prepared {
  /** The value of `mcp_servers`, TOML; null where there is none. Codex adds these to the servers of the user's own. */
  readonly table: string | null
  readonly files: ReadonlyArray<{ readonly path: string; readonly content: string }>
}

/** How the servers are given to Codex, and what has to be written for them. */
export const prepareServers = (servers: Readonly<Record<string, McpServer>>, stateDirectory: string): Prepared => {
  const names = Object.keys(servers).sort()
  const files: Array<{ readonly path: string; readonly content: string }> = []
  const members: Record<string, string> = {}
  for (const name of names) {
    const server = servers[name]
    if (server === undefined) continue
    const entries = Object.entries(server.env)
    const shown = entries.filter(([key]) => identity.has(key))
    const hidden = entries.filter(([key]) => !identity.has(key))
    const env = { env: tomlTable(Object.fromEntries(shown.map(([key, value]) => [key, tomlString(value)]))) }
    if (hidden.length === 0) {
      members[name] = tomlTable({ command: tomlString(server.command), args: tomlArray(server.args), ...env })
      continue
    }
    const path = join(stateDirectory, `mcp-${name}.json`)
    files.push({ path, content: `${JSON.stringify(Object.fromEntries(hidden))}\n` })
    const args = [launcher, path, server.command, ...server.args]
    members[name] = tomlTable({ command: tomlString(process.execPath), args: tomlArray(args), ...env })
  }
  return { table: names.length === 0 ? null : tomlTable(members), files }
}
