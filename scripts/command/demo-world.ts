import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

/** Kills the agents' own processes as a machine out of memory would. */
export const killAgents = (agents: ReadonlyArray<{ readonly pid: number | null }>) =>
  Effect.sync(() => {
    for (const { pid } of agents) if (pid !== null) process.kill(pid, "SIGKILL")
  })

/** Kills the tmux server that the attach command names: the demo's own. */
export const killServer = (attach: string) =>
  Effect.gen(function*() {
    const [program, ...words] = attach.split(" ")
    const socket = words[words.indexOf("-S") + 1]
    if (program === undefined || socket === undefined) return
    const pid = Number(yield* Command.string(Command.make(program, "-S", socket, "display-message", "-p", "#{pid}")))
    if (Number.isInteger(pid) && pid > 1) yield* Effect.sync(() => process.kill(pid, "SIGKILL"))
  }).pipe(Effect.ignoreLogged)

const Line = Schema.parseJson(Schema.Struct({ role: Schema.optional(Schema.String), text: Schema.optional(Schema.String) }))

/** What an agent answered to its newest message of that text, by its transcript; waits a moment for it. */
export const answerTo = (text: string, transcript: string | null) =>
  Effect.gen(function*() {
    if (transcript === null) return yield* Effect.fail("no transcript")
    const files = yield* FileSystem.FileSystem
    const lines = (yield* files.readFileString(transcript)).trimEnd().split("\n")
    const records = yield* Effect.forEach(lines, (line) => Schema.decode(Line)(line))
    const asked = records.findLastIndex((record) => record.role === "user" && record.text === text)
    const answer = records.slice(asked + 1).find((record) => record.role === "assistant")?.text
    return asked < 0 || answer === undefined ? yield* Effect.fail("no answer yet") : answer
  }).pipe(
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo("5 seconds"))),
    Effect.orElseSucceed(() => "nothing")
  )
