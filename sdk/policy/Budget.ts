import * as Duration from "effect/Duration"
import { type AgentHistory, BudgetScope, historyKept } from "../domain/history.ts"
import { type AgentPolicy, type Decided, requiredByAny, touches } from "./AgentPolicy.ts"
import { demandAgentPolicy, demandChoice, spanMs } from "./checked.ts"
import { credentialOf, type Facts, type Life, type RosterEntry } from "./Facts.ts"
import { PolicyInvalid } from "./PolicyInvalid.ts"
import { type AnyPolicy, type TeamPolicy, teamPolicy, toTeam } from "./TeamPolicy.ts"

/** So many restarts within so long, and what happens instead of one more. */
export interface Budget<out E = never, out R = never> {
  readonly restarts: number
  readonly per: Duration.DurationInput
  /** What an agent gets whose budget is spent. */
  readonly exceeded: AgentPolicy<E, R>
  /**
   * Whose restarts count: the agent's own, the whole team's, or those of all agents of the workspace that share its login.
   * @default "agent"
   */
  readonly scope?: BudgetScope
  /** How long an agent must work without an end until what was before is forgotten. @default `per` */
  readonly healthyFor?: Duration.DurationInput
}

interface Window {
  readonly now: number
  readonly perMs: number
  readonly healthyForMs: number
}

interface Healed {
  /** The newest start after which an agent was proved to have worked long enough; -1 for none. */
  readonly start: number
  /** When that was proved, in milliseconds since the epoch; -Infinity for never. */
  readonly at: number
}

const lastHealed = (history: AgentHistory, life: Life, { healthyForMs, now }: Window): Healed =>
  history.starts.reduce<Healed>((before, start, index) => {
    if (start.readyAt === null) return before
    const last = index === history.starts.length - 1
    const until = start.endedAt !== null ? Date.parse(start.endedAt) : last && life === "alive" ? now : null
    const healthy = Date.parse(start.readyAt) + healthyForMs
    return until !== null && healthy <= until ? { start: index, at: Math.max(before.at, healthy) } : before
  }, { start: -1, at: -Infinity })

/**
 * When each start was made, at the latest: a recorded time in the future counts as now, and no start is later than its own
 * end or the start after it. The clock may have been set back between them.
 */
const startTimes = ({ starts }: AgentHistory, now: number): ReadonlyArray<number> =>
  starts.reduceRight<ReadonlyArray<number>>((later, { at, endedAt }) => [
    Math.min(Date.parse(at), later[0] ?? now, endedAt === null ? now : Date.parse(endedAt)),
    ...later
  ], [])

interface Used {
  readonly restarts: number
  /** Whether it was found spent before, and neither cleared nor outlived since; or more was done than is remembered. */
  readonly spent: boolean
}

const waits: ReadonlySet<string | null> = new Set(["usage_limit", "auth"])

const operationsOf = (starts: AgentHistory["starts"]): number =>
  new Set(starts.map(({ generation, operation }) => operation ?? generation)).size

/** When it was cleared, in milliseconds since the epoch; -Infinity for never. */
const clearedAt = ({ budgetClearedAt }: AgentHistory): number => budgetClearedAt === null ? -Infinity : Date.parse(budgetClearedAt)

/** Generations that ended for a usage limit or a login: what follows is not one more crash. */
const waitedFor = ({ deaths }: AgentHistory): ReadonlySet<number> =>
  new Set(deaths.flatMap(({ generation, kind }) => waits.has(kind) ? generation : []))

/**
 * How many restarts that followed a death ended again before they had lasted long enough to be healthy: the newest ones, one
 * after the other, however far apart they were. A launch, a person's restart or a healthy time begins a new row.
 */
export const unhealthyInARow = (history: AgentHistory, life: Life, window: Window): number => {
  const { starts } = history
  const [healed, cleared, waited, times] = [lastHealed(history, life, window), clearedAt(history), waitedFor(history), startTimes(history, window.now)]
  const begins = starts.findLastIndex(({ cause }) => cause === "launch" || cause === "person")
  return operationsOf(starts.filter(({ endedAt }, index) => {
    const before = starts[index - 1]?.generation
    const ended = endedAt !== null || index < starts.length - 1 || life === "dead"
    return index > Math.max(begins, healed.start) && ended && (times[index] ?? Infinity) > cleared && (before === undefined || !waited.has(before))
  }))
}

/**
 * How much of a budget one agent has used. A launch is no restart, an operation restarts an agent once, and what follows a
 * usage limit or a login is not one more crash.
 */
