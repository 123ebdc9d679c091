import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { refusedLog } from "../event-log/refused-log.ts"
import { resolveTeam } from "../spec/workspace.ts"
import { allTeams } from "./prepare.ts"
import type { ShutdownReport } from "./Shutdown.ts"

/**
 * What `down` answers in a copy of a workspace: nothing is stopped, since what its log names runs in the original. Asks no
 * transport. Null where this is no copy.
 */
export const downInCopy = (selector: string | undefined): Effect.Effect<ShutdownReport | null, EventLogError, EventLog> =>
  Effect.gen(function*() {
    const verdict = yield* (yield* EventLog).verdict
    if (verdict._tag !== "Copied") return null
    const teams = yield* allTeams
    const found = resolveTeam(teams.map(({ key }) => key), selector)
    const meant = teams.filter(({ key }) => Either.isLeft(found) || key === found.right)
    return {
      outcome: "workspace_copied",
      ok: false,
      message: refusedLog(verdict, "down", null).message,
      next: ["reprise up --as-new"],
      team: meant.map(({ key }) => key).join(", "),
      agents: [],
      spared: meant.flatMap(({ agents, key }) => agents.flatMap(({ phase, spawn, spec }) =>
        spawn === null || phase === "stopped" || phase === "exited"
          ? []
          : `${key}/${spec.id} of ${verdict.original}${spawn.pane === null ? "" : ` (process ${spawn.pane.pid})`}`)),
      survivors: [],
      leftovers: [],
      recorded: true,
      tookMs: 0
    }
  })
