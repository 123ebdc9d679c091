import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { spanMs } from "./checked.ts"
import { demandPossible, matches } from "./pattern.ts"
import { PolicyInvalid } from "./PolicyInvalid.ts"

/** In what order the agents of a team are brought back. Data: it can be shown, written down and compared. */
export type Rollout =
  | { readonly _tag: "AllAtOnce" }
  | { readonly _tag: "Rolling"; readonly batch: number; readonly healthyForMs: number }
  | {
    readonly _tag: "Canary"
    readonly agents: ReadonlyArray<string>
    readonly healthyForMs: number
    readonly rest: Rollout
  }
  | { readonly _tag: "Sequence"; readonly stages: ReadonlyArray<ReadonlyArray<string>>; readonly healthyForMs: number }
  | { readonly _tag: "LeaderLast"; readonly others: Rollout }
  | { readonly _tag: "DependencyOrder"; readonly healthyForMs: number }

/** What a rollout has to know of an agent. */
export interface RolloutAgent {
  readonly id: string
  readonly role: string | null
  /** The agents that it builds on. */
  readonly dependsOn: ReadonlyArray<string>
}

/** Agents that are brought back together. The next ones are touched only once all of these have lived so long. */
export interface Batch {
  readonly agents: ReadonlyArray<string>
  readonly healthyForMs: number
}

interface Health {
  /** How long the agents of a batch must have lived before the next batch is touched. @default 0 */
  readonly healthyFor?: Duration.DurationInput
}

const healthy = ({ healthyFor }: Health): number => healthyFor === undefined ? 0 : spanMs("healthyFor", healthyFor)

const rollouts: ReadonlySet<unknown> = new Set<Rollout["_tag"]>(["AllAtOnce", "Rolling", "Canary", "Sequence", "LeaderLast", "DependencyOrder"])

/** Throws where something else stands than a rollout. */
export const demandRollout = (where: string, value: unknown): void => {
  if (Predicate.hasProperty(value, "_tag") && rollouts.has(value._tag)) return
  const canary = Predicate.hasProperty(value, "then") ? " A canary says what comes after it: Rollout.canary(…).then(…)." : ""
  throw new PolicyInvalid({ reason: "no_rollout", detail: `${where} takes a rollout, and this is none.${canary}` })
}

/** The ids and globs by which a rollout means agents. */
export const patternsOf = (rollout: Rollout): ReadonlyArray<string> => {
  switch (rollout._tag) {
    case "Canary":
      return [...rollout.agents, ...patternsOf(rollout.rest)]
    case "Sequence":
      return rollout.stages.flat()
    case "LeaderLast":
      return patternsOf(rollout.others)
    default:
      return []
  }
}

/** All of them, a few at a time. The default. */
export const allAtOnce: Rollout = { _tag: "AllAtOnce" }

/** So many at a time, in the order of the team file; one that fails stops the rest untouched. */
export const rolling = ({ batch, ...health }: Health & { readonly batch: number }): Rollout => {
  if (!Number.isInteger(batch) || batch < 1) {
    throw new PolicyInvalid({ reason: "bad_number", detail: `A rollout goes by at least one agent at a time, and ${batch} is no such number.` })
  }
  return { _tag: "Rolling", batch, healthyForMs: healthy(health) }
}

/** A rollout that wants to know what comes after its canary. */
export interface Canary {
  readonly then: (rest: Rollout) => Rollout
}

/** One agent first, or those of a glob; if it fails, nobody else is touched. */
export const canary = (agent: string | ReadonlyArray<string>, health: Health = {}): Canary => {
  const agents = typeof agent === "string" ? [agent] : agent
  const healthyForMs = healthy(health)
  demandPossible(agents)
  if (agents.length === 0) throw new PolicyInvalid({ reason: "no_rollout", detail: "A canary is an agent at least, and this one is nobody." })
  return {
    // oxlint-disable-next-line no-thenable -- it is awaited by nobody: the word is what a rollout says next
    then: (rest) => {
      demandRollout("What comes after a canary", rest)
      return { _tag: "Canary", agents, healthyForMs, rest }
    }
  }
}

/** Stage after stage, each an agent, a glob or several of them; whoever is in none comes last. */
export const sequence = (stages: ReadonlyArray<string | ReadonlyArray<string>>, health: Health = {}): Rollout => {
  const each = stages.map((stage) => typeof stage === "string" ? [stage] : stage)
  demandPossible(each.flat())
  return { _tag: "Sequence", stages: each, healthyForMs: healthy(health) }
}

