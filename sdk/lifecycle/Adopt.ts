import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import type { Event } from "../domain/event.ts"
import { namePattern, TeamKey } from "../domain/ids.ts"
import type { TeamSpec } from "../domain/team.ts"
import type { AppendError, EventLogError, LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { PluginHost, type PluginMissing } from "../plugin/PluginHost.ts"
import { type Adoptable, type Choice, idsFor, type LeftOut, teamNameFor } from "../session/adopt.ts"
import { adoptedTeamFile } from "../session/adopt-team-file.ts"
import { parseTeamFile, type TeamFileInvalid, type TeamFileUnreadable } from "../spec/team-file.ts"
import { type AdoptOptions, AdoptRefused, findAdoptable } from "./adopt-find.ts"
import { HostEnvironment } from "./operation.ts"

export { type AdoptOptions, AdoptRefused } from "./adopt-find.ts"

/** One process that was found, or adopted. */
export interface FoundAgent {
  readonly id: string
  readonly provider: string
  readonly pid: number
  readonly session: string
  readonly transcript: string | null
  readonly cwd: string
  readonly ageMs: number | null
  readonly startedAt: string | null
  readonly where: string
  readonly evidence: string
}

/** What came of an adoption. */
export interface AdoptReport {
  readonly outcome: "adopted" | "found" | "nothing_found"
  readonly ok: true
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly team: string | null
  /** The team file that was written. */
  readonly file: string | null
  readonly agents: ReadonlyArray<FoundAgent>
  readonly leftOut: ReadonlyArray<LeftOut>
  /** How many more are not below the workspace. */
  readonly elsewhere: number
}

export type AdoptError =
  | AdoptRefused
  | AppendError
  | EventLogError
  | LeaseHeld
  | PluginMissing
  | TeamFileInvalid
  | TeamFileUnreadable

const shown = (adoptable: ReadonlyArray<Adoptable>): ReadonlyArray<FoundAgent> => {
  const ids = idsFor(adoptable)
  return adoptable.map(({ process, provider, said, sessionId }, at) => ({
    id: ids[at] ?? "",
    provider,
    pid: process.pid,
    session: sessionId,
    transcript: said.transcript,
    cwd: said.cwd,
    ageMs: process.ageMs,
    startedAt: process.startedAt,
    where: process.place,
    evidence: said.evidence
  }))
}

const count = (n: number): string => `${n} ${n === 1 ? "process" : "processes"}`

const others = ({ elsewhere, leftOut }: Choice): string =>
  `${leftOut.length === 0 ? "" : ` ${leftOut.length} more ${leftOut.length === 1 ? "was" : "were"} left out.`}` +
  `${elsewhere === 0 ? "" : ` ${elsewhere} ${elsewhere === 1 ? "is" : "are"} not below this workspace; --all means them, too.`}`

const nothingFound = (choice: Choice): AdoptReport => ({
  outcome: "nothing_found",
  ok: true,
  message: `No process was found that can be adopted.${others(choice)} Nothing was done.`,
  next: choice.elsewhere > 0 ? ["reprise adopt --all --dry-run"] : [],
  team: null,
  file: null,
  agents: [],
  leftOut: choice.leftOut,
  elsewhere: choice.elsewhere
})

/** Refuses a name that no team can have, whatever would be found. */
export const demandName = (name: string | undefined): Effect.Effect<void, AdoptRefused> =>
  name === undefined || namePattern.test(name) ? Effect.void : new AdoptRefused({
    reason: "BadName",
    detail: `${JSON.stringify(name)} does not match ${namePattern.source}, as names of teams do. Nothing was done.`,
    next: ["reprise adopt --as NAME"]
  })

/** Which name the team gets; a name that was asked for has to be free. */
const nameTeam = ({ name, workspace }: AdoptOptions, teams: ReadonlyArray<TeamState>): Either.Either<TeamKey, AdoptRefused> => {
  const taken = new Set<string>(teams.map(({ key }) => key))
  if (name === undefined) return Either.right(TeamKey.make(teamNameFor(workspace, taken)))
  return taken.has(name)
    ? Either.left(new AdoptRefused({
      reason: "TeamExists",
      detail: `There is a team ${name} already. Nothing was done. Give the new one another name.`,
      next: [`reprise adopt --as ${teamNameFor(name, taken)}`]
    }))
    : Either.right(TeamKey.make(name))
}

/** Where the team file goes: `team.yaml` where that is free, else the team's name. Nobody's file is overwritten. */
const fileFor = (workspace: string, name: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    for (const file of ["team.yaml", `${name}.yaml`]) {
      const there = yield* Effect.orElseSucceed(files.exists(join(workspace, file)), () => true)
      // A broken link is there, too.
      const link = yield* Effect.isSuccess(files.readLink(join(workspace, file)))
      if (!there && !link) return file
    }
    return yield* new AdoptRefused({
      reason: "FileExists",
      detail: `team.yaml and ${name}.yaml are there already, and no file of yours is overwritten. Nothing was done.`,
      next: ["reprise adopt --as NAME"]
    })
  })

