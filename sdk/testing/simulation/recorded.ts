import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Event } from "../../domain/event.ts"
import { isLifecycleEvent } from "../../domain/event.ts"
import type { EventLog } from "../../event-log/EventLog.ts"
import type { TransportDriver } from "../../plugin/transport-driver.ts"
import type { Transport } from "../../plugin/PluginHost.ts"
import type { MemoryTransport } from "../memory-transport.ts"
import type { Happening } from "./facts.ts"
import { holdsUserRecord } from "./simulated-cli.ts"
import type { SimulatedFiles } from "./SimulatedFiles.ts"

// Who stands at the truth's side and writes down what is done there.

export type Note = (happening: Happening) => void

/** What is true of a world's conversations. */
export interface Conversations {
  /** The session of each process, by pid. */
  readonly byPid: Map<number, string>
  /** Whose it is, and where. */
  readonly known: Map<string, { readonly agent: string; readonly path: string }>
  /** Those that were let go with leave. */
  readonly released: Set<string>
}

/** Conversations of an agent that hold its user's words and that nobody let go. */
export const heldBy = (agent: string, { known, released }: Conversations, files: SimulatedFiles): ReadonlyArray<string> =>
  [...known].flatMap(([session, of]) =>
    of.agent === agent && !released.has(session) && holdsUserRecord(files.read(of.path)?.text ?? "") ? [session] : [])

/** The driver, with all that it really does written down. */
export const recordedDriver = (world: MemoryTransport, note: Note): TransportDriver => {
  const { driver } = world
  const living = (agent: string, team: string) =>
    world.processes().filter((process) => process.alive && process.request.agent === agent && process.request.team === team)
  return {
    ...driver,
    spawn: (request) =>
      Effect.suspend(() => {
        const beside = living(request.agent, request.team).map(({ identity }) => identity.pid)
        return Effect.tap(driver.spawn(request), (pane) =>
          Effect.sync(() =>
            note({
              kind: "spawns",
              team: request.team,
              agent: request.agent,
              pid: pane.pid,
              token: request.spawn,
              permissions: request.argv[4] === "-" ? null : request.argv[4] ?? null,
              beside
            })))
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

interface LogTruth {
  readonly world: MemoryTransport
  readonly conversations: Conversations
  readonly files: SimulatedFiles
  /** Counts the batches of all processes. */
  readonly nextBatch: () => number
}

const livesOf = (event: Event, world: MemoryTransport): boolean | null => {
  if (!("agent" in event) || event.agent === undefined || !("generation" in event)) return null
  const process = world.processes().findLast(({ request }) =>
    request.agent === event.agent && request.team === event.team && request.generation === event.generation)
  return process?.alive ?? null
}

/** The log, with all that is written to it written down beside the truth. */
export const recordedLog = (
  log: Context.Tag.Service<typeof EventLog>,
  { conversations, files, nextBatch, world }: LogTruth,
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
          note({ kind: "writes", batch, position, lifecycle: isLifecycleEvent(event), event, lives: livesOf(event, world), holds })
        }
        return position
      })),
  lease: (resource, command) =>
    Effect.tap(log.lease(resource, command), ({ token }) => {
      note({ kind: "holds", resource, token })
      return Effect.addFinalizer(() => Effect.sync(() => note({ kind: "releases", resource, token })))
    })
})
