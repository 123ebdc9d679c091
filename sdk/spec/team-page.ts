import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import type { TeamKey } from "../domain/ids.ts"
import { paneAddress } from "../domain/pane.ts"
import type { TaskSpec } from "../domain/task.ts"
import type { AgentPhase, AgentState, TeamState } from "../event-log/TeamState.ts"
import { ensureDirectory, ensureRuntime, teamDirectory } from "./workspace.ts"
import type { WorkspacePaths } from "./workspace.ts"

/** What was seen of an agent just now; see the status of `FACE`'s agents. */
export interface ObservedAgent {
  readonly status: string
  /** A sentence: how it is known. */
  readonly evidence: string
}

/** By agent id. An agent that is not in it was not looked at. */
export type ObservedAgents = Readonly<Record<string, ObservedAgent>>

// Everything that people or programs wrote goes through here: a line break or an escape in a role must not be able to
// write sections of the page, or to a terminal that shows it.
const line = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").replace(/ {2,}/g, " ").trim()

const paragraph = (text: string): ReadonlyArray<string> =>
  text.split(/\r\n|[\n\r\u2028\u2029]/u).map((part) => `> ${line(part)}`.trimEnd())

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  [`## ${title}`, "", ...lines, ""]

const list = (items: ReadonlyArray<string>, none: string): ReadonlyArray<string> =>
  items.length === 0 ? [none] : items.map((item) => `- ${item}`)

/** The log tells what was done, not what lives now: nothing here says more than that. */
const recorded: Readonly<Record<AgentPhase, string>> = {
  absent: "never started",
  intended: "its start was begun, its result is not known",
  spawned: "started, not yet seen ready",
  running: "was ready when it was last recorded",
  stopped: "stopped by Reprise",
  exited: "ended by itself",
  failed: "could not be brought up"
}

const observedOf = (observed: ObservedAgents, id: string): ObservedAgent | undefined =>
  Object.hasOwn(observed, id) ? observed[id] : undefined

const agentLines = (agent: AgentState, observed: ObservedAgents): ReadonlyArray<string> => {
  const { spec, spawn, session } = agent
  const seen = observedOf(observed, spec.id)
  const status = seen === undefined
    ? `${recorded[agent.phase]}${spec.paused ? ", paused" : ""}`
    : `${line(seen.status)}: ${line(seen.evidence)}`
  const pane = spawn?.pane === undefined || spawn.pane === null ? [] : [`at ${line(paneAddress(spawn.pane))}`]
  const about = [
    `generation ${agent.generation}`,
    ...pane,
    session === null ? "no conversation captured" : `conversation ${line(session.id)} (${session.confidence})`,
    agent.firstSend._tag === "Valid" ? `first told something at ${agent.firstSend.at}` : "never told anything"
  ]
  return [
    `- **${spec.id}**: ${line(spec.role ?? spec.id)} on ${line(spec.provider)} (${status})`,
    `  ${(agent.firstSend._tag === "Corrupt" ? about.slice(0, -1) : about).join(", ")}`
  ]
}

const taskLine = ({ assignee, deps, id, title }: TaskSpec): string =>
  `**${id}**${title === null || line(title) === "" ? "" : `: ${line(title)}`} (${assignee ?? "nobody's"}` +
  `${deps.length === 0 ? "" : `, after ${deps.join(", ")}`})`

const until = (time: string | null): string => time === null ? "" : ` (until ${line(time)})`

/** The agents of the team file. */
const present = (state: TeamState): ReadonlyArray<AgentState> => state.agents.filter(({ removed }) => !removed)

const blockers = (state: TeamState): ReadonlyArray<string> => {
  const { operation } = state
  const ofAgents = present(state).flatMap((agent) => {
    const { failure, spec } = agent
    return [
      ...(failure === null
        ? []
        : [`${spec.id}: ${failure.kind}, ${line(failure.reason)}${until(failure.retryAt)}`]),
      ...(agent.firstSend._tag === "Corrupt"
        ? [`${spec.id}: the record of its first message is damaged (found ${agent.firstSend.rawType}).`]
        : []),
      ...(agent.attributionAmbiguous ? [`${spec.id}: more than one conversation could be its own.`] : [])
    ]
  })
  const ofMessages = state.pendingMessages.flatMap((message) =>
    message.submittingAt === null
      ? []
      : [`message ${line(message.id)} to ${message.agent}: typing began at ${message.submittingAt}, no end was seen.`]
  )
  const ofLog = state.unreadable.map(({ position, problem }) => `event ${position} can't be read: ${line(problem)}`)
  return [
    ...(operation === null ? [] : [`a ${operation.kind} that began at ${operation.startedAt} did not end.`]),
    ...ofAgents,
    ...ofMessages,
    ...ofLog
  ]
}

const needsStart = (agent: AgentState, observed: ObservedAgents): boolean => {
  if (agent.spec.paused) return false
  const seen = observedOf(observed, agent.spec.id)
  if (seen !== undefined) return seen.status === "dead"
  return agent.phase === "exited" || agent.phase === "failed"
}

const waits = new Set(["auth", "usage_limit"])

