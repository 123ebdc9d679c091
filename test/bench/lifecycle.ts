import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { mkdirSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { standard } from "../../sdk/policy/Policy.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { bareStart, endServersIn, sessionIds, workerArgv } from "./bare-tmux.ts"
import { house } from "./house.ts"
import { median, row, tmuxVersion } from "./measure.ts"
import type { Row } from "./measure.ts"
import { cleanEnvironment, notMeasured, NotMeasured, progress, temporaryDirectory } from "./suite.ts"
import type { Progress, Suite } from "./suite.ts"

const runs = 7
export const key = TeamKey.make("alpha")

const teamFile = (count: number): string =>
  JSON.stringify({
    name: key,
    defaults: { provider: "fake", role: "Backend engineer", options: { session: "at-start" } },
    agents: Object.fromEntries(Array.from({ length: count }, (_, index) => [`coder-${index + 1}`, {}]))
  })

/** A workspace of the bench's own, whose tmux server ends with the scope. */
export const ground = Effect.gen(function*() {
  if (tmuxVersion() === null) return yield* new NotMeasured({ reason: "tmux is not here" })
  const home = realpathSync(yield* temporaryDirectory)
  const workspace = join(home, "workspace")
  mkdirSync(workspace)
  const env = cleanEnvironment(home)
  yield* endServersIn(join(home, "tmp"), env)
  return { home, workspace, env }
})

export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const started = performance.now()
    yield* effect
    return performance.now() - started
  })

/** The processes of the team as the log has them. */
const processes = Effect.gen(function*() {
  const state = yield* Effect.flatMap(EventLog, (log) => log.state(key))
  return Option.match(state, {
    onNone: () => [],
    onSome: ({ agents }) => agents.flatMap(({ spawn }) => spawn?.pane ?? [])
  })
})

/** Kills all agents as a crash would, and waits until the transport has proved each of them dead. */
export const killAll = Effect.gen(function*() {
  const transport = yield* Effect.flatMap(PluginHost, (host) => host.transport("tmux"))
  const panes = yield* processes
  for (const { pid } of panes) process.kill(pid, "SIGKILL")
  yield* Effect.forEach(panes, (pane) =>
    transport.inspect(pane).pipe(
      Effect.filterOrFail(({ state }) => state === "dead", () => "alive" as const),
      Effect.retry(Schedule.spaced("5 millis").pipe(Schedule.upTo("30 seconds"))),
      Effect.mapError(() => new NotMeasured({ reason: `The killed process ${pane.pid} was not seen dead.` }))
    ), { discard: true })
})

export const launch = (workspace: string, count: number) =>
  Effect.gen(function*() {
    const file = yield* parseTeamFile(teamFile(count), { file: "team.yaml", workspace })
    const report = yield* Launch.up(file, { workspace, transport: "tmux", plugins: [] })
    const running = report.agents.filter(({ pid }) => pid !== null).length
    if (report.outcome !== "launched" || running !== count) {
      return yield* new NotMeasured({ reason: `${running} of ${count} agents were launched: ${report.message}` })
    }
  })

export const restart = (count: number) =>
  Restart.restart(key, standard).pipe(
    Effect.filterOrFail(
      (report) => report.ok && report.agents.filter(({ result }) => result === "resumed").length === count,
      (report) => new NotMeasured({ reason: `Not all ${count} agents were resumed: ${report.message}` })
    )
  )

/** As many bare workers, side by side in a tmux server of their own. */
const bare = (
  { env, home }: Effect.Effect.Success<typeof ground>,
  sessions: ReadonlyArray<string>,
  mode: "fresh" | "resume"
) =>
  bareStart({
    directory: join(home, "bare"),
    env,
    commands: sessions.map((id, index) =>
      workerArgv(
        join(home, "bare", "sessions"),
        `coder-${index + 1}`,
        mode === "fresh" ? { fresh: id } : { resume: id }
      )
    )
  })

/** Restarts of a whole team after all its processes were killed; floor: as many bare workers that resume. */
const restartOf = (count: number) =>
  Effect.gen(function*() {
    const place = yield* ground
    yield* progress(`Restarting ${count} of ${count} killed workers.`)
    const sessions = sessionIds(count)
    yield* bare(place, sessions, "fresh")
    return yield* Effect.gen(function*() {
      yield* launch(place.workspace, count)
      // Once before it counts, so that the code is loaded on both sides.
      yield* killAll
      yield* restart(count)
      const took: Array<number> = []
      const floors: Array<number> = []
      for (let run = 0; run < runs; run++) {
        floors.push(yield* bare(place, sessions, "resume"))
        yield* killAll
        took.push(yield* timed(restart(count)))
      }
      return row(`restart.${count}`, "ms", took, { floor: median(floors) })
    }).pipe(Effect.provide(house(place.workspace, place.env)), Effect.mapError(notMeasured))
  }).pipe(Effect.scoped)

/** One launch in a workspace that knows nothing yet: log, plugins and tmux server start with it. */
const launchOnce = (count: number) =>
  Effect.gen(function*() {
    const place = yield* ground
    const floor = yield* bare(place, sessionIds(count), "fresh")
    const took = yield* timed(
      launch(place.workspace, count).pipe(
        Effect.provide(house(place.workspace, place.env)),
        Effect.mapError(notMeasured)
      )
    )
    return { took, floor }
  }).pipe(Effect.scoped)

const launchOf = (count: number) =>
  Effect.gen(function*() {
    yield* progress(`Launching ${count} workers.`)
    yield* launchOnce(1)
    const samples = yield* Effect.replicateEffect(launchOnce(count), runs)
    return row(`launch.${count}`, "ms", samples.map(({ took }) => took), {
      floor: median(samples.map(({ floor }) => floor))
    })
  })

const perCount = (
  verb: string,
  counts: ReadonlyArray<number>,
  measure: (count: number) => Effect.Effect<Row, NotMeasured, Progress>
) =>
  counts.map((count): Suite => ({
    names: [`${verb}.${count}`],
    measure: () => Effect.map(measure(count), (each) => [each])
  }))

export const lifecycle: ReadonlyArray<Suite> = [
  ...perCount("launch", [4, 16], launchOf),
  ...perCount("restart", [1, 4, 16], restartOf)
]
