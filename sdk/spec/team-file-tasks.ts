import * as Predicate from "effect/Predicate"
import { AgentId, namePattern } from "../domain/ids.ts"
import { circleAmong, TaskId, type TaskSpec } from "../domain/task.ts"
import { closest } from "./suggestion.ts"
import type { TaskEntry } from "./team-file-schema.ts"

/** One thing that is wrong with the tasks of a team file, the end of a sentence that begins with its path. */
interface TaskIssue {
  readonly path: ReadonlyArray<string>
  readonly of: "key" | "value"
  readonly problem: string
}

const unknown = (what: string, name: string, known: ReadonlyArray<string>): string => {
  const near = closest(name, known)
  return `there is no ${what} ${JSON.stringify(name)}${near === undefined ? "" : `, did you mean "${near}"?`}`
}

/** What a task builds on, as far as it is said in the right shape: the rest is complained of elsewhere. */
const depsOf = (entry: unknown): ReadonlyArray<string> =>
  Predicate.isRecord(entry) && Array.isArray(entry["deps"]) ? entry["deps"].filter(Predicate.isString) : []

/** What the shape of the tasks alone can't say: ids, whose they are, and in which order they can be done at all. Pure. */
export const taskIssues = (content: unknown): ReadonlyArray<TaskIssue> => {
  if (!Predicate.isRecord(content) || !Predicate.isRecord(content["tasks"])) return []
  const entries = Object.entries(content["tasks"])
  const tasks = entries.map(([id]) => id)
  const agents = Predicate.isRecord(content["agents"]) ? Object.keys(content["agents"]) : []
  const ofEach = entries.flatMap(([id, entry]): ReadonlyArray<TaskIssue> => {
    const path = ["tasks", id]
    const assignee = Predicate.isRecord(entry) ? entry["assignee"] : undefined
    return [
      ...namePattern.test(id) ? [] : [{ path, of: "key" as const, problem: `the id ${JSON.stringify(id)} does not match ${namePattern.source}` }],
      ...!Predicate.isString(assignee) || agents.includes(assignee)
        ? []
        : [{ path: [...path, "assignee"], of: "value" as const, problem: unknown("agent", assignee, agents) }],
      ...depsOf(entry).flatMap((dep, index): ReadonlyArray<TaskIssue> =>
        tasks.includes(dep) ? [] : [{ path: [...path, "deps", String(index)], of: "value", problem: unknown("task", dep, tasks) }])
    ]
  })
  const circle = circleAmong(entries.map(([id, entry]) => ({ id, deps: depsOf(entry) })))
  const [first] = circle ?? []
  return circle === null || first === undefined ? ofEach : [...ofEach, {
    path: ["tasks", first],
    of: "key",
    problem: `none of these can be done before the others: ${circle.join(" -> ")}`
  }]
}

/** The tasks that a team file names. */
export const taskSpecs = (tasks: { readonly [id: string]: TaskEntry }): ReadonlyArray<TaskSpec> =>
  Object.entries(tasks).map(([id, { assignee, deps, title }]) => ({
    id: TaskId.make(id),
    title: title ?? null,
    assignee: assignee === undefined || assignee === null ? null : AgentId.make(assignee),
    deps: (deps ?? []).map((dep) => TaskId.make(dep))
  }))