/** What a person would do next, most urgent first; never empty. */
export const nextSteps = (state: TeamState, observed: ObservedAgents = {}): ReadonlyArray<string> => {
  const team = `--team ${state.key}`
  const command = (words: string) => `\`reprise ${words}\``
  if (state.operation !== null) {
    return state.operation.kind === "shutdown"
      ? [`Finish stopping the team: ${command(`down ${team}`)}.`]
      : [
        `Go on with the unfinished ${state.operation.kind}: ${command(`restart --continue ${team}`)}; ` +
        `or take it back: ${command(`restart --rollback ${team}`)}.`
      ]
  }
  if (state.stopped) return [`The team was stopped on purpose. Bring it back: ${command(`restart ${team}`)}.`]
  const active = state.agents.filter((agent) => !agent.spec.paused && !agent.removed)
  if (active.length === 0) {
    return [`${present(state).length === 0 ? "The team has no agents." : "All agents are paused."} Change the team file.`]
  }
  const never = active.filter((agent) => agent.phase === "absent" && observedOf(observed, agent.spec.id) === undefined)
  const down = active.filter((agent) => needsStart(agent, observed))
  const waiting = down.filter((agent) => agent.failure !== null && waits.has(agent.failure.kind))
  const names = (agents: ReadonlyArray<AgentState>, between: string) =>
    agents.map((agent) => agent.spec.id).join(between)
  const steps = [
    ...waiting.map((agent) =>
      agent.failure?.kind === "auth"
        ? `Log ${agent.spec.id} in with its own CLI before it is started again.`
        : `Wait for ${agent.spec.id}'s usage limit to end${until(agent.failure?.retryAt ?? null)}` +
          " before it is started again."
    ),
    ...(down.length > 0 ? [`Bring back ${names(down, ", ")}: ${command(`restart --dead ${team}`)}.`] : []),
    ...(never.length > 0 ? [`Start ${names(never, ", ")}: ${command(`restart ${team} ${names(never, " ")}`)}.`] : [])
  ]
  if (steps.length > 0) return steps
  const silent = active.find((agent) => agent.firstSend._tag === "Absent") ?? active[0]
  const agent = silent?.spec.id ?? "AGENT"
  return [
    `Give ${agent} work: ${command(`send ${team} ${agent} "…"`)}; look at the team: ${command(`status ${team}`)}.`
  ]
}

/**
 * A team's page for people, in Markdown; rendered from the state and never read back. Equal states give equal pages.
 * Without `observed`, it says what the log last recorded and claims nothing about now.
 */
export const renderTeamPage = (state: TeamState, observed: ObservedAgents = {}): string =>
  [
    `# Team ${state.key}`,
    "",
    `As of event ${state.position} of the log; recorded ${state.recordedAt}. Written by Reprise, never read back.`,
    "",
    ...section("Objective", state.objective === null || line(state.objective) === ""
      ? ["None was given."]
      : paragraph(state.objective.trim())),
    ...section("Team", [
      `- Workspace: ${line(state.workspace)}`,
      `- Transport: ${line(state.transport)}`,
      `- State: ${state.stopped ? "stopped on purpose" : "meant to run"}`
    ]),
    ...section("Agents", present(state).length === 0
      ? ["No agents."]
      : present(state).flatMap((agent) => agentLines(agent, observed))),
    ...section("Task graph", list(state.tasks.map(taskLine), "No tasks yet.")),
    ...section("Latest results", ["No results yet."]),
    ...section("Blockers", list(blockers(state), "None known.")),
    ...section("Notes", ["No notes yet."]),
    "## Next step",
    "",
    ...nextSteps(state, observed).map((step) => `- ${step}`),
    ""
  ].join("\n")

/** A team's page could not be written; the team itself is not touched by that. */
export class TeamPageUnwritable
  extends Schema.TaggedError<TeamPageUnwritable>("reprise/TeamPageUnwritable")("TeamPageUnwritable", {
    file: Schema.String,
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

/** Where a team's page is. */
export const teamPagePath = (paths: WorkspacePaths, team: TeamKey): string =>
  join(teamDirectory(paths, team), "team_state.md")

/** Replaces a team's page as a whole: whoever reads it sees the old one or the new one. */
export const writeTeamPage = Effect.fn("writeTeamPage")(function*(
  paths: WorkspacePaths,
  state: TeamState,
  observed: ObservedAgents = {}
) {
  const fileSystem = yield* FileSystem.FileSystem
  const file = teamPagePath(paths, state.key)
  const draft = `${file}.${randomUUID()}.tmp`
  const unwritable = (error: PlatformError) =>
    new TeamPageUnwritable({
      file,
      detail: `The page ${file} could not be written (${error.message}); the team is as it was.`
    })
  yield* ensureRuntime(paths)
  yield* ensureDirectory(paths.teams)
  yield* ensureDirectory(teamDirectory(paths, state.key))
  yield* fileSystem.writeFileString(draft, renderTeamPage(state, observed), { flag: "wx", mode: 0o600 }).pipe(
    Effect.zipRight(fileSystem.rename(draft, file)),
    Effect.onError(() => Effect.ignore(fileSystem.remove(draft))),
    Effect.mapError(unwritable)
  )
  return file
})
