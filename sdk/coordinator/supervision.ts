import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Event, Strategy } from "../domain/event.ts"
import type { TeamKey } from "../domain/ids.ts"
import type { AppendError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { LoadedProviders } from "../lifecycle/plugins-of.ts"
import type { Transport } from "../plugin/PluginHost.ts"
import type { TeamPolicy } from "../policy/TeamPolicy.ts"
import type { Death } from "./death.ts"

/** Where each sentence of a supervisor goes. */
export type Say = (sentence: string) => Effect.Effect<void>

export interface SuperviseOptions {
  /** Who is restarted when somebody dies. @default "oneForOne" */
  readonly strategy?: Strategy
  /** Only log what would have been done. @default false */
  readonly observe?: boolean
  /** Where its sentences go; beside them everything is in the log. */
  readonly say?: Say
  /** The time between two starts that share a login. @default 1 second */
  readonly stagger?: Duration.DurationInput
  /** After so long a time at work, what was before counts in no back-off any more. @default 1 minute */
  readonly stableFor?: Duration.DurationInput
  /** How often it looks where it was told nothing. @default 5 seconds */
  readonly lookEvery?: Duration.DurationInput
  /** How long an agent may take until it can be spoken to; what its policy says comes before it. */
  readonly readyWithin?: Duration.DurationInput
}

/** What one supervisor works with. What it remembers is convenience: whoever starts another finds all that matters in the log. */
export interface Supervision<E, R> {
  readonly team: TeamKey
  readonly policy: TeamPolicy<E, R>
  readonly strategy: Strategy
  readonly observe: boolean
  readonly stableMs: number
  readonly readyWithin: Duration.DurationInput | null
  readonly transport: Transport
  readonly providers: LoadedProviders
  readonly pace: { readonly before: (credential: string) => Effect.Effect<void> }
  readonly say: Say
  readonly memory: Memory
}

/** By agent and generation. */
export interface Memory {
  /** When the restart of a death is due, in milliseconds since the epoch. */
  readonly due: Map<string, number>
  /** When it was waited long enough for a death, by the clock that nobody sets. */
  readonly waited: Map<string, number>
  /** How often a restart of a death came to nothing. */
  readonly tries: Map<string, number>
  /** What was said once: a team that is stopped, a command that goes first, a death that is only watched. */
  readonly said: Set<string>
}

export const nothingRemembered = (): Memory => ({ due: new Map(), waited: new Map(), tries: new Map(), said: new Set() })

/** Names a death for the memory. */
export const deathKey = ({ generation, spec }: AgentState): string => `${spec.id}/${generation}`

/** Says something once as long as it is remembered; answers whether it was said now. */
export const sayOnce = ({ memory, say }: Pick<Supervision<unknown, unknown>, "memory" | "say">, key: string, sentence: string) =>
  Effect.suspend(() => {
    if (memory.said.has(key)) return Effect.succeed(false)
    memory.said.add(key)
    return Effect.as(say(sentence), true)
  })

/** The deaths that the log does not have yet. */
export const exits = (team: TeamState, deaths: ReadonlyArray<Death>): ReadonlyArray<Event> =>
  deaths.flatMap(({ agent, cause, evidence, exit }): ReadonlyArray<Event> =>
    agent.phase !== "spawned" && agent.phase !== "running" ? [] : [{
      type: "agent.exited",
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      exit,
      evidence,
      ...cause._tag === "Limit" ? { kind: cause.kind } : {}
    }])

export const append = (events: ReadonlyArray<Event>): Effect.Effect<void, AppendError, EventLog> =>
  events.length === 0 ? Effect.void : Effect.flatMap(EventLog, (log) => Effect.asVoid(log.append(events)))

/** How a death is named in a sentence. */
export const named = (team: TeamState, { agent, cause, exit }: Death): string => {
  const { code = null, signal = null } = exit ?? {}
  const how = signal !== null && signal > 0 ? `signal ${signal}` : code !== null ? `exit code ${code}` : "how, nobody saw"
  return `${team.key}/${agent.spec.id} died (${how}; ${cause.why})`
}

/** Deaths that nothing is done about, written down and said, once for each. */
export const leave = (
  supervision: Pick<Supervision<unknown, unknown>, "memory" | "observe" | "say">,
  team: TeamState,
  left: ReadonlyArray<{ readonly death: Death; readonly code: string; readonly why: string }>
) =>
  Effect.gen(function*() {
    const { memory, observe, say } = supervision
    const news = left.filter(({ death }) => !observe || !memory.said.has(`left/${deathKey(death.agent)}`))
    if (news.length === 0) return
    yield* append([
      ...exits(team, news.map(({ death }) => death)),
      ...news.map(({ code, death: { agent }, why }): Event => {
        const scope = { team: team.key, agent: agent.spec.id, generation: agent.generation }
        return observe
          ? { type: "supervision.observed", team: team.key, would: "leave", agents: [agent.spec.id], why: [why], until: null }
          : { type: "supervision.left", ...scope, code, why }
      })
    ])
    for (const { death } of news) memory.said.add(`left/${deathKey(death.agent)}`)
    for (const why of new Set(news.map((each) => each.why))) {
      const ids = news.flatMap((each) => each.why === why ? each.death.agent.spec.id : [])
      yield* say(
        `${ids.map((id) => `${team.key}/${id}`).join(", ")} ended and ${ids.length === 1 ? "is left as it is" : "are left as they are"}: ` +
          `${why.replace(/\.*$/, "")}. To bring ${ids.length === 1 ? "it" : "them"} back: reprise restart ${ids.join(" ")} --team ${team.key}`
      )
    }
  })
