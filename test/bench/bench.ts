// `npm run bench -- [--json] [--only NAME,…]`: what the things that people wait for cost, beside what the same costs
// without Reprise. No test: figures differ from machine to machine, ratios say more.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { parseArgs } from "node:util"
import { clis } from "./clis.ts"
import { coldStart } from "./cold-start.ts"
import { death } from "./death.ts"
import { eventLog } from "./event-log.ts"
import { lifecycle } from "./lifecycle.ts"
import { machine, table } from "./measure.ts"
import type { Report, Row } from "./measure.ts"
import { policy } from "./policy.ts"
import { Progress } from "./suite.ts"
import { supervise } from "./supervise.ts"
import type { NotMeasured, Suite } from "./suite.ts"

const suites: ReadonlyArray<Suite> = [...lifecycle, ...policy, death, supervise, ...eventLog, coldStart, ...clis]
const known = suites.flatMap((suite) => suite.names)
const usual = suites.filter((suite) => suite.byDefault?.() ?? true).flatMap((suite) => suite.names)

interface Options {
  readonly json: boolean
  readonly wanted: ReadonlySet<string>
}

const options = (args: ReadonlyArray<string>): Either.Either<Options, string> =>
  Either.gen(function*() {
    const { values } = yield* Either.try({
      try: () =>
        parseArgs({ args: [...args], options: { json: { type: "boolean" }, only: { type: "string" } }, strict: true }),
      catch: (error) => error instanceof Error ? error.message : String(error)
    })
    const names = values.only?.split(",").map((name) => name.trim()) ?? usual
    const strangers = names.filter((name) => !known.includes(name))
    if (strangers.length > 0) {
      yield* Either.left(`There is no row ${strangers.join(", ")}; known are ${known.join(", ")}.`)
    }
    return { json: values.json ?? false, wanted: new Set(names) }
  })

/** A refusal is a sentence; a defect of what is measured costs its own rows only, and shows where it was. */
const reasonOf = (cause: Cause.Cause<NotMeasured>): string =>
  Option.match(Cause.failureOption(cause), { onNone: () => Cause.pretty(cause), onSome: ({ reason }) => reason })

const bench = (wanted: ReadonlySet<string>): Effect.Effect<Report, never, Progress> =>
  Effect.gen(function*() {
    const rows: Array<Row> = []
    const leftOut: Array<{ readonly name: string; readonly reason: string }> = []
    const ground = machine()
    // One after the other: rows that share the machine measure each other.
    for (const suite of suites) {
      const names = suite.names.filter((name) => wanted.has(name))
      if (names.length === 0) continue
      const outcome = yield* Effect.exit(Effect.scoped(suite.measure(new Set(names))))
      if (Exit.isSuccess(outcome)) rows.push(...outcome.value)
      const missing = names.filter((name) => !rows.some((each) => each.name === name))
      const reason = Exit.isFailure(outcome) ? reasonOf(outcome.cause) : "it gave no samples"
      leftOut.push(...missing.map((name) => ({ name, reason })))
    }
    return { schema: "reprise.bench/1", machine: ground, rows, leftOut }
  })

const asked = options(process.argv.slice(2))
if (Either.isLeft(asked)) {
  process.stderr.write(`${asked.left} Nothing was measured.\nUsage: npm run bench -- [--json] [--only NAME,…]\n`)
  process.exitCode = 2
} else {
  const { json, wanted } = asked.right
  const report = await Effect.runPromise(
    bench(wanted).pipe(
      Effect.provideService(Progress, (sentence) => process.stderr.write(`${sentence}\n`)),
      // Standard output belongs to the report.
      Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
    )
  )
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${table(report)}\n`)
  // Fewer rows than were asked for is a bench that failed.
  if (report.leftOut.length > 0) process.exitCode = 1
}
