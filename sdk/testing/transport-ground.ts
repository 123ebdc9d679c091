import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SpawnToken } from "../domain/ids.ts"
import type { PaneIdentity } from "../domain/pane.ts"
import type { PluginServices } from "../plugin/definePlugin.ts"
import { PluginContext } from "../plugin/PluginContext.ts"
import { endProcessTree } from "../plugin/process-table.ts"
import type { TransportDriver, TransportEvent } from "../plugin/transport-driver.ts"
import { workerReady, type WorkerMode } from "./transport-worker.ts"
import { machineWorld, type TransportWorld } from "./transport-world.ts"

/** A transport broke its contract. */
export class TransportCheckFailed
  extends Schema.TaggedError<TransportCheckFailed>("reprise/TransportCheckFailed")("TransportCheckFailed", {
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

/** The directories of one check. */
export interface TransportPlace {
  readonly root: string
  readonly workspace: string
  readonly stateDirectory: string
  readonly runtimeDirectory: string
}

export interface TransportSuiteOptions {
  /** Why nothing can be checked here (a missing program); the tests are then shown as skipped. */
  readonly skip?: string | null
  /** Where the processes live; by default on this machine. */
  readonly world?: TransportWorld
  /**
   * Makes queries fail, without ending anything, until the scope closes; answers with the driver whose `list` must
   * fail. Without it that check does not apply.
   */
  readonly breakQueries?: (
    driver: TransportDriver,
    place: TransportPlace,
    open: Effect.Effect<TransportDriver, unknown, Scope.Scope>
  ) => Effect.Effect<TransportDriver, unknown, Scope.Scope>
  /** How long a check waits for what must come. */
  readonly patienceMs?: number
  /** Clears away what a transport leaves behind when its agents survive their caller (a server). */
  readonly cleanUp?: (place: TransportPlace) => Effect.Effect<void>
}

/** A started worker and its directory. */
export interface Worker {
  readonly pane: PaneIdentity
  readonly directory: string
}

export interface WorkerRequest {
  readonly mode?: WorkerMode
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export const expectThat = (condition: boolean, detail: string): Effect.Effect<void, TransportCheckFailed> =>
  condition ? Effect.void : Effect.fail(new TransportCheckFailed({ detail }))

/** Looks again until there is something, and says what was waited for if it does not come. */
const lookUntil = <A, E, R>(
  what: string,
  look: Effect.Effect<A | null | false, E, R>,
  limitMs: number
): Effect.Effect<A, E | TransportCheckFailed, R> =>
  Effect.gen(function*() {
    const deadline = (yield* Clock.currentTimeMillis) + limitMs
    for (let pause = 5;; pause = Math.min(100, pause * 2)) {
      const found = yield* look
      if (found !== null && found !== false) return found
      if ((yield* Clock.currentTimeMillis) > deadline) {
        return yield* new TransportCheckFailed({ detail: `Waited ${limitMs} ms in vain: ${what}.` })
      }
      yield* Effect.sleep(pause)
    }
  })

const Report = Schema.parseJson(Schema.Struct({
  argv: Schema.Array(Schema.String),
  env: Schema.Record({ key: Schema.String, value: Schema.String }),
  cwd: Schema.String,
  pid: Schema.Int
}))
const PidFile = Schema.parseJson(Schema.Struct({ pid: Schema.Int }))

/** A place of its own for one check, an open driver, and all that a check asks. Nothing of it outlives the scope. */
export const makeGround = (
  make: Effect.Effect<TransportDriver, unknown, PluginServices>,
  options: TransportSuiteOptions
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const root = yield* fs.makeTempDirectoryScoped({ prefix: "rt-" }).pipe(Effect.flatMap(fs.realPath))
    const place: TransportPlace = {
      root,
      workspace: `${root}/work`,
      stateDirectory: `${root}/state`,
      runtimeDirectory: `${root}/run`
    }
    for (const directory of [place.workspace, place.stateDirectory, place.runtimeDirectory]) {
      yield* fs.makeDirectory(directory, { mode: 0o700 })
    }
    if (options.cleanUp !== undefined) yield* Effect.addFinalizer(() => options.cleanUp?.(place) ?? Effect.void)
    const patienceMs = options.patienceMs ?? 30_000
    const eventually = <A, E, R>(what: string, look: Effect.Effect<A | null | false, E, R>) =>
      lookUntil(what, look, patienceMs)
    const world = options.world ?? machineWorld(fs)
    const path = process.env["PATH"] ?? "/usr/bin:/bin"
    const open = make.pipe(
      Effect.provideService(PluginContext, { ...place, workspaceId: Effect.succeed("suite"), env: { PATH: path } }),
      Effect.provide(NodeContext.layer)
    )
    const driver = yield* open
    const argv0 = yield* world.worker(root)
    let spawned = 0

    const request = (agent: string, { args = [], cwd, env = {}, mode = "echo" }: WorkerRequest = {}) => {
      const directory = `${root}/${agent}-${++spawned}`
      return {
        directory,
        request: {
          team: "alpha",
          agent,
          generation: spawned,
          spawn: SpawnToken.make(`spawn-${spawned}-${agent}`),
          argv: [...argv0, directory, mode, ...args],
          cwd: cwd ?? place.workspace,
          env: { PATH: path, HOME: root, ...env }
        }
      }
    }

    /** Starts a worker and waits until it listens. Whatever the transport does, it is gone when the scope closes. */
    const spawnBy = (by: TransportDriver, agent: string, how: WorkerRequest = {}) =>
      Effect.gen(function*() {
        const plan = request(agent, how)
        yield* fs.makeDirectory(plan.directory)
        const pane = yield* Effect.acquireRelease(by.spawn(plan.request), (pane) =>
          Effect.gen(function*() {
            const children = yield* Effect.forEach(["child", "grandchild"], (role) => pidOf(plan.directory, role))
            yield* Effect.ignore(by.stop(pane, { graceMs: 0 }))
            if (options.world !== undefined) return
            for (const process of [pane, ...children]) if (process !== null) yield* endProcessTree(process, 0)
          }))
        const worker: Worker = { pane, directory: plan.directory }
        yield* eventually(`the worker of ${agent} writes its report`, world.read(`${plan.directory}/report.json`))
        return worker
      })
    const spawn = (agent: string, how: WorkerRequest = {}) => spawnBy(driver, agent, how)

    /** A process that the worker wrote down, with its start time while it lives. */
    const pidOf = (directory: string, role: string) =>
      Effect.gen(function*() {
        const text = yield* world.read(`${directory}/${role}.json`)
        if (text === null) return null
        const { pid } = yield* Effect.orDie(Schema.decode(PidFile)(text))
        const startTime = yield* world.startTime(pid)
        return startTime === null ? null : { pid, startTime }
      })

    const report = ({ directory }: Worker) =>
      Effect.gen(function*() {
        const text = yield* eventually("the worker's report", world.read(`${directory}/report.json`))
        return yield* Effect.orDie(Schema.decode(Report)(text))
      })

    const screenWith = (pane: PaneIdentity, text: string) =>
      eventually(
        `"${text}" on the screen of ${pane.window}`,
        driver.capture(pane).pipe(
          Effect.map((screen) => screen.lines.some((line) => line.includes(text)) ? screen : null)
        )
      )
    /** The worker listens: only then may something be typed. */
    const ready = ({ pane }: Worker) => screenWith(pane, workerReady)

    /** What inspect says once it says that the process is dead. */
    const deadIn = (pane: PaneIdentity) =>
      eventually(
        `inspect says that ${pane.window} is dead`,
        Effect.map(driver.inspect(pane), (found) => found.state === "dead" ? found : null)
      )

    const draft = ({ directory }: Worker) => world.read(`${directory}/draft.txt`)
    const draftIs = (worker: Worker, text: string) =>
      eventually(
        `${text.length} characters arrive as they were pasted`,
        Effect.map(draft(worker), (found) => found === text)
      )
    const entered = ({ directory }: Worker) =>
      Effect.map(world.read(`${directory}/entered.jsonl`), (text) =>
        (text ?? "").split("\n").filter((line) => line !== ""))

    /** Collects events from now on, and waits for the exit of a pane among them. */
    const watch = Effect.gen(function*() {
      const seen: Array<TransportEvent> = []
      const fiber = yield* driver.events.pipe(
        Stream.runForEach((event) => Effect.sync(() => void seen.push(event))),
        Effect.forkScoped
      )
      // The subscription stands once the fiber has run as far as it can.
      yield* Effect.sleep(100)
      return (pane: PaneIdentity) =>
        eventually(
          `an event says that ${pane.window} exited`,
          Effect.gen(function*() {
            const found = seen.find((event) => event._tag === "Exited" && event.pane.spawn === pane.spawn)
            if (found?._tag === "Exited") return found
            const over = yield* Fiber.poll(fiber)
            return over._tag === "None"
              ? null
              : yield* new TransportCheckFailed({ detail: `The stream of events ended: ${String(over.value)}` })
          })
        )
    })

    return {
      place,
      world,
      open,
      driver,
      spawn,
      spawnBy,
      request,
      eventually,
      pidOf,
      report,
      screenWith,
      ready,
      deadIn,
      draftIs,
      entered,
      watch
    }
  })

export type Ground = Effect.Effect.Success<ReturnType<typeof makeGround>>
