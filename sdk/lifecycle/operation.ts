import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import { randomUUID } from "node:crypto"
import type { Event, OperationKind } from "../domain/event.ts"
import { AgentId, OperationId, type TeamKey } from "../domain/ids.ts"
import type { Trigger } from "../domain/history.ts"
import type { Json } from "../domain/json.ts"
import type { AppendError } from "../event-log/errors.ts"
import { EventLog, type Lease } from "../event-log/EventLog.ts"

/** What a failure says of itself: an agent's and that of a stop are plain data. */
const saidBy = (failure: unknown): string => {
  const said = Predicate.hasProperty(failure, "kind") && Predicate.hasProperty(failure, "reason")
    ? failure.reason
    : Predicate.hasProperty(failure, "evidence") ? failure.evidence : failure
  return String(said)
}

/** One lifecycle change under the team's lease, with its journal. */
export interface Operation {
  readonly id: OperationId
  readonly team: TeamKey
  readonly startedAt: number
  readonly append: (events: ReadonlyArray<Event>) => Effect.Effect<number, AppendError>
  /**
   * Runs one journaled step: its intent is on disk before it begins and its result before anything else does. The
   * events of either go into the same batch. A failure is a result too.
   */
  readonly step: <A, E, R>(step: {
    readonly name: string
    readonly agent?: AgentId
    readonly generation?: number
    readonly intent?: ReadonlyArray<Event>
    readonly run: Effect.Effect<A, E, R>
    readonly result?: (value: A) => ReadonlyArray<Event>
    readonly detail?: (value: A) => Json
    readonly failed?: (error: E) => ReadonlyArray<Event>
  }) => Effect.Effect<A, E | AppendError, R>
}

interface Begin {
  readonly kind: OperationKind
  readonly team: TeamKey
  readonly lease: Lease
  readonly agents: ReadonlyArray<AgentId>
  readonly alive: ReadonlyArray<AgentId>
  readonly policy: string | null
  /** In which batches, where they are steps of it. */
  readonly batches?: ReadonlyArray<{ readonly agents: ReadonlyArray<string>; readonly healthyForMs: number }>
  /** Whether all of them are to come back or none. */
  readonly allOrNone?: boolean
  /** The interrupted operations that it goes on with or takes back. */
  readonly continues?: ReadonlyArray<OperationId>
  /** Why it is done, where that is not a person's wish. */
  readonly trigger?: Trigger
  /** Events that belong to the beginning, in the same batch. */
  readonly before?: (operation: OperationId) => ReadonlyArray<Event>
  readonly after?: (operation: OperationId) => ReadonlyArray<Event>
}

/** Writes the beginning of an operation and gives the handle through which all its changes go. */
export const beginOperation = (
  { after, agents, alive, allOrNone = false, batches = [], continues = [], before, kind, lease, policy, team, trigger }: Begin
): Effect.Effect<Operation, AppendError, EventLog> =>
  Effect.gen(function*() {
    const log = yield* EventLog
    const id = OperationId.make(randomUUID())
    const startedAt = yield* Clock.currentTimeMillis
    const append = (events: ReadonlyArray<Event>) => log.append(events, { lease })

    const step: Operation["step"] = ({ agent, detail, failed, generation, intent, name, result, run }) => {
      const entry = (phase: "intent" | "result", more?: Json): Event => ({
        type: "operation.step",
        team,
        operation: id,
        step: name,
        phase,
        ...(agent === undefined ? {} : { agent }),
        ...(generation === undefined ? {} : { generation }),
        ...(more === undefined ? {} : { detail: more })
      })
      return Effect.gen(function*() {
        yield* append([entry("intent"), ...intent ?? []])
        const exit = yield* Effect.exit(run)
        if (Exit.isSuccess(exit)) {
          yield* append([entry("result", detail?.(exit.value)), ...result?.(exit.value) ?? []])
          return exit.value
        }
        if (exit.cause._tag === "Fail") {
          yield* append([entry("result", { failed: saidBy(exit.cause.error) }), ...failed?.(exit.cause.error) ?? []])
        }
        return yield* exit
      })
    }

    const order = batches.length === 0 ? {} : {
      batches: batches.map(({ agents: ids, healthyForMs }) => ({ agents: ids.map((each) => AgentId.make(each)), healthy_for_ms: healthyForMs }))
    }
    yield* append([
      ...before?.(id) ?? [],
      { type: "operation.started", team, operation: id, kind, agents, alive, policy, ...trigger === undefined ? {} : { trigger }, ...allOrNone ? { all_or_none: true } : {}, ...continues.length === 0 ? {} : { continues }, ...order },
      ...after?.(id) ?? []
    ])
    return { id, team, startedAt, append, step }
  })

/** Writes the end of an operation and answers how long it took, in milliseconds. */
export const finishOperation = (
  operation: Operation,
  outcome: string,
  events: ReadonlyArray<Event> = []
): Effect.Effect<number, AppendError> =>
  Effect.gen(function*() {
    const tookMs = (yield* Clock.currentTimeMillis) - operation.startedAt
    yield* operation.append([
      ...events,
      { type: "operation.finished", team: operation.team, operation: operation.id, outcome, took_ms: tookMs }
    ])
    return tookMs
  })

/** The environment of the process that runs Reprise: what agents start from. */
export class HostEnvironment extends Context.Tag("reprise/HostEnvironment")<
  HostEnvironment,
  Readonly<Record<string, string>>
>() {}
