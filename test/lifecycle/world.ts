import * as Fs from "node:fs"
import * as Os from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { definePlugin, type ProviderDriver, Schema } from "reprise/plugin"
import { makeMemoryTransport, type MemoryFault, type MemoryOperation } from "reprise/testing"
import type { Event, EventOf, EventType } from "../../sdk/domain/event.ts"
import { AgentId, TeamKey } from "../../sdk/domain/ids.ts"
import type { Json } from "../../sdk/domain/json.ts"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import * as EventLogMemory from "../../sdk/event-log/EventLogMemory.ts"
import { agentOf, type AgentState, type TeamState } from "../../sdk/event-log/TeamState.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import { PluginHostLive } from "../../sdk/plugin/host/PluginHostLive.ts"
import type { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { type AnyPolicy, standard } from "../../sdk/policy/Policy.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { type Behaviour, identityLine, saidLine, scriptedProgram, scriptedProvider } from "./scripted-cli.ts"

/** What the SDK's operations run on. */
export type Services = EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment

interface WorldOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly faults?: ReadonlyArray<MemoryFault>
  /** Providers beside the scripted ones. */
  readonly providers?: Readonly<Record<string, ProviderDriver>>
}

/** What an agent of a team file may say here. */
export type AgentEntry = Readonly<Record<string, Json>>

/** Operations of a transport that change something. */
const touching: ReadonlySet<MemoryOperation> = new Set(["spawn", "stop", "paste", "press", "interrupt"])

