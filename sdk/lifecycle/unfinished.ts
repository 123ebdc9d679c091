import type { OperationState } from "../event-log/TeamState.ts"
import { isBeingUndone } from "./going-back.ts"
import type { RestartPlan } from "./plan.ts"

/** How far an interrupted operation came, and what a plan does about it. */
export interface Unfinished {
  readonly operation: string
  readonly kind: string
  readonly startedAt: string
  readonly policy: string | null
  readonly does: "continue" | "rollback"
  /** The agents that lived before it: whom taking it back brings back. */
  readonly alive: ReadonlyArray<string>
  /** How far it came with each agent, as sentences without an end. */
  readonly reached: ReadonlyArray<{ readonly agent: string; readonly came: string }>
}

const cameOf = ({ steps }: OperationState, agent: string): string => {
  const own = Object.entries(steps).flatMap(([key, phase]) => {
    const [name, of] = key.split("/")
    return of === agent && name !== undefined ? [{ name, phase }] : []
  })
  const ended = own.flatMap(({ name, phase }) => phase === "result" ? name : [])
  const begun = own.flatMap(({ name, phase }) => phase === "intent" ? name : [])
  return own.length === 0 ? "nothing was begun" : [
    ...ended.length === 0 ? [] : [`${ended.join(", ")} ended`],
    ...begun.length === 0 ? [] : [`${begun.join(", ")} begun, and the end not recorded`]
  ].join("; ")
}

/** The interrupted operation that a plan continues or takes back; null where there is none. Pure. */
export const unfinishedOf = ({ continues, request, team: { operation } }: RestartPlan<unknown, unknown>): Unfinished | null =>
  operation === null || continues === null ? null : {
    operation: operation.id,
    kind: operation.kind,
    startedAt: operation.startedAt,
    policy: operation.policy,
    does: request.unfinished ?? "continue",
    alive: operation.alive,
    reached: operation.agents.map((agent) => ({ agent, came: cameOf(operation, agent) }))
  }

/** The same in words. */
export const unfinishedWords = (plan: RestartPlan<unknown, unknown>): ReadonlyArray<string> => {
  const unfinished = unfinishedOf(plan)
  if (unfinished === null) return []
  const { alive, does, kind, operation, reached, startedAt } = unfinished
  return [
    does === "rollback"
      ? `  taken back: the ${kind} ${operation} of ${startedAt}; who lived before it (${alive.join(", ") || "nobody"}) lives again, in the conversation of then`
      : `  continued: the ${kind} ${operation} of ${startedAt}; whom it brought back and who lives is left alone`,
    ...isBeingUndone(plan.team.operation) ? ["    one of its agents did not come back, and it was to be all or none"] : [],
    ...reached.map(({ agent, came }) => `    ${agent}: ${came}`),
    `  instead: reprise restart --team ${plan.team.key} --${does === "rollback" ? "continue" : "rollback"}`
  ]
}
