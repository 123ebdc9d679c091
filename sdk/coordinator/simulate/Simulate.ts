// The face of simulation. What plays is loaded when something is played.
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { LogEntry, Strategy } from "../../domain/event.ts"
import type { AnyPolicy } from "../../policy/Policy.ts"
import type { NothingRecorded, ScenarioInvalid, ScenarioUnreadable, SeedsInvalid } from "./errors.ts"
import type { Run } from "./play.ts"
import type { Scenario, ScenarioInput } from "./scenario.ts"
import type { Summary } from "./summary.ts"

export { NothingRecorded, ScenarioInvalid, ScenarioUnreadable, SeedsInvalid } from "./errors.ts"
export { seedsAtMost } from "./seeds.ts"
export type { Run } from "./play.ts"
export type { Scenario, ScenarioInput } from "./scenario.ts"
export type { Figure, FigureName, Summary } from "./summary.ts"

const player = Effect.promise(() => import("./player.ts"))
const scenarioFile = Effect.promise(() => import("./scenario-file.ts"))

/** A policy, and what it is played in: a described scenario, or what befell a team by its recorded log. */
export type SimulateOptions<E, R> = {
  readonly policy: AnyPolicy<E, R>
  /** How many runs, seeded 1, 2, 3 and so on; or the seeds themselves. @default 1 */
  readonly seeds?: number | ReadonlyArray<number>
  /** Who is restarted when somebody dies, whatever the scenario or the log says of it; `off` for nobody. */
  readonly supervise?: Strategy | "off"
} & (
  | { readonly scenario: ScenarioInput | Scenario; readonly log?: never }
  | { readonly log: ReadonlyArray<LogEntry>; readonly scenario?: never }
)

/** Why nothing is played. */
export type SimulateError = ScenarioInvalid | NothingRecorded | SeedsInvalid

/** What a policy came to. */
export interface SimulateReport {
  /** The policy in words. */
  readonly policy: string
  readonly scenario: string
  readonly horizonMs: number
  readonly summary: Summary
  readonly runs: ReadonlyArray<Run>
}

/**
 * Plays a policy in virtual time and counts what comes of it: restarts, conversations kept and dropped, downtime,
 * escalations, the time until all is well again. Nothing is touched, and nothing that acting needs is needed: gates and
 * approvals are taken as passed, and counted.
 *
 * Equal seeds give equal runs, and two policies meet the same fate under one seed.
 *
 * @example
 * ```ts
 * run(Effect.map(
 *   Simulate.run({
 *     policy: Policy.standard,
 *     scenario: {
 *       horizon: "8 hours",
 *       agents: { planner: {}, "coder-1": {} },
 *       deaths: [{ distribution: "exponential", mean: "2 hours" }]
 *     },
 *     seeds: 1000
 *   }),
 *   ({ summary }) => `${summary.downtimeMs.p50} ms without an agent`
 * ))
 * ```
 */
export const run = <E, R>(options: SimulateOptions<E, R>): Effect.Effect<SimulateReport, SimulateError> =>
  Effect.flatMap(player, ({ runAll }) => runAll(options))

/** Reads a scenario from a YAML file; what is wrong in it is told all at once, with line and column. */
export const readScenario = (file: string): Effect.Effect<Scenario, ScenarioInvalid | ScenarioUnreadable, FileSystem.FileSystem> =>
  Effect.flatMap(scenarioFile, (it) => it.readScenario(file))

/** Reads the text of a scenario; `file` is what it is called where something is wrong with it. */
export const parseScenario = (text: string, file: string): Effect.Effect<Scenario, ScenarioInvalid> =>
  Effect.flatMap(scenarioFile, (it) => it.parseScenario(text, file))