/** A directory that goes away with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(join(Os.tmpdir(), "rp-life-")))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

/** A workspace with a log, plugins and agents in memory, and files on disk. Everything ends with the scope. */
export const makeWorld = (options: WorldOptions = {}) =>
  Effect.gen(function*() {
    const workspace = yield* temporaryDirectory
    const script = new Map<string, Behaviour>()
    const transport = yield* makeMemoryTransport({
      programs: { scripted: scriptedProgram(script) },
      faults: options.faults ?? []
    })
    const elsewhere = yield* makeMemoryTransport({ programs: { scripted: scriptedProgram(script) }, name: "elsewhere" })
    const log = yield* EventLogMemory.make
    const plugin = definePlugin({
      name: "scripted",
      api: 1,
      needs: {},
      options: Schema.Struct({}),
      setup: () =>
        Effect.succeed({
          transports: { memory: transport.driver, elsewhere: elsewhere.driver },
          providers: {
            assigned: scriptedProvider({ preassigned: true }),
            found: scriptedProvider({ preassigned: false }),
            serial: scriptedProvider({ preassigned: true, serial: true }),
            forgetful: scriptedProvider({ preassigned: true, resume: false }),
            ...options.providers
          }
        })
    })
    const env = {
      HOME: join(workspace, "home"),
      PATH: process.env["PATH"] ?? "",
      REPRISE_SESSION_CONVERGE_DEADLINE_MS: "300",
      REPRISE_SESSION_CONVERGE_POLL_MS: "20",
      REPRISE_READY_DEADLINE_MS: "20000",
      REPRISE_STOP_GRACE_MS: "50",
      ...options.env
    }
    const host = PluginHostLive.layer({ workspace, specs: [{ plugin }], consents: ["scripted"], builtins: {}, env })
    const contextFor = (process: string) =>
      Layer.build(Layer.mergeAll(
        log.layerFor(process),
        Layer.provide(host, NodeContext.layer),
        NodeContext.layer,
        Layer.succeed(HostEnvironment, env)
      ))
    const context: Context.Context<Services> = yield* contextFor("this")
    const service = Context.get(context, EventLog)

    /** Runs an effect as this process would. */
    const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Services>> =>
      Effect.provide(effect, context)

    const up = (name: string, agents: Readonly<Record<string, AgentEntry>>, more: Readonly<Record<string, Json>> = {}, home = "memory") =>
      parseTeamFile(JSON.stringify({ name, defaults: { provider: "assigned" }, ...more, agents }), {
        file: "team.yaml",
        workspace
      }).pipe(
        Effect.flatMap((file) => Launch.up(file, { workspace, transport: home, plugins: [] })),
        run
      )

    const events = <const Type extends EventType>(type: Type, team = "alpha"): Effect.Effect<ReadonlyArray<EventOf<Type>>> =>
      service.read({ team: TeamKey.make(team), types: [type] }).pipe(
        Stream.runCollect,
        Effect.map((entries) =>
          Chunk.toReadonlyArray(entries).flatMap((entry) =>
            entry._tag === "Event" && isOf(entry.event, type) ? [entry.event] : []
          )
        ),
        Effect.orDie
      )

    /** What was written after a position, in order: types, steps with their phase. */
    const order = (after: number): Effect.Effect<ReadonlyArray<string>> =>
      service.read({ after }).pipe(
        Stream.runCollect,
        Effect.map((entries) =>
          Chunk.toReadonlyArray(entries).map((entry) =>
            entry._tag === "Unreadable"
              ? "?"
              : entry.event.type === "operation.step"
              ? `operation.step ${entry.event.step} ${entry.event.phase}`
              : entry.event.type
          )
        ),
        Effect.orDie
      )

    const team = (key = "alpha"): Effect.Effect<TeamState> =>
      service.state(TeamKey.make(key)).pipe(Effect.map(Option.getOrThrow), Effect.orDie)
    const agent = (id: string, key = "alpha"): Effect.Effect<AgentState> =>
      Effect.map(team(key), (state) => Option.getOrThrow(Option.fromNullable(agentOf(state, id))))

    /** Appends lifecycle events as whoever holds the team's lease. */
    const record = (...batch: ReadonlyArray<Event>) =>
      Effect.scoped(Effect.gen(function*() {
        const [first] = batch
        if (first === undefined) return
        const lease = yield* service.lease(teamResource(first.team), "test")
        yield* service.append(batch, { lease })
      })).pipe(Effect.orDie)

    const scope = (id: string, generation: number, key = "alpha") => ({
      team: TeamKey.make(key),
      agent: AgentId.make(id),
      generation
    })

    /** Writes down what an import or a damaged row could hold. */
    const firstSend = (id: string, raw: Json = "2026-01-02T03:04:05Z") =>
      Effect.flatMap(agent(id), ({ generation }) =>
        Effect.orDie(service.append([{ type: "agent.first_send_recorded", ...scope(id, generation), first_send_at: raw }])))

    const sessions = (directory = "sessions") => join(workspace, directory)
    /** Writes a conversation as a CLI would, in one go. */
    const transcript = (
      id: string,
      said: ReadonlyArray<string> = [],
      options: { readonly marker?: string; readonly directory?: string } = {}
    ): string => {
      const path = join(sessions(options.directory), `${id}.jsonl`)
      Fs.mkdirSync(sessions(options.directory), { recursive: true })
      const staged = join(workspace, `staged-${id}`)
      Fs.writeFileSync(staged, identityLine(id, options.marker) + said.map((text) => saidLine("user", text)).join(""))
      Fs.renameSync(staged, path)
      return path
    }

    const pidOf = (id: string): number | undefined =>
      transport.processes().findLast(({ alive, request }) => alive && request.agent === id)?.identity.pid
    const kill = (...ids: ReadonlyArray<string>) =>
      Effect.forEach(ids, (id) => {
        const pid = pidOf(id)
        return pid === undefined ? Effect.dieMessage(`${id} does not live`) : transport.kill(pid)
      }, { discard: true })

    return {
      workspace,
      script,
      transport,
      elsewhere,
      log: service,
      contextFor,
      /** That process is dead for the log: what it holds is free, and it writes nothing any more. */
      endProcess: (process: string) => log.end(process),
      run,
      up,
      restart: <E = never, R = never, E2 = never, R2 = never>(
        policy?: AnyPolicy<E, R>,
        options: Restart.RestartOptions<E2, R2> & { readonly team?: string } = {}
      ) => run(Restart.restart(options.team ?? "alpha", policy ?? standard, options)),
      plan: <E = never, R = never>(policy?: AnyPolicy<E, R>, options: Restart.RestartOptions = {}) =>
        run(Restart.plan("alpha", policy ?? standard, options)),
      events,
      order,
      team,
      agent,
      record,
      scope,
      firstSend,
      sessions,
      transcript,
      pidOf,
      kill,
      living: () => transport.processes().filter(({ alive }) => alive).map(({ request }) => request.agent).toSorted(),
      /** How often something was changed in the world of processes. */
      touches: () => transport.trace().filter(({ operation }) => touching.has(operation)).length,
      spawnsOf: (id: string) => transport.processes().filter(({ request }) => request.agent === id)
    }
  })

export type World = Effect.Effect.Success<ReturnType<typeof makeWorld>>

const isOf = <const Type extends EventType>(event: Event, type: Type): event is EventOf<Type> => event.type === type

/** Waits until something is so; dies when it is not within twenty seconds. */
export const eventually = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, never, R> =>
  isSo.pipe(
    Effect.filterOrFail((so) => so, () => "not yet"),
    Effect.retry(Schedule.spaced(10)),
    Effect.timeout("20 seconds"),
    Effect.orDie,
    Effect.asVoid
  )
