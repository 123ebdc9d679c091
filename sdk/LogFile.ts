import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AppendError, EventLogError, LeaseHeld } from "./event-log/errors.ts"
import type { EventLog } from "./event-log/EventLog.ts"
import { failureOf } from "./event-log/sqlite/failures.ts"
import { logFiles } from "./event-log/sqlite/files.ts"
import { recoverLog } from "./event-log/sqlite/recover-log.ts"
import { exportLog, importLog, startAnew, teamsIn } from "./event-log/sqlite/log-copies.ts"
import { recordRunning } from "./lifecycle/recover-agents.ts"
import { PluginHost } from "./plugin/PluginHost.ts"
import { stateHome } from "./spec/state-home.ts"
import type { WorkspacePaths } from "./spec/workspace.ts"

// What is done with the file of a log as a whole, while it is not open here.

/** What came of a recovery. */
export interface RecoverReport {
  readonly outcome: "recovered" | "log_lost"
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly certain: ReadonlyArray<string>
  readonly uncertain: ReadonlyArray<string>
  /** Where the files are that were there before; null where nothing had to be done. */
  readonly kept: string | null
}

const attempt = <A>({ runtime }: WorkspacePaths, operation: string, body: (at: string) => A): Effect.Effect<A, EventLogError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.try({ try: () => body(new Date(now).toISOString()), catch: failureOf(logFiles(runtime), operation) }))

/**
 * Rebuilds a log that is lost or older than reality, then records the agents that run. Stops and starts nothing, and keeps
 * what was there. `opened` gives the services of the rebuilt log.
 */
export const recover = <E>(
  paths: WorkspacePaths,
  opened: Layer.Layer<EventLog | PluginHost, E>
): Effect.Effect<RecoverReport, AppendError | EventLogError | LeaseHeld | E> =>
  Effect.gen(function*() {
    const rebuilt = yield* attempt(paths, "recover", (at) => recoverLog(logFiles(paths.runtime), stateHome(process.env), at))
    const isSound = ["Current", "Moved", "Unmade"].includes(rebuilt.verdict._tag)
    if (!rebuilt.isRebuilt && !isSound) {
      return {
        outcome: "log_lost",
        ok: false,
        message: "Neither the mirror nor a marker holds anything of the lost log. Nothing was changed. " +
          "Put a backup back (reprise log import FILE), or give the old teams up: reprise up --as-new.",
        next: ["reprise log import FILE", "reprise up --as-new"],
        certain: [],
        uncertain: rebuilt.uncertain,
        kept: null
      } satisfies RecoverReport
    }
    const running = yield* Effect.provide(recordRunning, opened)
    const certain = [...rebuilt.certain, ...running.certain]
    const uncertain = [...rebuilt.uncertain, ...running.uncertain]
    const isChanged = rebuilt.isRebuilt || running.certain.length > 0
    return {
      outcome: "recovered",
      ok: true,
      message: isChanged
        ? `The log is recovered: ${certain.join("; ")}.${uncertain.length === 0 ? "" : ` Uncertain: ${uncertain.join("; ")}.`}` +
          `${rebuilt.kept === null ? "" : ` What was there before is in ${rebuilt.kept}.`}`
        : "The log is the current state of this workspace; there was nothing to recover.",
      next: ["reprise status"],
      certain,
      uncertain,
      kept: rebuilt.kept
    } satisfies RecoverReport
  })

/** Writes a consistent copy of the log to a file, while other processes may write to it. */
export const exportTo = (paths: WorkspacePaths, file: string) =>
  attempt(paths, "export", () => exportLog(logFiles(paths.runtime), file, stateHome(process.env)))

/** Processes of the teams of this log and of a file that would take its place, as sentences; also what could not be told. */
export const runningBeside = (paths: WorkspacePaths, file: string): Effect.Effect<ReadonlyArray<string>, EventLogError, PluginHost> =>
  Effect.gen(function*() {
    const host = yield* PluginHost
    const files = logFiles(paths.runtime)
    const teams = yield* attempt(paths, "import", () => [...teamsIn(files, files.database), ...teamsIn(files, file)])
    const transports = [...new Set(teams.map(({ transport }) => transport))]
    const keys = new Set<string>(teams.map(({ key }) => key))
    const found = yield* Effect.forEach(transports, (name) =>
      Effect.match(Effect.flatMap(host.transport(name), ({ list }) => list), {
        onFailure: (error) => [`${name} could not be asked (${error.message.replace(/\.$/, "")})`],
        onSuccess: ({ orphans, panes }) =>
          [...panes, ...orphans ?? []].filter(({ team }) => keys.has(team)).map(({ agent, identity, team }) => `${team}/${agent} (process ${identity.pid})`)
      }))
    return [...new Set(found.flat())]
  })

/** Puts a copy of a log in the place of this workspace's; what was there is kept. Agents must not run. */
export const importFrom = (paths: WorkspacePaths, file: string, options: { readonly older: boolean }) =>
  attempt(paths, "import", (at) => importLog(logFiles(paths.runtime), file, stateHome(process.env), at, options.older))

/** Puts the log of another workspace, or what is left of a lost one, aside, so that the next start makes a new log. */
export const setAsideForNew = (paths: WorkspacePaths) =>
  attempt(paths, "up --as-new", (at) => startAnew(logFiles(paths.runtime), stateHome(process.env), at))
