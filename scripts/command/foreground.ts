import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { createInterface } from "node:readline"
import { PluginHost, Send, Status } from "../../sdk/index.ts"
import { agentTable } from "./agent-table.ts"

const say = (text: string) => Effect.sync(() => process.stderr.write(`${text}\n`))

/** Lines that a person types; ends with the input. */
const lines = Stream.async<string>((emit) => {
  const reader = createInterface({ input: process.stdin })
  reader.on("line", (line) => void emit.single(line))
  reader.on("close", () => void emit.end())
  // An open input would keep the process.
  return Effect.sync(() => {
    reader.close()
    process.stdin.unref()
  })
})

const sendLine = (team: string) => (line: string) => {
  const [agent, ...words] = line.trim().split(/\s+/)
  if (agent === undefined || agent === "") return Effect.void
  return Send.send(team, agent, words.join(" ")).pipe(
    Effect.flatMap((report) => say(report.message)),
    Effect.catchAll((error) => say(error.message))
  )
}

/**
 * Where agents live in the process that started them, it stays, shows the team whenever it changed, and takes
 * `AGENT TEXT` lines. Elsewhere it ends at once: the agents live on without it.
 */
export const stayInForeground = (team: string) =>
  Effect.gen(function*() {
    const host = yield* PluginHost
    const first = yield* Status.status(team)
    const transport = yield* host.transport(first.team.transport)
    if (transport.capabilities.survivesCaller || transport.residence !== null) return
    yield* say("The agents live in this process. Type AGENT TEXT to send a message; Ctrl-C ends them, their conversations are kept.")
    yield* say("Another terminal can use status, log and down. A message that is sent there is delivered here; a restart or a fork is refused there.")
    let shown = ""
    const showChanges = Status.status(team).pipe(
      Effect.map(({ agents }) => agentTable(agents)),
      Effect.flatMap((table) => {
        if (table === shown) return Effect.void
        shown = table
        return say(table)
      }),
      Effect.catchAll((error) => say(error.message))
    )
    const input = yield* Effect.fork(Stream.runForEach(lines, sendLine(team)))
    const changes = yield* Effect.fork(Stream.runForEach(transport.events, () => showChanges))
    // Another sender holds the input of the agent: the next round delivers what it left.
    const deliver = Send.deliverWaiting(team).pipe(
      Effect.catchTag("LeaseHeld", () => Effect.void),
      Effect.catchAll((error) => say(error.message))
    )
    const deliveries = yield* Effect.fork(Effect.repeat(deliver, Schedule.spaced("1 second")))
    // Stopped from elsewhere, there is nothing left to show.
    const stopped = Effect.map(Effect.orElseSucceed(Status.status(team), () => first), (report) => report.team.stopped)
    yield* Effect.repeat(Effect.zipRight(showChanges, stopped), {
      schedule: Schedule.spaced("1 second"),
      until: (over) => over
    })
    yield* Fiber.interruptAll([input, changes, deliveries])
  })
