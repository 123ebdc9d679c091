import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TeamKey } from "../domain/ids.ts"
import { isRefused, type LogVerdict } from "../domain/log-verdict.ts"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { refusedLog } from "../event-log/refused-log.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { TeamObservation } from "./observe.ts"

/** Fails where the log is not the current state of its workspace, so that nothing is decided by it. */
export const demandCurrentLog: Effect.Effect<void, EventLogError, EventLog> = Effect.gen(function*() {
  const verdict = yield* (yield* EventLog).verdict
  if (isRefused(verdict)) return yield* refusedLog(verdict, "decide", null)
})

/** What `status` may still show: of a log that is older than reality, what it records; of a copy or a lost one, nothing. */
export const demandReadableLog: Effect.Effect<LogVerdict, EventLogError, EventLog> = Effect.gen(function*() {
  const verdict = yield* (yield* EventLog).verdict
  return isRefused(verdict) && verdict._tag !== "RolledBack"
    ? yield* refusedLog(verdict, "read", null)
    : verdict
})

/** What a transport shows of teams; `panes` is null where it could not be asked, which is evidence of nothing. */
type Panes = Pick<TeamObservation, "panes">

/**
 * Panes of the team that its log does not know although it would have recorded them before they were started: the log is
 * older than they are.
 */
export const unknownSpawns = (team: TeamState, { panes }: Panes): ReadonlyArray<string> =>
  (panes ?? []).flatMap(({ agent: id, generation, identity, team: key }) => {
    if (key !== team.key) return []
    const agent = team.agents.find(({ spec }) => spec.id === id)
    // An agent that the log does not have is never touched by it.
    const isKnown = agent === undefined || generation <= agent.generation || agent.spawn?.token === identity.spawn
    return isKnown ? [] : [`process ${identity.pid} is ${id} of generation ${generation}, and the log knows generation ${agent.generation}`]
  })

/** Fails where a process of the team runs that the log does not know: nothing may be stopped or started by that log. */
export const demandKnownSpawns = (team: TeamState, observation: Panes): Effect.Effect<void, EventLogError, EventLog> =>
  Effect.gen(function*() {
    if (unknownSpawns(team, observation).length === 0) return
    const log = yield* EventLog
    // It may have been started by another command since the log was read.
    const evidence = unknownSpawns(Option.getOrElse(yield* log.state(team.key), () => team), observation)
    if (evidence.length === 0) return
    const position = yield* log.position
    return yield* refusedLog({ _tag: "RolledBack", position, evidence }, "decide", null)
  })

/** Fails where processes of a team run that the log does not have: the team was recorded before they were started. */
export const demandNoSpawns = (key: TeamKey, { panes }: Panes): Effect.Effect<void, EventLogError, EventLog> =>
  Effect.gen(function*() {
    const evidence = (panes ?? []).flatMap(({ agent, generation, identity, team }) =>
      team === key ? `process ${identity.pid} is ${agent} of generation ${generation}, and the log does not have team ${key}` : [])
    if (evidence.length === 0) return
    const position = yield* (yield* EventLog).position
    return yield* refusedLog({ _tag: "RolledBack", position, evidence }, "decide", null)
  })
