import * as Schema from "effect/Schema"
import { cpus, loadavg, totalmem } from "node:os"
import { spawnSync } from "node:child_process"

/** One figure of the bench. All rows of a run are measured on the same machine in the same minutes. */
export const Row = Schema.Struct({
  name: Schema.String,
  /** The median of the runs, unless the name says otherwise. */
  value: Schema.Number,
  unit: Schema.Literal("ms", "events/s", "decisions/s", "runs/s", "MiB"),
  runs: Schema.Int,
  min: Schema.Number,
  max: Schema.Number,
  /** What the same costs without Reprise, measured between the runs. */
  floor: Schema.optional(Schema.Number),
  /** value / floor. */
  ratio: Schema.optional(Schema.Number)
})
export type Row = typeof Row.Type

export const Report = Schema.Struct({
  schema: Schema.Literal("reprise.bench/1"),
  machine: Schema.Struct({
    cpu: Schema.String,
    cpus: Schema.Int,
    memoryMiB: Schema.Int,
    platform: Schema.String,
    node: Schema.String,
    tmux: Schema.NullOr(Schema.String),
    /** The load of the last minute before the first row: above the number of CPUs, the figures say little. */
    load: Schema.Number
  }),
  rows: Schema.Array(Row),
  /** Rows that could not be measured here, and why. */
  leftOut: Schema.Array(Schema.Struct({ name: Schema.String, reason: Schema.String }))
})
export type Report = typeof Report.Type

/** The value below which that share of the samples lies (nearest rank). */
export const quantile = (samples: ReadonlyArray<number>, share: number): number => {
  const sorted = [...samples].sort((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

const rounded = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 1000) / 1000

/** Makes a row of samples; `share` other than the median's for the rows that are named after one. */
export const row = (
  name: string,
  unit: Row["unit"],
  samples: ReadonlyArray<number>,
  options: { readonly floor?: number; readonly share?: number } = {}
): Row => {
  const value = quantile(samples, options.share ?? 0.5)
  return {
    name,
    value: rounded(value),
    unit,
    runs: samples.length,
    min: rounded(Math.min(...samples)),
    max: rounded(Math.max(...samples)),
    ...(options.floor === undefined
      ? {}
      : { floor: rounded(options.floor), ratio: Math.round((value / options.floor) * 100) / 100 })
  }
}

/** The version of tmux here; null without one. */
export const tmuxVersion = (): string | null => {
  const answer = spawnSync("tmux", ["-V"], { encoding: "utf8" })
  return answer.status === 0 ? answer.stdout.trim() : null
}

export const machine = (): Report["machine"] => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cpus: cpus().length,
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
  tmux: tmuxVersion(),
  load: Math.round((loadavg()[0] ?? 0) * 100) / 100
})

/** The rows as a table for people. */
export const table = (report: Report): string => {
  const cells = [
    ["row", "median", "min", "max", "unit", "runs", "floor", "ratio"],
    ...report.rows.map((each) => [
      each.name,
      ...[each.value, each.min, each.max].map(String),
      each.unit,
      String(each.runs),
      each.floor === undefined ? "" : String(each.floor),
      each.ratio === undefined ? "" : `${each.ratio}x`
    ])
  ]
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => (line[column] ?? "").length)))
  const lines = cells.map((line) =>
    line.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("  ").trimEnd()
  )
  const { cpu, cpus: count, memoryMiB, node, tmux, load } = report.machine
  return [
    ...lines,
    "",
    `${cpu}, ${count} CPUs, ${memoryMiB} MiB, node ${node}, ${tmux ?? "no tmux"}, load ${load} at the start.`,
    ...report.leftOut.map(({ name, reason }) => `Left out ${name}: ${reason}`)
  ].join("\n")
}
