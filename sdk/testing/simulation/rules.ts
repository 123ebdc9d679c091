import type { Fact } from "./facts.ts"
import { dropsNothing, resumesTheNewest } from "./rules-conversations.ts"
import { leavesNothingUnseen, sparesChildren } from "./rules-leftovers.ts"
import { bringsBackAllOrNone, interruptsNoWork, redoesNothing } from "./rules-operations.ts"
import { obeysNoOlderLog, sparesTheOriginal } from "./rules-workspace.ts"
import { countsCrashesOnly, countsRestarts, decidesOncePerBoot, exhaustsOnce, staysStopped, waitsForLimits } from "./rules-supervision.ts"
import { commands, key, type Watch } from "./watch.ts"

/** A rule of the design that a world broke: which, and how. */
export interface Violation {
  readonly rule: number
  readonly message: string
}

interface Rule {
  readonly number: number
  readonly name: string
  /** A rule may be watched in several ways, each with a memory of its own. */
  readonly watches: ReadonlyArray<() => Watch>
}

/** Rule 1: a failed query authorises nothing. */
const actsOnEvidence = (): Watch => {
  const listed = new Set<string>()
  const seen = new Map<string, string>()
  const own = new Set<string>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    switch (fact.kind) {
      case "sees":
        if (fact.agent !== null) seen.set(key(fact.by, fact.agent), fact.state)
        else if (fact.state !== "unknown") listed.add(fact.by)
        return null
      case "spawns": {
        own.add(key(fact.by, fact.pid))
        if (!listed.has(fact.by)) return `${fact.agent} was started, and what lives was never successfully asked`
        return seen.get(key(fact.by, fact.agent)) === "unknown" ? `${fact.agent} was started while whether it lived was unknown` : null
      }
      case "stops":
        // A person's down ends what can be named exactly, seen or not.
        return fact.lived && command?.command !== "down" && !own.has(key(fact.by, fact.pid)) &&
            seen.get(key(fact.by, fact.agent)) === "unknown"
          ? `${fact.agent} was ended while whether it lived was unknown`
          : null
      case "writes":
        return fact.event.type === "discard.session_tombstone" && (!listed.has(fact.by) || seen.get(key(fact.by, fact.event.agent)) === "unknown")
          ? `${fact.event.agent}'s conversation was let go while what lives was unknown`
          : null
      default:
        return null
    }
  }
}

/** Rule 1: a process that was stopped by a signal before a command began, and still is, is neither typed into nor replaced. */
const leavesSuspended = (): Watch => {
  const suspended = new Set<number>()
  const before = new Map<string, ReadonlySet<number>>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    const still = (pid: number): boolean => suspended.has(pid) && before.get(fact.by)?.has(pid) === true
    switch (fact.kind) {
      case "suspended":
        void (fact.now ? suspended.add(fact.pid) : suspended.delete(fact.pid))
        return null
      case "begins":
        before.set(fact.by, new Set(suspended))
        return null
      case "types":
        return still(fact.pid) ? `${fact.agent} was typed into while its process was stopped by a signal` : null
      case "stops":
        // What a person's down names is ended, whatever it does.
        return fact.lived && command?.command !== "down" && still(fact.pid)
          ? `${fact.agent} was ended while its process was stopped by a signal`
          : null
      case "spawns":
        return fact.beside.some(still) ? `${fact.agent} was started beside its process, which was stopped by a signal` : null
      default:
        return null
    }
  }
}

/** Rule 1: what the log says happened, happened. */
const writesOnlyTruth = (): Watch => {
  const texts = new Map<string, string>()
  const heard = new Set<string>()
  return (fact) => {
    if (fact.kind === "hears") heard.add(fact.text)
    if (fact.kind !== "writes") return null
    const { event } = fact
    switch (event.type) {
      case "message.accepted":
        texts.set(event.message_id, event.text)
        return null
      case "message.submitted":
      case "message.consumed": {
        const text = texts.get(event.message_id)
        // A person may have typed into the same line.
        return text === undefined || [...heard].some((words) => words.includes(text)) ? null : `${event.type} of ${text} was written, and nobody heard it`
      }
      case "agent.exited":
      case "agent.stopped":
        return fact.lives === true ? `${event.type} of ${event.agent} was written, and it lives` : null
      default:
        return null
    }
  }
}

