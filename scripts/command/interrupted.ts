import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { EventLog, RepriseLive, teamResource } from "../../sdk/index.ts"
import type { Document } from "./document.ts"

// What a verb answers that was ended by Ctrl-C or a signal: what is unfinished, and what continues it.

/** How long the log may take to say what is unfinished. */
const lookWithin = "300 millis"

interface Unfinished {
  readonly says: string
  readonly next: ReadonlyArray<string>
}

const unfinishedIn = Effect.gen(function*() {
  const log = yield* EventLog
  const found: Array<Unfinished> = []
  for (const team of yield* log.teams) {
    const state = Option.getOrUndefined(yield* log.state(team))
    if (state === undefined) continue
    const { operation } = state
    const holder = operation === null ? null : yield* log.holder(teamResource(team))
    if (operation !== null && (holder === null || holder.pid === process.pid)) {
      const next = operation.kind === "shutdown" ? `reprise down --team ${team}` : `reprise restart --team ${team} --continue`
      found.push({ says: `The ${operation.kind} of team ${team} is unfinished.`, next: [next] })
    }
    const waiting = state.pendingMessages.length
    if (waiting > 0) {
      found.push({
        says: `${waiting} ${waiting === 1 ? "message waits" : "messages wait"} in the log of team ${team}, and ` +
          `${waiting === 1 ? "goes" : "go"} out with the next send or restart.`,
        next: [`reprise status --team ${team}`]
      })
    }
  }
  return found
})

const ofVerb: Readonly<Record<string, Unfinished>> = {
  supervise: { says: "Supervision ended with this process; the agents go on without it.", next: ["reprise supervise"] },
  simulate: { says: "A simulation changes nothing.", next: [] },
  adopt: { says: "Adoption touches no process; the team is recorded as a whole or not at all.", next: ["reprise status"] }
}

const unknown: Unfinished = {
  says: "Whether an operation is unfinished could not be read in time; status says so.",
  next: ["reprise status"]
}

/** The answer of a verb that was interrupted. */
export const interruptedDocument = (verb: string, workspace: string | undefined): Effect.Effect<Document> =>
  Effect.map(
    unfinishedIn.pipe(
      Effect.provide(RepriseLive.layer({ workspace })),
      Effect.timeout(lookWithin),
      Effect.disconnect,
      Effect.catchAllCause(() => Effect.succeed([unknown]))
    ),
    (found): Document => {
      const own = ofVerb[verb]
      const all = [...own === undefined ? [] : [own], ...found]
      return {
        outcome: "failed",
        ok: false,
        message: ["It was interrupted.", ...all.length === 0 ? ["Nothing is unfinished."] : all.map(({ says }) => says)].join(" "),
        next: [...new Set(all.flatMap(({ next }) => next))],
        details: { reason: "interrupted" }
      }
    }
  )
