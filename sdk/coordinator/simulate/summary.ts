import type { Run } from "./play.ts"

/** A figure over all runs; null stands for what was never reached, which is later than every time. */
export interface Figure {
  readonly mean: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly max: number | null
}

/** What a policy came to, over all seeds. Times are milliseconds. */
export interface Summary {
  /** Processes that were started, also those that never became ready. */
  readonly starts: Figure
  /** Agents that were brought back. */
  readonly restarts: Figure
  readonly deaths: Figure
  /** Conversations that were continued. */
  readonly kept: Figure
  /** Conversations that the policy let go. */
  readonly dropped: Figure
  /** Conversations whose transcript was gone already. */
  readonly lost: Figure
  /** Time without an agent, summed over all agents. */
  readonly downtimeMs: Figure
  /** The longest time without the whole team. */
  readonly longestOutageMs: Figure
  /** How often somebody had to see to it. */
  readonly escalations: Figure
  readonly approvals: Figure
  readonly refused: Figure
  /** From the first disturbance until all were at work for good. */
  readonly timeToStableMs: Figure
  /** Runs that ended with somebody down. */
  readonly neverStable: number
  /** Runs that were given up because too much happened in them. */
  readonly endless: number
}

export type FigureName = Exclude<keyof Summary, "neverStable" | "endless">

/** The smallest value that at least so many of all are not above. */
const quantile = (sorted: ReadonlyArray<number | null>, share: number): number | null =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null

const figure = (values: ReadonlyArray<number | null>): Figure => {
  const sorted = values.toSorted((a, b) => (a ?? Infinity) - (b ?? Infinity) || 0)
  const numbers = values.filter((value) => value !== null)
  return {
    mean: numbers.length === values.length && values.length > 0 ? numbers.reduce((sum, value) => sum + value, 0) / values.length : null,
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    max: quantile(sorted, 1)
  }
}

/** Sums runs up. Pure. */
export const summaryOf = (runs: ReadonlyArray<Run>): Summary => ({
  starts: figure(runs.map(({ starts }) => starts)),
  restarts: figure(runs.map(({ restarts }) => restarts)),
  deaths: figure(runs.map(({ deaths }) => deaths)),
  kept: figure(runs.map(({ kept }) => kept)),
  dropped: figure(runs.map(({ dropped }) => dropped)),
  lost: figure(runs.map(({ lost }) => lost)),
  downtimeMs: figure(runs.map(({ downtimeMs }) => downtimeMs)),
  longestOutageMs: figure(runs.map(({ longestOutageMs }) => longestOutageMs)),
  escalations: figure(runs.map(({ escalations }) => escalations)),
  approvals: figure(runs.map(({ approvals }) => approvals)),
  refused: figure(runs.map(({ refused }) => refused)),
  timeToStableMs: figure(runs.map(({ timeToStableMs }) => timeToStableMs)),
  neverStable: runs.filter(({ timeToStableMs }) => timeToStableMs === null).length,
  endless: runs.filter(({ endless }) => endless).length
})
