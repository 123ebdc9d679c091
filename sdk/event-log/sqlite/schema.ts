import type { Database } from "better-sqlite3"
import type { LogIdentity } from "../../domain/log-identity.ts"

/** Version of the tables, kept as `user_version`. */
export const schemaVersion = 3

/** Version of what a snapshot holds: raise it whenever the fold or its state changes, so that old ones are dropped. */
export const snapshotVersion = 3

const events = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    team TEXT NOT NULL,
    agent TEXT,
    type TEXT NOT NULL,
    generation INTEGER,
    operation TEXT,
    body TEXT NOT NULL,
    lifecycle INTEGER NOT NULL DEFAULT 0
  ) STRICT`

/** What version 2 added: the marks of lifecycle events, and how much of a team a snapshot leaves to fold. */
export const addedInVersion2 = [
  "CREATE INDEX events_lifecycle ON events (team, position) WHERE lifecycle = 1",
  "CREATE TABLE teams (team TEXT PRIMARY KEY, tail INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  `CREATE TABLE snapshots (
    team TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT`
]

/** What version 3 added: the workspace that the log was made for, one row. */
export const addedInVersion3 = [
  `CREATE TABLE workspace (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    device TEXT NOT NULL,
    inode TEXT NOT NULL
  ) STRICT`
]

const unchangedSinceVersion1 = [
  "CREATE INDEX events_team ON events (team, position)",
  "CREATE TABLE append_keys (key TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  `CREATE TABLE session_claims (
    team TEXT NOT NULL,
    agent TEXT NOT NULL,
    provider TEXT NOT NULL,
    session_id TEXT NOT NULL
  ) STRICT`,
  "CREATE UNIQUE INDEX session_claims_session ON session_claims (provider, session_id)",
  "CREATE INDEX session_claims_agent ON session_claims (team, agent)",
  `CREATE TABLE leases (
    resource TEXT PRIMARY KEY,
    token INTEGER NOT NULL,
    held INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    start_time TEXT NOT NULL,
    boot TEXT NOT NULL,
    host TEXT NOT NULL,
    instance TEXT NOT NULL,
    command TEXT NOT NULL,
    since TEXT NOT NULL,
    heartbeat INTEGER NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT`
]

/** The tables of version 1, for tests of the upgrade. */
export const version1 = [
  events.replace(",\n    lifecycle INTEGER NOT NULL DEFAULT 0", ""),
  ...unchangedSinceVersion1
]

/** The tables of version 2, which version 3 adds to; alone for tests of the upgrade. */
export const version2 = [events, ...unchangedSinceVersion1, ...addedInVersion2]

/** Makes the tables of an empty file and records the workspace that they are for; inside a transaction. */
export const createTables = (db: Database, { device, id, inode, path }: LogIdentity): void => {
  for (const statement of [...version2, ...addedInVersion3]) db.exec(statement)
  db.prepare("INSERT INTO workspace (row, id, path, device, inode) VALUES (1, ?, ?, ?, ?)").run(id, path, device, inode)
  db.pragma(`user_version = ${schemaVersion}`)
}
