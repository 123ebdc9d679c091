// restart-when.ts: restarts on a condition from the event stream. The scribe keeps its notes in files, and a long
// conversation makes it slow: after so many messages it is started anew, once it has answered the last of them.
//
//   npx tsx scripts/policies/restart-when.ts scribe 20
import { type AgentId, Effect, EventLog, Grants, Policy, Restart, run, Schedule, Status, Stream, teamState } from "reprise"

const [name = "scribe", words = "20"] = process.argv.slice(2)
const messages = Number(words)

const wrongUsage = (why: string) =>
  Effect.sync(() => {
    process.stderr.write(`${why} Nothing was done. Usage: restart-when.ts AGENT MESSAGES\n`)
    process.exitCode = 2
  })

// May leave a conversation behind, so that `run` below does not compile without the grant. A mistake here can't become
// a loop: after six in an hour it is refused.
const anew = Policy.fresh.pipe(
  Policy.withBudget({ restarts: 6, per: "1 hour", exceeded: Policy.refuse("too_often", "that was six times in an hour") })
)

const atRest = (agent: AgentId) =>
  Effect.repeat(Status.status(), {
    until: ({ agents }) => agents.some(({ id, status }) => id === agent && status === "idle"),
    schedule: Schedule.spaced("500 millis")
  })

const program = Effect.gen(function*() {
  const team = yield* teamState(undefined)
  const agent = team.agents.find(({ spec }) => spec.id === name)?.spec.id
  if (agent === undefined) return yield* wrongUsage(`Team ${team.key} has no agent ${JSON.stringify(name)}.`)
  if (!/^[1-9]\d*$/.test(words)) return yield* wrongUsage(`${JSON.stringify(words)} is no number of messages.`)
  const log = yield* EventLog
  const events = log.follow({ team: team.key, agent, after: yield* log.position, types: ["message.submitted", "agent.ready"] })
  yield* Effect.log(`Following ${agent} of team ${team.key}: it is started anew after every ${messages} messages.`)
  yield* events.pipe(
    // How many messages it was given since its last start.
    Stream.mapAccum(0, (before, entry) => {
      const count = entry._tag === "Event" && entry.event.type === "message.submitted" ? before + 1 : 0
      return [count, count]
    }),
    Stream.filter((count) => count === messages),
    Stream.runForEach(() =>
      atRest(agent).pipe(
        Effect.zipRight(Restart.restart(team.key, anew, { agents: [agent] })),
        // Somebody else changes the team just now: they go first.
        Effect.retry({ while: ({ _tag }) => _tag === "LeaseHeld", schedule: Schedule.spaced("2 seconds") }),
        Effect.flatMap(({ message }) => Effect.log(message))
      )
    )
  )
})

run(program, { provide: Grants.discardContext("the scribe keeps its notes in files") })
