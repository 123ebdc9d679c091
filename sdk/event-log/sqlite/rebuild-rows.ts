import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import { type Event, isLifecycleEvent } from "../../domain/event.ts"
import { AgentId, TeamKey } from "../../domain/ids.ts"
import { fold } from "../fold.ts"
import { entryOf, type EventRow, rowOf } from "../rows.ts"
import type { TeamState } from "../TeamState.ts"
import type { LogFiles } from "./files.ts"
import type { MarkedTeam, Marker } from "./marker.ts"

/** Rows of a log with what is known of them: `certain` was recorded, `uncertain` may be missing or older. */
export interface Rebuilt {
  readonly rows: ReadonlyArray<EventRow>
  readonly certain: ReadonlyArray<string>
  readonly uncertain: ReadonlyArray<string>
}

const Line = Schema.parseJson(Schema.Struct({
  position: Schema.Int,
  at: Schema.String,
  type: Schema.String,
  team: Schema.String,
  agent: Schema.NullOr(Schema.String),
  generation: Schema.NullOr(Schema.Int),
  operation: Schema.NullOr(Schema.String)
}, Schema.Record({ key: Schema.String, value: Schema.Unknown })))
const decodeLine = Schema.decodeUnknownOption(Line)

const rowOfLine = (line: string): EventRow | undefined => {
  const decoded = decodeLine(line)
  if (decoded._tag === "None") return undefined
  const { agent, at, generation, operation, position, team, type, ...own } = decoded.value
  return { position, at, type, team, agent, generation, operation, body: JSON.stringify(own) }
}

/** The rows of the mirror, by position. Where its positions begin again, the lines before are those of another log. */
export const mirrorRows = ({ mirror }: LogFiles): ReadonlyMap<number, EventRow> => {
  const rows = new Map<number, EventRow>()
  let last = 0
  for (const file of [5, 4, 3, 2, 1].map((number) => `${mirror}.${number}`).concat(mirror)) {
    if (!fs.existsSync(file)) continue
    for (const line of fs.readFileSync(file, "utf8").split("\n")) {
      const row = line === "" ? undefined : rowOfLine(line)
      if (row === undefined) continue
      if (row.position <= last) rows.clear()
      rows.set(row.position, row)
      last = row.position
    }
  }
  return rows
}

const isSameRow = (one: EventRow, other: EventRow): boolean =>
  one.at === other.at && one.type === other.type && one.team === other.team && one.agent === other.agent

/** Joins what is left of the database with the mirror. Where they differ, the mirror goes on from the first difference. */
export const joinRows = (database: ReadonlyArray<EventRow>, mirror: ReadonlyMap<number, EventRow>): Rebuilt => {
  const head = database.at(-1)?.position ?? 0
  const difference = database.find((row) => {
    const mirrored = mirror.get(row.position)
    return mirrored !== undefined && !isSameRow(row, mirrored)
  })
  const from = difference === undefined ? head + 1 : difference.position
  const kept = database.filter(({ position }) => position < from)
  const added = [...mirror.values()].filter(({ position }) => position >= from)
  const rows = [...kept, ...added]
  const first = rows[0]?.position ?? 1
  const gaps = rows.flatMap((row, index) => {
    const before = rows[index - 1]
    return before === undefined || row.position === before.position + 1 ? [] : [`events ${before.position + 1} to ${row.position - 1} are missing`]
  })
  return {
    rows,
    certain: [
      ...kept.length === 0 ? [] : [`${kept.length} events come from reprise.db`],
      ...added.length === 0 ? [] : [`${added.length} events come from events.jsonl, up to position ${added.at(-1)?.position ?? 0}`]
    ],
    uncertain: [
      ...first === 1 || rows.length === 0 ? [] : [`events 1 to ${first - 1} are missing: the mirror does not hold them any more`],
      ...gaps,
      ...difference === undefined ? [] : [`from position ${from} on, reprise.db and events.jsonl differ; the mirror was taken`]
    ]
  }
}

export const foldRows = (rows: ReadonlyArray<EventRow>): ReadonlyMap<string, TeamState> => {
  const states = new Map<string, TeamState>()
  for (const row of rows) {
    const state = fold(states.get(row.team), entryOf(row))
    if (state !== undefined) states.set(row.team, state)
  }
  return states
}

/** The events that bring a team up to what a newer marker knows of it. */
const eventsOfMarker = (marked: MarkedTeam, state: TeamState | undefined, workspace: string): ReadonlyArray<Event> => {
  const team = TeamKey.make(marked.key)
  const isSameTeam = state !== undefined && marked.agents.every(({ spec }) => state.agents.some((agent) => agent.spec.id === spec.id && !agent.removed))
  const recorded: ReadonlyArray<Event> = isSameTeam ? [] : [{
    type: "team.recorded",
    team,
    spec: { name: team, objective: marked.objective, agents: marked.agents.map(({ spec }) => spec), tasks: state?.tasks ?? [] },
    workspace,
    transport: marked.transport,
    plugins: marked.plugins,
  }]
  const sessions = marked.agents.flatMap(({ generation, session, spec }): ReadonlyArray<Event> => {
    const known = state?.agents.find((agent) => agent.spec.id === spec.id)?.session ?? null
    return session === null || session.id === known?.id ? [] : [{
      type: "resume.session_repaired",
      team,
      agent: AgentId.make(spec.id),
      generation,
      agent_id: AgentId.make(spec.id),
      provider: session.provider,
      old_session_id: known?.id ?? null,
      session_id: session.id,
      rollout_path: session.transcript,
      captured_via: session.capturedVia,
      attribution_confidence: session.confidence
    }]
  })
  return [...recorded, ...sessions]
}

/** Adds what a marker knows and the rows do not: teams, agents and sessions that were recorded after the newest row. */
export const withMarker = (rebuilt: Rebuilt, marker: Marker | undefined, at: string): Rebuilt => {
  const head = rebuilt.rows.at(-1)?.position ?? 0
  if (marker === undefined || marker.position <= head) return rebuilt
  const states = foldRows(rebuilt.rows)
  const events = marker.teams.flatMap((team) => eventsOfMarker(team, states.get(team.key), marker.path))
  const rows = events.map((event, index): EventRow => {
    const { agent, body, generation, operation, team, type } = rowOf(event)
    return { position: head + index + 1, at, team, agent, type, generation, operation, body }
  })
  return {
    rows: [...rebuilt.rows, ...rows],
    certain: [
      ...rebuilt.certain,
      ...events.flatMap((event) =>
        event.type === "resume.session_repaired"
          ? [`${event.team}/${event.agent} is in session ${event.session_id}, by the marker`]
          : [`team ${event.team} and its agents come from the marker`])
    ],
    uncertain: [...rebuilt.uncertain, `events ${head + 1} to ${marker.position} are lost; what they changed is known by the marker only`]
  }
}

/** Whether a row is an event that changes a team's life. */
export const isLifecycleRow = (row: EventRow): boolean => {
  const entry = entryOf(row)
  return entry._tag === "Event" && isLifecycleEvent(entry.event)
}
