import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"
import { SessionRef } from "../../domain/session.ts"
import { AgentSpec } from "../../domain/team.ts"
import type { DirectoryIdentity } from "../../domain/log-identity.ts"
import type { TeamState } from "../TeamState.ts"

/** A team as a marker keeps it: enough to bring its conversations back where all else is lost. */
const MarkedTeam = Schema.Struct({
  key: Schema.String,
  objective: Schema.NullOr(Schema.String),
  transport: Schema.String,
  plugins: Schema.Array(Schema.String),
  agents: Schema.Array(Schema.Struct({
    spec: AgentSpec,
    generation: Schema.Int,
    session: Schema.NullOr(SessionRef)
  }))
})
export type MarkedTeam = typeof MarkedTeam.Type

/**
 * What the user's state directory knows of a log: outside the workspace, so that no checkout, copy or cleanup of the
 * workspace changes it. A log without a marker was never used by this user on this machine.
 */
const Marker = Schema.Struct({
  id: Schema.String,
  path: Schema.String,
  device: Schema.String,
  inode: Schema.String,
  position: Schema.Int,
  at: Schema.String,
  teams: Schema.Array(MarkedTeam)
})
export type Marker = typeof Marker.Type

const MarkerText = Schema.parseJson(Marker)
const decode = Schema.decodeUnknownEither(MarkerText)
const encode = Schema.encodeSync(MarkerText)
/** An id becomes a file name. */
const safeId = /^[0-9a-f-]{16,64}$/

const readFile = (file: string): Marker | undefined => {
  try {
    return Either.getOrUndefined(decode(fs.readFileSync(file, "utf8")))
  } catch {
    return undefined
  }
}

const directoryOf = (state: string): string => path.join(state, "logs")
const fileOf = (state: string, id: string): string | undefined =>
  safeId.test(id) ? path.join(directoryOf(state), `${id}.json`) : undefined

/** The marker of a log; undefined where there is none that can be read. */
export const readMarker = (state: string, id: string): Marker | undefined => {
  const file = fileOf(state, id)
  return file === undefined ? undefined : readFile(file)
}

/** Markers of logs of this directory, the newest first: of a log that is lost, the id is not known any more. */
export const markersAt = (state: string, here: DirectoryIdentity): ReadonlyArray<Marker> => {
  const names = (() => {
    try {
      return fs.readdirSync(directoryOf(state))
    } catch {
      return []
    }
  })()
  return names.filter((name) => name.endsWith(".json")).flatMap((name) => readFile(path.join(directoryOf(state), name)) ?? [])
    .filter((marker) => marker.path === here.path && marker.inode === here.inode && marker.position > 0)
    .toSorted((one, other) => other.at.localeCompare(one.at))
}

/** Writes the marker of a log. It is never needed to go on, so a state directory that can't be written changes nothing. */
export const writeMarker = (state: string, marker: Marker): boolean => {
  const file = fileOf(state, marker.id)
  if (file === undefined) return false
  const next = `${file}.${process.pid}`
  try {
    fs.mkdirSync(directoryOf(state), { recursive: true, mode: 0o700 })
    fs.writeFileSync(next, encode(marker), { mode: 0o600 })
    fs.renameSync(next, file)
    return true
  } catch {
    fs.rmSync(next, { force: true })
    return false
  }
}

/** Removes the marker of a log that was given up by name. */
export const removeMarker = (state: string, id: string): void => {
  const file = fileOf(state, id)
  if (file === undefined) return
  try {
    fs.rmSync(file, { force: true })
  } catch {
    // A state directory that can't be written changes nothing.
  }
}

/** A team as a marker keeps it. */
export const markedTeam = ({ agents, key, objective, plugins, transport }: TeamState): MarkedTeam => ({
  key,
  objective,
  transport,
  plugins,
  agents: agents.filter(({ removed }) => !removed).map(({ generation, session, spec }) => ({ spec, generation, session }))
})
