import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs/promises"
import { createInterface } from "node:readline/promises"
import type { Facts } from "./Facts.ts"

/** Somebody had to be asked and said no, or there was nobody to ask. Asked before anything is touched. */
export class ApprovalDenied extends Schema.TaggedError<ApprovalDenied>("reprise/ApprovalDenied")("ApprovalDenied", {
  question: Schema.String,
  reason: Schema.Literal("denied", "unavailable"),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.detail} No process was touched.`
  }
}

/** What somebody is asked, and for whose sake. */
export interface Question {
  readonly question: string
  readonly team: string
  /** The agents that a yes would touch. */
  readonly agents: ReadonlyArray<string>
}

/** Where a policy's questions go. Only a clear yes is one; the answer is a sentence for the log. */
export class Approvals extends Context.Tag("reprise/Approvals")<Approvals, {
  readonly ask: (question: Question) => Effect.Effect<string, ApprovalDenied>
}>() {}

const denied = ({ question }: Question, detail: string) => new ApprovalDenied({ question, reason: "denied", detail })
const unavailable = ({ question }: Question, detail: string) => new ApprovalDenied({ question, reason: "unavailable", detail })

/** Says yes to everything: for what somebody has approved by starting the script. */
export const always: Layer.Layer<Approvals> = Layer.succeed(Approvals, {
  ask: () => Effect.succeed("approved without asking")
})

/** Says no to everything. */
export const never: Layer.Layer<Approvals> = Layer.succeed(Approvals, {
  ask: (asked) => denied(asked, `"${asked.question}" was asked, and nothing is approved here.`)
})

/** Where a terminal's questions are asked. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  /** Whether a person can be expected at it. */
  readonly isTTY: () => boolean
}

const ownTerminal: Terminal = {
  input: process.stdin,
  output: process.stderr,
  isTTY: () => process.stdin.isTTY === true && process.stderr.isTTY === true
}

const answerAt = ({ input, output }: Terminal, prompt: string) =>
  Effect.tryPromise(async (signal) => {
    const reader = createInterface({ input, output })
    // An input that ends before the line does is no answer.
    const ended = new Promise<string>((resolve) => reader.once("close", () => resolve("")))
    try {
      return await Promise.race([reader.question(prompt, { signal }), ended])
    } finally {
      reader.close()
    }
  }).pipe(Effect.orElseSucceed(() => ""))

/** Asks the person at a terminal; without one, nothing is approved. */
export const at = (terminal: Terminal): Layer.Layer<Approvals> =>
  Layer.succeed(Approvals, {
    ask: (asked) =>
      Effect.gen(function*() {
        if (!terminal.isTTY()) {
          return yield* unavailable(asked, `"${asked.question}" has to be asked, and there is nobody at a terminal.`)
        }
        const answer = yield* answerAt(terminal, `${asked.question} (team ${asked.team}: ${asked.agents.join(", ")}) [y/N] `)
        return /^y(es)?$/i.test(answer.trim())
          ? "approved at the terminal"
          : yield* denied(asked, `"${asked.question}" was not answered with yes.`)
      })
  })

/** Asks the person at this terminal; without one, nothing is approved. */
export const terminal: Layer.Layer<Approvals> = at(ownTerminal)

/**
 * Takes the answer from a file whose first line is `yes` or `no`. A yes is for once: the file is removed with it, and one
 * that can't be removed is none.
 */
export const byFile = (path: string): Layer.Layer<Approvals> =>
  Layer.succeed(Approvals, {
    ask: (asked) =>
      Effect.gen(function*() {
        const text = yield* Effect.tryPromise(() => Fs.readFile(path, "utf8")).pipe(
          Effect.mapError(() => unavailable(asked, `"${asked.question}" has to be approved in ${path}, which can't be read.`))
        )
        if (!/^y(es)?\s*$/i.test(text.split("\n")[0] ?? "")) {
          return yield* denied(asked, `"${asked.question}" has to be approved in ${path}, whose first line is not yes.`)
        }
        yield* Effect.tryPromise(() => Fs.unlink(path)).pipe(
          Effect.mapError(() => unavailable(asked, `${path} says yes and can't be removed, so it could count twice.`))
        )
        return `approved in ${path}`
      })
  })

/**
 * A gate for a single agent: `Policy.withGate("the planner", Approvals.ask("restart the planner?"))`.
 */
export const ask = (question: string) => (facts: Facts): Effect.Effect<string, ApprovalDenied, Approvals> =>
  Effect.flatMap(Approvals, (approvals) => approvals.ask({ question, team: facts.team, agents: [facts.agent.spec.id] }))
