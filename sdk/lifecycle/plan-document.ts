import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { DecisionKind, GrantName, Requirement } from "../domain/decision.ts"
import { FailureKind } from "../domain/failure.ts"
import { BudgetScope, Trigger } from "../domain/history.ts"
import { AgentId, OperationId, TeamKey } from "../domain/ids.ts"
import { RolloutData } from "../policy/rollout-schema.ts"
import { canonicalHash } from "./canonical-hash.ts"
import { firstProblem } from "./first-problem.ts"
import { type AgentPlan, type RestartPlan, touches } from "./plan.ts"
import { factsOf, PlanFacts } from "./plan-facts.ts"
import { stepsOf } from "./plan-steps.ts"
import { batchesOf } from "./rollout.ts"

const milliseconds = Schema.Number.pipe(Schema.nonNegative())
const names = Schema.Array(Schema.String)

const PlannedConvergence = Schema.Struct({
  complete: Schema.Boolean,
  deadlineMs: milliseconds,
  elapsedMs: milliseconds,
  pendingAgentIds: names
})

const PlannedAgent = Schema.Struct({
  id: AgentId,
  provider: Schema.String,
  decision: Schema.Struct({
    kind: DecisionKind,
    code: Schema.NullOr(Schema.String),
    why: names,
    /** The conversation that a resume continues. */
    session: Schema.NullOr(Schema.Struct({ provider: Schema.String, id: Schema.NonEmptyString, transcript: Schema.NullOr(Schema.String) })),
    requires: Schema.Array(GrantName),
    forcedFresh: Schema.NullOr(PlannedConvergence),
    escalateTo: Schema.optional(Schema.String),
    budget: Schema.optional(
      Schema.Struct({ restarts: Schema.NonNegativeInt, perMs: milliseconds, used: Schema.NonNegativeInt, scope: BudgetScope })
    )
  }),
  /** What was seen, in sentences. */
  evidence: Schema.Struct({ process: Schema.String, spoken: Schema.String, resumable: Schema.String }),
  untouched: Schema.Boolean,
  alreadyBack: Schema.Boolean,
  gates: names,
  graceMs: Schema.NullOr(milliseconds),
  readyWithinMs: Schema.NullOr(milliseconds),
  /** How often a start that fails is tried again; at what distances, no document can say. */
  retries: Schema.NonNegativeInt,
  workStillOpen: names,
  verify: names,
  /** What is done with it, in order. */
  steps: Schema.Array(Schema.Struct({ name: Schema.String, says: Schema.String }))
})

const PlannedAgents = Schema.Array(PlannedAgent).pipe(Schema.filter((agents) =>
  agents.flatMap(({ id }, index) =>
    agents.findIndex((other) => other.id === id) === index ? [] : [{ path: [index, "id"], message: `is "${id}" a second time` }]
  )
))

/** A plan as data: what `restart --plan-out` writes and `apply` carries out. */
export const PlanDocument = Schema.Struct({
  schema: Schema.Literal("reprise.plan/1"),
  team: TeamKey,
  requested: Schema.Struct({
    agents: Schema.Union(Schema.Literal("all"), Schema.Array(AgentId)),
    onlyDead: Schema.Boolean,
    takeover: Schema.Boolean,
    session: Schema.optional(Schema.NonEmptyString),
    onDrift: Schema.Literal("keep", "adopt"),
    refuseDrift: Schema.Boolean,
    trigger: Trigger,
    unfinished: Schema.NullOr(Schema.Literal("continue", "rollback")),
    convergeWithinMs: milliseconds,
    convergePollMs: milliseconds,
    readyWithinMs: milliseconds,
    graceMs: milliseconds,
    concurrency: Schema.Int.pipe(Schema.positive())
  }),
  policy: Schema.Struct({
    description: Schema.String,
    atomic: Schema.Boolean,
    undo: Schema.optionalWith(Schema.Boolean, { default: () => false }),
    repairFromLog: Schema.Boolean,
    onBoot: Schema.Literal("ask", "hold", "resume"),
    budgets: Schema.Array(Schema.Struct({ restarts: Schema.NonNegativeInt, perMs: milliseconds, scope: BudgetScope })),
    rollout: RolloutData
  }),
  /** Grants and approvals that are asked for when it is carried out. */
  requires: Schema.Array(Requirement),
  /** What has to be passed before anything is touched, each by its name. */
  gates: names,
  batches: Schema.Array(Schema.Struct({ agents: names, healthyForMs: milliseconds })),
  agents: PlannedAgents,
  convergence: PlannedConvergence,
  /** Null where nothing speaks against it. */
  refusal: Schema.NullOr(Schema.Struct({ outcome: Schema.String, message: Schema.String })),
  warnings: Schema.Array(Schema.Struct({ agent: Schema.String, kind: FailureKind, problem: Schema.String })),
  /** The interrupted operation that it continues, or takes back where that was asked for. */
  continues: Schema.NullOr(OperationId),
  /** Whether it can be carried out without the script that it was made by. */
  portable: Schema.Boolean,
  /** What of it is a program and no data: only the script that it was made by has that. */
  notPortable: names,
  /** The command that makes and carries out the same plan; null where a script made it. */
  command: Schema.NullOr(Schema.String),
  facts: PlanFacts,
  /** Of all the rest: a plan that somebody changed is not the one that was explained. */
  digest: Schema.String
})
export type PlanDocument = typeof PlanDocument.Type

