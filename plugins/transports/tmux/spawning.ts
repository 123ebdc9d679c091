import * as Effect from "effect/Effect"
import { type PaneIdentity, spawnProblem, type SpawnRequest, type SpawnToken, type TransportFailure } from "reprise/plugin"
import { failure, Unanswered } from "./failures.ts"
import { awaitAgent, type Ground, type OwnRow, unreachable } from "./Ground.ts"
import { sessionName } from "./Home.ts"
import { isToken, newWindowCommand, paneCommand } from "./panes.ts"
import type { Watch } from "./watching.ts"

/** Why a request can't be met; null when nothing speaks against it. Looks only. */
const refusal = (request: SpawnRequest): string | null =>
  isToken(request.spawn) ? spawnProblem(request) : `${JSON.stringify(request.spawn)} can't name a spawn.`

/** How long a recorder may take to start the program, on a machine that is very busy. */
const startMs = 20_000

const askForWindow = Effect.fnUntraced(function*(ground: Ground, spawn: SpawnToken, line: string) {
  // Where nothing was asked, nothing can come of it; later on, the window may still appear and need its record.
  const home = yield* ground.home.reachOrStart.pipe(Effect.tapError(() => ground.records.discard(spawn)))
  const [answers] = yield* home.connection.exchange([{ line, complete: () => true }])
  return { answer: answers?.[0] ?? { ok: false, lines: [] }, server: home.server }
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
      const line = newWindowCommand(sessionName, owner, paneCommand(owner, ground.records.recorder, record))
      const { answer, server } = yield* askForWindow(ground, request.spawn, line).pipe(
        Effect.mapError(unreachable("spawn"))
      )
      const [pane, window, pid] = answer.lines[0]?.split("\t") ?? []
      if (!answer.ok || pane === undefined || window === undefined || pid === undefined) {
        yield* ground.records.discard(request.spawn)
        return yield* failure("spawn", "Refused", `tmux did not make a window: ${answer.lines.join(" ") || "no answer"}.`)
      }
      const row: OwnRow = {
        pane,
        window,
        session: sessionName,
        pid: Number(pid),
        dead: false,
        owner,
        keeper: false,
        startCommand: ""
      }
      yield* watch.spawned(server, row)
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
