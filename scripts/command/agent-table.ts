import * as Schema from "effect/Schema"
import { AgentView } from "../../sdk/index.ts"

const isAgents = Schema.is(Schema.Array(AgentView))

/** Lays words out in columns. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths: Array<number> = []
  for (const row of rows) row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, cell.length))
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd()).join("\n")
}

/** Enough of a session's id to tell it from others: its end, since those that begin with a time begin alike. */
export const shortSession = (id: string): string => id.length > 12 ? `…${id.slice(-12)}` : id

/** What stands in the way of its conversation; nothing where nobody said anything there: it is started anew. */
const hindrance = ({ interacted, resumable }: AgentView): string =>
  resumable?.answer !== "no" || (interacted === false && resumable.code === "missing_transcript")
    ? ""
    : `; its conversation can't be continued: ${resumable.why}`

/** The agents of a document, a line each. */
export const agentTable = (agents: unknown): string =>
  !isAgents(agents) || agents.length === 0 ? "  no agents" : columns(
    agents.map((agent) => [
      agent.id,
      agent.provider,
      agent.status.replace("_", " "),
      `generation ${agent.generation}`,
      agent.pid === null ? "" : `pid ${agent.pid}`,
      agent.session === null ? "no session yet" : `session ${shortSession(agent.session.id)}`,
      agent.interacted === true ? "spoken to" : agent.interacted === false ? "nothing sent yet" : "unclear whether spoken to",
      agent.evidence + hindrance(agent)
    ])
  )
