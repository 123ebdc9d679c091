import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Event } from "../domain/event.ts"
import { agentOf, type TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { providerAgentOf } from "../session/provider-agent.ts"
import { resumability } from "../session/resumability.ts"

/** How the agents of a new team begin: in copies of conversations, or fresh for a reason. */
export interface Copies {
  readonly events: ReadonlyArray<Event>
  /** Agents that had a conversation and begin without it, as sentences. */
  readonly fresh: ReadonlyArray<string>
}

/**
 * Lets agents of a new team begin with copies of the conversations that agents of the same id had in another workspace.
 * The conversations themselves are not resumed or changed.
 */
export const copiesFor = (
  team: TeamState,
  sources: ReadonlyArray<TeamState>,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<Copies, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const source = sources.find(({ key }) => key === team.key)
    const answers = yield* Effect.forEach(team.agents, (agent) =>
      Effect.gen(function*() {
        const none: Copies = { events: [], fresh: [] }
        const { id } = agent.spec
        const session = source === undefined ? null : agentOf(source, id)?.session ?? null
        if (session === null || agent.spec.paused) return none
        const fresh = (why: string): Copies => ({ events: [], fresh: [`${id} begins fresh: ${why}`] })
        const provider = findProvider(agent.spec.provider)
        if (provider === undefined || session.provider !== provider.name) return fresh("it has another provider now")
        if (!provider.capabilities.fork) return fresh(`${provider.name} can't copy a conversation`)
        const answer = yield* resumability(session, providerAgentOf(team, agent, "keep"), provider)
        if (answer._tag === "Unknown") return fresh(answer.why)
        if (answer._tag === "NotResumable" && answer.code !== "session_held") return fresh(answer.why)
        const event: Event = {
          type: "agent.forked",
          team: team.key,
          agent: id,
          generation: agent.generation,
          source_agent: id,
          source_session_id: session.id
        }
        return { events: [event], fresh: [] }
      }))
    return { events: answers.flatMap(({ events }) => events), fresh: answers.flatMap(({ fresh }) => fresh) }
  })
