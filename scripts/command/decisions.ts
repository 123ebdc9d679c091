import * as Terminal from "@effect/platform/Terminal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createInterface } from "node:readline/promises"
import { lookAtAgent, PluginHost, Restart, type RestartPlan } from "../../sdk/index.ts"

/** A person had to be asked and said no, or there was none to ask; nothing was touched. */
export class ApprovalUnavailable
  extends Schema.TaggedError<ApprovalUnavailable>("reprise/ApprovalUnavailable")("ApprovalUnavailable", {
    detail: Schema.String,
    /** The command that would go on, where it is known. */
    next: Schema.optional(Schema.Array(Schema.String))
  })
{
  override get message(): string {
    return `${this.detail} No process was touched.`
  }
}

/** Agents that the plan would touch in the middle of their work. */
const busyAgents = (plan: RestartPlan<unknown, unknown>) =>
  Effect.gen(function*() {
    const host = yield* PluginHost
    const transport = yield* host.transport(plan.team.transport)
    const busy: Array<string> = []
    for (const { decided, facts, observation, stoppedAgain = false } of plan.agents) {
      const touched = decided.decision.kind === "resume" || decided.decision.kind === "fresh_start"
      if (!(touched || stoppedAgain) || observation.process.state !== "alive" || observation.pane === null) continue
      const provider = yield* host.provider(facts.agent.spec.provider)
      const { state } = yield* lookAtAgent(plan.team, facts.agent, observation.pane, transport, provider)
      if (state === "busy") busy.push(facts.agent.spec.id)
    }
    return busy
  })

const ask = (question: string) =>
  Effect.tryPromise(async (signal) => {
    const reader = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return /^y(es)?$/i.test((await reader.question(question, { signal })).trim())
    } finally {
      reader.close()
    }
    // An input that ends, or a Ctrl-C, is no consent.
  }).pipe(Effect.orElseSucceed(() => false))

/** Processes of a person's that the plan would end. */
const takenOver = (plan: RestartPlan<unknown, unknown>) =>
  plan.agents.flatMap(({ decided, facts: { agent }, observation }) => {
    const touched = decided.decision.kind === "resume" || decided.decision.kind === "fresh_start"
    return touched && agent.adopted !== null && observation.process.state === "alive"
      ? `${agent.spec.id} (process ${agent.adopted.pid}, ${agent.adopted.place})`
      : []
  })

const demandTakeover = (options: { readonly yes: boolean }, taken: ReadonlyArray<string>, command: string) =>
  Effect.gen(function*() {
    if (taken.length === 0) return
    process.stderr.write(`Started by a person, and ended by this: ${taken.join(", ")}.
`)
    if (options.yes) return
    const terminal = yield* Terminal.Terminal
    if (process.stdin.isTTY !== true || !(yield* terminal.isTTY)) {
      return yield* new ApprovalUnavailable({
        detail: `A takeover of ${taken.join(", ")} has to be confirmed, and there is no terminal to ask at.`,
        next: [`${command} --yes`]
      })
    }
    if (!(yield* ask("End them and bring the agents back here? [y/N] "))) {
      return yield* new ApprovalUnavailable({ detail: "The takeover was not confirmed." })
    }
  })

/**
 * Prints the table of decisions before anything is touched. Agents that are at work are named, and a person at a terminal
 * is asked once.
 */
export const showDecisions = (
  options: { readonly yes: boolean },
  /** The command that asks for this, for what would go on. */
  command: (team: string) => string
) =>
(plan: RestartPlan<unknown, unknown>) =>
  Effect.gen(function*() {
    process.stderr.write(`${Restart.table(plan)}\n`)
    yield* demandTakeover(options, takenOver(plan), command(plan.team.key))
    const busy = yield* busyAgents(plan)
    if (busy.length === 0) return
    process.stderr.write(`At work now, and interrupted by this: ${busy.join(", ")}.\n`)
    const terminal = yield* Terminal.Terminal
    if (options.yes || process.stdin.isTTY !== true || !(yield* terminal.isTTY)) return
    if (!(yield* ask("Restart them all the same? [y/N] "))) {
      return yield* new ApprovalUnavailable({ detail: "It was not confirmed." })
    }
  })
