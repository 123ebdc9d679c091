import * as Schema from "effect/Schema"
import { AgentId, namePattern } from "./ids.ts"

/** The name of a task, unique in its team. */
export const TaskId = Schema.String.pipe(Schema.pattern(namePattern), Schema.brand("TaskId"))
export type TaskId = typeof TaskId.Type

/** A piece of a team's work: whose it is, and what has to be done before it. */
export const TaskSpec = Schema.Struct({
  id: TaskId,
  title: Schema.NullOr(Schema.String),
  /** Null while it is nobody's. */
  assignee: Schema.NullOr(AgentId),
  /** The tasks that it builds on. */
  deps: Schema.Array(TaskId)
})
export type TaskSpec = typeof TaskSpec.Type

interface Dependent {
  readonly id: string
  readonly deps: ReadonlyArray<string>
}

/** All that a task builds on, at whatever distance; itself only where it stands in a circle. */
const beneath = (task: Dependent, byId: ReadonlyMap<string, Dependent>): ReadonlySet<string> => {
  const found = new Set<string>()
  const open = [...task.deps]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue
    found.add(id)
    open.push(...byId.get(id)?.deps ?? [])
  }
  return found
}

/** The agents on whose tasks the tasks of an agent build, in the order of the tasks. Pure. */
export const buildsOn = (tasks: ReadonlyArray<TaskSpec>, agent: string): ReadonlyArray<AgentId> => {
  const byId = new Map<string, TaskSpec>(tasks.map((task) => [task.id, task]))
  const below = new Set(tasks.flatMap((task) => task.assignee === agent ? [...beneath(task, byId)] : []))
  return [...new Set(tasks.flatMap(({ assignee, id }) => below.has(id) && assignee !== null && assignee !== agent ? assignee : []))]
}

/** A circle of tasks that build on each other, from a task back to itself; null where there is none. Pure. */
export const circleAmong = (tasks: ReadonlyArray<Dependent>): ReadonlyArray<string> | null => {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const cleared = new Set<string>()
  const from = (id: string, path: ReadonlyArray<string>): ReadonlyArray<string> | null => {
    const at = path.indexOf(id)
    if (at >= 0) return [...path.slice(at), id]
    if (cleared.has(id)) return null
    for (const dep of byId.get(id)?.deps ?? []) {
      const circle = from(dep, [...path, id])
      if (circle !== null) return circle
    }
    cleared.add(id)
    return null
  }
  for (const { id } of tasks) {
    const circle = from(id, [])
    if (circle !== null) return circle
  }
  return null
}