/** A file or text that is no plan; nothing was done. */
export class PlanInvalid extends Schema.TaggedError<PlanInvalid>("reprise/PlanInvalid")("PlanInvalid", {
  detail: Schema.String
}) {
  override get message(): string {
    return `This is no plan that can be read: ${this.detail.replace(/\.*$/, "")}. Nothing was done.`
  }
}

/** Gates that every Reprise knows by their names. */
const isKnown = (gate: string): boolean => gate === "discard-context"

/** What of one agent's plan is a program: its own gates and checks, and the distances at which a start is tried again. */
const programsOf = ({ decided: { decision, gates, handling }, facts }: AgentPlan<unknown, unknown>): ReadonlyArray<string> => {
  if (!touches(decision)) return []
  const { id } = facts.agent.spec
  return [
    ...gates.flatMap(({ name }) => isKnown(name) ? [] : `${id}: ${name}`),
    ...handling.workStillOpen.map(({ name }) => `${id}: ${name}`),
    ...handling.verify.map(({ name }) => `${id}: ${name}`),
    ...handling.backoff === null || handling.backoff.times === 0 ? [] : [`${id}: tried again ${handling.backoff.times} times`]
  ]
}

const convergenceOf = ({ complete, deadline_ms, elapsed_ms, pending_agent_ids }: RestartPlan["convergence"]) => ({
  complete,
  deadlineMs: deadline_ms,
  elapsedMs: elapsed_ms,
  pendingAgentIds: pending_agent_ids
})

const agentOf = (plan: RestartPlan<unknown, unknown>, entry: AgentPlan<unknown, unknown>): typeof PlannedAgent.Type => {
  const { alreadyBack, decided: { decision, gates, handling }, facts, untouched } = entry
  const { resumability } = facts
  return {
    id: facts.agent.spec.id,
    provider: facts.agent.spec.provider,
    decision: {
      kind: decision.kind,
      code: decision.code,
      why: decision.why,
      session: decision.session === null
        ? null
        : { provider: decision.session.provider, id: decision.session.id, transcript: decision.session.transcript },
      requires: decision.requires,
      forcedFresh: decision.forcedFresh === null ? null : convergenceOf(decision.forcedFresh),
      ...decision.escalateTo === undefined ? {} : { escalateTo: decision.escalateTo },
      ...decision.budget === undefined ? {} : {
        budget: {
          restarts: decision.budget.restarts,
          perMs: decision.budget.per_ms,
          used: decision.budget.used,
          scope: decision.budget.scope
        }
      }
    },
    evidence: {
      process: facts.process.evidence,
      spoken: facts.spoken.evidence,
      resumable: resumability._tag === "Resumable"
        ? resumability.warning ?? (resumability.transcript === null ? "its CLI keeps it" : `its transcript is ${resumability.transcript}`)
        : resumability.why
    },
    untouched,
    alreadyBack,
    gates: gates.map(({ name }) => name),
    graceMs: handling.graceMs,
    readyWithinMs: handling.readyWithinMs,
    retries: handling.backoff?.times ?? 0,
    workStillOpen: handling.workStillOpen.map(({ name }) => name),
    verify: handling.verify.map(({ name }) => name),
    steps: stepsOf(plan, entry)
  }
}

