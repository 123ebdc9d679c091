import { basename } from "node:path"
import { namePattern } from "../domain/ids.ts"
import type { RecognisedProcess } from "../plugin/provider-driver.ts"
import type { SeenProcess } from "./adopt-processes.ts"

// Which of the processes that providers knew may become agents. Only what can be told exactly: everything else is left
// out, with the reason.

/** A process that a provider knew for one of its CLI. */
export interface Recognised {
  readonly process: SeenProcess
  readonly provider: string
  readonly said: RecognisedProcess
}

/** One that can become an agent: which conversation it is in is certain. */
export interface Adoptable extends Recognised {
  readonly sessionId: string
}

/** One that can't, and why. */
export interface LeftOut {
  readonly pid: number
  readonly provider: string | null
  /** A sentence's worth. */
  readonly reason: string
}

/** What there is to weigh them against. */
export interface AdoptGround {
  readonly workspace: string
  /** Whether processes that are elsewhere than below the workspace are meant, too. */
  readonly everywhere: boolean
  /** The pids that were named; null: all. */
  readonly only: ReadonlySet<number> | null
  /** This command and everything that it descends from. */
  readonly callers: ReadonlySet<number>
  /** Processes of agents that the log knows, by pid, as `team/agent`. */
  readonly agents: ReadonlyMap<number, string>
  /** Who holds a session, by `provider/id`, as `team/agent`. */
  readonly holders: ReadonlyMap<string, string>
  /** The pids from which one descends, itself among them. */
  readonly ancestors: (pid: number) => ReadonlySet<number>
}

export interface Choice {
  /** Oldest first. */
  readonly adoptable: ReadonlyArray<Adoptable>
  readonly leftOut: ReadonlyArray<LeftOut>
  /** How many are not below the workspace, and were not asked for. */
  readonly elsewhere: number
}

/** Whether a path is a directory or below it. */
export const isBelow = (directory: string, path: string | null): boolean =>
  path !== null && (path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`))

const sessionKey = ({ provider, said }: Recognised): string => `${provider}/${said.sessionId ?? ""}`

const reasonAgainst = (
  one: Recognised,
  all: ReadonlyArray<Recognised>,
  { agents, ancestors, callers, holders }: AdoptGround
): string | null => {
  const { process: { env, pid }, said } = one
  if (callers.has(pid)) return "this very command was started from it, so it is the leader's own and stays its own"
  const agent = agents.get(pid)
  if (agent !== undefined) return `it is the agent ${agent} already, or was started by it`
  const [team, name, workspace] = [env["REPRISE_TEAM"], env["REPRISE_AGENT"], env["REPRISE_WORKSPACE"]]
  if (team !== undefined && name !== undefined && workspace !== undefined) {
    return `its environment says that it is, or was started by, the agent ${team}/${name} of ${workspace}`
  }
  const above = ancestors(pid)
  const parent = all.find((other) => other.process.pid !== pid && above.has(other.process.pid))
  if (parent !== undefined) return `it was started by process ${parent.process.pid}, which is one of ${parent.provider}`
  if (said.sessionId === null) return `its session can't be told: ${said.evidence.replace(/\.$/, "")}`
  const holder = holders.get(sessionKey(one))
  if (holder !== undefined) return `its session ${said.sessionId} belongs to the agent ${holder}`
  const twin = all.find((other) =>
    other.process.pid !== pid && sessionKey(other) === sessionKey(one) && !ancestors(other.process.pid).has(pid)
  )
  return twin === undefined ? null : `process ${twin.process.pid} says that it is in the same session ${said.sessionId}`
}

/** Chooses; pure. */
export const chooseAdoptable = (recognised: ReadonlyArray<Recognised>, ground: AdoptGround): Choice => {
  const inReach = ({ process, said }: Recognised): boolean =>
    ground.everywhere || isBelow(ground.workspace, process.cwd) || isBelow(ground.workspace, said.cwd) ||
    ground.only?.has(process.pid) === true
  const adoptable: Array<Adoptable> = []
  const leftOut: Array<LeftOut> = []
  let elsewhere = 0
  const age = ({ process }: Recognised): number => Number(process.startTime.split("@")[0]) || 0
  for (const one of recognised.toSorted((a, b) => age(a) - age(b) || a.process.pid - b.process.pid)) {
    if (!inReach(one)) {
      elsewhere += 1
      continue
    }
    const { process: { pid }, provider, said: { sessionId } } = one
    const reason = reasonAgainst(one, recognised, ground) ??
      (ground.only !== null && !ground.only.has(pid) ? "it was not named" : null)
    if (reason !== null || sessionId === null) leftOut.push({ pid, provider, reason: reason ?? "its session can't be told" })
    else adoptable.push({ ...one, sessionId })
  }
  return { adoptable, leftOut, elsewhere }
}

/** A name that ids and team keys may have, nearest to a text; `otherwise` where nothing of it can stand. */
export const nameFrom = (text: string, otherwise: string): string => {
  const name = text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "").slice(0, 50).replace(/-+$/, "")
  return namePattern.test(name) ? name : otherwise
}

/** The team's name where none was given: its workspace's, with a number where that is taken. */
export const teamNameFor = (workspace: string, taken: ReadonlySet<string>): string => {
  const base = nameFrom(basename(workspace), "team")
  let name = base
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`
  return name
}

/** An id for each: the provider's name with a number. */
export const idsFor = (adoptable: ReadonlyArray<Adoptable>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  return adoptable.map(({ provider }) => {
    const base = nameFrom(provider, "agent")
    const n = (counts.get(base) ?? 0) + 1
    counts.set(base, n)
    return `${base}-${n}`
  })
}
