import type { Watch } from "./watch.ts"

// Which conversation an agent comes back in.

/** Rule 4: an agent is not continued in one conversation while another, which its user went over to, holds words. */
export const resumesTheNewest = (): Watch => (fact) => {
  if (fact.kind !== "writes") return null
  const { event } = fact
  if (event.type !== "agent.spawn_intended" || event.mode !== "resume" || fact.holds.length === 0) return null
  return event.session_id === null || event.session_id === undefined || fact.holds.includes(event.session_id)
    ? null
    : `${event.agent} was continued in ${event.session_id}, and its user had gone over to ${fact.holds.join(", ")}`
}
