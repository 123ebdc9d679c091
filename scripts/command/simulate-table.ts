import type { Simulate } from "../../sdk/index.ts"
import { columns } from "./agent-table.ts"

/** What one policy came to, with the name that it is shown by. */
export interface Compared extends Simulate.SimulateReport {
  readonly name: string
}

/** A figure as people are shown it. */
export interface Shown {
  readonly figure: Simulate.FigureName
  readonly title: string
  readonly unit: "count" | "time"
  /** Which end of it is the better one; null where neither is. */
  readonly better: "less" | "more" | null
  readonly means: string
}

export const shown: ReadonlyArray<Shown> = [
  { figure: "deaths", title: "deaths", unit: "count", better: null, means: "Processes that ended, for whatever reason." },
  { figure: "restarts", title: "restarts", unit: "count", better: null, means: "Agents that were brought back." },
  { figure: "kept", title: "kept", unit: "count", better: "more", means: "Conversations that were continued." },
  { figure: "dropped", title: "dropped", unit: "count", better: "less", means: "Conversations that the policy let go." },
  { figure: "lost", title: "lost", unit: "count", better: "less", means: "Conversations that were left behind because their transcript was gone." },
  { figure: "downtimeMs", title: "downtime", unit: "time", better: "less", means: "Time without an agent, summed over all agents." },
  { figure: "longestOutageMs", title: "longest outage", unit: "time", better: "less", means: "The longest time without the whole team." },
  { figure: "escalations", title: "escalations", unit: "count", better: "less", means: "How often somebody had to see to it." },
  { figure: "timeToStableMs", title: "time to stable", unit: "time", better: "less", means: "From the first disturbance until all were at work for good." }
]

/** A time in its two largest units. */
export const timeWords = (ms: number): string => {
  const seconds = ms / 1000
  if (seconds < 1) return `${Math.round(ms)} ms`
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`
  const minutes = Math.round(seconds / 60)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min${Math.floor(seconds % 60) === 0 ? "" : ` ${Math.floor(seconds % 60)} s`}`
  if (minutes < 60 * 48) return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`
  return `${Number((minutes / 60 / 24).toFixed(1))} days`
}

/** A value of a figure in words; what was never reached is said so. */
export const valueWords = (value: number | null, unit: Shown["unit"]): string =>
  value === null ? "never" : unit === "time" ? timeWords(value) : String(Number(value.toFixed(2)))

/** What there is to say beside the figures. */
export const notes = ({ runs, summary: { endless, neverStable } }: Compared): ReadonlyArray<string> => [
  ...neverStable === 0 ? [] : [`${neverStable} of ${runs.length} runs ended with somebody down`],
  ...endless === 0 ? [] : [`${endless} of ${runs.length} runs were given up because too much happened in them`]
]

/** The policies side by side: the median, and behind it what nine of ten runs do not exceed. */
export const simulateTable = (compared: ReadonlyArray<Compared>): string => {
  const rows = shown.map(({ figure, title, unit }) => [
    title,
    ...compared.flatMap(({ summary }) => [valueWords(summary[figure].p50, unit), valueWords(summary[figure].p90, unit)])
  ])
  const about = compared.flatMap((one) => [
    `${one.name}: ${one.policy}`,
    ...notes(one).map((note) => `  ${note}`)
  ])
  return [
    columns([["", ...compared.flatMap(({ name }) => [name, ""])], ["", ...compared.flatMap(() => ["p50", "p90"])], ...rows]),
    ...about
  ].join("\n")
}