/** Whoever leads comes back after all others, so that it never speaks to a team that is not there. */
export const leaderLast = (others: Rollout): Rollout => {
  demandRollout("leaderLast", others)
  return { _tag: "LeaderLast", others }
}

/** Nobody before the agents that it builds on. */
export const dependencyOrder = (health: Health = {}): Rollout => ({ _tag: "DependencyOrder", healthyForMs: healthy(health) })

const isLeader = ({ role }: RolloutAgent): boolean => role?.toLowerCase() === "leader"

const split = (
  agents: ReadonlyArray<RolloutAgent>,
  test: (agent: RolloutAgent) => boolean
): readonly [ReadonlyArray<RolloutAgent>, ReadonlyArray<RolloutAgent>] => [
  agents.filter(test),
  agents.filter((agent) => !test(agent))
]

const batch = (agents: ReadonlyArray<RolloutAgent>, healthyForMs: number): ReadonlyArray<Batch> =>
  agents.length === 0 ? [] : [{ agents: agents.map(({ id }) => id), healthyForMs }]

const byDependency = (agents: ReadonlyArray<RolloutAgent>, healthyForMs: number): ReadonlyArray<Batch> => {
  const waiting = new Set(agents.map(({ id }) => id))
  const [free, bound] = split(agents, ({ dependsOn, id }) => dependsOn.every((other) => other === id || !waiting.has(other)))
  // A circle has no beginning: those in it and behind it come together.
  return free.length === 0
    ? batch(agents, healthyForMs)
    : [...batch(free, healthyForMs), ...bound.length === 0 ? [] : byDependency(bound, healthyForMs)]
}

/** The batches in which agents are brought back: each of them in exactly one, and no batch empty. Pure. */
export const batches = (rollout: Rollout, agents: ReadonlyArray<RolloutAgent>): ReadonlyArray<Batch> => {
  switch (rollout._tag) {
    case "AllAtOnce":
      return batch(agents, 0)
    case "Rolling":
      return agents.flatMap((_, index) =>
        index % rollout.batch === 0 ? batch(agents.slice(index, index + rollout.batch), rollout.healthyForMs) : []
      )
    case "Canary": {
      const [first, others] = split(agents, ({ id }) => rollout.agents.some((pattern) => matches(pattern, id)))
      return [...batch(first, rollout.healthyForMs), ...batches(rollout.rest, others)]
    }
    case "Sequence": {
      const stages: Array<Batch> = []
      let left = agents
      for (const stage of rollout.stages) {
        const [meant, others] = split(left, ({ id }) => stage.some((pattern) => matches(pattern, id)))
        stages.push(...batch(meant, rollout.healthyForMs))
        left = others
      }
      return [...stages, ...batch(left, rollout.healthyForMs)]
    }
    case "LeaderLast": {
      const [leaders, others] = split(agents, isLeader)
      return [...batches(rollout.others, others), ...batch(leaders, 0)]
    }
    case "DependencyOrder":
      return byDependency(agents, rollout.healthyForMs)
  }
}

/** The canaries of a rollout, each an id or a glob, in the order in which they go. */
export const canariesOf = (rollout: Rollout): ReadonlyArray<string> => {
  switch (rollout._tag) {
    case "Canary":
      return [...rollout.agents, ...canariesOf(rollout.rest)]
    case "LeaderLast":
      return canariesOf(rollout.others)
    default:
      return []
  }
}

/** The canaries that a rollout names and the team has nobody for: to go on without one would be no canary at all. */
export const missingCanaries = (rollout: Rollout, ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  canariesOf(rollout).filter((pattern) => !ids.some((id) => matches(pattern, id)))

const quoted = (names: ReadonlyArray<string>): string => names.join(", ")
const lived = (ms: number): string => ms === 0 ? "" : `, each healthy for ${Duration.format(ms)}`

/** A rollout in words. */
export const describe = (rollout: Rollout): string => {
  switch (rollout._tag) {
    case "AllAtOnce":
      return "all at once"
    case "Rolling":
      return `${rollout.batch} at a time${lived(rollout.healthyForMs)}`
    case "Canary":
      return `${quoted(rollout.agents)} first${lived(rollout.healthyForMs)}, then ${describe(rollout.rest)}`
    case "Sequence":
      return `in the order ${rollout.stages.map(quoted).join("; ")}${lived(rollout.healthyForMs)}`
    case "LeaderLast":
      return `${describe(rollout.others)}, the leader last`
    case "DependencyOrder":
      return `by dependency${lived(rollout.healthyForMs)}`
  }
}
