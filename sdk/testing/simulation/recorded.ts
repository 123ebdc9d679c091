import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Event } from "../../domain/event.ts"
import { isLifecycleEvent } from "../../domain/event.ts"
import type { EventLog } from "../../event-log/EventLog.ts"
import type { TransportDriver } from "../../plugin/transport-driver.ts"
import type { Transport } from "../../plugin/PluginHost.ts"
import type { MemoryTransport } from "../memory-transport.ts"
import type { Processes } from "../../session/host-processes.ts"
import type { Conversations } from "./conversations.ts"
import type { Happening } from "./facts.ts"
import type { People } from "./people.ts"
import { holdsUserRecord } from "./simulated-cli.ts"
import type { SimulatedFiles } from "./SimulatedFiles.ts"

// Who stands at the truth's side and writes down what is done there.

export type Note = (happening: Happening) => void

/** Conversations of an agent that hold its user's words and that nobody let go. */
export const heldBy = (agent: string, { known, released }: Conversations, files: SimulatedFiles): ReadonlyArray<string> =>
  [...known].flatMap(([session, of]) =>
    of.agent === agent && !released.has(session) && holdsUserRecord(files.read(of.path)?.text ?? "") ? [session] : [])

interface DriverTruth {
  readonly world: MemoryTransport
  readonly people: People
  /** Who calls. */
  readonly command: number
}

/** The driver, with all that it really does written down. */
export const recordedDriver = ({ command, people, world }: DriverTruth, note: Note): TransportDriver => {
  const { driver } = world
  const living = (agent: string, team: string) =>
    people.everything().filter(({ alive, identity, request }) => {
      const own = people.adopted.get(identity.pid) ?? request
      return alive && own.agent === agent && own.team === team
    })
  return {
    ...driver,
    spawn: (request) =>
      Effect.suspend(() => {
        const login = request.argv[7]
        const beside = living(request.agent, request.team).map(({ identity }) => identity.pid)
        return Effect.tap(driver.spawn(request), (pane) =>
          Effect.sync(() => {
            people.startedBy(command, pane.pid)
            note({
              kind: "spawns",
              team: request.team,
              agent: request.agent,
              pid: pane.pid,
              token: request.spawn,
              permissions: request.argv[4] === "-" ? null : request.argv[4] ?? null,
              beside,
              ...login === undefined ? {} : { loggedIn: (request.env[login] ?? "") !== "" }
            })
          }))
      }),
    stop: (pane, options) =>
      Effect.suspend(() => {
        const process = world.processes().find(({ identity }) => identity.pid === pane.pid)
        note({
          kind: "stops",
          team: process?.request.team ?? "",
          agent: process?.request.agent ?? "",
          pid: pane.pid,
          lived: process?.alive === true,
          atWork: process?.alive === true && process.lines.findLast((line) => line.startsWith("state: ")) === "state: busy",
          foreign: world.foreign().flatMap((other) =>
            process === undefined && other.pid === pane.pid ? `${other.pid} ${other.command}` : [])
        })
        return driver.stop(pane, options)
      }),
    paste: (pane, text) =>
      Effect.suspend(() => {
        const process = world.processes().find(({ identity, alive }) => alive && identity.pid === pane.pid)
        if (process !== undefined) note({ kind: "types", agent: process.request.agent, pid: pane.pid, text })
        return driver.paste(pane, text)
      })
  }
}

/** The transport, with all that it answers written down: what a process knows. */
export const observedTransport = (transport: Transport, note: Note): Transport => {
  const agentOf = new Map<string, string>()
  const of = (pane: { readonly spawn: string; readonly window: string }): string =>
    agentOf.get(pane.spawn) ?? pane.window.split("/")[1] ?? pane.window
  return {
    ...transport,
    spawn: (request) => {
      agentOf.set(request.spawn, request.agent)
      return transport.spawn(request)
    },
    list: Effect.tapBoth(transport.list, {
      onFailure: () => Effect.sync(() => note({ kind: "sees", agent: null, state: "unknown" })),
      onSuccess: ({ home }) => Effect.sync(() => note({ kind: "sees", agent: null, state: home }))
    }),
    inspect: (pane) =>
      Effect.tap(transport.inspect(pane), ({ state }) => Effect.sync(() => note({ kind: "sees", agent: of(pane), state }))),
    stop: (pane, options) =>
      Effect.tap(transport.stop(pane, options), ({ gone }) =>
        Effect.sync(() => note({ kind: "sees", agent: of(pane), state: gone ? "dead" : "alive" })))
  }
}

/** The machine, with what it answers of adopted agents written down. */
export const observedProcesses = (host: Processes, { adopted }: People, note: Note): Processes => ({
  ...host,
  table: Effect.tap(host.table, (rows) => rows === null ? Effect.sync(() => note({ kind: "hidden" })) : Effect.void),
  own: Effect.tap(host.own, (processes) => processes === null ? Effect.sync(() => note({ kind: "hidden" })) : Effect.void),
  state: (process) =>
    Effect.tap(host.state(process), (state) =>
      Effect.sync(() => note({ kind: "sees", agent: adopted.get(process.pid)?.agent ?? "?", state })))
})

interface LogTruth {
  readonly people: People
  readonly conversations: Conversations
  readonly files: SimulatedFiles
  /** Counts the batches of all processes. */
  readonly nextBatch: () => number
}

const livesOf = (event: Event, { adopted, everything }: People): boolean | null => {
  if (!("agent" in event) || event.agent === undefined || !("generation" in event)) return null
  const process = everything().findLast(({ identity, request }) => {
    const own = adopted.get(identity.pid) ?? request
    return own.agent === event.agent && own.team === event.team && own.generation === event.generation
  })
  return process?.alive ?? null
}

const livingIn = (event: Event, { adopted, everything }: People): { readonly living?: ReadonlyArray<string> } =>
  event.type !== "operation.started" && event.type !== "operation.finished" ? {} : {
    living: [...new Set(everything().flatMap(({ alive, identity, request }) => {
      const own = adopted.get(identity.pid) ?? request
      return alive && own.team === event.team ? own.agent : []
    }))]
  }

/** The log, with all that is written to it written down beside the truth. */
export const recordedLog = (
  log: Context.Tag.Service<typeof EventLog>,
  { conversations, files, nextBatch, people }: LogTruth,
  note: Note
): Context.Tag.Service<typeof EventLog> => ({
  ...log,
  append: (events, options) =>
    Effect.flatMap(log.position, (before) =>
      Effect.map(log.append(events, options), (position) => {
        // A batch whose key is there already writes nothing.
        if (position <= before) return position
        const batch = nextBatch()
        for (const event of events) {
          const agent = "agent" in event ? event.agent : undefined
          const holds = agent === undefined ? [] : heldBy(agent, conversations, files)
          if (event.type === "discard.session_tombstone") for (const session of holds) conversations.released.add(session)
          if (event.type === "session.captured" || event.type === "resume.session_repaired") conversations.released.delete(event.session_id)
          note({ kind: "writes", batch, position, lifecycle: isLifecycleEvent(event), event, lives: livesOf(event, people), holds, ...livingIn(event, people) })
        }
        return position
      })),
  lease: (resource, command) =>
    Effect.tap(log.lease(resource, command), ({ token }) => {
      note({ kind: "holds", resource, token })
      return Effect.addFinalizer(() => Effect.sync(() => note({ kind: "releases", resource, token })))
    })
})
