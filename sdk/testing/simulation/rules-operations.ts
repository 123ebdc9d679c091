import { commands, key, type Watch } from "./watch.ts"

// What a restart promises beyond its own life: whoever finishes it keeps it.

/** A restart of all or none, with whoever goes on with it or takes it back. */
interface Promised {
  readonly team: string
  readonly meant: ReadonlySet<string>
  readonly livedBefore: ReadonlySet<string>
  /** Whom the world ended meanwhile: they can't be told from those who never came back. */
  readonly ended: Set<string>
}

const named = (agents: Iterable<string>): string => [...agents].join(", ")

const broken = ({ ended, livedBefore, meant }: Promised, living: ReadonlyArray<string>, how: string): string | null => {
  const absent = [...meant].filter((agent) => !living.includes(agent) && !ended.has(agent))
  const more = [...meant].filter((agent) => living.includes(agent) && !livedBefore.has(agent))
  return absent.length === 0 || more.length === 0
    ? null
    : `a restart of all or none is over (${how}), and ${named(more)} came up while ${named(absent)} did not`
}

/**
 * Rule 2: what was decided for all of them is done for all of them, or taken back. When such a restart is over, all whom it
 * was to bring back live, or nobody of them who did not live before. Nothing is demanded where a person asked for something
 * else before it was over, or named some of them only.
 */
export const bringsBackAllOrNone = (): Watch => {
  const open = new Map<string, Promised>()
  const continued = new Map<string, Promised>()
  const paused = new Set<string>()
  /** Whom the world ended since a process began. */
  const endedSince = new Map<string, Set<string>>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "begins") endedSince.set(fact.by, new Set())
    if (fact.kind === "happens") {
      for (const ended of [...endedSince.values(), ...[...open.values()].map((promised) => promised.ended)]) {
        for (const agent of fact.ended ?? []) ended.add(agent)
      }
    }
    if (fact.kind !== "writes") return null
    const { event, living = [] } = fact
    if (event.type === "team.recorded") {
      for (const { id, paused: waits } of event.spec.agents) if (waits) paused.add(id)
    }
    if (event.type === "operation.started") {
      const before = continued.get(event.operation)
      // One that nobody goes on with is over, too.
      const [left, promise] = [...open].find(([, { team }]) => team === event.team) ?? []
      if (left !== undefined) open.delete(left)
      const wrong = promise === undefined ? null : broken(promise, living, "it was left")
      if (wrong !== null) return wrong
      if (event.kind !== "restart" || (before !== undefined && command?.agents !== null)) return null
      if (before !== undefined) open.set(event.operation, before)
      else if (command?.allOrNone === true) {
        const meant = new Set(event.agents.filter((agent) => !paused.has(agent)))
        // Who died since it looked lived before, as far as it can know.
        const ended = new Set(endedSince.get(fact.by))
        open.set(event.operation, { team: event.team, meant, livedBefore: new Set([...living, ...ended]), ended })
      }
    }
    if (event.type !== "operation.finished") return null
    const promised = open.get(event.operation)
    if (promised === undefined) return null
    open.delete(event.operation)
    const [, next] = /^continued_by (.*)$/.exec(event.outcome) ?? []
    if (next !== undefined) {
      continued.set(next, promised)
      return null
    }
    return event.outcome.startsWith("ended_by") ? null : broken(promised, living, event.outcome)
  }
}

/** Rule 6: what waits for an agent that goes on is not given out where its work is not open any more. */
export const redoesNothing = (): Watch => {
  const resumed = new Set<string>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "writes" && fact.event.type === "agent.spawn_intended") {
      const { agent, mode, team } = fact.event
      if (mode === "resume") resumed.add(key(team, agent))
      else resumed.delete(key(team, agent))
    }
    return fact.kind === "types" && command?.workDone === true && resumed.has(key(command.team ?? "", fact.agent))
      ? `${fact.text} was typed into ${fact.agent}, whose work is not open any more`
      : null
  }
}

/** Rule 7: an agent that was at work when an unconfirmed restart began is not interrupted by it. */
export const interruptsNoWork = (): Watch => {
  const heardAt = new Map<string, number>()
  const beganAt = new Map<string, number>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "begins") beganAt.set(fact.by, fact.at)
    if (fact.kind === "hears") heardAt.set(fact.agent, fact.at)
    if (fact.kind !== "stops" || !fact.atWork || command?.unconfirmed !== true) return null
    return (heardAt.get(fact.agent) ?? Infinity) < (beganAt.get(fact.by) ?? -Infinity)
      ? `${fact.agent} was ended in the middle of its work, and no person had confirmed that`
      : null
  }
}