const adoptionEvents = (
  spec: TeamSpec,
  adoptable: ReadonlyArray<Adoptable>,
  { plugins, transport, workspace }: AdoptOptions
): ReadonlyArray<Event> => [
  { type: "team.recorded", team: spec.name, spec, workspace, transport, plugins },
  ...spec.agents.flatMap((agent, at): ReadonlyArray<Event> => {
    const one = adoptable[at]
    if (one === undefined) return []
    const { process, provider, said, sessionId } = one
    const scope = { team: spec.name, agent: agent.id, generation: 1 }
    return [
      {
        type: "agent.adopted",
        ...scope,
        pid: process.pid,
        start_time: process.startTime,
        place: process.place,
        started_at: process.startedAt,
        evidence: said.evidence,
        transcript: said.transcript === null ? "absent" : "present"
      },
      {
        type: "session.captured",
        ...scope,
        agent_id: agent.id,
        provider,
        session_id: sessionId,
        rollout_path: said.transcript,
        captured_via: "process_report",
        attribution_confidence: said.confidence ?? "high"
      }
    ]
  })
]

/** Shows what `adopt` would do. Writes nothing. */
export const look = (
  options: AdoptOptions
): Effect.Effect<AdoptReport, AdoptError, EventLog | PluginHost | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    yield* demandName(options.name)
    const found = yield* findAdoptable(options)
    if (found.adoptable.length === 0) return nothingFound(found)
    const name = yield* nameTeam(options, found.teams)
    return {
      outcome: "found",
      ok: true,
      message: `${count(found.adoptable.length)} can be adopted as team ${name}.${others(found)} Nothing was done.`,
      next: [options.name === undefined ? "reprise adopt" : `reprise adopt --as ${name}`],
      team: name,
      file: null,
      agents: shown(found.adoptable),
      leftOut: found.leftOut,
      elsewhere: found.elsewhere
    }
  })

/**
 * Makes a team of agents that a person started by hand: a team file is written, the team and the conversation of each are
 * recorded. Nothing is typed, no file of theirs is changed, no process is touched.
 */
export const adopt = (
  options: AdoptOptions
): Effect.Effect<AdoptReport, AdoptError, EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment> =>
  Effect.scoped(Effect.gen(function*() {
    yield* demandName(options.name)
    const inside = (yield* HostEnvironment)["REPRISE_AGENT"]
    if (inside !== undefined) {
      return yield* new AdoptRefused({
        reason: "InsideAgent",
        detail: `This command runs inside the agent ${inside}, and what a person started is a person's to adopt. Nothing was done. Run it from your own terminal.`,
        next: ["reprise adopt --dry-run"]
      })
    }
    const log = yield* EventLog
    const host = yield* PluginHost
    // Where they are to come back has to be there.
    yield* host.transport(options.transport)
    const files = yield* FileSystem.FileSystem
    // One at a time: what one adopts, the next one finds to be an agent already.
    yield* log.lease("adopt", "adopt")
    const found = yield* findAdoptable(options)
    const { adoptable, leftOut, elsewhere, teams } = found
    if (adoptable.length === 0) return nothingFound(found)
    const name = yield* nameTeam(options, teams)
    const lease = yield* log.lease(teamResource(name), "adopt")
    const shownAs = yield* fileFor(options.workspace, name)
    const path = join(options.workspace, shownAs)
    const text = yield* adoptedTeamFile(name, adoptable, options.workspace)
    // Read as `up` will read it: the file and the record are to say the same.
    const { spec } = yield* parseTeamFile(text, { file: shownAs, workspace: options.workspace })
    const notWritten = (error: { readonly message: string }) =>
      new AdoptRefused({
        reason: "FileNotWritten",
        detail: `The team file ${shownAs} could not be written: ${error.message}`,
        next: [`reprise status --team ${name}`]
      })
    // Whole before the record, and at its place only after it: a link is not made over anybody's file.
    const draft = join(options.workspace, `.${shownAs}.${yield* Effect.sync(() => randomUUID())}`)
    yield* Effect.acquireRelease(
      Effect.mapError(files.writeFileString(draft, text, { flag: "wx", mode: 0o600 }), notWritten),
      () => Effect.ignore(files.remove(draft))
    )
    yield* log.append(adoptionEvents(spec, adoptable, options), { lease })
    yield* Effect.mapError(files.link(draft, path), (error) => {
      const refused = notWritten(error)
      return new AdoptRefused({ ...refused, detail: `${refused.detail} The team ${name} is recorded all the same.` })
    })
    return {
      outcome: "adopted",
      ok: true,
      message: `Team ${name} is made of ${count(adoptable.length)}, which go on as they were; its file is ${shownAs}.${others(found)}`,
      next: [`reprise status --team ${name}`, `reprise restart --team ${name}`],
      team: name,
      file: path,
      agents: shown(adoptable),
      leftOut,
      elsewhere
    } satisfies AdoptReport
  }))
