import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { historyKept } from "../domain/history.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import {
  attribute,
  type Attribution,
  type AttributionResult,
  directoryKey,
  type NamelessFile,
  type TranscriptCandidate
} from "./attribution.ts"
import { birthSlackMs, isSteady, SinceBoot } from "./clock.ts"
import { claimsOf, holdersOf, withoutOthers } from "./claims.ts"
import { doubtsOf } from "./doubt.ts"
import { withoutLeft } from "./given-back.ts"
import { heldElsewhere, type NotFree } from "./holders.ts"
import { inOneLook } from "./one-look.ts"
import type { ProcessReport, SeenProcess } from "./process-report.ts"
import { readReports } from "./process-report.ts"
import type { Unresumable } from "./resumability.ts"
import {
  type Located, locate, nothingSeen, notSeen, type Sighting, sightDirectory, sightFile, sightKnown, together
} from "./sighting.ts"
import { sightUnobserved } from "./sight-unobserved.ts"
import { type SilentConversation, silentConversations } from "./silent-conversation.ts"
import { bornFrom, judgeSpoken, needsLookAround, provesSilence, type Spoken, startedFrom, wasSeen } from "./spoken.ts"

export type { Spoken } from "./spoken.ts"

export interface Discovery {
  /** Sessions that were found, or gone over to. */
  readonly assigned: ReadonlyMap<AgentId, Attribution>
  readonly ambiguous: AttributionResult["ambiguous"]
  readonly candidateCounts: Readonly<Record<string, number>>
  readonly spoken: ReadonlyMap<AgentId, Spoken>
  /** Agents whose process said which session it has, where no transcript of that session is yet. */
  readonly unwritten: ReadonlySet<AgentId>
  /** Agents whose process may have gone over to another conversation than the known one: why that can't be continued. */
  readonly doubts: ReadonlyMap<AgentId, Unresumable>
  /** All conversations that an agent's live process has open, where those are several. */
  readonly open: ReadonlyMap<AgentId, ReadonlyArray<string>>
  /** Conversations without a word that agents' processes opened after the known one. */
  readonly silent: ReadonlyMap<AgentId, SilentConversation>
}

type FindProvider = (name: string) => Provider | undefined
type Processes = ReadonlyMap<AgentId, SeenProcess>

/** A directory as it was asked for, with its real path. */
const directoriesOf = ({ directories, window }: Located): ReadonlyArray<{ readonly path: string; readonly key: string }> =>
  directories.map((path, at) => ({ path, key: directoryKey(window.provider, window.directories[at] ?? path) }))

/** Each directory is looked into once, however many agents and names it has. */
const sightDirectories = (
  entries: ReadonlyArray<Located>,
  sinceOf: (located: Located) => number,
  skipped: ReadonlySet<string>
) =>
  Effect.gen(function*() {
    const wanted = new Map<string, { readonly first: Located; readonly path: string; readonly since: number }>()
    for (const entry of entries) {
      for (const { key, path } of directoriesOf(entry)) {
        const before = wanted.get(key)
        const since = Math.min(before?.since ?? Infinity, sinceOf(entry))
        wanted.set(key, { first: before?.first ?? entry, path: before?.path ?? path, since })
      }
    }
    const seen = new Map<string, Sighting>()
    for (const [key, { first, path, since }] of wanted) {
      seen.set(key, yield* sightDirectory(first, path, since, skipped))
    }
    return seen
  })

const seenBy = (located: Located, directories: ReadonlyMap<string, Sighting>): Sighting =>
  together(directoriesOf(located).map(({ key }) => directories.get(key) ?? notSeen))

/**
 * What else came into the directories of agents whose addresses hold nothing said: a CLI may have chosen an id of its own,
 * or gone over to another conversation. Only files born since a start, at no agent's address, are opened.
 */
const sightAround = (
  located: ReadonlyArray<Located>,
  own: ReadonlyMap<Located, Sighting>,
  addresses: ReadonlySet<string>,
  steadyClock: boolean
) =>
  Effect.gen(function*() {
    const entries = located.filter((entry) => needsLookAround(entry) && provesSilence(own.get(entry) ?? notSeen))
    const directories = yield* sightDirectories(entries, (entry) => bornFrom(entry, steadyClock), addresses)
    return new Map(entries.map((entry) => [entry, seenBy(entry, directories)]))
  })

/** Whether the clock went steadily while the agents started and until now. */
const clockOf = (located: ReadonlyArray<Located>) =>
  Effect.gen(function*() {
    const now = yield* yield* SinceBoot
    // A start before the newest one that seems to be after it: what was born since that one may seem to be new as well.
    const backwards = located.some(({ agent: { history }, window }) => history.starts.some(({ at }) => Date.parse(at) > window.from + birthSlackMs))
    return !backwards && isSteady(
      located.flatMap(({ agent: { spawn }, window }) =>
        spawn?.pane === null || spawn?.pane === undefined ? [] : { intendedAt: window.from, startTime: spawn.pane.startTime }
      ),
      { ...now, wallMs: yield* Clock.currentTimeMillis }
    )
  })