export const usedBy = (history: AgentHistory, life: Life, window: Window): Used => {
  const healed = lastHealed(history, life, window)
  const times = startTimes(history, window.now)
  const cleared = clearedAt(history)
  const waited = waitedFor(history)
  const counted = history.starts.filter(({ cause }, index) => {
    const time = times[index] ?? window.now
    const before = history.starts[index - 1]?.generation
    // Which came after which is told by their order: the clock may have been set back between them.
    return cause !== "launch" && (before === undefined || !waited.has(before)) && time > window.now - window.perMs && time > cleared && index > healed.start
  })
  // Of those before the oldest that is remembered nobody knows how many they were: what can't be counted is no leave.
  const [, oldest] = history.starts
  const uncounted = history.starts.length >= historyKept && oldest !== undefined && counted.includes(oldest)
  return {
    restarts: operationsOf(counted),
    spent: uncounted || (history.budgetExceededAt !== null && Date.parse(history.budgetExceededAt) > healed.at)
  }
}

const inScope = (scope: BudgetScope, { agent, roster }: Facts): ReadonlyArray<RosterEntry> => {
  const own = credentialOf(agent)
  return roster.filter(({ credential, id }) =>
    scope === "team" || id === agent.spec.id || (scope === "credential" && credential === own)
  )
}

/** Those of other teams that log in as the agent does. What was cleared for the agent counts for it no more, wherever it was. */
const sharingElsewhere = ({ agent, otherTeams }: Facts): ReadonlyArray<RosterEntry> => {
  const own = credentialOf(agent)
  const cleared = agent.history.budgetClearedAt
  return otherTeams.flatMap((entry): ReadonlyArray<RosterEntry> => {
    if (entry.credential !== own) return []
    const starts = entry.history.starts.filter(({ at }) => cleared === null || Date.parse(at) > Date.parse(cleared))
    // That a budget of theirs was found spent is for their own policy to say.
    return [{ ...entry, history: { ...entry.history, starts, budgetExceededAt: null } }]
  })
}

/**
 * Bounds how often agents are restarted: counted in the log, a person's restarts too. A budget that was found spent stays
 * so until it is cleared by name or the agent has worked long enough without an end.
 */
export const withBudget = <E2, R2>(
  budget: Budget<E2, R2>
): <E, R>(self: AnyPolicy<E, R>) => TeamPolicy<E | E2, R | R2> => {
  const scope = budget.scope ?? "agent"
  const perMs = spanMs("withBudget({ per })", budget.per, "more than nothing")
  const healthyForMs = budget.healthyFor === undefined ? perMs : spanMs("withBudget({ healthyFor })", budget.healthyFor, "more than nothing")
  demandChoice("withBudget({ scope })", BudgetScope.literals, scope)
  demandAgentPolicy("withBudget({ exceeded })", budget.exceeded)
  const { exceeded, restarts } = budget
  if (!Number.isInteger(restarts) || restarts < 0) {
    throw new PolicyInvalid({ reason: "bad_number", detail: `A budget is a whole number of restarts, and ${restarts} is none.` })
  }
  const words = `${restarts} restarts in ${Duration.format(perMs)}`
  return <E, R>(policy: AnyPolicy<E, R>): TeamPolicy<E | E2, R | R2> => {
    const self = toTeam(policy)
    return teamPolicy<E | E2, R | R2>({
      ...self,
      description: `${self.description}, at most ${words}${scope === "agent" ? "" : ` a ${scope}`}, else ${exceeded.description}`,
      requires: requiredByAny([self, exceeded]),
      budgeted: true,
      budgets: [...self.budgets ?? [], { restarts, perMs, scope }],
      decide: (facts): Decided<E | E2, R | R2> => {
        const made = self.decide(facts)
        if (!touches(made.decision)) return made
        const counted = scope === "credential" ? [...inScope(scope, facts), ...sharingElsewhere(facts)] : inScope(scope, facts)
        const window = { now: facts.now, perMs, healthyForMs }
        const used = counted.map(({ history, life }) => usedBy(history, life, window))
        const count = used.reduce((sum, one) => sum + one.restarts, 0)
        const row = Math.max(0, ...counted.map(({ history, life }) => unhealthyInARow(history, life, window)))
        const failing = restarts > 0 && row >= restarts
        const spent = failing || used.some((one) => one.spent)
        if (!spent && count < restarts) return made
        const instead = exceeded.decide(facts)
        return {
          ...instead,
          decision: {
            ...instead.decision,
            budget: { restarts, per_ms: perMs, used: failing ? Math.max(count, row) : count, scope },
            why: [
              failing && count < restarts
                ? `its budget of ${words} is spent: ${row} restarts in a row did not last ${Duration.format(healthyForMs)}`
                : spent && count < restarts
                ? `its budget of ${words} was spent, and was not cleared since`
                : `its budget of ${words} is spent (${count} so far)`,
              ...instead.decision.why
            ]
          }
        }
      }
    })
  }
}
