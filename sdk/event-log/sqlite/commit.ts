import * as Either from "effect/Either"
import type { ClaimChange } from "../../domain/session-claim.ts"
import { type Batch, versionConflict } from "../batch.ts"
import type { Lease } from "../EventLog.ts"
import { type AppendError, LeaseLost, SessionClaimed } from "../errors.ts"
import { fold } from "../fold.ts"
import { entryOf, type EventRow, placed } from "../rows.ts"
import type { Folded } from "../snapshot.ts"
import type { Store } from "./store.ts"

export type Committed = Either.Either<number, AppendError>

interface ClaimRow {
  readonly team: string
  readonly agent: string
}

/** A cold process folds at most about this many events of a team. */
export const snapshotEvery = 256
// More than this would hold up the event loop for too long; whoever asks for the state next folds it page by page.
const foldsAtOnce = 4096

/**
 * Records batches in one transaction; each is taken or refused on its own. Synchronous, throws what SQLite throws.
 * `onBehind` hears of a team that has too much to fold to be done here, `onBack` throws where the log became shorter while
 * it was open: an older file was copied over it.
 */
export const makeCommit = (store: Store, onBehind: (team: string) => void, onBack: (position: number, before: number) => never) => {
  const behind = new Set<string>()
  const { db } = store.opened
  const savepoint = db.prepare("SAVEPOINT claims")
  const release = db.prepare("RELEASE claims")
  const undo = db.prepare("ROLLBACK TO claims")
  const keyed = db.prepare<[string], number>("SELECT position FROM append_keys WHERE key = ?").pluck()
  const putKey = db.prepare<[string, number]>("INSERT INTO append_keys (key, position) VALUES (?, ?)")
  const heldToken = db.prepare<[string], number>("SELECT token FROM leases WHERE resource = ? AND held = 1").pluck()
  const lifecycleSince = db.prepare<[string, number], EventRow>(
    `SELECT position, at, team, agent, type, generation, operation, body FROM events
      WHERE team = ? AND lifecycle = 1 AND position >= ? ORDER BY position`
  )
  const claimOf = db.prepare<[string, string], ClaimRow>(
    "SELECT team, agent FROM session_claims WHERE provider = ? AND session_id = ?"
  )
  const putClaim = db.prepare<[string, string, string, string]>(
    "INSERT INTO session_claims (team, agent, provider, session_id) VALUES (?, ?, ?, ?)"
  )
  const dropClaims = db.prepare<[string, string]>("DELETE FROM session_claims WHERE team = ? AND agent = ?")
  const insert = db.prepare<
    [number, string, string, string | null, string, number | null, string | null, string, number]
  >(
    `INSERT INTO events (position, at, team, agent, type, generation, operation, body, lifecycle)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )

  const leaseLost = (lease: Lease): LeaseLost | undefined =>
    heldToken.get(lease.resource) === lease.token
      ? undefined
      : new LeaseLost({ resource: lease.resource, token: lease.token })

  // Rows that this version can't read never moved the version that a caller could see.
  const isCurrent = (team: string, expected: number): boolean => {
    const newest = lifecycleSince.all(team, expected).findLast((row) => entryOf(row)._tag === "Event")
    return newest === undefined ? expected === 0 : newest.position === expected
  }

  const claim = (changes: ReadonlyArray<ClaimChange>): SessionClaimed | undefined => {
    for (const change of changes) {
      if (change._tag === "Release") {
        dropClaims.run(change.team, change.agent)
        continue
      }
      const { agent, provider, sessionId, team } = change.claim
      const owner = claimOf.get(provider, sessionId)
      if (owner === undefined) putClaim.run(team, agent, provider, sessionId)
      else if (owner.team !== team || owner.agent !== agent) {
        return new SessionClaimed({ provider, sessionId, team: owner.team, agent: owner.agent })
      }
    }
    return undefined
  }

  const claimAll = (changes: ReadonlyArray<ClaimChange>): SessionClaimed | undefined => {
    if (changes.length === 0) return undefined
    savepoint.run()
    const refused = claim(changes)
    if (refused !== undefined) undo.run()
    release.run()
    return refused
  }

  const refusal = (batch: Batch): AppendError | undefined => {
    const { expectedVersion, lease } = batch.options
    return (lease === undefined ? undefined : leaseLost(lease)) ??
      (expectedVersion === undefined || isCurrent(batch.team, expectedVersion)
        ? undefined
        : versionConflict(batch.team, expectedVersion)) ??
      claimAll(batch.claims)
  }

  const foldTail = (team: string): Folded | undefined => {
    let folded = store.base(team)
    for (let count = 0; count < foldsAtOnce;) {
      const next = store.foldPage(team, folded)
      if (next.count === 0) return folded
      folded = next.folded
      count += next.count
    }
    return undefined
  }

  // Teams whose every event up to `lastHead` is folded, so that they grow with what is recorded here.
  const live = new Map<string, Folded>()
  let lastHead = -1

  /** `isWanted` is asked inside the transaction; where it says no, nothing is recorded. */
  return (batches: ReadonlyArray<Batch>, at: string, isWanted: () => boolean = () => true): ReadonlyArray<Committed> => {
    const folded = new Map<string, Folded>()
    let position = 0
    const outcomes = store.transact(() => {
      position = store.head()
      if (position < lastHead) onBack(position, lastHead)
      if (!isWanted()) return []
      if (position !== lastHead) live.clear()
      const added = new Map<string, number>()
      const outcomes = batches.map((batch): Committed => {
        const { key } = batch.options
        const known = key === undefined ? undefined : keyed.get(key)
        if (known !== undefined) return Either.right(known)
        const refused = refusal(batch)
        if (refused !== undefined) return Either.left(refused)
        for (const row of batch.rows) {
          position += 1
          insert.run(position, at, row.team, row.agent, row.type, row.generation, row.operation, row.body,
            row.lifecycle ? 1 : 0)
          added.set(row.team, (added.get(row.team) ?? 0) + 1)
          const before = folded.get(row.team) ?? live.get(row.team)
          if (before !== undefined) {
            folded.set(row.team, { position, state: fold(before.state, placed(row, position, at)) })
          }
        }
        if (key !== undefined) putKey.run(key, position)
        return Either.right(position)
      })
      for (const [team, count] of added) {
        if (store.countTail(team, count) < snapshotEvery) continue
        if (behind.has(team) && !store.hasFolded(team)) continue
        const state = folded.get(team) ?? foldTail(team)
        if (state === undefined) {
          behind.add(team)
          onBehind(team)
          continue
        }
        store.putSnapshot(team, state)
        folded.set(team, state)
      }
      return outcomes
    })
    // Only now: what was folded inside a transaction that failed never happened.
    lastHead = position
    for (const [team, state] of folded) {
      live.set(team, state)
      store.keep(team, state)
    }
    return outcomes
  }
}
