import type { Event } from "../domain/event.ts"
import type { FailureKind } from "../domain/failure.ts"
import { type AgentHistory, type DeathRecord, historyKept, type StartCause, type StartRecord } from "../domain/history.ts"
import type { ProcessExit } from "../domain/pane.ts"

const withStarts = ({ budgetClearedAt, budgetExceededAt, deaths }: AgentHistory, starts: ReadonlyArray<StartRecord>): AgentHistory => ({
  starts,
  deaths,
  budgetExceededAt,
  budgetClearedAt
})

/** Changes the newest start of a generation; as it was where there is none, or nothing to change. */
const changeStart = (history: AgentHistory, generation: number, change: (start: StartRecord) => StartRecord): AgentHistory => {
  const index = history.starts.findLastIndex((start) => start.generation === generation)
  const start = history.starts[index]
  if (start === undefined) return history
  const changed = change(start)
  return changed === start ? history : withStarts(history, history.starts.with(index, changed))
}

const ended = (history: AgentHistory, generation: number, at: string): AgentHistory =>
  changeStart(history, generation, (start) => start.endedAt === null ? { ...start, endedAt: at } : start)

/** A generation dies once: what is learnt later of the same death is added to it. */
const died = (
  history: AgentHistory,
  generation: number,
  at: string,
  seen: { readonly exit?: ProcessExit | null; readonly kind?: FailureKind }
): AgentHistory => {
  const index = history.deaths.findLastIndex((death) => death.generation === generation)
  const known = history.deaths[index]
  const death: DeathRecord = {
    generation,
    at: known?.at ?? at,
    exit: seen.exit ?? known?.exit ?? null,
    kind: seen.kind ?? known?.kind ?? null
  }
  return { ...history, deaths: known === undefined ? [...history.deaths, death].slice(-historyKept) : history.deaths.with(index, death) }
}

/** What an event adds to its agent's history; the same value where it adds nothing. Pure. */
export const foldHistory = (history: AgentHistory, event: Event, at: string, cause: StartCause): AgentHistory => {
  switch (event.type) {
    case "agent.spawn_intended": {
      const before = history.starts.at(-1)
      const over = before === undefined ? history : ended(history, before.generation, at)
      const start: StartRecord = {
        generation: event.generation,
        at,
        operation: event.operation ?? null,
        cause,
        readyAt: null,
        endedAt: null
      }
      return withStarts(over, [...over.starts, start].slice(-historyKept))
    }
    case "agent.ready":
      return changeStart(history, event.generation, (start) => start.readyAt === null ? { ...start, readyAt: at } : start)
    case "agent.stopped":
      return ended(history, event.generation, at)
    case "agent.spawn_failed":
      return died(ended(history, event.generation, at), event.generation, at, { kind: event.failure.kind })
    case "agent.failed":
      return died(history, event.generation, at, { kind: event.failure.kind })
    case "agent.exited":
      return died(ended(history, event.generation, at), event.generation, at, {
        exit: event.exit,
        ...event.kind === undefined ? {} : { kind: event.kind }
      })
    case "budget.exceeded":
      return { ...history, budgetExceededAt: at }
    case "budget.cleared":
      return { ...history, budgetExceededAt: null, budgetClearedAt: at }
    default:
      return history
  }
}
