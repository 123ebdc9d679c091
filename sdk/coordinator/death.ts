import { startedBeforeBoot } from "../domain/boot.ts"
import type { AgentFailure, FailureKind } from "../domain/failure.ts"
import type { ProcessExit } from "../domain/pane.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { AgentObservation } from "../lifecycle/observe.ts"
import { waitOf, waits, waitsUntil } from "../lifecycle/waits.ts"
import type { Provider } from "../plugin/PluginHost.ts"

/** What is to be thought of a death. */
export type Cause =
  /** It ended by itself: what supervision is for. */
  | { readonly _tag: "Crash"; readonly why: string }
  /** It can't work before then, and that is no crash. */
  | { readonly _tag: "Limit"; readonly kind: FailureKind; readonly until: number; readonly why: string }
  /** It went with the place that it lived in, and nobody knows whether that was meant. */
  | { readonly _tag: "Home"; readonly boot: boolean; readonly why: string }
  /** For a person to see to: an end that was asked for, or one that another start can't mend. */
  | { readonly _tag: "Leave"; readonly code: string; readonly why: string }

/** An agent that is proved dead and was not stopped. */
export interface Death {
  readonly agent: AgentState
  readonly exit: ProcessExit | null
  readonly evidence: string
  /** When it became known, in milliseconds since the epoch. */
  readonly at: number
  readonly cause: Cause
}

interface Ground {
  readonly homeGone: boolean
  /** The id of the machine's present boot; null where it has none. */
  readonly boot: string | null
  readonly provider: Provider | undefined
  readonly now: number
}

const shortestWaitMs = 60_000
const longestWaitMs = 60 * 60_000

/** How many of the newest deaths, one after the other, were for a limit. */
const limitsInARow = ({ history: { deaths } }: AgentState): number => {
  const other = deaths.findLastIndex(({ kind }) => kind === null || !waits.has(kind))
  return deaths.length - 1 - other
}

/** Whether the process was started before the machine's present boot; false where that can't be told. */
export const beforeBoot = ({ spawn }: Pick<AgentState, "spawn">, boot: string | null): boolean =>
  startedBeforeBoot(spawn?.pane?.startTime ?? "", boot)

const recordedAlive = ({ phase }: AgentState): boolean => phase === "intended" || phase === "spawned" || phase === "running"

const words = (text: string): string => text.replace(/\.*$/, "")

/** The clock by which the wait was said was ahead by so much: what it says of an end is so much later. */
const aheadBy = (agent: AgentState, now: number): number => {
  const known = agent.history.deaths.findLast(({ generation }) => generation === agent.generation)
  return known === undefined ? 0 : Math.max(0, Date.parse(known.at) - now)
}

const limitOf = (agent: AgentState, wait: AgentFailure, at: number, now: number): Extract<Cause, { _tag: "Limit" | "Leave" }> => {
  const why = `${wait.kind.replaceAll("_", " ")}: ${words(wait.reason)}`
  if (wait.retryAt === null) {
    return { _tag: "Leave", code: wait.kind, why: `${why}; nothing says when that ends, so it is not started by itself` }
  }
  // A time that is said again and again, and never true, must not become a loop.
  const atLeast = Math.min(longestWaitMs, shortestWaitMs * 2 ** Math.max(0, limitsInARow(agent) - 1))
  return { _tag: "Limit", kind: wait.kind, until: Math.max(waitsUntil(wait) - aheadBy(agent, now), at + atLeast), why }
}

const causeOf = (agent: AgentState, exit: ProcessExit | null, at: number, { boot, homeGone, now, provider }: Ground): Cause => {
  if (agent.adopted !== null) {
    return { _tag: "Leave", code: "a_persons", why: "a person had started its process, and it may have been them who ended it" }
  }
  const wait = waitOf(agent, exit, provider)
  const limit = wait === null ? null : limitOf(agent, wait, at, now)
  // Whoever is started with the others after a boot would be so before its time.
  if (limit !== null && (limit._tag === "Leave" || limit.until > now)) return limit
  if (beforeBoot(agent, boot)) return { _tag: "Home", boot: true, why: "the machine came up again since it was started" }
  if (homeGone && recordedAlive(agent)) {
    return { _tag: "Home", boot: false, why: "it went with the place that the team lives in, and whether that was meant is unknown" }
  }
  const failed = agent.phase === "failed" ? agent.failure : null
  const failure = failed ?? provider?.explainExit({ exit, lines: [] }) ?? null
  if (limit !== null) return limit
  // A CLI that was ready and ends with status 0 was told to: its own way out. One that nobody saw end has no status.
  const wasReady = agent.spawn !== null && agent.spawn.readyAt !== null
  if (exit?.code === 0 && (exit.signal ?? 0) === 0 && wasReady) {
    // It is not known whether the text ended it, but a person typed it: that is told, and no restart undoes their wish.
    const raw = agent.rawMessage === null ? "" : `; the last text that was typed raw into it was message ${agent.rawMessage}`
    return { _tag: "Leave", code: "asked_for", why: `it had been ready and ended with status 0, as one does that is told to${raw}` }
  }
  return failed !== null && !failed.retryable
    ? { _tag: "Leave", code: failed.kind, why: `another start can't mend it: ${words(failed.reason)}` }
    : { _tag: "Crash", why: words(failure?.reason ?? "how it ended is not known") }
}

/**
 * Reads what was seen of an agent: null unless it is proved dead and nobody stopped it. What can't be told is no death.
 * Pure.
 */
export const readDeath = (agent: AgentState, seen: AgentObservation | undefined, ground: Ground): Death | null => {
  if (agent.removed || agent.spec.paused || agent.phase === "stopped" || agent.phase === "absent") return null
  if (seen?.process.state !== "dead") return null
  const exit = seen.exit ?? agent.exit
  const known = agent.history.deaths.findLast(({ generation }) => generation === agent.generation)
  // The clock may have been set back since: a recorded time in the future counts as now.
  const at = known === undefined ? ground.now : Math.min(Date.parse(known.at), ground.now)
  return { agent, exit, evidence: seen.process.evidence, at, cause: causeOf(agent, exit, at, ground) }
}
