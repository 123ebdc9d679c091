import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { dirname, join, resolve } from "node:path"
import type { TeamKey } from "../domain/ids.ts"
import { closest } from "./suggestion.ts"

const runtimeName = ".reprise"

/** Where everything of a workspace's runtime is. All absolute; nothing of it needs to exist. */
export interface WorkspacePaths {
  /** The workspace itself, symlinks resolved. */
  readonly root: string
  /** The one directory of the runtime. */
  readonly runtime: string
  readonly database: string
  /** The JSONL mirror of the event log. */
  readonly mirror: string
  /** A directory a team, with its page. */
  readonly teams: string
  /** A directory a plugin, for its own files. */
  readonly plugins: string
  /** Where the fake provider keeps its conversations unless told otherwise. */
  readonly fakeSessions: string
  readonly logs: string
}

/** The paths under a workspace's root. */
export const workspacePaths = (root: string): WorkspacePaths => {
  const runtime = join(root, runtimeName)
  return {
    root,
    runtime,
    database: join(runtime, "reprise.db"),
    mirror: join(runtime, "events.jsonl"),
    teams: join(runtime, "teams"),
    plugins: join(runtime, "plugins"),
    fakeSessions: join(runtime, "fake", "sessions"),
    logs: join(runtime, "logs")
  }
}

/** The directory of one team's own files. */
export const teamDirectory = (paths: WorkspacePaths, team: TeamKey): string => join(paths.teams, team)

