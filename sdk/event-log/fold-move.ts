import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { EventOf } from "../domain/event.ts"
import { AgentState, type TeamState } from "./TeamState.ts"

const encode = Schema.encodeEither(AgentState)
const decode = Schema.decodeUnknownEither(AgentState)

/** What a pane is called is its server's word, which a move of the workspace does not change. */
const kept = new Set(["pane", "prompt", "role"])

const movedPath = (text: string, from: string, to: string): string =>
  text === from ? to : text.startsWith(`${from}/`) ? `${to}${text.slice(from.length)}` : text

const moved = (value: unknown, from: string, to: string): unknown =>
  typeof value === "string"
    ? movedPath(value, from, to)
    : Array.isArray(value)
    ? value.map((each) => moved(each, from, to))
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, kept.has(name) ? each : moved(each, from, to)]))
    : value

const movedAgent = (agent: AgentState, from: string, to: string): AgentState =>
  Either.getOrElse(Either.flatMap(encode(agent), (encoded) => decode(moved(encoded, from, to))), () => agent)

/** The team after its workspace moved: each path below the old place is one below the new place. */
export const foldMove = (team: TeamState, { from, to }: EventOf<"workspace.moved">): TeamState => ({
  ...team,
  workspace: movedPath(team.workspace, from, to),
  plugins: team.plugins.map((spec) => movedPath(spec, from, to)),
  agents: team.agents.map((agent) => movedAgent(agent, from, to))
})
