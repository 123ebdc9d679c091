import type { Event } from "../domain/event.ts"
import type { SupervisionState } from "./TeamState.ts"

type GivenUp = SupervisionState["givenUp"][number]

const without = (state: SupervisionState, agent: string): ReadonlyArray<GivenUp> =>
  state.givenUp.filter((given) => given.agent !== agent)

const giveUp = (state: SupervisionState, given: GivenUp): SupervisionState => ({
  ...state,
  givenUp: [...without(state, given.agent), given]
})

/**
 * What an event changes of what supervisors said; the same value where it changes nothing. Whoever starts an agent, or
 * clears its budget, has answered: it is watched again. Pure.
 */
export const foldSupervision = (state: SupervisionState, event: Event, at: string): SupervisionState => {
  switch (event.type) {
    case "supervision.enabled":
      return { ...state, enabled: { strategy: event.strategy, policy: event.policy, since: at } }
    case "supervision.disabled":
      return { ...state, enabled: null }
    case "supervision.left":
      return giveUp(state, { agent: event.agent, generation: event.generation, code: event.code, why: event.why })
    case "supervision.exhausted":
      return giveUp(state, { agent: event.agent, generation: event.generation, code: "exhausted", why: event.why })
    case "agent.spawn_intended":
    case "budget.cleared":
      return state.givenUp.some(({ agent }) => agent === event.agent) ? { ...state, givenUp: without(state, event.agent) } : state
    default:
      return state
  }
}
