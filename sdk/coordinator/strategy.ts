import type { Strategy } from "../domain/event.ts"
import type { AgentHistory } from "../domain/history.ts"
import type { AgentId } from "../domain/ids.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"

/** Whether a strategy may restart an agent for the sake of another: it was started, by us, and nobody ended it. */
const mayJoin = ({ adopted, phase, removed, spec }: AgentState): boolean =>
  !removed && !spec.paused && adopted === null && phase !== "absent" && phase !== "stopped"

/**
 * Who is restarted when these die: they alone, the whole team, or they and whoever stands after the first of them in the
 * team file. Who was given up, now or before, stays so. In the order of the file. Pure.
 */
export const restartedBy = (
  strategy: Strategy,
  team: TeamState,
  died: ReadonlyArray<AgentId>,
  left: ReadonlyArray<AgentId> = []
): ReadonlyArray<AgentId> => {
  if (strategy === "oneForOne") return died
  const first = strategy === "oneForAll" ? 0 : team.agents.findIndex(({ spec }) => died.includes(spec.id))
  const givenUp = (agent: AgentState): boolean =>
    left.includes(agent.spec.id) || team.supervision.givenUp.some((given) => given.agent === agent.spec.id && given.generation === agent.generation)
  return team.agents.flatMap((agent, at) =>
    died.includes(agent.spec.id) || (at >= first && mayJoin(agent) && !givenUp(agent)) ? agent.spec.id : []
  )
}

/**
 * How many of an agent's newest starts, one after the other, were made because it had died, and did not last. A launch,
 * a person's restart or a time of health begins anew. Pure.
 */
export const shortLived = ({ starts }: AgentHistory, diedAt: number, stableMs: number): number => {
  const at = starts.findLastIndex((start, index) => {
    if (start.cause === "launch" || start.cause === "person") return true
    const end = start.endedAt !== null ? Date.parse(start.endedAt) : index === starts.length - 1 ? diedAt : null
    const lived = start.readyAt === null || end === null ? 0 : end - Date.parse(start.readyAt)
    return lived >= stableMs
  })
  return starts.length - 1 - at
}