/**
 * What is not known by an identity of ours is asked about: a person's CLI may have it open, the leader's own among them.
 * Such a conversation is nobody's here.
 */
const withoutHeld = (result: AttributionResult, located: ReadonlyArray<Located>, processes: Processes) =>
  Effect.gen(function*() {
    const held = yield* Effect.forEach(result.assigned, (found) => {
      const entry = located.find(({ window }) => window.owner === found.owner)
      if (entry === undefined) return Effect.succeed([])
      const process = processes.get(entry.agent.spec.id)
      const holding = found.via === "spawn_window" || found.via === "process_report"
        ? heldElsewhere(entry.provider, entry.subject, found.sessionId, process === undefined ? [] : [process])
        : Effect.succeed({ _tag: "Free" as const })
      return Effect.map(holding, (answer) => [{ found, holding: answer }])
    }, { concurrency: 16 })
    const assigned: Array<Attribution> = []
    const ambiguous = [...result.ambiguous]
    const holdings = new Map<string, NotFree>()
    for (const { found, holding } of held.flat()) {
      if (holding._tag === "Free") {
        assigned.push(found)
        continue
      }
      holdings.set(found.owner, holding)
      ambiguous.push({
        owner: found.owner,
        candidates: [found.path ?? found.sessionId],
        reason: holding._tag === "Held"
          ? `process ${holding.holders.map(({ pid }) => pid).join(", ")}, which is not its own, has it open`
          : `whether another process has it open is unknown: ${holding.why}`
      })
    }
    return { ...result, assigned, ambiguous, holdings }
  })

/** When the first process was started that may have left files; of older ones than are remembered nothing is known. */
const firstStartOf = ({ history: { starts } }: AgentState, from: number): number =>
  starts.length >= historyKept ? -Infinity : Math.min(from, ...starts.map(({ at }) => Date.parse(at)))

const notStarted = (team: TeamState): ReadonlyArray<readonly [AgentId, Spoken]> =>
  team.agents.flatMap(({ adopted, firstSend, spawn, spec }) => {
    if (spawn !== null || adopted !== null) return []
    const spoken: Spoken = firstSend._tag === "Corrupt"
      ? { state: "unknown", evidence: "its first_send_at is damaged" }
      : firstSend._tag === "Valid"
      ? { state: "spoken", evidence: `first spoken to at ${firstSend.at}` }
      : { state: "never", evidence: "it was never started" }
    return [[spec.id, spoken] as const]
  })

const locateAll = (
  teams: ReadonlyArray<TeamState>,
  target: TeamState,
  findProvider: FindProvider,
  reports: ReadonlyMap<AgentId, ProcessReport>
) =>
  Effect.map(
    Effect.forEach(teams, (team) =>
      Effect.forEach(team.agents, (agent) =>
        locate(team, agent, findProvider(agent.spec.provider), team.key === target.key ? reports.get(agent.spec.id) : undefined), { concurrency: 16 })),
    (located) => located.flat(2)
  )

/** What lies at the addresses of known sessions, in the directories of unknown ones, and where processes say that they are. */
const sightAll = (located: ReadonlyArray<Located>, steadyClock: boolean) =>
  Effect.gen(function*() {
    const unknown = located.filter(({ known }) => known === null)
    const directories = yield* sightDirectories(unknown, (entry) => startedFrom(entry, steadyClock), new Set())
    const seen = yield* Effect.forEach(located, (entry) =>
      Effect.gen(function*() {
        const own = entry.known === null ? seenBy(entry, directories) : yield* sightKnown(entry)
        const { report } = entry.window
        const reported = report?.transcript === "present" && report.path !== null ? [yield* sightFile(entry, report.path)] : []
        return { entry, own, reported }
      }), { concurrency: 16 })
    return {
      own: new Map(seen.map(({ entry, own }) => [entry, own])),
      reported: seen.flatMap(({ reported }) => reported),
      directories
    }
  })

/**
 * Looks for the sessions of a team's agents once, and for whether they were ever spoken to; for what their processes say
 * of themselves, too, where `processes` tells which those are. All teams of the workspace are weighed: a file that another
 * team's agent may have made is nobody's.
 */
