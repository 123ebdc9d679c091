import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { basename, dirname, join } from "node:path"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent, TranscriptIdentity } from "../plugin/provider-driver.ts"
import type { SessionReport, SpawnWindow, TranscriptCandidate } from "./attribution.ts"
import { birthSlackMs } from "./clock.ts"
import { wasGivenBack } from "./given-back.ts"
import { locateTranscript, type TranscriptPlace, transcriptOf } from "./locate-transcript.ts"
import { onceALook } from "./one-look.ts"
import type { ProcessReport } from "./process-report.ts"
import { providerAgentOf } from "./provider-agent.ts"
import { sessionAddressOf } from "./session-address.ts"
import { type FileTimes, listTranscripts, readTranscriptFile, timesOf } from "./transcript.ts"

// Where an agent's conversations may be, and what lies there.

/** An agent with where its conversations may be. */
export interface Located {
  readonly team: TeamState
  readonly agent: AgentState
  readonly provider: Provider
  readonly subject: ProviderAgent
  readonly window: SpawnWindow
  /** As the provider names them, in the order of `window.directories`. */
  readonly directories: ReadonlyArray<string>
  /** The session that it has or was told to have, and where that one is; null where neither is known. */
  readonly known: { readonly sessionId: string; readonly place: TranscriptPlace } | null
}

/** What was seen of files; `complete` is false where something could not be read: what that would show is unknown. */
export interface Sighting {
  readonly candidates: ReadonlyArray<TranscriptCandidate & { readonly spokenTo: boolean }>
  readonly complete: boolean
  /** When files were born that may hold somebody's words and do not say whose. */
  readonly nameless: ReadonlyArray<{ readonly directory: string; readonly bornAt: number | null }>
  /** Whether nothing lies at the one address that was looked at. */
  readonly missing: boolean
}

export const nothingSeen: Sighting = { candidates: [], complete: true, nameless: [], missing: false }
export const notSeen: Sighting = { ...nothingSeen, complete: false }

/** Two paths are one place when they are one directory; a path that can't be resolved stands for itself. */
export const realPathOf = onceALook(
  (path: string): Effect.Effect<string, never, FileSystem.FileSystem> =>
    Effect.flatMap(FileSystem.FileSystem, (files) => Effect.orElseSucceed(files.realPath(path), () => path)),
  (path) => path
)

/** What a file says of itself, without its text. */
type Told =
  | ({ readonly _tag: "Present"; readonly identity: TranscriptIdentity } & FileTimes)
  | { readonly _tag: "Missing" | "NotAFile" | "Unreadable" }

/** What a file says to a provider; it may be at one's address and where one's process says that it is. */
const tellingOf = onceALook(
  ({ path, provider }: { readonly provider: Provider; readonly path: string }): Effect.Effect<Told, never, FileSystem.FileSystem> =>
    Effect.map(readTranscriptFile(path), (file): Told =>
      file._tag !== "Present" ? { _tag: file._tag } : {
        _tag: "Present",
        identity: provider.readTranscript(file.head, { path, truncated: file.truncated }),
        bornAt: file.bornAt,
        writtenAt: file.writtenAt
      }),
  ({ path, provider }) => `${provider.name}\0${path}`
)

/** When the process was started that may write conversations of the agent now; null where it never was. */
const startOf = ({ adopted, spawn }: AgentState): number | null =>
  spawn !== null
    ? Date.parse(spawn.intendedAt)
    : adopted === null ? null : Date.parse(adopted.startedAt ?? adopted.adoptedAt)

/** Since when its process is proved gone; null while it may write, and where a clock that was set back tells it wrongly. */
const endOf = ({ endedAt }: AgentState, from: number): number | null => {
  const until = endedAt === null ? null : Date.parse(endedAt)
  return until !== null && until > from ? until : null
}