/** The document as it is written: plain JSON. */
export const encodeDocument: (document: PlanDocument) => typeof PlanDocument.Encoded = Schema.encodeSync(PlanDocument)

const digestOf = (document: PlanDocument): string => {
  const { digest: _, ...rest } = encodeDocument(document)
  return canonicalHash(rest)
}

const sealed = (document: Omit<PlanDocument, "digest">): PlanDocument => ({ ...document, digest: digestOf({ ...document, digest: "" }) })

/**
 * A plan as data. Gates go by their names; what is a program (a gate or a check of one's own, a back-off) can't go into
 * it, and makes the plan one that only its script can carry out. Pure.
 */
export const documentOf = (
  plan: RestartPlan<unknown, unknown>,
  options: { readonly command?: string } = {}
): PlanDocument => {
  const { policy, ...request } = plan.request
  const notPortable = [
    ...policy.gates.flatMap(({ approval, name }) => approval === true ? [] : name),
    ...plan.agents.flatMap(programsOf)
  ]
  return sealed({
    schema: "reprise.plan/1",
    team: plan.team.key,
    requested: {
      agents: request.agents,
      onlyDead: request.onlyDead,
      takeover: request.takeover ?? false,
      ...request.session === undefined ? {} : { session: request.session },
      onDrift: request.onDrift,
      refuseDrift: request.refuseDrift ?? false,
      trigger: request.trigger ?? "person",
      unfinished: request.unfinished ?? null,
      convergeWithinMs: request.convergeWithinMs,
      convergePollMs: request.convergePollMs,
      readyWithinMs: request.readyWithinMs,
      graceMs: request.graceMs,
      concurrency: request.concurrency
    },
    policy: {
      description: policy.description,
      atomic: policy.atomic,
      undo: policy.undo,
      repairFromLog: policy.repairFromLog,
      onBoot: policy.onBoot,
      budgets: policy.budgets ?? [],
      rollout: policy.rollout
    },
    requires: policy.requires,
    gates: policy.gates.map(({ name }) => name),
    batches: batchesOf(plan),
    agents: plan.agents.map((entry) => agentOf(plan, entry)),
    convergence: convergenceOf(plan.convergence),
    refusal: plan.refusal === null ? null : { outcome: plan.refusal.outcome, message: plan.refusal.message },
    warnings: plan.warnings,
    continues: plan.continues,
    portable: notPortable.length === 0,
    notPortable,
    command: options.command ?? null,
    facts: factsOf(plan)
  })
}

const asText = Schema.parseJson(PlanDocument, { space: 2 })

/** The text of a plan's file. */
export const textOfDocument = (document: PlanDocument): string => `${Schema.encodeSync(asText)(document)}\n`

/** Why a JSON text is not a plan of any version, without a word of it; null where it may be one, or is no JSON. */
const notAPlan = (text: string): string | null => {
  const read = Schema.decodeUnknownOption(Schema.parseJson())(text)
  if (Option.isNone(read) || read.value === null || Array.isArray(read.value)) return null
  if (!Predicate.isRecord(read.value)) return `it is ${typeof read.value === "string" ? "text" : `a ${typeof read.value}`}, and has to be a mapping`
  const { schema } = read.value
  return schema === undefined || (typeof schema === "string" && /^reprise\.[a-z]+\/\d+$/.test(schema)) ? null : `its schema is not "reprise.plan/1"`
}

/** Reads the text of a plan's file. Fails with `PlanInvalid` where it is none, or not as it was made. */
export const parseDocument = (text: string): Effect.Effect<PlanDocument, PlanInvalid> =>
  Schema.decodeUnknown(asText)(text).pipe(
    Effect.mapError((error) => new PlanInvalid({ detail: notAPlan(text) ?? firstProblem(error) })),
    Effect.filterOrFail(
      (document) => document.digest === digestOf(document),
      () => new PlanInvalid({ detail: "it was changed since it was made, so it is not what was explained; make it again" })
    )
  )
