import * as Schema from "effect/Schema"
import { TeamKey } from "../../domain/ids.ts"
import type { DirectoryIdentity, LogIdentity } from "../../domain/log-identity.ts"
import { batchOf } from "../batch.ts"
import type { makeCommit } from "./commit.ts"
import type { Store } from "./store.ts"

const isTeamKey = Schema.is(TeamKey)

/**
 * Records where the workspace is now: in the log's own identity and, where its path changed, as an event of each team.
 * Several processes may try at once; one does it. Synchronous, throws what SQLite throws.
 */
export const relocateLog = (
  store: Store,
  commit: ReturnType<typeof makeCommit>,
  from: LogIdentity,
  to: DirectoryIdentity,
  at: string
): void => {
  const teams = from.path === to.path ? [] : store.teams().filter((key) => isTeamKey(key))
  const batches = teams.map((team) => batchOf([{ type: "workspace.moved", team, from: from.path, to: to.path }], {}))
  commit(batches, at, () => store.relocate(from, to))
}
