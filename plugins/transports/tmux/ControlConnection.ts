import { spawn } from "node:child_process"
import { StringDecoder } from "node:string_decoder"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import { makeControlParser, type Notification } from "./control-parser.ts"
import { describe, Unanswered } from "./failures.ts"

/** What tmux said to one command. */
export interface Answer {
  readonly ok: boolean
  readonly lines: ReadonlyArray<string>
}

/** One line to send, and how many answers make its own: a sequence gives one a command, up to the first that fails. */
export interface Question {
  readonly line: string
  readonly complete: (answers: ReadonlyArray<Answer>) => boolean
}

/**
 * One client in control mode, on plain pipes. It is used until it closes, and never mended. Its attaching and its closing
 * belong under the control lock.
 */
export interface ControlConnection {
  readonly isOpen: () => boolean
  /** Sends all lines at once; answers come in order. */
  readonly exchange: (
    questions: ReadonlyArray<Question>
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<Answer>>, Unanswered>
  readonly notifications: PubSub.PubSub<Notification>
  /** Why it closed, once it did. */
  readonly closed: Effect.Effect<string>
  /** Detaches, and waits until the client is gone. */
  readonly close: (why: string) => Effect.Effect<void>
}

export interface ConnectionOptions {
  readonly tmux: string
  readonly socket: string
  /** The id of a session; any one does, since windows of all sessions are told of. */
  readonly session: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** How long a client may take to leave; one whose server hangs is ended. */
const farewellMs = 1000

interface Pending {
  readonly question: Question
  readonly answers: Array<Answer>
  readonly done: Deferred.Deferred<ReadonlyArray<Answer>, Unanswered>
}

/** Attaches to the session of a server that runs; starts none. Waits without a limit: see who calls it. */
export const openConnection = Effect.fn("tmux.connect")(function*(options: ConnectionOptions) {
  const notifications = yield* PubSub.unbounded<Notification>()
  const closed = yield* Deferred.make<string>()
  const gone = yield* Deferred.make<void>()
  const attached = yield* Deferred.make<void, Unanswered>()
  const pending: Array<Pending> = []
  let open = true
  let stderr = ""

  const child = yield* Effect.try({
    try: () =>
      spawn(options.tmux, [
        "-u",
        "-N",
        "-S",
        options.socket,
        "-C",
        "attach-session",
        "-E",
        "-t",
        options.session,
        "-f",
        "ignore-size,no-output"
      ], { stdio: ["pipe", "pipe", "pipe"], env: options.env, cwd: "/" }),
    catch: (error) => new Unanswered({ detail: `tmux can't be run: ${describe(error)}` })
  })

  const end = (why: string): void => {
    if (!open) return
    open = false
    const lost = new Unanswered({ detail: why, lost: true })
    Deferred.unsafeDone(attached, Exit.fail(lost))
    for (const each of pending.splice(0)) Deferred.unsafeDone(each.done, Exit.fail(lost))
    Deferred.unsafeDone(closed, Exit.succeed(why))
    // The end of its input makes the client say goodbye to the server.
    child.stdin.end()
  }

  const answer = (given: Answer): void => {
    const first = pending[0]
    if (first === undefined) return end("tmux answered what was not asked")
    first.answers.push(given)
    if (!first.question.complete(first.answers)) return
    pending.shift()
    Deferred.unsafeDone(first.done, Exit.succeed(first.answers))
  }

  const parse = makeControlParser()
  const decoder = new StringDecoder("utf8")
  child.stdout.on("data", (chunk: Buffer) => {
    for (const item of parse(decoder.write(chunk))) {
      if (!open) return
      if (item._tag === "Violation") end("tmux said what control mode does not allow")
      else if (item._tag === "Reply") {
        if (item.asked) answer(item)
        else if (!item.ok) end(`tmux did not attach: ${item.lines.join(" ")}`)
      } else {
        // The first change of session is the end of the attaching.
        if (item.name === "session-changed") Deferred.unsafeDone(attached, Exit.succeed(undefined))
        if (item.name === "exit") end("tmux ended the connection")
        else notifications.unsafeOffer(item)
      }
    }
  })
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8")
  })
  child.stdin.on("error", () => end("the connection to tmux broke"))
  child.on("error", (error) => {
    end(`tmux can't be run: ${error.message}`)
    Deferred.unsafeDone(gone, Exit.void)
  })
  child.on("close", () => {
    end(`the connection to tmux closed${stderr === "" ? "" : `: ${stderr.trim()}`}`)
    Deferred.unsafeDone(gone, Exit.void)
  })

  const close = (why: string) =>
    Effect.sync(() => end(why)).pipe(
      Effect.zipRight(Effect.timeoutTo(Deferred.await(gone), {
        duration: farewellMs,
        onSuccess: () => true,
        onTimeout: () => false
      })),
      Effect.flatMap((left) => left ? Effect.void : Effect.sync(() => void child.kill("SIGKILL")))
    )
  const late = new Unanswered({ detail: `tmux did not answer within ${options.timeoutMs} ms`, late: true })

  yield* Deferred.await(attached).pipe(Effect.onError(() => close("the connection could not be made")))

  const exchange = (questions: ReadonlyArray<Question>) =>
    Effect.gen(function*() {
      const asked = yield* Effect.forEach(questions, (question) =>
        Effect.map(Deferred.make<ReadonlyArray<Answer>, Unanswered>(), (done): Pending => ({ question, answers: [], done })))
      if (!open) return yield* new Unanswered({ detail: "the connection to tmux is closed", lost: true })
      pending.push(...asked)
      child.stdin.write(questions.map((question) => `${question.line}\n`).join(""))
      return yield* Effect.forEach(asked, (each) => Deferred.await(each.done)).pipe(
        // A late answer could not be told from the next one's, and a late effect must not surprise: start anew.
        Effect.timeoutFail({ duration: options.timeoutMs, onTimeout: () => late }),
        Effect.tapError((error) => Effect.sync(() => end(error.detail)))
      )
    })

  const connection: ControlConnection = {
    isOpen: () => open,
    exchange,
    notifications,
    closed: Deferred.await(closed),
    close
  }
  return connection
})
