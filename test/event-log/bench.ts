// Rates of the log on this machine: `npx tsx test/event-log/bench.ts`. Figures, not tests.
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { Event } from "../../sdk/domain/event.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { agent, consumed, recorded, team } from "./samples.ts"
import { teamResource } from "../../sdk/event-log/EventLog.ts"

const withLog = <A, E>(directory: string, body: Effect.Effect<A, E, EventLog>) =>
  body.pipe(Effect.provide(EventLogSqlite.layer({ directory })), Effect.orDie)

const record = Effect.scoped(Effect.gen(function*() {
  const log = yield* EventLog
  const lease = yield* log.lease(teamResource(team("alpha")), "bench")
  yield* log.append([recorded("alpha")], { lease })
}))

const rate = (appenders: number, total: number) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    yield* record
    const event: Event = consumed("alpha", "coder-1", "m".padEnd(40, "x"))
    const begun = performance.now()
    yield* Effect.forEach(
      Array.from({ length: appenders }),
      () => Effect.repeatN(log.append([event]), total / appenders - 1),
      { concurrency: "unbounded", discard: true }
    )
    return Math.round(total / ((performance.now() - begun) / 1000))
  })

const median = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const cold = (directory: string) =>
  withLog(directory, Effect.gen(function*() {
    const log = yield* EventLog
    const begun = performance.now()
    yield* log.state(team("alpha"))
    return performance.now() - begun
  }))

const warm = (directory: string) =>
  withLog(directory, Effect.gen(function*() {
    const log = yield* EventLog
    yield* log.state(team("alpha"))
    const begun = performance.now()
    yield* Effect.repeatN(log.state(team("alpha")), 99)
    return (performance.now() - begun) / 100
  }))

const fill = (directory: string, total: number) =>
  withLog(directory, Effect.gen(function*() {
    const log = yield* EventLog
    yield* record
    const size = Math.min(1000, total)
    for (let done = 0; done < total; done += size) {
      yield* log.append(Array.from({ length: size }, () => consumed("alpha", agent("coder-1"), "some message")))
    }
  }))

const main = Effect.gen(function*() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "reprise-bench-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(root, { recursive: true, force: true })))
  for (const [appenders, total] of [[1, 3_000], [64, 64_000]] as const) {
    const rates: Array<number> = []
    for (let run = 0; run < 3; run += 1) {
      rates.push(yield* withLog(path.join(root, `rate-${appenders}-${run}`), rate(appenders, total)))
    }
    yield* Effect.log(`append.${appenders}: ${median(rates)}/s (${rates.join(", ")})`)
  }
  for (const total of [100, Number(process.argv[2] ?? 1_000_000)]) {
    const directory = path.join(root, `state-${total}`)
    yield* fill(directory, total)
    const colds: Array<number> = []
    for (let run = 0; run < 7; run += 1) colds.push(yield* cold(directory))
    yield* Effect.log(
      `state with ${total}: cold ${median(colds).toFixed(2)} ms, warm ${(yield* warm(directory)).toFixed(3)} ms`
    )
  }
})

Effect.runPromise(Effect.scoped(main)).catch((cause: unknown) => {
  process.stderr.write(`${String(cause)}\n`)
  process.exitCode = 1
})
