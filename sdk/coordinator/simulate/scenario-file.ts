import * as FileSystem from "@effect/platform/FileSystem"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { namePattern } from "../../domain/ids.ts"
import { closest } from "../../spec/suggestion.ts"
import { type FileKind, isRecognised } from "../../spec/recognised.ts"
import { problemLine, type TeamFileProblem, unrecognised } from "../../spec/team-file.ts"
import type { YamlReading } from "../../spec/yaml-document.ts"
import { ScenarioInvalid, ScenarioUnreadable } from "./errors.ts"
import { Scenario, scenarioKeys } from "./scenario.ts"
import { type Issue, nonsense } from "./scenario-sense.ts"

const asWritten = Schema.decodeUnknownEither(Scenario, { errors: "all", onExcessProperty: "error" })
const asRead = Schema.validateEither(Scenario, { errors: "all", onExcessProperty: "error" })

const unknownKey = (path: ReadonlyArray<string>): string => {
  const near = path.length === 1 ? closest(path[0] ?? "", scenarioKeys) : undefined
  if (near !== undefined) return `unknown key, did you mean "${near}"?`
  return path.length === 1 ? `unknown key, known are ${scenarioKeys.join(", ")}` : "unknown key"
}

/** Rules come in kinds, and what is wrong with one is told once, not again for each kind that it might have been. */
const ofOneKind = (issues: ReadonlyArray<ParseResult.ArrayFormatterIssue>): ReadonlyArray<ParseResult.ArrayFormatterIssue> => {
  const ruleOf = ({ path }: ParseResult.ArrayFormatterIssue): string => path.slice(0, 2).join(".")
  const weight = ({ _tag }: ParseResult.ArrayFormatterIssue): number => _tag === "Missing" ? 0 : _tag === "Unexpected" ? 1 : 2
  return issues.filter((issue) =>
    !["lostTranscripts", "restarts", "deaths"].includes(String(issue.path[0])) ||
    issues.every((other) => ruleOf(other) !== ruleOf(issue) || weight(other) <= weight(issue)))
}

const kinds: ReadonlyArray<string> = ["exponential", "weibull", "fixed", "at"]

const issuesOf = (error: ParseResult.ParseError): ReadonlyArray<Issue> =>
  ofOneKind(ParseResult.ArrayFormatter.formatErrorSync(error)).map(({ _tag, message, path: segments }): Issue => {
    const path = segments.map(String)
    if (path.at(-1) === "distribution") return { path, of: "value", problem: `must be one of ${kinds.join(", ")}` }
    return _tag === "Unexpected"
      ? { path, of: "key", problem: unknownKey(path) }
      : _tag === "Missing"
      ? { path, of: "key", problem: "is missing" }
      : { path, of: "value", problem: message }
  })

/** `planner:` with nothing behind it is an agent of whom nothing is said. */
const withEmptyEntries = (value: unknown): unknown =>
  !Predicate.isRecord(value) || !Predicate.isRecord(value["agents"])
    ? value
    : { ...value, agents: Object.fromEntries(Object.entries(value["agents"]).map(([id, entry]) => [id, entry ?? {}])) }

const badIds = (value: unknown): ReadonlyArray<Issue> =>
  !Predicate.isRecord(value) || !Predicate.isRecord(value["agents"]) ? [] : Object.keys(value["agents"]).flatMap((id) =>
    namePattern.test(id) ? [] : [{
      path: ["agents", id],
      of: "key" as const,
      problem: `the id ${JSON.stringify(id)} does not match ${namePattern.source}`
    }])

const understood = (value: unknown, decode = asWritten): Either.Either<Scenario, ReadonlyArray<Issue>> => {
  const decoded = decode(withEmptyEntries(value))
  const named = badIds(value)
  if (Either.isLeft(decoded) || named.length > 0) return Either.left([...Either.isLeft(decoded) ? issuesOf(decoded.left) : [], ...named])
  const senseless = nonsense(decoded.right)
  return senseless.length > 0 ? Either.left(senseless) : Either.right(decoded.right)
}

const invalid = (file: string, problems: ReadonlyArray<TeamFileProblem>): ScenarioInvalid => {
  const once = [...new Map(problems.map((problem) => [problemLine(problem), problem])).values()]
  const [first, ...others] = once.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return new ScenarioInvalid({ file, problems: [first ?? { file, line: 1, column: 1, path: [], problem: "not a scenario" }, ...others] })
}

/** Checks a scenario that stands in a script, with times in words or, as one that was read has them, in milliseconds. */
export const decodeScenario = (value: unknown): Either.Either<Scenario, ScenarioInvalid> =>
  Either.mapLeft(understood(value, Predicate.isRecord(value) && typeof value["horizon"] === "number" ? asRead : asWritten), (issues) =>
    invalid("scenario", issues.map(({ path, problem }) => ({ file: "scenario", line: 1, column: 1, path, problem }))))

const scenarioFile: FileKind = { name: "a scenario", required: ["horizon", "agents"], known: scenarioKeys }

const understand = (text: string, reading: YamlReading, file: string): Either.Either<Scenario, ScenarioInvalid> => {
  if (!isRecognised(scenarioFile, text, reading.content)) return Either.left(invalid(file, unrecognised(file, scenarioFile, reading)))
  const structural = reading.problems.map(({ bare: _, ...one }) => ({ file, ...one, problem: one.problem.replaceAll("a team file", "a scenario") }))
  if (reading.content === undefined) return Either.left(invalid(file, structural))
  const scenario = understood(reading.content.value)
  if (Either.isRight(scenario)) return structural.length === 0 ? Either.right(scenario.right) : Either.left(invalid(file, structural))
  const issues = scenario.left.map(({ of, path, problem }) => ({ file, ...reading.place(path, of), path, problem }))
  return Either.left(invalid(file, [...structural, ...issues]))
}

/** Reads the text of a scenario; fails with all problems at once, each with its line and column. */
export const parseScenario = (text: string, file: string): Effect.Effect<Scenario, ScenarioInvalid> =>
  Effect.flatMap(Effect.promise(() => import("../../spec/yaml-document.ts")), ({ readYaml }) => understand(text, readYaml(text), file))

/** Reads a scenario from a file. */
export const readScenario = (file: string): Effect.Effect<Scenario, ScenarioInvalid | ScenarioUnreadable, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const text = yield* files.readFileString(file).pipe(
      Effect.mapError((error: PlatformError) => new ScenarioUnreadable({
        file,
        detail: error._tag === "SystemError" && error.reason === "NotFound" ? "there is no such file" : error.message
      }))
    )
    return yield* parseScenario(text, file)
  })
