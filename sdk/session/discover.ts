import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { basename, dirname, join } from "node:path"
import type { AgentId } from "../domain/ids.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import {
  attribute,
  type Attribution,
  type AttributionResult,
  type SpawnWindow,
  type TranscriptCandidate
} from "./attribution.ts"
import { providerAgentOf } from "./provider-agent.ts"
import { sessionAddressOf } from "./session-address.ts"
import { birthOf, listTranscripts, readTranscriptFile } from "./transcript.ts"

/** Whether an agent was ever spoken to in its present conversation. `unknown` is not `never`. */
export interface Spoken {
  readonly state: "never" | "spoken" | "unknown"
  readonly evidence: string
}

export interface Discovery {
  readonly assigned: ReadonlyMap<AgentId, Attribution>
  readonly ambiguous: AttributionResult["ambiguous"]
  readonly candidateCounts: Readonly<Record<string, number>>
  readonly spoken: ReadonlyMap<AgentId, Spoken>
  /** Agents whose process said which session it has, where no transcript of that session is yet. */
  readonly unwritten: ReadonlySet<AgentId>
}

interface Located {
  readonly team: TeamState
  readonly agent: AgentState
  readonly provider: Provider
  readonly window: SpawnWindow
  readonly address: string | null
}

type FindProvider = (name: string) => Provider | undefined

const locate = (team: TeamState, agent: AgentState, provider: Provider | undefined): ReadonlyArray<Located> => {
  if (agent.spawn === null || provider === undefined) return []
  const assignedId = agent.spawn.sessionId
  const address = sessionAddressOf(provider, providerAgentOf(team, agent, "keep"), assignedId)
  if (address === null) return []
  return [{
    team,
    agent,
    provider,
    address: address.transcript,
    window: {
      owner: `${team.key}/${agent.spec.id}`,
      provider: provider.name,
      directory: address.directory,
      from: Date.parse(agent.spawn.intendedAt),
      until: null,
      assignedId,
      pending: agent.session === null && provider.capabilities.resume,
      identified: agent.session !== null && agent.session.confidence === "high"
    }
  }]
}

/** A directory that could not be listed, or a file in it that could not be read: what it would show is unknown. */
interface Sighting {
  readonly candidates: ReadonlyArray<TranscriptCandidate & { readonly spokenTo: boolean }>
  readonly complete: boolean
  /** When files were born that may hold somebody's words and do not say whose. */
  readonly nameless: ReadonlyArray<number | null>
  /** Whether nothing lies at the one address that was looked at. */
  readonly missing: boolean
}

const nothingSeen: Sighting = { candidates: [], complete: true, nameless: [], missing: false }
const notSeen: Sighting = { ...nothingSeen, complete: false }

/** Our own log is no conversation, wherever a provider looks for them. */
const isOwnRecord = (workspace: string, path: string): boolean =>
  dirname(path) === join(workspace, ".reprise") && /^(events\.jsonl|reprise\.db)/.test(basename(path))

const sight = (located: Located, path: string, claimed: ReadonlySet<string>) =>
  Effect.map(readTranscriptFile(path), (file): Sighting => {
    if (file._tag !== "Present") {
      return { ...nothingSeen, complete: file._tag !== "Unreadable", missing: file._tag === "Missing" }
    }
    const identity = located.provider.readTranscript(file.head, { path, truncated: file.truncated })
    if (identity.sessionId === null) return { ...nothingSeen, nameless: identity.spokenTo ? [file.bornAt] : [] }
    return {
      ...nothingSeen,
      candidates: [{
        provider: located.provider.name,
        directory: located.window.directory,
        path,
        sessionId: identity.sessionId,
        marker: identity.marker,
        cwd: identity.cwd,
        bornAt: file.bornAt,
        claimed: claimed.has(`${located.provider.name}/${identity.sessionId}`),
        spokenTo: identity.spokenTo
      }]
    }
  })

const sightDirectory = (
  located: Located,
  claimed: ReadonlySet<string>,
  look: (path: string) => Effect.Effect<boolean, never, FileSystem.FileSystem> = () => Effect.succeed(true)
) =>
  Effect.gen(function*() {
    const names = yield* listTranscripts(located.window.directory)
    if (names === null) return notSeen
    const sightings = yield* Effect.forEach(
      names.map((name) => join(located.window.directory, name)).filter((path) => !isOwnRecord(located.team.workspace, path)),
      (path) => Effect.flatMap(look(path), (wanted) => wanted ? sight(located, path, claimed) : Effect.succeed(nothingSeen)),
      { concurrency: 16 }
    )
    return {
      candidates: sightings.flatMap((sighting) => sighting.candidates),
      complete: sightings.every((sighting) => sighting.complete),
      nameless: sightings.flatMap((sighting) => sighting.nameless),
      missing: false
    } satisfies Sighting
  })