const reportOf = (
  provider: Provider,
  subject: ProviderAgent,
  report: ProcessReport | undefined
): Effect.Effect<SessionReport | null, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const said = report?.evidence
    if (said === null || said === undefined || said.sessionId === null) return null
    const { confidence = "high", evidence, sessionId } = said
    const place: TranscriptPlace = said.transcript !== null
      ? { _tag: "At", path: said.transcript }
      : yield* transcriptOf(provider, subject, sessionId)
    if (place._tag === "Missing") return { sessionId, path: null, transcript: "missing" as const, confidence, evidence }
    if (place._tag !== "At") return { sessionId, path: null, transcript: "unknown" as const, confidence, evidence }
    const file = yield* tellingOf({ provider, path: place.path })
    const transcript = file._tag === "Present" ? "present" as const : file._tag === "Missing" ? "missing" as const : "unknown" as const
    return { sessionId, path: place.path, transcript, confidence, evidence }
  })

/** Whether its user chose the conversation that its next start continues: what its present process wrote is left. */
const isChosen = ({ generation, session }: AgentState): boolean =>
  session?.capturedVia === "user_selected" && session.generation === generation

/** Where an agent's conversations may be; nothing of one that was never started, or whose provider can't say. */
export const locate = (
  team: TeamState,
  agent: AgentState,
  provider: Provider | undefined,
  report: ProcessReport | undefined
): Effect.Effect<ReadonlyArray<Located>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const from = startOf(agent)
    if (from === null || provider === undefined) return []
    const subject = providerAgentOf(team, agent, "keep")
    const assignedId = agent.spawn?.sessionId ?? null
    const sessionId = agent.session?.id ?? assignedId
    const address = sessionAddressOf(provider, subject, sessionId)
    if (address === null) return []
    // A conversation that it went over to unobserved is where new ones appear.
    const latest = sessionId === null ? address : sessionAddressOf(provider, { ...subject, startedAt: new Date(from).toISOString() }, null) ?? address
    const directories = [...new Set([address.directory, ...address.alsoIn ?? [], latest.directory, ...latest.alsoIn ?? []])]
    const open = report?.alive === true && report.evidence?.sessionId === null ? report.evidence.openSessions ?? [] : []
    const [place, realDirectories, cwd, said] = yield* Effect.all([
      locateTranscript(address),
      Effect.forEach(directories, realPathOf, { concurrency: "unbounded" }),
      realPathOf(subject.cwd),
      provider.capabilities.resume && !isChosen(agent) ? reportOf(provider, subject, report) : Effect.succeed(null)
    ], { concurrency: "unbounded" })
    return [{
      team,
      agent,
      provider,
      subject,
      directories,
      known: sessionId === null ? null : { sessionId, place },
      window: {
        owner: `${team.key}/${agent.spec.id}`,
        provider: provider.name,
        directories: realDirectories,
        cwd,
        from,
        until: endOf(agent, from),
        assignedId,
        held: agent.session?.id ?? null,
        pending: agent.session === null && agent.spawn !== null && provider.capabilities.resume,
        marks: agent.session?.capturedVia === "identity_marker",
        report: said,
        tells: report !== undefined && report.alive && (report.failed !== null || report.evidence !== null),
        never: agent.forkOf === null ? [] : [agent.forkOf.sessionId],
        seenIn: [...agent.captures.flatMap((known) => known.provider === provider.name ? known.id : []), ...agent.openSessions],
        ...agent.session === null ? {} : { heldSince: Date.parse(agent.session.capturedAt) },
        wasRestored: wasGivenBack(agent),
        unobserved: provider.capabilities.resume && said === null && (report?.failed ?? null) === null && !isChosen(agent),
        ...open.length < 2 ? {} : { openNow: open }
      }
    } satisfies Located]
  })

/** Our own log is no conversation, wherever a provider looks for them. */
const isOwnRecord = (workspace: string, path: string): boolean =>
  dirname(path) === join(workspace, ".reprise") && /^(events\.jsonl|reprise\.db)/.test(basename(path))

