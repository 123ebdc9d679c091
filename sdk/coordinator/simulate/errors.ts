import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { problemLine, TeamFileProblem } from "../../spec/team-file.ts"

/** A scenario says something that can't be played. All problems at once. */
export class ScenarioInvalid extends Schema.TaggedError<ScenarioInvalid>("reprise/ScenarioInvalid")("ScenarioInvalid", {
  file: Schema.String,
  problems: Schema.NonEmptyArray(TeamFileProblem)
}) {
  override get message(): string {
    return this.problems.map(problemLine).join("\n")
  }
}

/** The file of a scenario could not be read. */
export class ScenarioUnreadable extends Schema.TaggedError<ScenarioUnreadable>("reprise/ScenarioUnreadable")("ScenarioUnreadable", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The scenario ${this.file} could not be read (${this.detail}). Nothing was played.`
  }
}

/** The seeds of a simulation can't be counted out. */
export class SeedsInvalid extends Schema.TaggedError<SeedsInvalid>("reprise/SeedsInvalid")("SeedsInvalid", {
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.detail} Nothing was played.`
  }
}

/** A log in which no team was recorded: there is nothing to play. */
export class NothingRecorded extends Data.TaggedError("NothingRecorded") {
  override get message(): string {
    return "The log has no team, so there is nothing to play a policy against. Nothing was played."
  }
}
