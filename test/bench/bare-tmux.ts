import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { notMeasured, NotMeasured } from "./suite.ts"

const worker = fileURLToPath(new URL("../../plugins/providers/fake/worker.mjs", import.meta.url))
const patience = "60 seconds"

/** What a worker says on its screen when it can be spoken to. */
const readyWord = /^%output (%\d+) .*ready/

/** The argv of a fake worker as Reprise would start it, for a new conversation or an old one. */
export const workerArgv = (
  root: string,
  agent: string,
  conversation: { readonly fresh: string } | { readonly resume: string }
): ReadonlyArray<string> => [
  process.execPath,
  worker,
  "--root",
  root,
  ..."fresh" in conversation ? ["--session-id", conversation.fresh] : ["--resume", conversation.resume],
  "--agent",
  `alpha/${agent}`,
  "--session",
  "at-start"
]

/** Sessions of workers, made once so that bare restarts have something to resume. */
export const sessionIds = (count: number): ReadonlyArray<string> => Array.from({ length: count }, () => randomUUID())

const ended = (child: ChildProcessWithoutNullStreams) =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
  })

/** Ends the server that listens on our own socket, and with it all that lives in it. */
const endServer = (socket: string, env: Readonly<Record<string, string>>) =>
  Effect.async<void>((resume) => {
    const child = spawn("tmux", ["-S", socket, "kill-server"], { env, stdio: "ignore" })
    child.once("error", () => resume(Effect.void))
    child.once("exit", () => resume(Effect.void))
  })

/** Ends, with the scope, the tmux servers whose sockets are in directories of this one of ours. */
export const endServersIn = (directory: string, env: Readonly<Record<string, string>>) =>
  Effect.addFinalizer(() =>
    Effect.forEach(
      readdirSync(directory).map((name) => join(directory, name, "tmux")).filter((socket) => existsSync(socket)),
      (socket) => endServer(socket, env),
      { discard: true }
    )
  )

/**
 * Milliseconds until that many processes, started side by side by one command chain in a tmux server of their own, can
 * all be spoken to. The chain's own client stays as a control connection and hears what they show: nobody polls.
 */
export const bareStart = (options: {
  readonly directory: string
  readonly commands: ReadonlyArray<ReadonlyArray<string>>
  readonly env: Readonly<Record<string, string>>
}): Effect.Effect<number, NotMeasured> =>
  Effect.gen(function*() {
    mkdirSync(options.directory, { recursive: true })
    const socket = join(options.directory, `s-${randomUUID().slice(0, 8)}`)
    const chain = options.commands.flatMap((argv, index) =>
      index === 0
        ? ["new-session", "-x", "200", "-y", "50", "-c", options.directory, "--", ...argv]
        : [";", "new-window", "-d", "-c", options.directory, "--", ...argv]
    )
    const started = performance.now()
    const child = yield* Effect.acquireRelease(
      Effect.try({
        try: () => spawn("tmux", ["-u", "-S", socket, "-f", "/dev/null", "-C", ...chain], { env: options.env }),
        catch: notMeasured
      }),
      (running) => Effect.zipRight(endServer(socket, options.env), ended(running))
    )
    return yield* Effect.async<number, NotMeasured>((resume) => {
      const ready = new Set<string>()
      const said: Array<string> = []
      child.once("error", (error) => resume(notMeasured(error)))
      child.once("exit", () =>
        resume(new NotMeasured({ reason: `The bare tmux server ended early: ${said.slice(-3).join(" ")}` })))
      createInterface({ input: child.stdout }).on("line", (text) => {
        said.push(text.slice(0, 200))
        if (said.length > 20) said.shift()
        const pane = readyWord.exec(text)?.[1]
        if (pane === undefined) return
        ready.add(pane)
        if (ready.size === options.commands.length) resume(Effect.succeed(performance.now() - started))
      })
    })
  }).pipe(
    Effect.scoped,
    Effect.timeoutFail({
      duration: patience,
      onTimeout: () => new NotMeasured({ reason: `The bare processes were not ready within ${patience}.` })
    })
  )