/** Since when a file may be of this agent's present conversation, or of one that its process went over to. */
const bornFrom = ({ agent, window }: Located): number =>
  Math.min(window.from, agent.session === null ? Infinity : Date.parse(agent.session.capturedAt))

/** Whether its own address alone can't prove that nobody spoke to it, and nothing else has settled the question. */
const needsLookAround = ({ agent, window }: Located): boolean =>
  (window.assignedId !== null || agent.session !== null) &&
  agent.firstSend._tag === "Absent" && agent.spawn?.mode !== "fork" && !agent.typedInto

const provesSilence = (sighting: Sighting): boolean =>
  sighting.complete && sighting.nameless.length === 0 && !sighting.candidates.some(({ spokenTo }) => spokenTo)

/**
 * What else came into the directories of agents whose addresses hold nothing said: a CLI may have chosen an id of its own,
 * or gone over to another conversation. Only files born since a start, at no agent's address, are opened.
 */
const sightAround = (
  located: ReadonlyArray<Located>,
  own: ReadonlyMap<Located, Sighting>,
  claimed: ReadonlySet<string>,
  addresses: ReadonlySet<string>
) =>
  Effect.gen(function*() {
    const directories = new Map<string, ReadonlyArray<Located>>()
    for (const entry of located) {
      if (!needsLookAround(entry) || !provesSilence(own.get(entry) ?? notSeen)) continue
      const key = `${entry.window.provider}\0${entry.window.directory}`
      directories.set(key, [...directories.get(key) ?? [], entry])
    }
    const sightings = new Map<Located, Sighting>()
    for (const entries of directories.values()) {
      const [first] = entries
      if (first === undefined) continue
      const since = Math.min(...entries.map(bornFrom))
      const sighting = yield* sightDirectory(first, claimed, (path) =>
        addresses.has(path) ? Effect.succeed(false) : Effect.map(birthOf(path), (bornAt) => bornAt === null || bornAt >= since))
      for (const entry of entries) sightings.set(entry, sighting)
    }
    return sightings
  })

/** Whether an agent without a known session may have written a file: nothing says that it is somebody else's. */
const mayBeOwn = (window: SpawnWindow, others: ReadonlySet<string>) => (candidate: TranscriptCandidate): boolean =>
  !candidate.claimed &&
  !others.has(candidate.sessionId) &&
  (candidate.marker === null || candidate.marker === window.owner) &&
  (candidate.bornAt === null || candidate.bornAt >= window.from)

/** What is said by files that are not at its address; null where they say nothing of this agent. */
const judgeAround = (located: Located, around: Sighting, others: ReadonlySet<string>): Spoken | null => {
  const window = { ...located.window, from: bornFrom(located) }
  const possible = around.candidates.filter(mayBeOwn(window, others)).filter(({ spokenTo }) => spokenTo)
  const own = possible.find(({ marker }) => marker === window.owner)
  if (own !== undefined) return { state: "spoken", evidence: `${own.path} holds a user's message and says that it is its own` }
  const [whose] = possible
  if (whose !== undefined) {
    return {
      state: "unknown",
      evidence: `${whose.path} holds a user's message, came after its start, and nothing says whose it is`
    }
  }
  if (around.nameless.some((bornAt) => bornAt === null || bornAt >= window.from)) {
    return { state: "unknown", evidence: `a file in ${window.directory} does not say whose conversation it is` }
  }
  return around.complete ? null : { state: "unknown", evidence: `what else is in ${window.directory} could not all be read` }
}

const judgeSpoken = (located: Located, sighting: Sighting, around: Sighting, others: ReadonlySet<string>): Spoken => {
  const { agent, window } = located
  if (agent.firstSend._tag === "Valid") return { state: "spoken", evidence: `first spoken to at ${agent.firstSend.at}` }
  if (agent.firstSend._tag === "Corrupt") return { state: "unknown", evidence: "its first_send_at is damaged" }
  if (agent.spawn?.mode === "fork") return { state: "spoken", evidence: "it is a copy of another conversation" }
  if (agent.typedInto) return { state: "unknown", evidence: "a message was typed into it, and what came of it is not known" }
  const knownId = agent.session?.id ?? window.assignedId
  // What lies at its own address counts, whatever it says of itself.
  const own = knownId === null ? sighting.candidates.filter(mayBeOwn(window, others)) : sighting.candidates
  const spoken = own.find((candidate) => candidate.spokenTo)
  if (spoken !== undefined) return { state: "spoken", evidence: `${spoken.path} holds a user's message` }
  // A file that lies at its own address, or was born since its start.
  if (sighting.nameless.some((bornAt) => knownId !== null || bornAt === null || bornAt >= window.from)) {
    return { state: "unknown", evidence: `a file in ${window.directory} does not say whose conversation it is` }
  }
  if (!sighting.complete) {
    return { state: "unknown", evidence: `its transcripts in ${window.directory} could not all be read` }
  }
  const elsewhere = judgeAround(located, around, others)
  if (elsewhere !== null) return elsewhere
  return {
    state: "never",
    evidence: own.length === 0
      ? "nothing was sent to it and it has no transcript"
      : "nothing was sent to it and its transcript holds no user's message"
  }
}

