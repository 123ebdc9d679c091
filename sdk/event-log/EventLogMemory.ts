import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { Event, LogEntry } from "../domain/event.ts"
import { isLifecycleEvent } from "../domain/event.ts"
import { TeamKey } from "../domain/ids.ts"
import type { ClaimChange, SessionClaim } from "../domain/session-claim.ts"
import { type Batch, batchOf, missingLease, versionConflict } from "./batch.ts"
import { type AppendOptions, EventLog, type Lease, type ReadOptions } from "./EventLog.ts"
import { type AppendError, EventLogError, LeaseHeld, LeaseLost, SessionClaimed } from "./errors.ts"
import { fold } from "./fold.ts"
import { redactText } from "./redact.ts"
import { entryOf, type EventRow, placed, unwritable } from "./rows.ts"
import { type Folded, nothingFolded } from "./snapshot.ts"

interface HeldLease {
  readonly token: number
  /** Null once it was released. */
  readonly holder: string | null
  readonly command: string
  readonly since: number
}

/** A log without a disk: what several simulated processes share. */
export interface MemoryLog {
  /** The log as one process, named `holder`, sees it. */
  readonly openFor: (holder: string) => Effect.Effect<Context.Tag.Service<typeof EventLog>>
  /** The same, as a layer. */
  readonly layerFor: (holder: string) => Layer.Layer<EventLog>
  /** That process died: its leases may be taken over, and what it would still release stays as it is. */
  readonly end: (holder: string) => Effect.Effect<void>
  /** A log of its own with the same entries, as a copied file has them. No lease of this one holds there. */
  readonly copy: Effect.Effect<MemoryLog>
  /** Takes back all batches that end after a position, as an older file does; the answer puts them there again. */
  readonly rollBack: (position: number) => Effect.Effect<Effect.Effect<void>>
  /** Puts a row there as a damaged or foreign one could stand in a file. */
  readonly putRow: (row: Omit<EventRow, "position">) => Effect.Effect<number>
}

const leaseTtlMs = 15_000

const makeTables = () => ({
  id: "memory",
  rows: new Array<EventRow>(),
  entries: new Array<LogEntry>(),
  teams: new Map<string, Folded>(),
  lifecycle: new Map<string, number>(),
  keys: new Map<string, number>(),
  claims: new Map<string, SessionClaim>(),
  /** The positions at which batches end. */
  ends: new Array<number>(),
  leases: new Map<string, HeldLease>(),
  dead: new Set<string>()
})

type Tables = ReturnType<typeof makeTables>

const put = (tables: Tables, row: EventRow, entry: LogEntry): void => {
  tables.rows.push(row)
  tables.entries.push(entry)
  const before = tables.teams.get(row.team) ?? nothingFolded
  tables.teams.set(row.team, { position: row.position, state: fold(before.state, entry) })
  if (entry._tag === "Event" && isLifecycleEvent(entry.event)) tables.lifecycle.set(row.team, row.position)
}

const claimKey = (provider: string, sessionId: string): string => JSON.stringify([provider, sessionId])

/** The claims as they would be, or who is in the way. */
const claimed = (before: ReadonlyMap<string, SessionClaim>, changes: ReadonlyArray<ClaimChange>) => {
  const claims = new Map(before)
  for (const change of changes) {
    if (change._tag === "Release") {
      for (const [key, claim] of claims) {
        if (claim.team === change.team && claim.agent === change.agent) claims.delete(key)
      }
      continue
    }
    const { claim } = change
    const key = claimKey(claim.provider, claim.sessionId)
    const owner = claims.get(key)
    if (owner !== undefined && (owner.team !== claim.team || owner.agent !== claim.agent)) {
      return new SessionClaimed({
        provider: claim.provider,
        sessionId: claim.sessionId,
        team: owner.team,
        agent: owner.agent
      })
    }
    claims.set(key, claim)
  }
  return claims
}

const record = (tables: Tables, batch: Batch, at: string): number | AppendError => {
  const { expectedVersion, key, lease } = batch.options
  const known = key === undefined ? undefined : tables.keys.get(key)
  if (known !== undefined) return known
  if (lease !== undefined) {
    const held = tables.leases.get(lease.resource)
    if (held?.token !== lease.token || held.holder === null) return new LeaseLost(lease)
  }
  if (expectedVersion !== undefined && (tables.lifecycle.get(batch.team) ?? 0) !== expectedVersion) {
    return versionConflict(batch.team, expectedVersion)
  }
  if (batch.claims.length > 0) {
    const claims = claimed(tables.claims, batch.claims)
    if (claims instanceof SessionClaimed) return claims
    tables.claims = claims
  }
  for (const row of batch.rows) {
    const { agent, body, generation, operation, team, type } = row
    const position = tables.rows.length + 1
    put(tables, { position, at, team, agent, type, generation, operation, body }, placed(row, position, at))
  }
  const position = tables.rows.length
  tables.ends.push(position)
  if (key !== undefined) tables.keys.set(key, position)
  return position
}

const matches = ({ agent, team, types }: ReadOptions) => {
  const wanted: ReadonlySet<string> | undefined = types === undefined ? undefined : new Set(types)
  return (row: EventRow): boolean =>
    (team === undefined || row.team === team) && (agent === undefined || row.agent === agent) &&
    (wanted === undefined || wanted.has(row.type))
}