/** Looks into one file. */
export const sightFile = (located: Located, path: string): Effect.Effect<Sighting, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const file = yield* tellingOf({ provider: located.provider, path })
    if (file._tag !== "Present") {
      return { ...nothingSeen, complete: file._tag !== "Unreadable", missing: file._tag === "Missing" }
    }
    const { bornAt, identity, writtenAt } = file
    // An agent's helpers have conversations of their own, which are never the agent's.
    if (identity.beside === true) return nothingSeen
    const directory = yield* realPathOf(dirname(path))
    if (identity.sessionId === null) return { ...nothingSeen, nameless: identity.spokenTo ? [{ directory, bornAt }] : [] }
    return {
      ...nothingSeen,
      candidates: [{
        provider: located.provider.name,
        directory,
        path,
        sessionId: identity.sessionId,
        marker: identity.marker,
        cwd: identity.cwd === null ? null : yield* realPathOf(identity.cwd),
        bornAt,
        writtenAt,
        ...identity.unread === undefined ? {} : { unread: identity.unread },
        ...identity.forkedFrom === undefined ? {} : { forkedFrom: identity.forkedFrom },
        spokenTo: identity.spokenTo
      }]
    }
  })

/** Looks at the one address of a known session. */
export const sightKnown = (located: Located): Effect.Effect<Sighting, never, FileSystem.FileSystem> => {
  const recorded = located.agent.session?.transcript ?? null
  const place = located.known?.place
  const atPlace = place === undefined || place._tag === "Unknown" || place._tag === "Unnamed"
    ? Effect.succeed(notSeen)
    : place._tag === "Missing" ? Effect.succeed({ ...nothingSeen, missing: true }) : sightFile(located, place.path)
  if (recorded === null) return atPlace
  return Effect.flatMap(sightFile(located, recorded), (seen) =>
    // It may lie there in another form by now.
    seen.missing && (place?._tag === "At" || place?._tag === "Archived") && place.path !== recorded ? atPlace : Effect.succeed(seen))
}

/** How many files of one directory are opened in a pass: whoever has more of them since a start is not to be guessed at. */
const mostFiles = 300

/** Looks into the files of one directory that were born or written since a moment, or whose times are not known. */
export const sightDirectory = (
  located: Located,
  directory: string,
  since: number,
  skipped: ReadonlySet<string> = new Set(),
  by: keyof FileTimes = "bornAt"
): Effect.Effect<Sighting, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const names = yield* listTranscripts(directory)
    if (names === null) return notSeen
    const paths = names.map((name) => join(directory, name)).filter((path) =>
      !isOwnRecord(located.team.workspace, path) && !skipped.has(path)
    )
    const times = yield* Effect.forEach(paths, timesOf, { concurrency: 16 })
    const wanted = paths.filter((_, at) => {
      const moment = times[at]?.[by] ?? null
      return moment === null || moment >= since
    })
    const sightings = yield* Effect.forEach(wanted.slice(0, mostFiles), (path) => sightFile(located, path), { concurrency: 16 })
    return {
      candidates: sightings.flatMap(({ candidates }) => candidates),
      complete: wanted.length <= mostFiles && sightings.every(({ complete }) => complete),
      nameless: sightings.flatMap(({ nameless }) => nameless),
      missing: false
    } satisfies Sighting
  })

/**
 * Looks for conversations that the agent may have gone over to while no observer looked: files in its directories that
 * were written in its last life, and the conversations that its processes were seen in.
 */
export const sightLatest = (located: Located, steadyClock: boolean): Effect.Effect<Sighting, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { agent: { captures, openSessions }, directories, known, provider, subject, window } = located
    const since = steadyClock ? window.from - birthSlackMs : -Infinity
    const inDirectories = yield* Effect.forEach(directories, (directory) => sightDirectory(located, directory, since, new Set(), "writtenAt"))
    const recorded = captures.flatMap(({ id, provider: name, transcript }) => name !== provider.name || id === known?.sessionId || transcript === null ? [] : transcript)
    const opened = yield* Effect.forEach(openSessions, (id) => transcriptOf(provider, subject, id))
    const paths = new Set([...recorded, ...opened.flatMap((place) => place._tag === "At" ? place.path : [])])
    return together([...inDirectories, ...yield* Effect.forEach(paths, (path) => sightFile(located, path))])
  })

/** Sightings of several directories as one. */
export const together = (sightings: ReadonlyArray<Sighting>): Sighting => ({
  candidates: sightings.flatMap(({ candidates }) => candidates),
  complete: sightings.every(({ complete }) => complete),
  nameless: sightings.flatMap(({ nameless }) => nameless),
  missing: false
})