/** Files read once a pass, however many agents look at them. */
const sightAll = (located: ReadonlyArray<Located>, claimed: ReadonlySet<string>) =>
  Effect.gen(function*() {
    const directories = new Map<string, Sighting>()
    const sightings = new Map<Located, Sighting>()
    for (const entry of located) {
      const address = entry.agent.session?.transcript ?? entry.address
      if (entry.window.assignedId !== null || entry.agent.session !== null) {
        sightings.set(entry, address === null ? notSeen : yield* sight(entry, address, claimed))
        continue
      }
      const key = `${entry.window.provider}\0${entry.window.directory}`
      const known = directories.get(key) ?? (yield* sightDirectory(entry, claimed))
      directories.set(key, known)
      sightings.set(entry, known)
    }
    return sightings
  })

/**
 * Looks for the sessions of a team's agents once, and for whether they were ever spoken to. All teams of the workspace
 * are weighed: a file that another team's agent may have made is nobody's.
 */
export const discoverSessions = (
  target: TeamState,
  teams: ReadonlyArray<TeamState>,
  findProvider: FindProvider
): Effect.Effect<Discovery, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const all = [target, ...teams.filter((team) => team.key !== target.key)]
    const located = all.flatMap((team) =>
      team.agents.flatMap((agent) => locate(team, agent, findProvider(agent.spec.provider)))
    )
    const claimed = new Set(
      all.flatMap((team) => team.agents.flatMap(({ session }) => session === null ? [] : `${session.provider}/${session.id}`))
    )
    const ours = located.filter((entry) => entry.team.key === target.key)
    const sightings = yield* sightAll(ours, claimed)
    const addresses = new Set([
      ...located.flatMap(({ address }) => address ?? []),
      ...all.flatMap(({ agents }) =>
        agents.flatMap(({ captures, session, spawn }) =>
          [spawn?.transcript, session?.transcript, ...captures.map(({ transcript }) => transcript)].flatMap((path) => path ?? [])
        )
      )
    ])
    const around = yield* sightAround(ours, sightings, claimed, addresses)
    const candidates = new Map<string, TranscriptCandidate>()
    for (const sighting of sightings.values()) {
      for (const candidate of sighting.candidates) candidates.set(`${candidate.provider}\0${candidate.path}`, candidate)
    }
    const windows = located.map((entry) => ({
      ...entry.window,
      pending: entry.window.pending && entry.team.key === target.key
    }))
    const result = attribute(windows, [...candidates.values()])
    const assigned = new Map<AgentId, Attribution>()
    const spoken = new Map<AgentId, Spoken>()
    const unwritten = new Set<AgentId>()
    for (const entry of ours) {
      const found = result.assigned.find((attribution) => attribution.owner === entry.window.owner)
      if (found !== undefined) assigned.set(entry.agent.spec.id, found)
      const others = new Set([
        ...result.assigned.flatMap(({ owner, sessionId }) => owner === entry.window.owner ? [] : sessionId),
        ...windows.flatMap(({ assignedId, owner }) => owner === entry.window.owner ? [] : assignedId ?? [])
      ])
      const seen = sightings.get(entry) ?? notSeen
      spoken.set(entry.agent.spec.id, judgeSpoken(entry, seen, around.get(entry) ?? nothingSeen, others))
      if (entry.agent.session?.capturedVia === "process_report" && seen.missing) unwritten.add(entry.agent.spec.id)
    }
    for (const agent of target.agents) {
      if (agent.spawn === null) {
        spoken.set(agent.spec.id, agent.firstSend._tag === "Corrupt"
          ? { state: "unknown", evidence: "its first_send_at is damaged" }
          : agent.firstSend._tag === "Valid"
          ? { state: "spoken", evidence: `first spoken to at ${agent.firstSend.at}` }
          : { state: "never", evidence: "it was never started" })
      } else if (!spoken.has(agent.spec.id)) {
        spoken.set(agent.spec.id, { state: "unknown", evidence: `its provider ${agent.spec.provider} can't say where its conversations are` })
      }
    }
    return { assigned, ambiguous: result.ambiguous, candidateCounts: result.candidateCounts, spoken, unwritten }
  })