const serviceFor = (tables: Tables, committed: PubSub.PubSub<void>, holder: string) => {
  const append = (events: ReadonlyArray<Event>, options: AppendOptions = {}): Effect.Effect<number, AppendError> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (events.length === 0) return Effect.succeed(tables.rows.length)
      const refused = missingLease(events, options)
      if (refused !== undefined) return Effect.fail(refused)
      const problem = unwritable(events)
      if (problem !== undefined) {
        return Effect.fail(
          new EventLogError({
            operation: "append",
            reason: "Unknown",
            detail: `The log could not be used (${problem}). Nothing was written.`,
            file: null
          })
        )
      }
      const result = record(tables, batchOf(events, options), new Date(now).toISOString())
      return typeof result === "number" ? Effect.as(PubSub.publish(committed, undefined), result) : Effect.fail(result)
    })

  const between = (options: ReadOptions, after: number, head: number): Chunk.Chunk<LogEntry> => {
    const wanted = matches(options)
    return Chunk.unsafeFromArray(
      tables.rows.slice(after, head).flatMap((row) => {
        const entry = wanted(row) ? tables.entries[row.position - 1] : undefined
        return entry === undefined ? [] : [entry]
      })
    )
  }

  const read = (options: ReadOptions = {}) =>
    Stream.suspend(() => Stream.fromChunk(between(options, options.after ?? 0, tables.rows.length)))

  const follow = (options: ReadOptions = {}) =>
    Stream.unwrapScoped(Effect.map(PubSub.subscribe(committed), (wakes) => {
      let reached = options.after ?? 0
      return Stream.concat(Stream.make(undefined), Stream.fromQueue(wakes)).pipe(Stream.mapChunks(() => {
        const head = tables.rows.length
        const news = between(options, reached, head)
        reached = Math.max(reached, head)
        return news
      }))
    }))

  const take = (resource: string, command: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<Lease, LeaseHeld | EventLogError> => {
      const held = tables.leases.get(resource)
      if (held !== undefined && held.holder !== null && !tables.dead.has(held.holder)) {
        return Effect.fail(
          new LeaseHeld({
            resource,
            holder: {
              pid: process.pid,
              command: held.command,
              since: new Date(held.since).toISOString(),
              expiresAt: new Date(now + leaseTtlMs).toISOString()
            }
          })
        )
      }
      const token = (held?.token ?? 0) + 1
      tables.leases.set(resource, { token, holder, command: redactText(command), since: now })
      return Effect.succeed<Lease>({ resource, token })
    })

  const release = ({ resource, token }: Lease) =>
    Effect.sync(() => {
      const held = tables.leases.get(resource)
      if (held?.token === token && !tables.dead.has(holder)) tables.leases.set(resource, { ...held, holder: null })
    })

  return EventLog.of({
    append,
    read,
    follow,
    state: (team) => Effect.sync(() => Option.fromNullable(tables.teams.get(team)?.state)),
    teams: Effect.sync(() => [...tables.teams.keys()].sort().map((key) => TeamKey.make(key))),
    position: Effect.sync(() => tables.rows.length),
    verdict: Effect.succeed({ _tag: "Current", refresh: false }),
    identity: Effect.succeed({ id: tables.id, path: "", device: "", inode: "" }),
    lease: (resource, command) => Effect.acquireRelease(take(resource, command), release),
    holder: (resource) =>
      Effect.sync(() => {
        const held = tables.leases.get(resource)
        return held === undefined || held.holder === null || tables.dead.has(held.holder)
          ? null
          : { pid: process.pid, command: held.command, since: new Date(held.since).toISOString() }
      }),
    reserve: () => Effect.void
  })
}

/** Tables of their own with the entries up to a position. */
const upTo = (tables: Tables, position: number): Tables => {
  const made = makeTables()
  for (const [at, row] of tables.rows.slice(0, position).entries()) {
    const entry = tables.entries[at]
    if (entry === undefined) continue
    put(made, row, entry)
    const claims = entry._tag === "Event" ? claimed(made.claims, batchOf([entry.event], {}).claims) : made.claims
    if (!(claims instanceof SessionClaimed)) made.claims = claims
  }
  made.ends.push(...tables.ends.filter((end) => end <= position))
  for (const [key, at] of tables.keys) if (at <= position) made.keys.set(key, at)
  return made
}

const logOf = (tables: Tables, committed: PubSub.PubSub<void>): MemoryLog => {
  const openFor = (holder: string) =>
    Effect.sync(() => {
      tables.dead.delete(holder)
      return serviceFor(tables, committed, holder)
    })
  return {
    openFor,
    layerFor: (holder) => Layer.effect(EventLog, openFor(holder)),
    end: (holder) => Effect.sync(() => void tables.dead.add(holder)),
    copy: Effect.sync(() => logOf(upTo(tables, tables.rows.length), committed)),
    rollBack: (position) =>
      Effect.sync(() => {
        const before = { ...tables }
        Object.assign(tables, upTo(tables, tables.ends.findLast((end) => end <= position) ?? 0), { leases: tables.leases, dead: tables.dead })
        return Effect.sync(() => void Object.assign(tables, before, { leases: tables.leases, dead: tables.dead }))
      }),
    putRow: (row) =>
      Effect.gen(function*() {
        const position = tables.rows.length + 1
        const placedRow = { ...row, position }
        put(tables, placedRow, entryOf(placedRow))
        yield* PubSub.publish(committed, undefined)
        return position
      })
  }
}

/** Makes an empty log that lives as long as the value; a simulation hands it to each of its processes. */
export const make: Effect.Effect<MemoryLog> = Effect.map(PubSub.sliding<void>(1), (committed) => logOf(makeTables(), committed))

/** A log without a disk, for tests and simulation, with the same rules as the one on disk. */
export const layer: Layer.Layer<EventLog> = Layer.unwrapEffect(Effect.map(make, (log) => log.layerFor("memory")))
