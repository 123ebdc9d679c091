import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"

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

const linkOf = (file: string): string => {
  try {
    return readlinkSync(file)
  } catch {
    return ""
  }
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

const socketIn = (workspace: string): string | null =>
  /"socket":\s*"([^"]+)"/.exec(textOf(join(workspace, ".reprise/plugins/transport-tmux/server.json")))?.[1] ?? null

/** Processes that work in the demo's directory, and the server that listens at its socket. */
const processesOf = (workspace: string, socket: string | null): ReadonlyArray<number> =>
  !existsSync("/proc/self") ? [] : readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    if (pid === process.pid) return false
    const cwd = linkOf(`/proc/${pid}/cwd`)
    return cwd === workspace || cwd.startsWith(`${workspace}/`) ||
      (socket !== null && textOf(`/proc/${pid}/cmdline`).split("\0").includes(socket))
  })

/** Ends all that the demo started and removes its directory and its socket, at once: for an interruption. */
export const removeDemo = (workspace: string): void => {
  const socket = socketIn(workspace)
  // What was being started while the first were ended is there at the second look.
  for (let look = 0; look < 2; look++) {
    for (const pid of processesOf(workspace, socket)) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // It was faster.
      }
    }
  }
  rmSync(workspace, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 })
  if (socket !== null) rmSync(dirname(socket), { recursive: true, force: true })
}
