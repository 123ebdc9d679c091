import { commands, type Watch } from "./watch.ts"

// Which conversation an agent comes back in.

/** Rule 4: no conversation is left behind without a grant and a record. */
export const dropsNothing = (): Watch => {
  const released = new Map<string, number>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind !== "writes") return null
    const { event } = fact
    if (event.type === "discard.session_tombstone") {
      released.set(event.agent, fact.batch)
      return command?.grant === true ? null : `${event.agent}'s conversation was released without a grant`
    }
    if (event.type !== "agent.spawn_intended" || event.mode !== "fresh" || fact.holds.length === 0) return null
    return released.get(event.agent) === fact.batch ? null : `${event.agent} was started fresh, and ${fact.holds.join(", ")} held its user's words`
  }
}

/** Rule 4: an agent is not continued in one conversation while another, which its user went over to, holds words. */
export const resumesTheNewest = (): Watch => (fact) => {
  if (fact.kind !== "writes") return null
  const { event } = fact
  if (event.type !== "agent.spawn_intended" || event.mode !== "resume" || fact.holds.length === 0) return null
  return event.session_id === null || event.session_id === undefined || fact.holds.includes(event.session_id)
    ? null
    : `${event.agent} was continued in ${event.session_id}, and its user had gone over to ${fact.holds.join(", ")}`
}
