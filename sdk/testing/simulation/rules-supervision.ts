import type { Event } from "../../domain/event.ts"
import type { Fact } from "./facts.ts"
import { commands, key, type Watch } from "./watch.ts"

// What a supervisor may do, who acts where nobody looks.

/** Failures that are a wait, and no crash. */
const waits: ReadonlySet<string> = new Set(["usage_limit", "auth"])

/** That a start came to nothing, and nobody can say why: what its process said, nobody saw. */
const isUnseen = (event: Event): event is Extract<Event, { type: "agent.spawn_failed" }> =>
  event.type === "agent.spawn_failed" && !waits.has(event.failure.kind)

/** Who ended for a limit, and was not started since: what follows is no restart after a crash. */
const waiting = () => {
  const waited = new Set<string>()
  /** Takes a fact in; answers whether it is a start that follows a wait. */
  return (fact: Fact): boolean => {
    if (fact.kind === "limited" && fact.ended) waited.add(fact.agent)
    if (fact.kind !== "writes") return false
    const { event } = fact
    if ((event.type === "agent.failed" || event.type === "agent.spawn_failed") && waits.has(event.failure.kind)) waited.add(event.agent)
    if (isUnseen(event)) waited.delete(event.agent)
    return event.type === "agent.spawn_intended" && waited.delete(event.agent)
  }
}

/** Rule 5: what a supervisor did is in the log, so that none of them, one after the other, restarts without end. */
export const countsRestarts = (): Watch => {
  const made = new Map<string, Array<{ readonly operation: string; readonly at: number }>>()
  const commandOf = commands()
  const followsWait = waiting()
  return (fact) => {
    const command = commandOf(fact)
    if (followsWait(fact) || fact.kind !== "writes") return null
    const { event } = fact
    if (event.type === "budget.cleared") made.delete(event.agent)
    if (event.type !== "agent.spawn_intended" || command?.command !== "supervise" || command.budget === null) return null
    const { perMs, restarts } = command.budget
    const before = made.get(event.agent) ?? []
    // An operation restarts an agent once, however often it has to start it, and whoever finishes it.
    const operation = event.operation ?? event.spawn
    if (!before.some((other) => other.operation === operation)) before.push({ operation, at: fact.at })
    made.set(event.agent, before)
    const count = before.filter(({ at }) => at > fact.at - perMs).length
    return count > restarts ? `${event.agent} was restarted ${count} times within ${perMs} ms by supervisors, and may be ${restarts} times` : null
  }
}

export const exhaustsOnce = (): Watch => {
  const said = new Map<string, number>()
  return (fact) => {
    if (fact.kind !== "writes") return null
    const { event } = fact
    if (event.type === "budget.cleared") said.delete(event.agent)
    if (event.type !== "supervision.exhausted") return null
    const before = said.get(event.agent)
    said.set(event.agent, event.generation)
    return before === event.generation ? `that the budget of ${event.agent} is spent was said twice of generation ${event.generation}` : null
  }
}

/** Rule 5: who can't work before a time that its CLI named is not started before it; where it named none, by a person only. */
export const waitsForLimits = (): Watch => {
  const limits = new Map<string, number>()
  /** Said by a CLI that lives on: known to those who saw it. */
  const shown = new Map<string, number>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "boots" || (fact.kind === "happens" && (fact.ended?.length ?? 0) > 1)) {
      limits.clear()
      shown.clear()
    }
    if (fact.kind === "limited") (fact.ended ? limits : shown).set(fact.agent, fact.until ?? Infinity)
    if (fact.kind !== "writes") return null
    const { event } = fact
    if (event.type === "agent.failed") {
      const until = shown.get(event.agent)
      if (until !== undefined && waits.has(event.failure.kind)) limits.set(event.agent, until)
    }
    if (isUnseen(event)) limits.delete(event.agent)
    if (event.type !== "agent.spawn_intended") return null
    const until = limits.get(event.agent)
    limits.delete(event.agent)
    shown.delete(event.agent)
    return command?.command === "supervise" && until !== undefined && fact.at < until
      ? `${event.agent} was started ${until === Infinity ? "by a supervisor" : `${Math.ceil(until - fact.at)} ms`} before what its CLI waits for ends`
      : null
  }
}

/** Rule 5: only restarts that follow a crash are counted, and a wait is none. */
export const countsCrashesOnly = (): Watch => {
  const counted = new Map<string, Set<string>>()
  const launches = new Set<string>()
  /** One that was found spent stays so until it is cleared. */
  const spent = new Set<string>()
  const followsWait = waiting()
  return (fact) => {
    if (followsWait(fact) || fact.kind !== "writes") return null
    const { event } = fact
    switch (event.type) {
      case "operation.started":
        if (event.kind === "launch") launches.add(event.operation)
        return null
      case "agent.spawn_intended": {
        const operation = event.operation ?? event.spawn
        if (!launches.has(operation)) counted.set(event.agent, new Set([...counted.get(event.agent) ?? [], operation]))
        return null
      }
      case "budget.cleared":
        spent.delete(event.agent)
        return null
      case "budget.exceeded": {
        const count = counted.get(event.agent)?.size ?? 0
        const known = spent.has(event.agent)
        spent.add(event.agent)
        return known || event.scope !== "agent" || count >= event.restarts
          ? null
          : `the budget of ${event.agent} was found spent after ${count} of ${event.restarts} restarts that followed no wait`
      }
      default:
        return null
    }
  }
}

/** Rule 2: after a boot it is decided, and once, and what was decided holds until a person asks for something else. */
export const decidesOncePerBoot = (): Watch => {
  const decided = new Set<string>()
  const held = new Set<string>()
  const known = new Set<string>()
  /** Teams of which nobody decided since the boot, nor asked for them. */
  const undecided = new Set<string>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "boots") {
      held.clear()
      for (const team of known) undecided.add(team)
    }
    if (fact.kind !== "writes") return null
    const { event } = fact
    const bySupervisor = command?.command === "supervise"
    if (event.type === "team.recorded") known.add(event.team)
    if (event.type === "boot.decided") undecided.delete(event.team)
    if (event.type === "operation.started" && !bySupervisor) {
      held.delete(event.team)
      undecided.delete(event.team)
    }
    if (event.type === "agent.spawn_intended" && bySupervisor && undecided.has(event.team)) {
      return `${event.agent} was started by a supervisor after a boot, and nobody had decided that it should be`
    }
    if (event.type === "agent.spawn_intended" && bySupervisor && held.has(event.team)) {
      return `${event.agent} was started by a supervisor, and after this boot its team was to be left as it is`
    }
    if (event.type !== "boot.decided") return null
    const boot = key(event.team, event.boot_id)
    if (event.decision === "hold") held.add(event.team)
    if (decided.has(boot)) return `what follows the boot ${event.boot_id} was decided twice for team ${event.team}`
    decided.add(boot)
    return null
  }
}

/** Rule 7: what a person stopped stays stopped, until a person starts it. */
export const staysStopped = (): Watch => {
  const stopped = new Set<string>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind !== "writes") return null
    const { event } = fact
    if (event.type === "lifecycle.shutdown.started") stopped.add(event.team)
    else if (event.type === "operation.started" && command?.command !== "supervise" && event.kind !== "shutdown") stopped.delete(event.team)
    return event.type === "agent.spawn_intended" && command?.command === "supervise" && stopped.has(event.team)
      ? `${event.agent} was started by a supervisor, and a person had stopped its team`
      : null
  }
}
