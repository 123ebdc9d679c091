import type * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { AppendError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { HostBoot } from "../lifecycle/boot.ts"
import { observeTeam } from "../lifecycle/observe.ts"
import type { HostEnvironment } from "../lifecycle/operation.ts"
import { currentState } from "../lifecycle/prepare.ts"
import * as Restart from "../lifecycle/Restart.ts"
import type { PluginHost } from "../plugin/PluginHost.ts"
import { orGateFailed } from "../policy/GateFailed.ts"
import { touches } from "../policy/Policy.ts"
import { carryOut, nobodyActs } from "./act.ts"
import { nthDelay, standardBackoff } from "./back-off.ts"
import { beforeBoot, type Death, readDeath } from "./death.ts"
import { restartedBy, shortLived } from "./strategy.ts"
import { append, deathKey, exits, leave, named, sayOnce, type Supervision } from "./supervision.ts"

/** When to look again at the latest; null where nothing waits. */
export type NextLook = number | null

type Services = EventLog | PluginHost | FileSystem.FileSystem | HostEnvironment

const soonMs = 500
const unseen = "unseen"
/** Who died meanwhile has waited long enough; whoever holds the team gets on with it. */
const againMs = 100

/** When the restart of a death is due. The first follows at once; one that follows a short life waits as its policy says. */
const dueAt = <E, R>(supervision: Supervision<E, R>, team: TeamState, death: Death) =>
  Effect.gen(function*() {
    const { memory, policy, stableMs } = supervision
    const key = deathKey(death.agent)
    const known = memory.due.get(key)
    if (known !== undefined) return known
    const short = shortLived(death.agent.history, death.at, stableMs)
    if (short === 0) return death.at
    const id = death.agent.spec.id
    const made = yield* Effect.either(Restart.plan(team.key, policy, { agents: [id], onlyDead: true, trigger: "death" }))
    const decided = Either.isRight(made) ? made.right.agents.find(({ facts }) => facts.agent.spec.id === id)?.decided : undefined
    // Whoever is not to be started need not wait to be told so.
    if (decided?.decision.budget !== undefined && !touches(decided.decision)) return death.at
    const delay = yield* nthDelay<R>(decided?.handling.backoff?.schedule ?? standardBackoff, short)
    const at = death.at + delay
    memory.due.set(key, at)
    // The clock on the wall may be set back, and the death be one of later then.
    memory.waited.set(key, (yield* elapsedMillis) + delay)
    return at
  })

/** Says that a death is known and waits. */
const wait = <E, R>(supervision: Supervision<E, R>, team: TeamState, death: Death, until: number, why: string) =>
  Effect.gen(function*() {
    const at = new Date(until).toISOString()
    const said = yield* sayOnce(supervision, `wait/${deathKey(death.agent)}/${until}`, `${named(team, death)}. It is restarted at ${at}: ${why}.`)
    if (!said) return
    const { generation, spec: { id } } = death.agent
    yield* append([
      ...exits(team, [death]),
      supervision.observe
        ? { type: "supervision.observed", team: team.key, would: "wait", agents: [id], why: [named(team, death), why], until: at }
        : { type: "supervision.waiting", team: team.key, agent: id, generation, until: at, why }
    ])
  })

/** Nobody is started: all of it is written down in one batch, so that no other supervisor finds half of it. */
const hold = <E, R>(supervision: Supervision<E, R>, team: TeamState, deaths: ReadonlyArray<Death>, why: string) =>
  Effect.gen(function*() {
    const agents = deaths.map(({ agent }) => agent.spec.id)
    const said = yield* sayOnce(
      supervision,
      `hold/${deaths.map(({ agent }) => deathKey(agent)).join()}`,
      `The place that team ${team.key} lives in is gone, with ${agents.join(", ")}. Nothing is started: ${why}. ` +
        `To bring it back: reprise restart --team ${team.key}. To have that done by itself: reprise supervise --on-boot resume --team ${team.key}`
    )
    if (!said) return
    yield* append(supervision.observe
      ? [{ type: "supervision.observed", team: team.key, would: "hold", agents, why: [why], until: null }]
      : [
        ...exits(team, deaths),
        { type: "supervision.held", team: team.key, agents, why },
        ...deaths.map(({ agent: { generation, spec } }) => (
          { type: "supervision.left" as const, team: team.key, agent: spec.id, generation, code: "home_gone", why }
        ))
      ])
  })

/** A home that went away is one question about the team, not one for each agent: answered as its policy answers a boot. */
const homeless = <E, R>(supervision: Supervision<E, R>, team: TeamState, deaths: ReadonlyArray<Death>, all: ReadonlyArray<Death>) =>
  Effect.gen(function*() {
    const { policy } = supervision
    const agents = all.map(({ agent }) => agent.spec.id)
    if (deaths.some(({ cause }) => cause._tag === "Home" && cause.boot)) {
      return yield* carryOut(supervision, team, { deaths: all, agents, trigger: "boot", finishes: false })
    }
    if (policy.onBoot === "hold") return yield* hold(supervision, team, deaths, "the policy leaves the team as it is then")
    if (policy.onBoot === "ask") {
      if (policy.bootGates.length === 0) return yield* hold(supervision, team, deaths, "whether that was meant is unknown, and nobody was asked")
      if (supervision.observe) return yield* hold(supervision, team, deaths, "somebody would be asked")
      for (const gate of policy.bootGates) {
        const answer = yield* Effect.either(orGateFailed(gate.name, null)(gate.pass({ team: team.key, agents })))
        if (Either.isLeft(answer)) {
          const no: unknown = answer.left
          return yield* hold(supervision, team, deaths, (no instanceof Error ? no.message : String(no)).replace(/\.*$/, ""))
        }
      }
    }
    yield* carryOut(supervision, team, { deaths: all, agents, trigger: "death", finishes: false })
  })

/**
 * An operation that nobody finishes any more. One of a supervisor's is finished; a person's waits for a person, which it
 * answers with.
 */
const interrupted = <E, R>(supervision: Supervision<E, R>, team: TeamState, deaths: ReadonlyArray<Death>) =>
  Effect.gen(function*() {
    const operation = team.operation
    if (supervision.observe || operation === null || (yield* nobodyActs(supervision, team)) === null) return false
    if (operation.trigger === "person" || operation.kind !== "restart") {
      yield* sayOnce(
        supervision,
        `interrupted/${operation.id}`,
        `A ${operation.kind} of team ${team.key} was interrupted, and waits for a person: ` +
          `reprise restart --team ${team.key} --continue, or --rollback. Until then nothing is restarted here.`
      )
      return true
    }
    // Who waits, or is left, is neither started for the sake of others. After a boot it goes on only where that brings them back.
    const died = deaths.filter(({ cause }) => cause._tag === "Crash" || cause._tag === "Home")
    const agents = [...new Set([...operation.agents, ...died.map(({ agent }) => agent.spec.id)])]
    const boot = yield* HostBoot
    const outlived = team.agents.some((agent) => agents.includes(agent.spec.id) && beforeBoot(agent, boot))
    const trigger = outlived ? "boot" : operation.trigger
    yield* carryOut(supervision, team, { deaths: died, agents, trigger, finishes: true })
    // What can't be finished now is looked at again when something happens, or at the next round.
    return (yield* currentState(team.key, team)).operation !== null
  })

/** One look at the team, and what follows from it. Answers when to look again. */
export const pass = <E, R>(supervision: Supervision<E, R>): Effect.Effect<NextLook, AppendError, Services | R> =>
  Effect.gen(function*() {
    const { observe, providers, transport } = supervision
    const before = yield* stateOf(supervision)
    if (before === null || before.stopped) return null
    const observation = yield* observeTeam(before, transport)
    const now = yield* Clock.currentTimeMillis
    const elapsed = yield* elapsedMillis
    // What is unknown is no death.
    if (observation.failure !== null) {
      yield* sayOnce(
        supervision,
        unseen,
        `What became of team ${before.key} can't be told now (${observation.failure.message.replace(/\.*$/, "")}), so nothing is done.`
      )
      return now + soonMs
    }
    supervision.memory.said.delete(unseen)
    // A command writes down what it is about to end before it does: what is read now knows of all that was seen.
    const team = yield* currentState(before.key, before)
    if (team.stopped) return null
    const boot = yield* HostBoot
    const deaths = team.agents.flatMap((agent): ReadonlyArray<Death> => {
      const { generation, spec } = agent
      const given = team.supervision.givenUp.some((other) => other.agent === spec.id && other.generation === generation)
      const same = before.agents.find((other) => other.spec.id === spec.id)?.generation === generation
      const ground = { homeGone: observation.home === "absent", boot, provider: providers.find(spec.provider), now }
      const death = given && !observe || !same ? null : readDeath(agent, observation.agents.get(spec.id), ground)
      return death === null ? [] : [death]
    })
    if (team.operation !== null) {
      return (yield* interrupted(supervision, team, deaths)) ? null : now + soonMs
    }
    const [left, others] = [deaths.filter(({ cause }) => cause._tag === "Leave"), deaths.filter(({ cause }) => cause._tag !== "Leave")]
    yield* leave(supervision, team, left.flatMap((death) =>
      death.cause._tag === "Leave" ? [{ death, code: death.cause.code, why: death.cause.why }] : []))
    const lost = others.filter(({ cause }) => cause._tag === "Home")
    if (lost.length > 0) {
      const fresh = lost.filter(({ agent }) => supervision.memory.due.get(deathKey(agent)) !== Number.POSITIVE_INFINITY)
      if (fresh.length > 0) yield* homeless(supervision, team, fresh, others)
      return observe ? null : now + soonMs
    }
    const ready: Array<Death> = []
    // Who is left, or waits for the end of a limit, is not started for the sake of others either.
    const apart = left.map(({ agent }) => agent.spec.id)
    let next: NextLook = null
    for (const death of others) {
      const { cause } = death
      const limit = cause._tag === "Limit"
      const due = Math.max(limit ? cause.until : 0, limit ? 0 : yield* dueAt(supervision, team, death), supervision.memory.due.get(deathKey(death.agent)) ?? 0)
      if (due === Number.POSITIVE_INFINITY) continue
      const waited = !limit && (supervision.memory.waited.get(deathKey(death.agent)) ?? Number.POSITIVE_INFINITY) <= elapsed
      if (due <= now || waited) ready.push(death)
      else {
        const tried = supervision.memory.tries.has(deathKey(death.agent))
        yield* wait(supervision, team, death, due, limit
          ? "then its limit ends"
          : tried ? "it is tried again then" : "it did not live long since it was started last")
        next = Math.min(next ?? due, due)
        if (limit) apart.push(death.agent.spec.id)
      }
    }
    if (ready.length === 0) return next
    const agents = restartedBy(supervision.strategy, team, ready.map(({ agent }) => agent.spec.id), apart)
    yield* carryOut(supervision, team, { deaths: ready, agents, trigger: "death", finishes: false })
    return (yield* Clock.currentTimeMillis) + againMs
  })

/** What the log has of the team now; null where it has none. */
export const stateOf = ({ team }: Pick<Supervision<unknown, unknown>, "team">) =>
  Effect.flatMap(EventLog, (log) => Effect.map(log.state(team), Option.getOrNull))