/** Rule 2: an intent is on record before what it intends. */
const recordsBeforeActing = (): Watch => {
  const intended = new Set<string>()
  const open = new Set<string>()
  const taking = new Set<string>()
  const own = new Set<string>()
  const unwritable = new Set<string>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    switch (fact.kind) {
      case "unwritable":
        unwritable.add(fact.by)
        return null
      case "writes": {
        const { event } = fact
        if (event.type === "agent.spawn_intended") intended.add(key(fact.by, event.spawn))
        if (event.type === "operation.step" && event.step === "stop" && event.agent !== undefined) {
          if (event.phase === "intent") open.add(key(fact.by, event.agent))
          else open.delete(key(fact.by, event.agent))
        }
        if (event.type === "operation.step" && event.step === "takeover" && event.agent !== undefined && event.phase === "intent") {
          taking.add(key(fact.by, event.agent))
        }
        // Who looks keeps what it learnt of a conversation.
        return command?.command === "plan" || (command?.command === "status" && event.type !== "session.captured")
          ? `${command.command} wrote ${event.type}, and it changes nothing`
          : null
      }
      case "spawns":
        own.add(key(fact.by, fact.pid))
        return intended.has(key(fact.by, fact.token)) ? null : `${fact.agent} was started, and no intent was written before`
      case "takes":
        return taking.has(key(fact.by, fact.agent)) ? null : `${fact.agent}, which a person had started, was ended, and no intent was written before`
      case "stops":
        // A down stops a team whose log can't be written to, and says that this is not recorded.
        return !fact.lived || own.has(key(fact.by, fact.pid)) || open.has(key(fact.by, fact.agent)) ||
            (command?.command === "down" && unwritable.has(fact.by))
          ? null
          : `${fact.agent} was ended, and no intent was written before`
      default:
        return null
    }
  }
}

/** Rule 2: whoever refuses has touched nothing. */
const refusesUntouched = (): Watch => {
  const touched = new Map<string, string>()
  return (fact) => {
    if (fact.kind === "spawns" || fact.kind === "types" || fact.kind === "takes" || (fact.kind === "stops" && fact.lived)) touched.set(fact.by, `${fact.kind} ${fact.agent}`)
    const what = touched.get(fact.by)
    return fact.kind === "ends" && fact.refused && what !== undefined ? `it was refused (${fact.outcome}) after it had touched something: ${what}` : null
  }
}

/** Rule 3: one live process a session, and one session an agent. */
const oneProcess = (): Watch => (fact) => {
  if (fact.kind === "spawns" && fact.beside.length > 0) {
    return `${fact.agent} was started as ${fact.pid} beside its living process ${fact.beside.join(", ")}`
  }
  return fact.kind === "starts" && fact.shared.length > 0
    ? `session ${fact.session} has two live processes: ${fact.pid} of ${fact.agent} and ${fact.shared.join(", ")}`
    : null
}

const oneOwner = (): Watch => {
  const owners = new Map<string, string>()
  return (fact) => {
    if (fact.kind !== "writes") return null
    const { event } = fact
    if (event.type !== "discard.session_tombstone" && event.type !== "session.captured" && event.type !== "resume.session_repaired") return null
    const agent = `${event.team}/${event.agent}`
    const owner = event.session_id === null ? undefined : owners.get(event.session_id)
    for (const [session, holder] of owners) if (holder === agent) owners.delete(session)
    if (event.type === "discard.session_tombstone") return null
    owners.set(event.session_id, agent)
    if (owner !== undefined && owner !== agent) return `session ${event.session_id} of ${owner} was given to ${agent}`
    return null
  }
}