/** The workspace could not be found or used; nothing was done. */
export class WorkspaceUnusable
  extends Schema.TaggedError<WorkspaceUnusable>("reprise/WorkspaceUnusable")("WorkspaceUnusable", {
    directory: Schema.String,
    reason: Schema.Literal("Missing", "NotADirectory", "Denied", "ReadOnly", "Unknown"),
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

const unusable = (directory: string, act: "read" | "written to") => (error: PlatformError): WorkspaceUnusable => {
  const said = error.message
  const fail = (reason: WorkspaceUnusable["reason"], detail: string) =>
    new WorkspaceUnusable({ directory, reason, detail: `${detail} Nothing was done.` })
  if (error._tag === "SystemError" && error.reason === "NotFound") {
    return fail("Missing", `There is no directory ${directory}.`)
  }
  if (said.includes("EROFS")) {
    return fail("ReadOnly", `${directory} is on a file system that can only be read, and Reprise keeps its log there.`)
  }
  if (said.includes("ENOTDIR") || said.includes("EEXIST")) {
    return fail("NotADirectory", `${directory} is not a directory.`)
  }
  if (error._tag === "SystemError" && error.reason === "PermissionDenied") {
    return fail("Denied", `${directory} may not be ${act} by this user.`)
  }
  return fail("Unknown", `${directory} could not be ${act} (${said}).`)
}

/**
 * Finds the workspace: the directory that was asked for, else the nearest one at or above `from` that holds
 * `.reprise/`, else `from` itself. Creates nothing.
 */
export const findWorkspace = Effect.fn("findWorkspace")(function*(options: {
  /** What `--workspace` says, if anything; relative to `from`. */
  readonly asked?: string | undefined
  /** The current directory. */
  readonly from: string
}) {
  const fileSystem = yield* FileSystem.FileSystem
  const directory = (path: string) =>
    fileSystem.realPath(path).pipe(
      Effect.tap((real) =>
        fileSystem.stat(real).pipe(Effect.filterOrFail(
          (info) => info.type === "Directory",
          () =>
            new WorkspaceUnusable({
              directory: path,
              reason: "NotADirectory",
              detail: `${path} is not a directory. Nothing was done.`
            })
        ))
      ),
      Effect.mapError((error) => error._tag === "WorkspaceUnusable" ? error : unusable(path, "read")(error))
    )
  if (options.asked !== undefined) return workspacePaths(yield* directory(resolve(options.from, options.asked)))

  const from = yield* directory(options.from)
  let candidate = from
  while (true) {
    const marker = join(candidate, runtimeName)
    const found = yield* fileSystem.stat(marker).pipe(
      Effect.map((info) => info.type === "Directory"),
      // Only a proved absence lets the search go on: what can't be looked at may be the workspace.
      Effect.catchIf(
        (error) => error._tag === "SystemError" && error.reason === "NotFound",
        () => Effect.succeed(false)
      ),
      Effect.mapError(unusable(marker, "read"))
    )
    if (found) return workspacePaths(candidate)
    const above = dirname(candidate)
    if (above === candidate) return workspacePaths(from)
    candidate = above
  }
})

/** Makes a directory under `.reprise/`, and all above it up to the workspace, for its owner only. */
export const ensureDirectory = Effect.fn("ensureDirectory")(function*(directory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  yield* fileSystem.makeDirectory(directory, { recursive: true, mode: 0o700 }).pipe(
    Effect.mapError(unusable(directory, "written to"))
  )
})

/** Makes the runtime directory of a workspace; one that others may enter is closed to them. */
export const ensureRuntime = Effect.fn("ensureRuntime")(function*(paths: WorkspacePaths) {
  const fileSystem = yield* FileSystem.FileSystem
  yield* ensureDirectory(paths.runtime)
  const info = yield* fileSystem.stat(paths.runtime).pipe(Effect.mapError(unusable(paths.runtime, "read")))
  if (info.type !== "Directory") {
    const detail = `${paths.runtime} is not a directory. Nothing was done.`
    return yield* new WorkspaceUnusable({ directory: paths.runtime, reason: "NotADirectory", detail })
  }
  if ((info.mode & 0o077) !== 0) {
    yield* fileSystem.chmod(paths.runtime, 0o700).pipe(Effect.mapError(unusable(paths.runtime, "written to")))
  }
  // A log that git keeps comes back older than what it records.
  const ignored = join(paths.runtime, ".gitignore")
  if (!(yield* Effect.orElseSucceed(fileSystem.exists(ignored), () => false))) {
    yield* fileSystem.writeFileString(ignored, "*\n", { mode: 0o600 }).pipe(Effect.mapError(unusable(ignored, "written to")))
  }
})

/** Several teams are in the workspace and none was named; nothing was done. */
export class TeamTargetAmbiguous
  extends Schema.TaggedError<TeamTargetAmbiguous>("reprise/TeamTargetAmbiguous")("TeamTargetAmbiguous", {
    candidates: Schema.Array(Schema.String)
  })
{
  override get message(): string {
    return `This workspace has ${this.candidates.length} teams: ${this.candidates.join(", ")}. ` +
      "Nothing was done. Name the one that is meant with --team."
  }
  /** The wire name. */
  get outcome(): "team_target_ambiguous" {
    return "team_target_ambiguous"
  }
  /** What would go on, without the command: options to add. */
  get next(): ReadonlyArray<string> {
    return this.candidates.map((candidate) => `--team ${candidate}`)
  }
}

/** No team of the workspace is the one that was named; nothing was done. */
export class TeamTargetUnresolved
  extends Schema.TaggedError<TeamTargetUnresolved>("reprise/TeamTargetUnresolved")("TeamTargetUnresolved", {
    /** What was asked for; null when nothing was and there is no team at all. */
    selector: Schema.NullOr(Schema.String),
    candidates: Schema.Array(Schema.String)
  })
{
  override get message(): string {
    const asked = this.selector === null ? "" : `There is no team ${JSON.stringify(this.selector)} in this workspace. `
    if (this.candidates.length === 0) {
      return `${asked}No team was ever started in this workspace. Nothing was done. Start one: reprise up FILE.`
    }
    const near = this.selector === null ? undefined : closest(this.selector, this.candidates)
    const hint = near === undefined ? "" : ` Did you mean "${near}"?`
    return `${asked}Nothing was done.${hint} Known: ${this.candidates.join(", ")}.`
  }
  /** The wire name. */
  get outcome(): "team_target_unresolved" {
    return "team_target_unresolved"
  }
  /** What would go on: a whole command where no team exists, else options to add. */
  get next(): ReadonlyArray<string> {
    return this.candidates.length === 0
      ? ["reprise up"]
      : this.candidates.map((candidate) => `--team ${candidate}`)
  }
}

/** Which of the workspace's teams is meant: the one that was named exactly, or the only one. Pure. */
export const resolveTeam = (
  keys: ReadonlyArray<TeamKey>,
  selector: string | undefined
): Either.Either<TeamKey, TeamTargetAmbiguous | TeamTargetUnresolved> => {
  const candidates = [...new Set(keys)].sort()
  if (selector !== undefined) {
    const exact = candidates.find((key) => key === selector)
    return exact === undefined
      ? Either.left(new TeamTargetUnresolved({ selector, candidates }))
      : Either.right(exact)
  }
  const [only, ...others] = candidates
  if (only === undefined) return Either.left(new TeamTargetUnresolved({ selector: null, candidates }))
  return others.length === 0 ? Either.right(only) : Either.left(new TeamTargetAmbiguous({ candidates }))
}
