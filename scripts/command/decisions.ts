import * as Terminal from "@effect/platform/Terminal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createInterface } from "node:readline/promises"
import { Restart, type RestartPlan } from "../../sdk/index.ts"
import type { Document } from "./document.ts"

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

/** Whether there is a person at a terminal who can be asked. */
export const atTerminal = Effect.flatMap(Terminal.Terminal, (terminal) =>
  Effect.map(terminal.isTTY, (isTTY) => isTTY && process.stdin.isTTY === true))

/** Asks a yes or no question at the terminal. Anything but a yes is a no. */
export const ask = (question: string) =>
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
    if (!(yield* atTerminal)) {
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
    const atWork = yield* Restart.interruptedIn(plan)
    if (atWork.length === 0) return
    const asked = yield* atTerminal
    // Without a terminal, the restart itself refuses and names them.
    if (options.yes || asked) process.stderr.write(`At work now, and interrupted by this: ${Restart.atWorkWords(atWork)}.\n`)
    if (options.yes || !asked) return
    if (!(yield* ask("Restart them all the same? [y/N] "))) return yield* new ApprovalUnavailable({ detail: "It was not confirmed." })
  })

/** Whether agents at work may be interrupted: said on the command line, or asked for at the terminal. */
export const mayInterrupt = (options: { readonly yes: boolean }) => options.yes ? Effect.succeed(true) : atTerminal

interface Answered extends Pick<Document, "outcome" | "message"> {}

/** Does what may interrupt agents at work; where it would, a person at a terminal is asked once. */
export const confirming = <A extends Answered, E, R>(
  options: { readonly yes: boolean },
  run: (interruptBusy: boolean) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const first = yield* run(options.yes)
    if (first.outcome !== "confirmation_required" || !(yield* atTerminal)) return first
    process.stderr.write(`${first.message}\n`)
    return (yield* ask("Do it all the same? [y/N] ")) ? yield* run(true) : first
  })
