import type { Event } from "../../domain/event.ts"
import type { Fact } from "./facts.ts"
import { commands, type Watch } from "./watch.ts"

// A log that is not the current state of its workspace authorises nothing.

/** What a fact does to agents or records of them; null where it does nothing. */
const changeOf = (fact: Fact): string | null => {
  switch (fact.kind) {
    case "spawns":
      return `${fact.agent} was started`
    case "stops":
      return fact.lived ? `${fact.agent} was ended` : null
    case "takes":
      return `${fact.agent}, which a person had started, was ended`
    case "types":
      return `${fact.agent} was typed into`
    case "writes":
      return fact.lifecycle ? `${fact.event.type} was written` : null
    default:
      return null
  }
}

/** What an operation begins with. */
const begins: ReadonlySet<string> = new Set<Event["type"]>(["team.recorded", "operation.started", "lifecycle.shutdown.started"])

/** Rule 1: a log that is older than what was recorded after it proves nothing of what lives now. */
export const obeysNoOlderLog = (): Watch => {
  let older: { readonly marked: boolean } | null = null
  /** Commands that began since, and those that asked what lives and were not told. */
  const [begun, blind] = [new Set<string>(), new Set<string>()]
  return (fact) => {
    if (fact.kind === "put back") older = null
    if (fact.kind === "rolled back") {
      older = fact
      begun.clear()
    }
    if (fact.kind === "begins") begun.add(fact.by)
    if (fact.kind === "sees" && fact.agent === null && fact.state === "unknown") blind.add(fact.by)
    const change = older === null ? null : changeOf(fact)
    if (older === null || change === null || !begun.has(fact.by)) return null
    // Without a marker only the live processes show it. A down that can't see them goes on, and records that it finished.
    const isKnown = older.marked || (!blind.has(fact.by) && (fact.kind !== "writes" || begins.has(fact.event.type)))
    return isKnown ? `${change} by a log that is older than what was recorded after it` : null
  }
}

/** Rule 7: what belongs to the original of a copied workspace is left alone. */
export const sparesTheOriginal = (): Watch => {
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    const change = command?.copied === true ? changeOf(fact) : null
    return change === null ? null : `${change} by a command in a copy of its workspace`
  }
}