export const discoverSessions = (
  target: TeamState,
  teams: ReadonlyArray<TeamState>,
  findProvider: FindProvider,
  processes: Processes = new Map()
): Effect.Effect<Discovery, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const all = [target, ...teams.filter((team) => team.key !== target.key)]
    const reports = yield* readReports(target, processes, findProvider)
    const asked = yield* locateAll(all, target, findProvider, reports)
    const steadyClock = yield* clockOf(asked)
    const sighted = yield* sightAll(asked.filter((entry) => entry.team.key === target.key), steadyClock)
    const { directories, reported } = sighted
    const located = withoutLeft(asked, [...sighted.own.values(), ...reported].flatMap(({ candidates }) => candidates))
    const own = new Map(located.flatMap((entry, index) => {
      const seen = asked[index] === undefined ? undefined : sighted.own.get(asked[index])
      return seen === undefined ? [] : [[entry, seen] as const]
    }))
    const ours = located.filter((entry) => entry.team.key === target.key)
    const claims = claimsOf(all, located)
    const around = yield* sightAround(ours, own, new Set(claims.keys()), steadyClock)
    const latest = yield* sightUnobserved(ours, claims, processes, steadyClock)
    const candidates = new Map<string, TranscriptCandidate>()
    for (const sighting of [...latest.values(), ...own.values(), ...reported]) {
      for (const candidate of sighting.candidates) candidates.set(`${candidate.provider}\0${candidate.path}`, candidate)
    }
    const marked = (owner: string) => [...candidates.values()].some(({ marker }) => marker === owner)
    const windows = located.map((entry) => ({
      ...entry.window,
      lostHeld: own.get(entry)?.missing === true && wasSeen(entry),
      everFrom: firstStartOf(entry.agent, entry.window.from),
      pending: entry.window.pending && entry.team.key === target.key,
      unobserved: entry.window.unobserved === true && entry.team.key === target.key,
      marks: entry.window.marks || marked(entry.window.owner)
    }))
    const holders = holdersOf(all)
    const nameless = [...directories].flatMap(([key, sighting]): ReadonlyArray<NamelessFile> =>
      sighting.nameless.map((file) => ({ provider: key.split("\0")[0] ?? "", ...file })))
    const result = yield* withoutHeld(
      attribute({
        windows,
        candidates: [...candidates.values()],
        holders,
        claims,
        nameless,
        incomplete: new Set([...directories].flatMap(([key, { complete }]) => complete ? [] : key)),
        steadyClock,
        now: yield* Clock.currentTimeMillis
      }),
      ours,
      processes
    )
    const doubts = doubtsOf({ located: ours, reports, result, holdings: result.holdings, latest })
    const silent = yield* silentConversations(ours, reports, result)
    const assigned = new Map<AgentId, Attribution>()
    const spoken = new Map(notStarted(target))
    const unwritten = new Set<AgentId>()
    for (const entry of ours) {
      const { agent: { session, spec }, window } = entry
      const seen = own.get(entry) ?? notSeen
      const found = result.assigned.find(({ owner }) => owner === window.owner)
      if (found !== undefined) assigned.set(spec.id, found)
      const others = new Set([
        ...all.flatMap(({ agents }) => agents.flatMap((agent) => agent.session?.provider === window.provider ? agent.session.id : [])),
        ...result.assigned.flatMap(({ owner, sessionId }) => owner === window.owner ? [] : sessionId),
        ...windows.flatMap(({ assignedId, owner }) => owner === window.owner ? [] : assignedId ?? [])
      ])
      const judged = judgeSpoken(entry, entry.known === null ? withoutOthers(seen, window.owner, claims) : seen, around.get(entry) ?? nothingSeen, others, steadyClock)
      const doubt = doubts.get(spec.id)
      // What was said where it went is not known either.
      spoken.set(spec.id, doubt !== undefined && judged.state === "never" ? { state: "unknown", evidence: doubt.why } : judged)
      if (session?.capturedVia !== "process_report" || found !== undefined) continue
      if (seen.missing) unwritten.add(spec.id)
      const [written] = seen.candidates
      if (session.transcript === null && written?.sessionId === session.id) {
        assigned.set(spec.id, {
          owner: window.owner,
          sessionId: session.id,
          path: written.path,
          via: session.capturedVia,
          confidence: session.confidence,
          replaces: null,
          reason: "its transcript was written since"
        })
      }
    }
    for (const { spec } of target.agents) {
      if (!spoken.has(spec.id)) {
        spoken.set(spec.id, { state: "unknown", evidence: `its provider ${spec.provider} can't say where its conversations are` })
      }
    }
    const open = new Map([...reports].flatMap(([id, { alive, evidence }]) => {
      const sessions = evidence?.openSessions ?? []
      return alive && sessions.length > 1 ? [[id, sessions] as const] : []
    }))
    return { assigned, ambiguous: result.ambiguous, candidateCounts: result.candidateCounts, spoken, unwritten, doubts, open, silent }
  }).pipe(inOneLook)
