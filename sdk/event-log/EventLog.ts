import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Event, EventType, LogEntry } from "../domain/event.ts"
import type { AgentId, TeamKey } from "../domain/ids.ts"
import type { LogIdentity } from "../domain/log-identity.ts"
import type { LogVerdict } from "../domain/log-verdict.ts"
import type { AppendError, EventLogError, LeaseHeld } from "./errors.ts"
import type { TeamState } from "./TeamState.ts"

/** A right to change one resource, with a token that grows with each holder. */
export interface Lease {
  readonly resource: string
  readonly token: number
}

/** The resource of a team's life. */
export const teamResource = (team: TeamKey): string => `team/${team}`
/** The resource of typing into one agent. */
export const inputResource = (team: TeamKey, agent: AgentId): string => `input/${team}/${agent}`

export interface AppendOptions {
  /** Needed for lifecycle events: the lease of their team. */
  readonly lease?: Lease
  /** The `lifecycleVersion` of the team state that the events were decided on; refused if it has moved on. */
  readonly expectedVersion?: number
  /** Makes the whole batch idempotent: a key that is there already appends nothing and answers with its position. */
  readonly key?: string
}

/** A process that holds a lease. */
export interface LeaseHolder {
  readonly pid: number
  readonly command: string
  readonly since: string
}

export interface ReadOptions {
  /** Positions after this one (from the start without it). */
  readonly after?: number
  readonly team?: TeamKey
  readonly agent?: AgentId
  readonly types?: ReadonlyArray<EventType>
}

/**
 * The append-only record of all that was decided and done, and the only truth: state is a fold of it.
 *
 * Any process may append. An append answers only when its events are on disk, all of them or none.
 */
export class EventLog extends Context.Tag("reprise/EventLog")<EventLog, {
  /**
   * Appends the events as one batch and answers with the position of the last one. Checked with the insert in one
   * transaction: the lease and its token, the expected version, and that no session gets a second owner.
   */
  readonly append: (events: ReadonlyArray<Event>, options?: AppendOptions) => Effect.Effect<number, AppendError>
  /** What is in the log now, in order; pages through it, so a long log needs no memory. */
  readonly read: (options?: ReadOptions) => Stream.Stream<LogEntry, EventLogError>
  /** What is in the log and then what comes, also from other processes. Never ends. */
  readonly follow: (options?: ReadOptions) => Stream.Stream<LogEntry, EventLogError>
  /** The folded state of a team; costs the same however long the log is. */
  readonly state: (team: TeamKey) => Effect.Effect<Option.Option<TeamState>, EventLogError>
  /** The keys of all teams that were ever recorded, sorted. */
  readonly teams: Effect.Effect<ReadonlyArray<TeamKey>, EventLogError>
  /** The position of the newest event; 0 for an empty log. */
  readonly position: Effect.Effect<number, EventLogError>
  /** The workspace that the log was made for; null before the log is made, which its first append does. */
  readonly identity: Effect.Effect<LogIdentity | null, EventLogError>
  /**
   * Whether the log is the current state of its workspace. Where it is refused (`isRefused`), `append` and `lease` fail, and
   * what is read is what was once recorded.
   */
  readonly verdict: Effect.Effect<LogVerdict, EventLogError>
  /**
   * Takes the lease of a resource until the scope closes, keeping it alive by heartbeat. A lease whose holder is proved
   * dead (pid, start time and boot are compared) is taken over at once, one whose holder is unknown after its expiry.
   * `command` is what others are told of the holder.
   */
  readonly lease: (
    resource: string,
    command: string
  ) => Effect.Effect<Lease, LeaseHeld | EventLogError, Scope.Scope>
  /** Who holds the lease of a resource now and may live; null where it is free. Takes nothing. */
  readonly holder: (resource: string) => Effect.Effect<LeaseHolder | null, EventLogError>
  /**
   * Keeps room on the log's disk until the scope closes, so that what follows can be recorded: an append that finds the
   * disk full takes of it. Fails where there is not as much room.
   */
  readonly reserve: (bytes: number) => Effect.Effect<void, EventLogError, Scope.Scope>
}>() {}