/** Rule 5: who changes a team's life holds its lease. */
const holdsTheLease = (): Watch => {
  const holders = new Map<string, string>()
  return (fact) => {
    if (fact.kind === "holds") holders.set(fact.resource, key(fact.by, fact.token))
    if (fact.kind === "releases" && holders.get(fact.resource) === key(fact.by, fact.token)) holders.delete(fact.resource)
    if (fact.kind !== "writes" || !fact.lifecycle) return null
    const holder = holders.get(`team/${fact.event.team}`)
    return holder?.startsWith(key(fact.by, "")) === true ? null : `${fact.event.type} was written by ${fact.by}, who does not hold the team's lease`
  }
}

const countsGenerations = (): Watch => {
  const generations = new Map<string, number>()
  return (fact) => {
    if (fact.kind !== "writes") return null
    if (fact.event.type === "agent.adopted") generations.set(fact.event.agent, fact.event.generation)
    if (fact.event.type !== "agent.spawn_intended") return null
    const before = generations.get(fact.event.agent) ?? 0
    generations.set(fact.event.agent, fact.event.generation)
    return fact.event.generation === before + 1
      ? null
      : `generation ${fact.event.generation} of ${fact.event.agent} follows generation ${before}`
  }
}

/** Rule 6: a message is a row first, and is typed once. */
const typesOnce = (): Watch => {
  const ids = new Map<string, string>()
  const crossed = new Set<string>()
  const [typed, heard] = [new Set<string>(), new Set<string>()]
  return (fact) => {
    switch (fact.kind) {
      case "writes":
        if (fact.event.type === "message.accepted") ids.set(fact.event.text, fact.event.message_id)
        if (fact.event.type === "message.submitting") crossed.add(fact.event.message_id)
        return null
      case "types": {
        const id = ids.get(fact.text)
        if (id === undefined) return `${fact.text} was typed into ${fact.agent}, and was never accepted`
        if (!crossed.has(id)) return `${fact.text} was typed into ${fact.agent}, and that it would be was not written before`
        if (typed.has(id)) return `${fact.text} was typed into ${fact.agent} a second time`
        typed.add(id)
        return null
      }
      case "hears": {
        if (heard.has(fact.text)) return `${fact.agent} heard ${fact.text} twice`
        heard.add(fact.text)
        return null
      }
      default:
        return null
    }
  }
}

const ranks = ["plan", "ask", "auto", "bypass"]

/** Rule 7: what is not the team's, or was not named, is left alone; permissions never grow. */
const sparesOthers = (): Watch => {
  const permissions = new Map<string, number>()
  /** The agents of each restart of all or none, and those that a command goes on with: its promise is theirs too. */
  const [promised, continued] = [new Map<string, ReadonlyArray<string>>(), new Map<string, ReadonlyArray<string>>()]
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "writes" && fact.event.type === "operation.started") {
      if (fact.event.all_or_none === true) promised.set(fact.event.operation, fact.event.agents)
      continued.set(fact.by, (fact.event.continues ?? []).flatMap((before) => promised.get(before) ?? []))
    }
    if (fact.kind === "by hand") permissions.set(fact.agent, ranks.indexOf(fact.permissions ?? "plan"))
    if (fact.kind !== "spawns" && fact.kind !== "stops") return null
    if (command !== undefined && command.inside?.team === fact.team) {
      return `${command.inside.agent}, an agent of the team, changed its life: ${fact.kind} ${fact.agent}`
    }
    if (command !== undefined && command.team !== null && fact.team !== command.team) return `${fact.agent} of team ${fact.team} was touched by a command of another team`
    if (command?.agents?.includes(fact.agent) === false && continued.get(fact.by)?.includes(fact.agent) !== true) return `${fact.agent} was touched, and only ${command.agents.join(", ")} were named`
    if (fact.kind === "stops") return fact.foreign.length === 0 ? null : `what Reprise did not start was ended: ${fact.foreign.join(", ")}`
    const rank = ranks.indexOf(fact.permissions ?? "plan")
    const before = permissions.get(fact.agent) ?? rank
    permissions.set(fact.agent, rank)
    return rank > before ? `${fact.agent} was started with ${fact.permissions ?? ""}, and had ${ranks[before] ?? ""} before` : null
  }
}

