import * as Schema from "effect/Schema"
import { AgentView } from "../../sdk/index.ts"

const isAgents = Schema.is(Schema.Array(AgentView))

/** Lays words out in columns. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths: Array<number> = []
  for (const row of rows) row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, cell.length))
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd()).join("\n")
}

/** The agents of a document, a line each. */
export const agentTable = (agents: unknown): string =>
  !isAgents(agents) || agents.length === 0 ? "  no agents" : columns(
    agents.map((agent) => [
      agent.id,
      agent.provider,
      agent.status.replace("_", " "),
      `generation ${agent.generation}`,
      agent.pid === null ? "" : `pid ${agent.pid}`,
      agent.session === null ? "no session yet" : `session ${agent.session.id.slice(0, 8)}`,
      agent.interacted === true ? "spoken to" : agent.interacted === false ? "nothing sent yet" : "unclear whether spoken to",
      agent.evidence + (agent.resumable?.answer === "no" ? `; its conversation can't be continued: ${agent.resumable.why}` : "")
    ])
  )
