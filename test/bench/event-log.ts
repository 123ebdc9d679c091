import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { Event } from "../../sdk/domain/event.ts"
import { AgentId, OperationId, TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import { layer } from "../../sdk/event-log/EventLogSqlite.ts"
import { median, row } from "./measure.ts"
import { notMeasured, NotMeasured, progress, temporaryDirectory } from "./suite.ts"
import type { Suite } from "./suite.ts"

const team = TeamKey.make("alpha")
const agents = Array.from({ length: 16 }, (_, index) => AgentId.make(`coder-${index + 1}`))
const at = "2026-01-02T03:04:05.000Z"

const recorded: Event = {
  type: "team.recorded",
  team,
  spec: {
    name: team,
    objective: "Parse the new format",
    agents: agents.map((id) => ({
      id,
      role: "Backend engineer",
      provider: "fake",
      cwd: "/workspace",
      paused: false,
      model: null,
      effort: null,
      permissions: null,
      tools: [],
      prompt: null,
      env: {},
      options: {},
      mcp: {}
    }))
  },
  workspace: "/workspace",
  transport: "tmux",
  plugins: []
}

/** What a team that works leaves in its log: messages on their way, each three facts. */
const observation = (index: number): Event => {
  const agent = agents[index % agents.length] ?? AgentId.make("coder-1")
  const about = { team, agent, generation: 1, message_id: `message-${Math.floor(index / 48)}-${index % 16}` }
  switch (Math.floor(index / 16) % 3) {
    case 0:
      return { type: "message.accepted", ...about, from: "leader", text: `Go on with part ${index} of the parser.` }
    case 1:
      return { type: "message.submitting", ...about }
    default:
      return { type: "message.submitted", ...about, evidence: "The line left the input of the CLI." }
  }
}

const open = (directory: string) => Effect.provide(layer({ directory }))

const recordTeam = Effect.scoped(Effect.gen(function*() {
  const log = yield* EventLog
  const lease = yield* log.lease(teamResource(team), "bench")
  yield* log.append([recorded], { lease })
  const operation = OperationId.make("operation-1")
  yield* log.append([
    { type: "operation.started", team, operation, kind: "launch", agents, alive: [], policy: null },
    { type: "operation.finished", team, operation, outcome: "launched", took_ms: 100 }
  ], { lease })
}))

/** Fills a log up to that many events. */
const fill = (directory: string, count: number) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    yield* recordTeam
    const size = 2000
    for (let from = yield* log.position; from < count; from += size) {
      const length = Math.min(size, count - from)
      yield* log.append(Array.from({ length }, (_, index) => observation(from + index)))
    }
    const position = yield* log.position
    if (position < count) {
      return yield* new NotMeasured({ reason: `The log holds ${position} events instead of ${count}.` })
    }
  }).pipe(open(directory), Effect.mapError(notMeasured))

/** What a status asks the log: opened by a process that has nothing in memory yet. */
const status = (directory: string) =>
  Effect.gen(function*() {
    const started = performance.now()
    return yield* Effect.gen(function*() {
      const log = yield* EventLog
      const state = yield* log.state(team)
      yield* log.position
      if (Option.isNone(state) || state.value.agents.length !== agents.length) {
        return yield* new NotMeasured({ reason: "The log did not give the state of its team." })
      }
      return performance.now() - started
    }).pipe(open(directory), Effect.mapError(notMeasured))
  })

const statusRows: Suite = {
  names: ["status.1e2", "status.1e6"],
  measure: (wanted) =>
    Effect.gen(function*() {
      const home = yield* temporaryDirectory
      const [small, large] = [join(home, "small"), join(home, "large")]
      yield* fill(small, 100)
      if (wanted.has("status.1e6")) {
        yield* progress("Filling a log with a million events.")
        yield* fill(large, 1_000_000)
      }
      const times = { small: new Array<number>(), large: new Array<number>() }
      yield* status(small)
      for (let run = 0; run < 30; run++) {
        times.small.push(yield* status(small))
        if (wanted.has("status.1e6")) times.large.push(yield* status(large))
      }
      return [
        ...(wanted.has("status.1e2") ? [row("status.1e2", "ms", times.small)] : []),
        ...(wanted.has("status.1e6") ? [row("status.1e6", "ms", times.large, { floor: median(times.small) })] : [])
      ]
    })
}

const perSecond = (events: number, started: number): number => events / ((performance.now() - started) / 1000)

/** Lines of an event's size that are on disk, a second, when so many are written before each wait for the disk. */
const bareLines = (file: string, together: number): number => {
  const line = `${JSON.stringify({ position: 1, at, ...observation(32) })}\n`.repeat(together)
  const descriptor = openSync(file, "a", 0o600)
  const writes = together === 1 ? 500 : 200
  const started = performance.now()
  for (let write = 0; write < writes; write++) {
    writeSync(descriptor, line)
    fdatasyncSync(descriptor)
  }
  const rate = perSecond(writes * together, started)
  closeSync(descriptor)
  return rate
}

const appendRate = (appenders: number, each: number) =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const started = performance.now()
    yield* Effect.forEach(
      Array.from({ length: appenders }, (_, index) => index),
      (appender) =>
        Effect.gen(function*() {
          for (let index = 0; index < each; index++) yield* log.append([observation(appender + index)])
        }),
      { concurrency: "unbounded", discard: true }
    )
    return perSecond(appenders * each, started)
  })

const appendRows: Suite = {
  names: ["append.1", "append.64"],
  measure: (wanted) =>
    Effect.gen(function*() {
      const home = yield* temporaryDirectory
      const files = join(home, "bare")
      mkdirSync(files)
      const kinds = [
        { name: "append.1", appenders: 1, each: 1000 },
        { name: "append.64", appenders: 64, each: 500 }
      ].filter(({ name }) => wanted.has(name))
      return yield* Effect.forEach(kinds, ({ name, appenders, each }) =>
        Effect.gen(function*() {
          yield* progress(`Appending, ${appenders} at once; the floor writes lines to a file and waits for the disk.`)
          yield* recordTeam
          yield* appendRate(appenders, Math.ceil(each / 5))
          const rates: Array<number> = []
          const floors: Array<number> = []
          for (let run = 0; run < 7; run++) {
            floors.push(bareLines(join(files, name), appenders))
            rates.push(yield* appendRate(appenders, each))
          }
          return row(name, "events/s", rates, { floor: median(floors) })
        }).pipe(open(join(home, name)), Effect.mapError(notMeasured)))
    })
}

export const eventLog: ReadonlyArray<Suite> = [appendRows, statusRows]
