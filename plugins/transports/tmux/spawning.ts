import * as Effect from "effect/Effect"
import { type PaneIdentity, spawnProblem, type SpawnRequest, type SpawnToken, type TransportFailure } from "reprise/plugin"
import { failure, Unanswered } from "./failures.ts"
import { awaitAgent, type Ground, type OwnRow, unreachable } from "./Ground.ts"
import { isToken, newWindowCommand, type PaneOwner, paneCommand, sizeCommand } from "./panes.ts"
import type { Command } from "./plain-client.ts"
import type { Watch } from "./watching.ts"

/** Why a request can't be met; null when nothing speaks against it. Looks only. */
const refusal = (request: SpawnRequest): string | null =>
  isToken(request.spawn) ? spawnProblem(request) : `${JSON.stringify(request.spawn)} can't name a spawn.`

/** How long a recorder may take to start the program, on a machine that is very busy. */
const startMs = 20_000

/** Asks for a window; once more where the session ended with its last window just then. */
const askForWindow = Effect.fnUntraced(function*(ground: Ground, spawn: SpawnToken, owner: PaneOwner, program: Command) {
  for (let again = false;; again = true) {
    // Where nothing was asked, nothing can come of it; later on, the window may still appear and need its record.
    const home = yield* ground.home.reachOrStart.pipe(
      Effect.tapError(() => again ? Effect.void : ground.records.discard(spawn))
    )
    const outputs = yield* ground.home.ask({ commands: [newWindowCommand(home.session.id, owner, program)] })
    const missing = outputs._tag === "Failed" && /can't find (session|window)|no server running|error connecting/.test(outputs.detail)
    if (!missing || again) return { outputs, home }
  }
})

/** Starts an agent in a window of its own. */
export const spawnAgent = (ground: Ground, watch: Watch) =>
  Effect.fn("tmux.spawn")(
    function*(request: SpawnRequest): Effect.fn.Return<PaneIdentity, TransportFailure> {
      const problem = refusal(request)
      if (problem !== null) return yield* failure("spawn", "Refused", `${problem} Nothing was started.`)
      const owner = { spawn: request.spawn, team: request.team, agent: request.agent, generation: request.generation }
      // Terminals inside tmux are of tmux's kind, whatever the caller's was.
      const record = yield* ground.records.prepare({ ...request, env: { ...request.env, TERM: "screen-256color" } })
      const program = paneCommand(owner, ground.records.recorder, record)
      const { home, outputs } = yield* askForWindow(ground, request.spawn, owner, program).pipe(
        Effect.mapError(unreachable("spawn"))
      )
      const [pane, window, pid] = outputs._tag === "Done" ? outputs.lines[0]?.[0]?.split("\t") ?? [] : []
      if (pane === undefined || window === undefined || pid === undefined) {
        yield* ground.records.discard(request.spawn)
        const detail = outputs._tag === "Failed" ? outputs.detail : "no answer"
        return yield* failure("spawn", "Refused", `tmux did not make a window: ${detail}.`)
      }
      // It may have ended by now; one that keeps the size of a client gets its own when it is next read.
      yield* Effect.ignore(ground.home.ask({ commands: [sizeCommand(window)] }))
      const row: OwnRow = {
        pane,
        window,
        session: home.session.name,
        sessionId: home.session.id,
        ownSession: true,
        pid: Number(pid),
        dead: false,
        owner,
        keeper: false,
        startCommand: ""
      }
      yield* watch.spawned(home.server, row)
      const agent = yield* awaitAgent(ground, row, startMs)
      yield* ground.records.launched(request.spawn)
      if (agent === "ended") {
        return yield* failure("spawn", "Gone", `The pane ${pane} ended before ${request.argv[0]} was started.`)
      }
      if (agent === "late") {
        return yield* unreachable("spawn")(
          new Unanswered({ detail: `the pane ${pane} has had no process for ${startMs} ms` })
        )
      }
      return agent
    }
  )
