import * as Schema from "effect/Schema"
import { FirstSend } from "../domain/first-send.ts"
import { Generation } from "../domain/ids.ts"
import { type Json, Json as JsonSchema } from "../domain/json.ts"
import { AgentPhase } from "../event-log/TeamState.ts"
import { canonicalHash, sorted } from "./canonical-hash.ts"
import type { AgentPlan, RestartPlan } from "./plan.ts"

/** The facts that a plan for one agent stands on: where one of them changes, the plan does not hold any more. */
export const AgentPlanFacts = Schema.Struct({
  generation: Generation,
  phase: AgentPhase,
  /** Its process, in the observation's words. */
  process: Schema.String,
  pid: Schema.NullOr(Schema.Int),
  /** With the pid, which process it is. */
  startTime: Schema.NullOr(Schema.String),
  /** Processes in its name beside its own. */
  others: Schema.Array(Schema.Int),
  sessionId: Schema.NullOr(Schema.String),
  firstSend: FirstSend,
  /** Whether keys of a message were pressed in its conversation. */
  typedInto: Schema.Boolean,
  spoken: Schema.Literal("never", "spoken", "unknown"),
  /** `yes`, `unknown`, or the code of what speaks against it. */
  resumable: Schema.String,
  /** What it is started from, as a hash: what is secret of it does not leave the log. */
  spec: Schema.String,
  drift: Schema.Array(Schema.String)
})
export type AgentPlanFacts = typeof AgentPlanFacts.Type

/** The facts that a plan stands on. */
export const PlanFacts = Schema.Struct({
  workspace: Schema.String,
  transport: Schema.String,
  /** The team's `lifecycleVersion`: it moves with each change of the team's life. */
  lifecycleVersion: Schema.NonNegativeInt,
  agents: Schema.Record({ key: Schema.String, value: AgentPlanFacts })
})
export type PlanFacts = typeof PlanFacts.Type

/** What was, and is not so any more. */
export const PlanDifference = Schema.Struct({
  /** Null for what belongs to the team. */
  agent: Schema.NullOr(Schema.String),
  member: Schema.String,
  was: JsonSchema,
  is: JsonSchema,
  /** The same as a sentence. */
  says: Schema.String
})
export type PlanDifference = typeof PlanDifference.Type

const factsOfAgent = ({ facts, observation }: AgentPlan<unknown, unknown>): AgentPlanFacts => {
  const { agent, drift, process, resumability, spoken } = facts
  const own = observation.pane ?? agent.adopted
  return {
    generation: agent.generation,
    phase: agent.phase,
    process: process.state,
    pid: own?.pid ?? null,
    startTime: own?.startTime ?? null,
    others: observation.strays.map(({ pid }) => pid).toSorted((a, b) => a - b),
    sessionId: agent.session?.id ?? null,
    firstSend: agent.firstSend,
    typedInto: agent.typedInto,
    spoken: spoken.state,
    resumable: resumability._tag === "Resumable" ? "yes" : resumability._tag === "NotResumable" ? resumability.code : "unknown",
    spec: canonicalHash(agent.spec),
    drift
  }
}

/** The facts that a plan was made from, as far as it depends on them. */
export const factsOf = (plan: RestartPlan<unknown, unknown>): PlanFacts => ({
  workspace: plan.team.workspace,
  transport: plan.team.transport,
  lifecycleVersion: plan.basedOn,
  agents: Object.fromEntries(plan.agents.map((entry) => [entry.facts.agent.spec.id, factsOfAgent(entry)]))
})

const words: Readonly<Record<keyof AgentPlanFacts, string>> = {
  generation: "its generation",
  phase: "its phase in the log",
  process: "its process",
  pid: "its pid",
  startTime: "the start time of its process",
  others: "the list of other processes in its name",
  sessionId: "its session",
  firstSend: "the record of when it was first spoken to",
  typedInto: "whether it was typed into",
  spoken: "whether it was ever spoken to",
  resumable: "whether its conversation can be continued",
  spec: "its part of the team file",
  drift: "its drift"
}

const ofTeam = {
  workspace: "its workspace",
  transport: "its transport",
  lifecycleVersion: "its lifecycle version"
} as const

const toJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
const fromJson = Schema.decodeUnknownSync(Schema.parseJson(JsonSchema))
const plain = (value: unknown): Json => fromJson(toJson(value))

const shown = (value: Json): string => {
  if (value === null) return "none"
  if (typeof value === "object" && !Array.isArray(value) && "_tag" in value) {
    return value["_tag"] === "Absent" ? "none" : String(value["at"] ?? "damaged")
  }
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((one) => String(one)).join("; ")
  return String(value)
}

const difference = (agent: string | null, member: string, what: string, before: unknown, now: unknown): ReadonlyArray<PlanDifference> => {
  const [was, is] = [plain(before), plain(now)]
  if (JSON.stringify(sorted(was)) === JSON.stringify(sorted(is))) return []
  const says = `${agent ?? "the team"}: ${what} ${member === "spec" ? "changed" : `was ${shown(was)} and is ${shown(is)}`}`
  return [{ agent, member, was, is, says }]
}

const isMember = (name: string): name is keyof AgentPlanFacts => Object.hasOwn(words, name)

/** What is not as it was. Empty where the plan still stands on its facts. Pure. */
export const differencesOf = (was: PlanFacts, is: PlanFacts): ReadonlyArray<PlanDifference> => [
  ...difference(null, "workspace", ofTeam.workspace, was.workspace, is.workspace),
  ...difference(null, "transport", ofTeam.transport, was.transport, is.transport),
  ...difference(null, "lifecycleVersion", ofTeam.lifecycleVersion, was.lifecycleVersion, is.lifecycleVersion),
  ...[...new Set([...Object.keys(was.agents), ...Object.keys(is.agents)])].flatMap((id) => {
    const [before, now] = [was.agents[id], is.agents[id]]
    if (before === undefined || now === undefined) {
      const there = { was: before !== undefined, is: now !== undefined }
      return [{ agent: id, member: "present", ...there, says: `${id}: it ${there.was ? "is not in the team any more" : "was not in the team"}` }]
    }
    return Object.keys(words).flatMap((name) => isMember(name) ? difference(id, name, words[name], before[name], now[name]) : [])
  })
]
