import * as Option from "effect/Option"
import { candidatesOf, Policy, Restart, type RestartPlan, type RestartReport, viewAgent } from "../../sdk/index.ts"
import { camelCased, type Document } from "./document.ts"
import { word } from "./restart-options.ts"

const withGrant = (command: string): string => `${command} --grant discard-context=REASON`

/** The policy was somebody's choice: what goes on goes on by it. */
const byPolicy = (next: ReadonlyArray<string>, policy: Option.Option<string>): ReadonlyArray<string> =>
  Option.match(policy, {
    onNone: () => next,
    onSome: (file) => next.map((command) =>
      command.startsWith("reprise restart ") && !/ --(allow-fresh|rollback|continue|policy)\b/.test(command) ? `${command} --policy ${word(file)}` : command)
  })

/** What came of a restart, for programs. */
export const reportDocument = (
  { agents, details, message, next, ok, operation, outcome, plan, team }: RestartReport,
  command: string,
  policy: Option.Option<string> = Option.none()
): Document => ({
  outcome,
  ok,
  message,
  next: outcome === "grant_missing" ? [withGrant(command)] : outcome === "confirmation_required" ? [`${command} --yes`] : byPolicy(next, policy),
  team: team.key,
  agents,
  operation,
  warnings: [...plan.warnings, ...agents.flatMap(({ leftovers }) => leftovers === undefined ? [] : Restart.leftoverWarnings(leftovers))],
  ...ok ? {} : { details }
})

/** What came of a plan that was applied, for programs. */
export const appliedDocument = (
  report: RestartReport,
  { again, command, file }: { readonly command: string; readonly again: string | null; readonly file: string }
): Document => {
  const document = reportDocument(report, command)
  if (report.outcome !== "refused_plan_stale") return document
  return {
    ...document,
    next: again === null ? document.next : [`${again} --plan-out ${word(file)}`],
    differences: camelCased(report.details["differences"])
  }
}

const plannedAgent = (plan: RestartPlan<unknown, unknown>, entry: RestartPlan<unknown, unknown>["agents"][number]) => {
  const { decided: { decision }, facts, observation, untouched } = entry
  return {
    ...viewAgent(facts.agent, observation, null),
    decision: decision.kind,
    code: decision.code,
    ...candidatesOf(facts.resumability),
    why: decision.why,
    requires: decision.requires,
    drift: facts.drift,
    result: untouched ? "untouched" : null,
    steps: Restart.stepsOf(plan, entry),
    before: {
      generation: facts.agent.generation,
      pid: observation.process.state === "alive" ? observation.pane?.pid ?? null : null,
      session: facts.agent.session?.id ?? null
    }
  }
}

/** A plan, for programs: the same as data that the table says in words. */
export const planDocument = (
  plan: RestartPlan<unknown, unknown>,
  grant: string | undefined,
  command: string,
  /** Whether each step is told, and whether grants are asked for only when it is carried out. */
  { explained = false, forLater = false, policy = Option.none() }: {
    readonly explained?: boolean
    readonly forLater?: boolean
    readonly policy?: Option.Option<string>
  } = {}
): Document => {
  const missing = grant === undefined && !forLater ? Policy.grantsAmong(plan.request.policy.requires) : []
  const refusal = plan.refusal ?? (missing.length === 0 ? null : {
    outcome: "grant_missing",
    message: `The policy may drop a conversation, and ${missing.join(", ")} was not granted. No process was touched.`,
    next: [withGrant(command)],
    details: { missing }
  })
  return {
    outcome: refusal?.outcome ?? "planned",
    ok: refusal === null,
    message: refusal?.message ?? `This is what a restart of team ${plan.team.key} would do; nothing was touched.`,
    next: refusal === null ? [command] : byPolicy(refusal.next, policy),
    team: plan.team.key,
    table: explained ? Restart.explain(plan) : Restart.table(plan),
    policy: { description: plan.request.policy.description, atomic: plan.request.policy.atomic, undo: plan.request.policy.undo, requires: plan.request.policy.requires },
    agents: plan.agents.map((entry) => plannedAgent(plan, entry)),
    convergence: camelCased(plan.convergence),
    operation: null,
    unfinished: Restart.unfinishedOf(plan),
    plan: Restart.encodeDocument(Restart.documentOf(plan, { command })),
    warnings: plan.warnings,
    ...refusal === null ? {} : { details: refusal.details }
  }
}
