import { commands, key, type Watch } from "./watch.ts"

// What becomes of processes that agents detach from themselves.

interface Left {
  readonly team: string
  readonly agent: string
  readonly generation: number
}

/** Rule 3: what an ended generation of an agent left behind does not go on unseen beside the next one, or after a down. */
export const leavesNothingUnseen = (): Watch => {
  const living = new Map<number, Left>()
  /** Named in the log with the reason why they were left alone. */
  const named = new Set<number>()
  const started = new Map<string, Map<string, number>>()
  const blind = new Set<string>()
  const commandOf = commands()
  const name = (sentences: ReadonlyArray<string>): void => {
    for (const pid of living.keys()) if (sentences.some((sentence) => sentence.includes(`process ${pid} `))) named.add(pid)
  }
  return (fact) => {
    const command = commandOf(fact)
    switch (fact.kind) {
      case "leaves":
        living.set(fact.pid, fact)
        return null
      case "clears":
        living.delete(fact.pid)
        return null
      case "boots":
        living.clear()
        return null
      case "hidden":
        blind.add(fact.by)
        return null
      case "writes": {
        const { event } = fact
        if (event.type === "agent.leftovers") name([...event.spared, ...event.survivors])
        if (event.type === "agent.spawn_intended") {
          const own = started.get(fact.by) ?? new Map<string, number>()
          started.set(fact.by, own.set(key(event.team, event.agent), event.generation))
        }
        return null
      }
      case "ends": {
        if (blind.has(fact.by)) return null
        name(fact.leftAlone ?? [])
        const own = started.get(fact.by)
        const unseen = [...living].find(([pid, { agent, generation, team }]) =>
          !named.has(pid) && (command?.command === "down"
            ? fact.ok && command.team === team
            : generation < (own?.get(key(team, agent)) ?? 0)))
        return unseen === undefined ? null : `process ${unseen[0]} of generation ${unseen[1].generation} of ${unseen[1].agent} went on unseen after ${command?.command}`
      }
      default:
        return null
    }
  }
}

/** Rule 7: what an agent left is left alone while that agent lives, and where a person may be in it. */
export const sparesChildren = (): Watch => (fact) => {
  if (fact.kind !== "clears") return null
  const ended = `process ${fact.pid}, which ${fact.agent} had started, was ended`
  if (fact.parentLives) return `${ended} while ${fact.agent} lived`
  return fact.inTerminal ? `${ended}, and it had a terminal of its own` : null
}
