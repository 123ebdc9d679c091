import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { isRefused, judgeLog, type LogVerdict } from "../../domain/log-verdict.ts"
import type { EventLog } from "../../event-log/EventLog.ts"
import type { MemoryLog } from "../../event-log/EventLogMemory.ts"
import { refusedLog } from "../../event-log/refused-log.ts"
import type { People } from "./people.ts"
import type { Note } from "./recorded.ts"
import type { CommandTrouble, WorldStep } from "./scenario.ts"

// The log of a simulated workspace as tools leave it: copied with the workspace, or replaced by an older one. The product's
// own rules judge it by these facts.

type Log = Context.Tag.Service<typeof EventLog>

export interface WorkspaceLogOptions {
  readonly log: MemoryLog
  readonly note: Note
  readonly people: People
  /** Where the log was made. */
  readonly workspace: string
}

const place = (path: string, inode: string) => ({ path, device: "1", inode })

/** A log with this verdict: one that is refused can only be read. */
export const judgedLog = (log: Log, verdict: LogVerdict): Log => ({
  ...log,
  verdict: Effect.succeed(verdict),
  ...isRefused(verdict)
    ? {
      append: () => Effect.fail(refusedLog(verdict, "append", null)),
      lease: () => Effect.fail(refusedLog(verdict, "lease", null))
    }
    : {}
})

/** The position before the newest start of a process that lives. */
const beforeLivingStart = (log: Log, { everything }: People): Effect.Effect<number | null> =>
  log.read().pipe(
    Stream.runFold(null, (found: number | null, entry) => {
      if (entry._tag !== "Event" || entry.event.type !== "agent.spawn_intended") return found
      const { agent, generation, team } = entry.event
      const lives = everything().some(({ alive, placed, request }) =>
        alive && placed && request.agent === agent && request.team === team && request.generation === generation)
      return lives ? entry.position - 1 : found
    }),
    Effect.orDie
  )

/** The log of the workspace, and what tools do with it. */
export const makeWorkspaceLog = ({ log, note, people, workspace }: WorkspaceLogOptions) => {
  const identity = { id: "memory", ...place(workspace, "1") }
  /** Set while an older log is there. `marker`: the position that a marker outside the workspace has; null without one. */
  let older: { readonly putBack: Effect.Effect<void>; readonly marker: number | null } | null = null

  const putBack = Effect.suspend(() => {
    if (older === null) return Effect.void
    const { putBack } = older
    older = null
    note({ kind: "put back" })
    return putBack
  })

  return {
    /** The log as a command's process sees it, with the product's verdict on it. */
    openFor: (holder: string, { copy }: CommandTrouble): Effect.Effect<{ readonly service: Log; readonly verdict: LogVerdict }> =>
      Effect.gen(function*() {
        const opened = copy === undefined ? log : yield* log.copy
        const service = yield* opened.openFor(holder)
        const position = yield* Effect.orDie(service.position)
        return {
          service,
          verdict: judgeLog({
            here: copy === undefined ? identity : place("/copy", "2"),
            log: { identity, position },
            others: copy === undefined ? [] : [{ path: workspace, state: copy === "readable" ? "this_log" : "unknown" }],
            mirror: 0,
            marker: older === null ? position : older.marker,
            remains: []
          })
        }
      }),
    putBack,
    rollBack: ({ to }: Extract<WorldStep, { do: "log rolled back" }>): Effect.Effect<void> =>
      Effect.gen(function*() {
        yield* putBack
        const truth = yield* log.openFor("world")
        const position = yield* Effect.orDie(truth.position)
        const target = to === "before a start" ? yield* beforeLivingStart(truth, people) : Math.max(1, position - to)
        if (target === null || target >= position) return
        older = { putBack: yield* log.rollBack(target), marker: to === "before a start" ? null : position }
        note({ kind: "rolled back", marked: to !== "before a start" })
      })
  }
}

export type WorkspaceLog = ReturnType<typeof makeWorkspaceLog>
