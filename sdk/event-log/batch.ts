import { type Event, isLifecycleEvent } from "../domain/event.ts"
import { type ClaimChange, claimChanges } from "../domain/session-claim.ts"
import { type AppendOptions, teamResource } from "./EventLog.ts"
import { AppendRefused } from "./errors.ts"
import { type NewRow, rowOf } from "./rows.ts"

/** One append: all of it is recorded or none. */
export interface Batch {
  readonly rows: ReadonlyArray<NewRow>
  readonly claims: ReadonlyArray<ClaimChange>
  readonly options: AppendOptions
  /** The team whose version is expected. */
  readonly team: string
  /** Holds a step of an operation, which has to be readable in the mirror before the next one begins. */
  readonly hasStep: boolean
}

export const batchOf = (events: ReadonlyArray<Event>, options: AppendOptions): Batch => ({
  rows: events.map(rowOf),
  claims: events.flatMap(claimChanges),
  options,
  team: events[0]?.team ?? "",
  hasStep: events.some((event) => event.type === "operation.step")
})

/** A lifecycle event needs the lease of its own team; undefined where there is nothing to refuse. */
export const missingLease = (
  events: ReadonlyArray<Event>,
  { lease }: AppendOptions
): AppendRefused | undefined => {
  const bare = events.find((event) => isLifecycleEvent(event) && lease?.resource !== teamResource(event.team))
  return bare === undefined ? undefined : new AppendRefused({
    reason: "NoLease",
    detail: `${bare.type} changes the life of ${bare.team} and came without the lease of that team; ` +
      "nothing was recorded."
  })
}

export const versionConflict = (team: string, expected: number): AppendRefused =>
  new AppendRefused({
    reason: "VersionConflict",
    detail: `${team} was changed by somebody else since position ${expected}, on which this was decided; ` +
      "nothing was recorded. Look again and decide anew."
  })
