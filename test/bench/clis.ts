import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { TeamKey } from "../../sdk/domain/ids.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import * as Send from "../../sdk/lifecycle/Send.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { bareCommand } from "../acceptance/command-lines.ts"
import { type Home, makeHome } from "../acceptance/home.ts"
import { type Installed, installed } from "../acceptance/install.ts"
import { startMock } from "../acceptance/mock/server.ts"
import { type CliName, cliNames } from "../acceptance/pins.ts"
import { known, teamFile } from "../acceptance/providers.ts"
import { killAll as killHome, openTerminal } from "../acceptance/terminal.ts"
import { house } from "./house.ts"
import { killAll, restart, timed } from "./lifecycle.ts"
import { median, row, tmuxVersion } from "./measure.ts"
import { notMeasured, NotMeasured, progress } from "./suite.ts"
import type { Suite } from "./suite.ts"

const runs = 5
const count = 4
const key = TeamKey.make("alpha")

/** A home with a mock model and this CLI; all that lives in it ends with the scope. */
const ground = (cli: Installed) =>
  Effect.gen(function*() {
    const mock = yield* Effect.acquireRelease(Effect.promise(() => startMock()), (each) => Effect.promise(each.close))
    return yield* Effect.acquireRelease(
      Effect.sync(() => makeHome({ anthropic: mock.anthropic, openai: mock.openai, clis: [cli] })),
      (home) => Effect.zipRight(Effect.promise(() => killHome(home)), Effect.sync(home.remove))
    )
  })

/** Milliseconds until that many CLIs, started side by side in a tmux server of their own, show that they are idle. */
const bareResume = (home: Home, cli: CliName, sessions: ReadonlyArray<string>, name: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => openTerminal(home, name)),
    (terminal) =>
      timed(
        Effect.gen(function*() {
          const panes = sessions.map((id) => terminal.start([cli, ...bareCommand(cli, { resume: id })]))
          yield* Effect.sync(() => panes.every((pane) => known[cli].ready.test(terminal.screen(pane)))).pipe(
            Effect.filterOrFail((all) => all, () => new NotMeasured({ reason: `Not every bare ${cli} became idle.` })),
            Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo("60 seconds")))
          )
        })
      ),
    (terminal) => Effect.sync(terminal.close)
  )

/** Waits until all are idle. */
const allIdle = Status.status(key).pipe(
  Effect.filterOrFail(
    ({ agents }) => agents.every(({ status }) => status === "idle"),
    ({ agents }) => new NotMeasured({ reason: `Not all are idle: ${agents.map(({ evidence }) => evidence).join("; ")}` })
  ),
  Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("60 seconds")))
)

/** The same once they were spoken to: a CLI may write its conversation only then. */
const idleSessions = allIdle.pipe(
  Effect.map(({ agents }) => agents.flatMap(({ session }) => session === null ? [] : [session.id])),
  Effect.filterOrFail(
    (sessions) => sessions.length === count,
    () => new NotMeasured({ reason: "Not all have a conversation." })
  ),
  Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("60 seconds")))
)

/** A team of four that has been spoken to: a conversation that nobody said a word in is not resumed. */
const launchAndTell = (home: Home, cli: CliName) =>
  Effect.gen(function*() {
    const agents = Object.fromEntries(Array.from({ length: count }, (_, index) => [`coder-${index + 1}`, { cli }]))
    const file = yield* parseTeamFile(teamFile(key, agents), { file: "team.yaml", workspace: home.work })
    yield* Launch.up(file, { workspace: home.work, transport: "tmux", plugins: [] })
    yield* allIdle
    for (const id of Object.keys(agents)) yield* Send.send(key, id, `say I am ${id}`)
    return yield* idleSessions
  })

const restartOf = (cli: CliName, name: string) =>
  Effect.gen(function*() {
    if (tmuxVersion() === null) return yield* new NotMeasured({ reason: "tmux is not here" })
    const pinned = installed(cli)
    if (pinned === null) {
      return yield* new NotMeasured({ reason: `${cli} is not here; npx tsx test/acceptance/install-cli.ts ${cli} brings it` })
    }
    const home = yield* ground(pinned)
    yield* progress(`Restarting ${count} of ${count} killed agents of ${cli} ${pinned.version}.`)
    return yield* Effect.gen(function*() {
      const sessions = yield* launchAndTell(home, cli)
      yield* killAll
      yield* restart(count)
      const took: Array<number> = []
      const floors: Array<number> = []
      for (let run = 0; run < runs; run++) {
        yield* idleSessions
        yield* killAll
        floors.push(yield* bareResume(home, cli, sessions, `bare-${run}`))
        took.push(yield* timed(restart(count)))
      }
      return [row(name, "ms", took, { floor: median(floors) })]
    }).pipe(Effect.provide(house(home.work, home.env)), Effect.mapError(notMeasured))
  }).pipe(Effect.scoped)

/** The restart of four real CLIs beside the start of the same four bare; measured where they are installed. */
export const clis: ReadonlyArray<Suite> = cliNames.map((cli) => {
  const name = `restart.${cli}.${count}`
  return { names: [name], byDefault: () => installed(cli) !== null, measure: () => restartOf(cli, name) }
})
