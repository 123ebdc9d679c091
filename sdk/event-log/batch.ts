import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { Event, isLifecycleEvent } from "../domain/event.ts"
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
    detail: `${bare.type} changes the life of ${bare.team} and came without the lease of that team; nothing was recorded.`
  })
}

export const versionConflict = (team: string, expected: number): AppendRefused =>
  new AppendRefused({
    reason: "VersionConflict",
    detail: `${team} was changed by somebody else since position ${expected}, on which this was decided; ` +
      "nothing was recorded. Look again and decide anew."
  })

const isEvent = Schema.is(Event)
const validate = Schema.validateEither(Event)

/** Why an event could not be read back, if one could not: what types can't see, such as a number that is none. */
export const unwritable = (events: ReadonlyArray<Event>): string | undefined => {
  const bad = events.find((event) => !isEvent(event))
  if (bad === undefined) return undefined
  const problem = validate(bad)
  const issues = Either.isLeft(problem) ? ParseResult.ArrayFormatter.formatErrorSync(problem.left) : []
  return `an event to record is not valid: ${
    issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ").slice(0, 400)
  }`
}
