// supervise.ts: brings back who dies, by a policy, until it is ended: three times in ten minutes, at growing distances. Then
// it stops and hands the agent to the leader, and here that is a program of yours: it mails, pages, opens an issue.
//
//   npx tsx scripts/policies/supervise.ts ./page-me.sh      # is run with the agent and the reason
import { Effect, EventLog, Policy, run, Schedule, Stream, Supervise, teamState } from "reprise"
import { execFile } from "node:child_process"
import { promisify } from "node:util"

const [pager = "echo"] = process.argv.slice(2)

const policy = Policy.resume.pipe(
  Policy.orElse(Policy.freshIfNeverMessaged),
  Policy.withBackoff(Schedule.exponential("1 second"), { times: 2 }),
  // Without a budget supervision takes this very one.
  Policy.withBudget({ restarts: 3, per: "10 minutes", exceeded: Policy.escalate("leader") })
)

/** Runs the pager with words, no shell between; that it can't be run is said, and ends nothing. */
const page = (...words: Array<string>) =>
  Effect.tryPromise({ try: () => promisify(execFile)(pager, words), catch: String }).pipe(
    Effect.matchEffect({
      onFailure: (problem) => Effect.logError(`${pager} could not be run: ${problem}`),
      onSuccess: ({ stdout }) => Effect.log(stdout.trim())
    })
  )

/** A budget that is spent is said once, so somebody is paged once. */
const escalations = Effect.gen(function*() {
  const team = yield* teamState(undefined)
  const log = yield* EventLog
  yield* log.follow({ team: team.key, after: yield* log.position, types: ["supervision.exhausted"] }).pipe(
    Stream.runForEach((entry) =>
      entry._tag === "Event" && entry.event.type === "supervision.exhausted"
        ? page(entry.event.agent, entry.event.why)
        : Effect.void)
  )
})

const supervised = Supervise.supervise(undefined, policy, {
  strategy: "oneForOne",
  say: (sentence) => Effect.log(sentence)
})

// Both at once; the program ends when supervision was switched off, by `reprise supervise --disable`.
run(Effect.raceFirst(supervised, Effect.zipRight(escalations, Effect.never)))
