import { redactText } from "../redact.ts"
import { LeaseHeld } from "../errors.ts"
import { liveness, type ProcessIdentity } from "../process-identity.ts"
import type { Store } from "./store.ts"

interface LeaseRow {
  readonly token: number
  readonly held: number
  readonly pid: number
  readonly start_time: string
  readonly boot: string
  readonly host: string
  readonly instance: string
  readonly command: string
  readonly since: string
  readonly expires: number
}

/** Who asks: the process, and which log layer in it. */
export interface Claimant {
  readonly process: ProcessIdentity
  readonly instance: string
  readonly ttlMs: number
}

/** The rows of leases. A row stays after its release, so that tokens only ever grow. */
export const makeLeaseTable = (store: Store) => {
  const { db } = store.opened
  const find = db.prepare<[string], LeaseRow>("SELECT * FROM leases WHERE resource = ?")
  const put = db.prepare<[string, number, number, string, string, string, string, string, string, number, number]>(
    `INSERT INTO leases
      (resource, token, held, pid, start_time, boot, host, instance, command, since, heartbeat, expires)
      VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (resource) DO UPDATE SET token = excluded.token, held = 1,
      pid = excluded.pid, start_time = excluded.start_time, boot = excluded.boot, host = excluded.host,
      instance = excluded.instance, command = excluded.command, since = excluded.since,
      heartbeat = excluded.heartbeat, expires = excluded.expires`
  )
  const beat = db.prepare<[number, number, string, number]>(
    "UPDATE leases SET heartbeat = ?, expires = ? WHERE resource = ? AND token = ? AND held = 1"
  )
  const release = db.prepare<[string, number]>("UPDATE leases SET held = 0 WHERE resource = ? AND token = ?")

  /** Whether the row's holder is in the way. Alive is alive, however late its heartbeat. */
  const isHeld = (row: LeaseRow, claimant: Claimant, mine: ReadonlySet<string>, resource: string, now: number) => {
    if (row.held === 0) return false
    // Left behind by a release that could not be written.
    if (row.instance === claimant.instance) return mine.has(resource)
    const { boot, host, pid, start_time: startTime } = row
    const state = liveness({ pid, startTime, boot, host }, claimant.process)
    return state === "alive" || (state === "unknown" && row.expires > now)
  }

  return {
    /** Who holds it and may live. */
    holder: (resource: string, claimant: Claimant, mine: ReadonlySet<string>, now: number) => {
      const row = find.get(resource)
      return row !== undefined && isHeld(row, claimant, mine, resource, now)
        ? { pid: row.pid, command: row.command, since: row.since }
        : null
    },
    /** The token, or who holds it. `mine` are the resources that this very layer holds. */
    take: (resource: string, command: string, claimant: Claimant, mine: ReadonlySet<string>, now: number) =>
      store.transact((): number | LeaseHeld => {
        const row = find.get(resource)
        if (row !== undefined && isHeld(row, claimant, mine, resource, now)) {
          // The clock was ahead when it was renewed last: from now on it lasts as long as any, unless it is renewed again.
          if (row.expires > now + claimant.ttlMs) beat.run(now, now + claimant.ttlMs, resource, row.token)
          return new LeaseHeld({
            resource,
            holder: {
              pid: row.pid,
              command: row.command,
              since: row.since,
              expiresAt: new Date(row.expires).toISOString()
            }
          })
        }
        const token = (row?.token ?? 0) + 1
        const { boot, host, pid, startTime } = claimant.process
        put.run(resource, token, pid, startTime, boot, host, claimant.instance, redactText(command),
          new Date(now).toISOString(), now, now + claimant.ttlMs)
        return token
      }),
    /** Whether the lease is still ours. */
    beat: (resource: string, token: number, ttlMs: number, now: number): boolean =>
      store.transact(() => beat.run(now, now + ttlMs, resource, token).changes > 0),
    release: (resource: string, token: number): void => store.transact(() => void release.run(resource, token))
  }
}
