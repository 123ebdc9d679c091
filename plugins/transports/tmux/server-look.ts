import { existsSync, mkdirSync } from "node:fs"
import { connect } from "node:net"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type ProcessRef, processState, readProcess } from "reprise/plugin"
import { decodeMark, isSameWorkspace, type ServerRecord, type WorkspaceMark } from "./address.ts"
import type { AskClient } from "./asking.ts"
import { codeOf, describe, Unanswered } from "./failures.ts"
import { listCommand, oncePerPane, ownSessionOf, type PaneRow, parseRow, type SessionRef } from "./panes.ts"
import { idOption, placeOption } from "./server-start.ts"

// Whether a server is at a socket, which one it is, and what it has.

/** The server's process. */
export interface Server extends ProcessRef {
  readonly socket: string
}

/** The server runs. */
export interface Up {
  readonly _tag: "Up"
  readonly server: Server
  /** Our session; null when it is not there. */
  readonly session: SessionRef | null
  readonly rows: ReadonlyArray<PaneRow>
}

/** What is proved of the server. A query that failed is an `Unanswered`, never `Absent`. */
export type Home = Up | { readonly _tag: "Absent" }

/** Whether anybody listens on the socket. A refused or missing one is a proof; anything else is not. */
export const probe = (socket: string, timeoutMs: number): Effect.Effect<"listens" | "absent", Unanswered> =>
  Effect.async<"listens" | "absent", Unanswered>((resume) => {
    const client = connect(socket)
    const answer = (effect: Effect.Effect<"listens" | "absent", Unanswered>) => {
      client.destroy()
      resume(effect)
    }
    client.once("connect", () => answer(Effect.succeed("listens")))
    client.once("error", (error) => {
      const code = codeOf(error)
      answer(code === "ENOENT" || code === "ECONNREFUSED"
        ? Effect.succeed("absent")
        : Effect.fail(new Unanswered({ detail: `the socket can't be reached: ${describe(error)}` })))
    })
    return Effect.sync(() => client.destroy())
  }).pipe(Effect.timeoutFail({
    duration: timeoutMs,
    onTimeout: () => new Unanswered({ detail: `the socket did not answer within ${timeoutMs} ms` })
  }))

/** Names the server and the workspace that it was started for, also where it has no session. */
const introduction = ["display-message", "-p", `reprise\t#{pid}\t#{${idOption}}\t#{${placeOption}}`]

/** How to go on where the server can't be used: by its process, which is known. */
export const continuing = (record: ServerRecord | null): string =>
  record === null
    ? ""
    : ` The server is process ${record.pid}, and what it holds goes on. To continue, end it with \`kill ${record.pid}\`,` +
      " then type `reprise restart`: the conversations are kept"

/** Looks at one socket. `record` is that of a server not proved dead, whose socket it is. */
export const makeLookAt = ({ client, timeoutMs }: { readonly client: AskClient; readonly timeoutMs: number }) => {
  /** What a server that listens says of itself and its panes. */
  const introduce = Effect.fnUntraced(function*(at: string, record: ServerRecord | null, mark: WorkspaceMark) {
    const answer = yield* client({ socket: at, commands: [introduction, listCommand(null)] })
    const [word, pidText, id = "", place = ""] = answer.lines[0]?.split("\t") ?? []
    if (word !== "reprise") {
      const told = answer.complaint || answer.lines.join(" ") || "it said nothing"
      if (/version mismatch/i.test(told)) {
        return yield* new Unanswered({
          detail: `tmux and its server do not speak the same protocol ("${told}"), as after an upgrade of tmux.${continuing(record)}`
        })
      }
      return yield* new Unanswered({ detail: `tmux did not answer: ${told}`, lost: true })
    }
    // So a server answers that has no session at all.
    if (!answer.ok && !/no current target|no sessions/.test(answer.complaint)) {
      return yield* new Unanswered({ detail: `it did not list its panes: ${answer.complaint}`, lost: true })
    }
    const reading = yield* readProcess(Number(pidText))
    if (reading.state !== "alive") {
      return yield* new Unanswered({ detail: "tmux does not say which process it is", lost: true })
    }
    const marked = decodeMark(id, place)
    if (marked !== null && !isSameWorkspace(marked, mark)) {
      return yield* new Unanswered({
        detail: `the tmux server at ${at} was started for another workspace (${marked.path}), and nothing was done to it. ` +
          `If it is not needed any more, end it and its agents with \`kill ${pidText}\``
      })
    }
    const rows = oncePerPane(answer.lines.slice(1).flatMap((line) => parseRow(line) ?? []))
    const server: Server = { socket: at, pid: Number(pidText), startTime: reading.startTime }
    return { _tag: "Up", server, session: ownSessionOf(rows), rows } satisfies Up
  })

  /** A socket file can be cleaned away under a server that lives on: that server is asked to make it again. */
  const makeSocketAgain = Effect.fnUntraced(function*(record: ServerRecord) {
    yield* Effect.sync(() => {
      try {
        mkdirSync(dirname(record.socket), { recursive: true, mode: 0o700 })
        process.kill(record.pid, "SIGUSR1")
      } catch {
        // Either it ended just now, which the next look shows, or the directory can't be made, which the message says.
      }
    })
    return yield* Effect.gen(function*() {
      if ((yield* probe(record.socket, timeoutMs)) === "listens") return "listens" as const
      if ((yield* processState(record)) === "dead") return "absent" as const
      return yield* new Unanswered({
        detail: `the tmux server runs, and its socket ${record.socket} is gone.${continuing(record)}`
      })
    }).pipe(Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo("2 seconds"))))
  })

  const lookAt = Effect.fnUntraced(function*(at: string, record: ServerRecord | null, mark: WorkspaceMark) {
    // A client is only started where a server may answer it.
    const there = existsSync(at) ? "listens" : yield* probe(at, timeoutMs)
    if (there === "listens") {
      const told = yield* Effect.either(introduce(at, record, mark))
      if (told._tag === "Right") return told.right
      if (!told.left.lost || (yield* probe(at, timeoutMs)) === "listens") return yield* told.left
    }
    if (record === null || (yield* processState(record)) === "dead") return { _tag: "Absent" } as const
    return (yield* makeSocketAgain(record)) === "absent"
      ? { _tag: "Absent" } as const
      : yield* introduce(at, record, mark)
  })

  return lookAt
}
