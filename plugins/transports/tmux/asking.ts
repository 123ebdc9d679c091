import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import { commandLine, commandSequence } from "./control-words.ts"
import type { ControlConnection } from "./ControlConnection.ts"
import type { Unanswered } from "./failures.ts"
import type { ClientAnswer, ClientRequest, Command } from "./plain-client.ts"

// How a server is asked: through the client in control mode where this process has one, else by a client that comes and
// goes.

/** Commands, in one go. */
export interface Asked {
  readonly commands: ReadonlyArray<Command>
  /** They are run on this condition, of this pane, which tmux itself checks in the same breath. */
  readonly where?: { readonly pane: string; readonly holds: string }
  /** A text that is put into a buffer first. */
  readonly buffer?: { readonly name: string; readonly text: string }
}

/** What each command printed; why there is nothing, otherwise. */
export type Outputs =
  | { readonly _tag: "Done"; readonly lines: ReadonlyArray<ReadonlyArray<string>> }
  /** The condition does not hold. */
  | { readonly _tag: "Unmet" }
  /** A command failed, or nobody is there. */
  | { readonly _tag: "Failed"; readonly detail: string }

/** Runs a client of its own; with limits that this process has learnt. */
export type AskClient = (request: Omit<ClientRequest, "timeoutMs">) => Effect.Effect<ClientAnswer, Unanswered>

interface AskOptions {
  readonly run: (request: ClientRequest) => Effect.Effect<ClientAnswer, Unanswered>
  readonly socket: () => string
  readonly connection: Effect.Effect<ControlConnection | null>
  readonly timeoutMs: number
}

/** A line of control mode stays short: one of 2 MB is lost without a word. */
const pieceLength = 16 * 1024

/** So many clients at once are enough, on any machine. */
const atOnce = 8

/** After a server did not answer in time, it is not waited for as long until it does. */
const impatientMs = 1000

const pieces = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let start = 0
  while (start < text.length) {
    let end = Math.min(start + pieceLength, text.length)
    // Not between the halves of a character.
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1
    found.push(text.slice(start, end))
    start = end
  }
  return found
}

const print = (word: string): Command => ["display-message", "-p", word]

/** Makes the two ways to ask. */
export const makeAsk = Effect.fnUntraced(function*({ connection, run, socket, timeoutMs }: AskOptions) {
  const turns = yield* Effect.makeSemaphore(atOnce)
  let limitMs = timeoutMs
  // What no screen can know: between the outputs, at the end of all, and where the condition does not hold.
  const token = randomUUID()
  const [between, end, unmet] = [`reprise-next-${token}`, `reprise-end-${token}`, `reprise-unmet-${token}`]

  const client: AskClient = (request) =>
    Effect.suspend(() => run({ ...request, timeoutMs: limitMs })).pipe(
      Effect.tapBoth({
        onFailure: (error) => Effect.sync(() => { if (error.late) limitMs = Math.min(timeoutMs, impatientMs) }),
        onSuccess: () => Effect.sync(() => { limitMs = timeoutMs })
      }),
      turns.withPermits(1)
    )

  const withMarks = ({ buffer, commands, where }: Asked): ReadonlyArray<Command> => {
    const marked = [...commands.flatMap((command, index) => index === 0 ? [command] : [print(between), command]), print(end)]
    if (where === undefined) return marked
    const otherwise = [...buffer === undefined ? [] : [["delete-buffer", "-b", buffer.name]], print(unmet), print(end)]
    return [["if-shell", "-F", "-t", where.pane, where.holds, commandSequence(marked), commandSequence(otherwise)]]
  }

  const read = (lines: ReadonlyArray<string>, complaint: string): Outputs => {
    if (lines.at(-1) !== end) return { _tag: "Failed", detail: complaint || "tmux did not answer" }
    if (lines.at(-2) === unmet) return { _tag: "Unmet" }
    const outputs: Array<Array<string>> = [[]]
    for (const line of lines.slice(0, -1)) {
      if (line === between) outputs.push([])
      else outputs.at(-1)?.push(line)
    }
    return { _tag: "Done", lines: outputs }
  }

  const through = Effect.fnUntraced(function*(open: ControlConnection, asked: Asked) {
    const { buffer } = asked
    const fill = buffer === undefined ? [] : pieces(buffer.text).map((piece) =>
      commandLine(["set-buffer", "-a", "-b", buffer.name, "--", piece]))
    const answers = yield* open.exchange([
      ...fill.map((line) => ({ line, complete: () => true })),
      {
        line: commandSequence(withMarks(asked)),
        complete: (given) => given.some(({ lines, ok }) => !ok || lines.at(-1) === end)
      }
    ])
    const failed = answers.flat().find(({ ok }) => !ok)
    const lines = (answers.at(-1) ?? []).flatMap((answer) => answer.lines)
    return failed === undefined ? read(lines, "") : { _tag: "Failed" as const, detail: failed.lines.join(" ") }
  })

  const apart = Effect.fnUntraced(function*(asked: Asked) {
    const { buffer } = asked
    const fill = buffer === undefined ? [] : [["load-buffer", "-b", buffer.name, "-"]]
    const answer = yield* client({
      socket: socket(),
      commands: [...fill, ...withMarks(asked)],
      ...buffer === undefined ? {} : { input: buffer.text }
    })
    return answer.ok ? read(answer.lines, answer.complaint) : { _tag: "Failed" as const, detail: answer.complaint }
  })

  const ask = (asked: Asked): Effect.Effect<Outputs, Unanswered> =>
    Effect.flatMap(connection, (open) => open === null ? apart(asked) : through(open, asked))

  return { client, ask }
})
