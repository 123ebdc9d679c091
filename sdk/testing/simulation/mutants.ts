import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LeaseHeld } from "../../event-log/errors.ts"
import type { Lease } from "../../event-log/EventLog.ts"
import type { TeamState } from "../../event-log/TeamState.ts"
import { forgetting, mapProviders, missing, type Mutant, withAppend, withProcesses, withTransport } from "./mutant-hands.ts"
import { conversationMutants } from "./mutants-conversations.ts"
import { leftoverMutants } from "./mutants-leftovers.ts"
import { workspaceMutants } from "./mutants-workspace.ts"
import { operationMutants } from "./mutants-operations.ts"
import { supervisionMutants } from "./mutants-supervision.ts"
import { peopleMutants } from "./mutants-people.ts"

// Each breaks one rule on purpose, from outside: it stands between a process and what it runs on. A checker that kills
// none of them would prove nothing.

/** Ways to break the seven rules, at least two for each. */
export const mutants: ReadonlyArray<Mutant> = [
  {
    rule: 1,
    name: "a listing that failed is an empty one",
    wrap: (services) =>
      withTransport(services, {
        list: Effect.orElseSucceed(services.transport.list, () => ({ home: "absent" as const, panes: [], foreign: [] }))
      })
  },
  {
    rule: 1,
    name: "a process that can't be told about is dead",
    wrap: (services) =>
      withTransport(services, {
        inspect: (pane) =>
          Effect.map(services.transport.inspect(pane), (seen) => seen.state === "unknown" ? { ...seen, state: "dead" as const } : seen)
      })
  },
  {
    rule: 1,
    name: "no text is refused before it is typed",
    wrap: (services) => mapProviders(services, ({ composer: _, ...provider }) => provider)
  },
  {
    rule: 1,
    name: "a process that was stopped by a signal is as good as one that runs",
    among: "suspended",
    wrap: (services) => withProcesses(services, { suspension: () => Effect.succeed(null) })
  },
  {
    rule: 1,
    name: "what a conversation of before shows is wrong now",
    among: "suspended",
    wrap: (services) => mapProviders(services, (provider) => ({ ...provider, lastTurnAt: () => "9999-01-01T00:00:00.000Z" }))
  },
  {
    rule: 2,
    name: "a spawn's intent is not written",
    wrap: forgetting((event) => event.type === "agent.spawn_intended")
  },
  {
    rule: 2,
    name: "a stop's intent is not written",
    wrap: forgetting((event) => event.type === "operation.step" && event.step === "stop" && event.phase === "intent")
  },
  {
    rule: 2,
    name: "it kills first and decides afterwards",
    wrap: (services) =>
      withTransport(services, {
        list: Effect.tap(services.transport.list, ({ panes }) =>
          Effect.forEach(panes, ({ identity }) => Effect.ignore(services.transport.stop(identity, { graceMs: 0 }))))
      })
  },
  {
    rule: 3,
    name: "a stop is believed without proof",
    wrap: (services) =>
      withTransport(services, { stop: () => Effect.succeed({ gone: true, survivors: [], evidence: "it was asked to end" }) })
  },
  {
    rule: 3,
    name: "a process whose start was not recorded is overlooked",
    wrap: (services) => {
      const recorded = new Set<string>()
      return withTransport(
        withAppend(services, (append) => (events, options) => {
          for (const event of events) if (event.type === "agent.spawned") recorded.add(event.spawn)
          return append(events, options)
        }),
        {
          list: Effect.map(services.transport.list, (listing) => ({
            ...listing,
            panes: listing.panes.filter(({ identity }) => recorded.has(identity.spawn)),
            orphans: []
          }))
        }
      )
    }
  },
  {
    rule: 4,
    name: "a file that can't be read is not there",
    wrap: (services) => {
      let absent = false
      const files = services.files
      /** What could not be read once is not there any more. */
      const believed = <A, E, R>(method: string, path: string, call: Effect.Effect<A, E, R>) =>
        Effect.suspend(() => absent ? Effect.fail(missing(method, path)) : Effect.mapError(call, () => {
          absent = true
          return missing(method, path)
        }))
      return {
        ...services,
        files: {
          ...files,
          stat: (path) => path.endsWith(".jsonl") ? believed("stat", path, files.stat(path)) : files.stat(path),
          open: (path, options) => believed("open", path, files.open(path, options)),
          readDirectory: (path) => believed("readDirectory", path, files.readDirectory(path))
        }
      }
    }
  },
  {
    rule: 4,
    name: "no transcript was ever spoken to",
    wrap: (services) =>
      mapProviders(forgetting((event) => event.type === "session.captured" || event.type === "message.submitting")(services, { process: "", team: null, shared: new Map() }), (provider) => ({
        ...provider,
        readTranscript: (head, context) => ({ ...provider.readTranscript(head, context), spokenTo: false })
      }))
  },
  {
    rule: 4,
    name: "what is left behind is not written down",
    wrap: forgetting((event) => event.type === "discard.session_tombstone" || event.type === "restart.fresh_spawn")
  },
  {
    rule: 5,
    name: "a lease is released in a finalizer only",
    wrap: (services, { shared }) => ({
      ...services,
      log: {
        ...services.log,
        lease: (resource, command) => {
          const held = `held ${resource}`
          // Whoever took it and did not give it back holds it for good: that its holder died is not looked at.
          return Effect.suspend(() =>
            (shared.get(held) ?? 0) > 0
              ? Effect.fail(new LeaseHeld({ resource, holder: { pid: 1, command, since: "", expiresAt: "" } }))
              : Effect.tap(services.log.lease(resource, command), () => {
                shared.set(held, 1)
                return Effect.addFinalizer(() => Effect.sync(() => void shared.set(held, 0)))
              }))
        }
      }
    })
  },
  {
    rule: 5,
    name: "a stale lease is as good as a new one",
    wrap: (services, { shared }) => {
      const log = services.log
      return {
        ...services,
        log: {
          ...log,
          lease: (resource, command) =>
            Effect.tap(log.lease(resource, command), ({ token }) => Effect.sync(() => void shared.set(resource, token))),
          append: (events, options = {}) => {
            const lease: Lease | undefined = options.lease
            return log.append(events, lease === undefined
              ? options
              : { ...options, lease: { ...lease, token: shared.get(lease.resource) ?? lease.token } })
          }
        }
      }
    }
  },
  {
    rule: 5,
    name: "how often an agent was brought back is remembered by its supervisor, and forgotten with it",
    wrap: (services, { process }) => {
      if (!process.startsWith("supervise")) return services
      const own = new Set<string>()
      const { log } = withAppend(services, (append) => (events, options) => {
        for (const event of events) if (event.type === "agent.spawn_intended") own.add(`${event.agent}/${event.generation}`)
        return append(events, options)
      })
      const known = (team: TeamState): TeamState => ({
        ...team,
        agents: team.agents.map((agent) => ({
          ...agent,
          history: {
            ...agent.history,
            starts: agent.history.starts.filter(({ generation }) => own.has(`${agent.spec.id}/${generation}`)),
            budgetExceededAt: null
          }
        }))
      })
      return { ...services, log: { ...log, state: (team) => Effect.map(log.state(team), Option.map(known)) } }
    }
  },
  {
    rule: 6,
    name: "that a message will be typed is not written before",
    wrap: forgetting((event) => event.type === "message.submitting")
  },
  {
    rule: 6,
    name: "a paste that was not answered is tried again",
    wrap: (services) =>
      withTransport(services, {
        paste: (pane, text) => Effect.retry(services.transport.paste(pane, text), { times: 2 })
      })
  },
  {
    rule: 6,
    name: "what was typed and not seen waits to be typed again",
    wrap: forgetting((event) => event.type === "message.failed" || event.type === "message.submitting" || event.type === "message.submitted")
  },
  {
    rule: 7,
    name: "permissions grow with each start",
    wrap: (services, { shared }) =>
      mapProviders(services, (provider) => ({
        ...provider,
        command: (request) =>
          Effect.map(provider.command(request), (plan) => {
            const key = `starts of ${request.agent.id}`
            shared.set(key, (shared.get(key) ?? 0) + 1)
            return (shared.get(key) ?? 0) < 2 ? plan : { ...plan, argv: plan.argv.with(4, "bypass") }
          })
      }))
  },
  {
    rule: 7,
    name: "an agent may restart its own team",
    wrap: (services) => ({
      ...services,
      env: Object.fromEntries(Object.entries(services.env).filter(([name]) => name !== "REPRISE_AGENT"))
    })
  },
  {
    rule: 7,
    name: "who is in a pane is who was started in it",
    wrap: (services) => {
      const { inspect, list, stop } = services.transport
      const strangerIn = (pane: string) =>
        Effect.map(Effect.option(list), (listing) =>
          Option.isSome(listing) ? listing.value.foreign.find((other) => other.pane === pane) : undefined)
      return withTransport(services, {
        list: Effect.map(list, (listing) => ({ ...listing, foreign: [] })),
        inspect: (pane) =>
          Effect.map(inspect(pane), (seen) => seen.state === "foreign" ? { ...seen, state: "alive" as const } : seen),
        stop: (pane, options) =>
          Effect.flatMap(strangerIn(pane.pane), (other) =>
            stop(other === undefined ? pane : { ...pane, pid: other.pid ?? pane.pid }, options))
      })
    }
  },
  {
    rule: 7,
    name: "whoever else lives is ended too",
    wrap: (services) =>
      withTransport(services, {
        stop: (pane, options) =>
          Effect.zipRight(
            Effect.ignore(Effect.flatMap(services.transport.list, ({ panes }) =>
              Effect.forEach(panes, ({ identity }) => Effect.ignore(services.transport.stop(identity, options))))),
            services.transport.stop(pane, options)
          )
      })
  },
  ...operationMutants,
  ...supervisionMutants,
  ...peopleMutants,
  ...conversationMutants,
  ...workspaceMutants,
  ...leftoverMutants
]