/** Rule 7: what a person started is ended where they gave leave, and nothing ends with it that they did not mean. */
const sparesPeople = (): Watch => {
  const adopted = new Map<number, { readonly team: string; readonly agent: string }>()
  const commandOf = commands()
  return (fact) => {
    const command = commandOf(fact)
    if (fact.kind === "writes" && fact.event.type === "agent.adopted") adopted.set(fact.event.pid, fact.event)
    if (fact.kind !== "takes" || command === undefined) return null
    const { agents, from, inside, takeover, team } = command
    const owner = adopted.get(fact.pid)
    const ended = `process ${fact.pid}, which a person had started, was ended`
    if (owner === undefined) return `${ended}, and it is no agent`
    if (!takeover) return `${ended}, and nobody gave leave to`
    if (inside !== null) return `${ended} by the agent ${inside.team}/${inside.agent}`
    if (from === fact.pid) return `${ended} by a command that was started from it`
    if (fact.below.length > 0) return `${ended}, and took along what runs below it: ${fact.below.join(", ")}`
    return owner.team !== team || agents?.includes(owner.agent) === false ? `${ended}, and it was not meant` : null
  }
}

/** Rule 2: what let an agent in and is missing now is found before it is started: it never comes back logged out. */
const keepsLogins = (): Watch => {
  const letIn = new Set<string>()
  return (fact) => {
    if (fact.kind !== "spawns" || fact.loggedIn === undefined) return null
    const agent = key(fact.team, fact.agent)
    if (fact.loggedIn) letIn.add(agent)
    return !fact.loggedIn && letIn.has(agent) ? `${fact.agent} was started without the variable that had let it in` : null
  }
}

/** The seven rules of the design, in their order. */
export const rules: ReadonlyArray<Rule> = [
  { number: 1, name: "No evidence is not evidence", watches: [actsOnEvidence, leavesSuspended, obeysNoOlderLog, writesOnlyTruth] },
  { number: 2, name: "Decide before you touch, record before you act", watches: [recordsBeforeActing, refusesUntouched, bringsBackAllOrNone, decidesOncePerBoot, keepsLogins] },
  { number: 3, name: "One live process per session", watches: [oneProcess, oneOwner, leavesNothingUnseen] },
  { number: 4, name: "Context is never dropped silently", watches: [dropsNothing, resumesTheNewest] },
  { number: 5, name: "State has one way in", watches: [holdsTheLease, countsGenerations, countsRestarts, countsCrashesOnly, exhaustsOnce, waitsForLimits] },
  { number: 6, name: "Accepted, submitted, consumed are three facts", watches: [typesOnce, redoesNothing] },
  { number: 7, name: "The leader is sacred, and rank holds", watches: [sparesOthers, sparesPeople, sparesChildren, sparesTheOriginal, staysStopped, interruptsNoWork] }
]

/** A watch over all rules; each fact is shown to it once, in order, and it answers with what that fact broke. */
export const watchRules = (): (fact: Fact) => ReadonlyArray<Violation> => {
  const watches = rules.flatMap(({ number, watches }) => watches.map((make) => ({ rule: number, watch: make() })))
  return (fact) =>
    fact.kind === "settles"
      ? fact.wrong.map(({ problem, rule }) => ({ rule, message: problem }))
      : watches.flatMap(({ rule, watch }) => {
        const message = watch(fact)
        return message === null ? [] : [{ rule, message }]
      })
}

/** Everything in which a world's facts break the rules; a pure function. */
export const violationsOf = (facts: ReadonlyArray<Fact>): ReadonlyArray<Violation> => facts.flatMap(watchRules())
