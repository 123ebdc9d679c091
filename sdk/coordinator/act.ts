import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { elapsedMillis } from "../domain/elapsed.ts"
import type { Event } from "../domain/event.ts"
import type { AgentId } from "../domain/ids.ts"
import type { LeaseHeld } from "../event-log/errors.ts"
import { EventLog, teamResource } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import { StartPace } from "../lifecycle/pace.ts"
import type { AgentPlan, RestartPlan } from "../lifecycle/plan.ts"
import * as Restart from "../lifecycle/Restart.ts"
import { isolated, touches } from "../policy/Policy.ts"
import { refusedTogether } from "../policy/TeamPolicy.ts"
import type { Death } from "./death.ts"
import { append, deathKey, exits, leave, named, sayOnce, type Supervision } from "./supervision.ts"

/** A restart that is to be made for the sake of some deaths. */
export interface Act {
  readonly deaths: ReadonlyArray<Death>
  readonly agents: ReadonlyArray<AgentId>
  readonly trigger: "death" | "boot"
  /** The interrupted operation that it finishes. */
  readonly finishes: boolean
}

const triesAtMost = 3
const words = (text: string): string => text.replace(/\.*$/, "")
const listed = (ids: ReadonlyArray<string>): string => ids.join(", ")

/** Who died alone is restarted alone, whatever becomes of the others; who is restarted with others is so with all of them. */
const policyOf = <E, R>({ policy, strategy }: Supervision<E, R>) => strategy === "oneForOne" ? isolated(policy) : refusedTogether(policy)

const optionsOf = <E, R>({ readyWithin, strategy }: Supervision<E, R>, { agents, finishes, trigger }: Act) => ({
  agents,
  trigger,
  onlyDead: !finishes && (strategy === "oneForOne" || trigger === "boot"),
  ...readyWithin === null ? {} : { readyWithin }
})

const entryOf = (plan: RestartPlan<unknown, unknown>, { agent }: Death): AgentPlan<unknown, unknown> | undefined =>
  plan.agents.find(({ facts }) => facts.agent.spec.id === agent.spec.id)

/** Who died is not dead any more, or died anew: what was decided for the death is over. */
class Superseded {
  readonly _tag = "Superseded"
}

/** Said under the lease and before anything is touched. The living are touched for the dead only: their death is looked at again. */
const announce = <E, R>(supervision: Supervision<E, R>, team: TeamState, act: Act) => (plan: RestartPlan<unknown, unknown>) =>
  Effect.gen(function*() {
    const { deaths, finishes } = act
    const dead = deaths.every((death) => {
      const facts = entryOf(plan, death)?.facts
      return facts !== undefined && facts.life === "dead" && facts.agent.generation === death.agent.generation
    })
    if (!finishes && !dead) return yield* Effect.fail(new Superseded())
    const agents = plan.agents.flatMap(({ decided, facts }) => touches(decided.decision) ? facts.agent.spec.id : [])
    if (agents.length === 0) return
    const why = deaths.map((death) => named(team, death))
    const others = agents.filter((id) => !deaths.some(({ agent }) => agent.spec.id === id))
    yield* append([{
      type: "supervision.restarting",
      team: team.key,
      died: deaths.map(({ agent }) => agent.spec.id),
      agents,
      strategy: supervision.strategy,
      why: finishes ? [...why, "the restart that was made for it was interrupted"] : why
    }])
    yield* supervision.say(
      finishes
        ? `A restart of team ${team.key} by a supervisor was interrupted; it is finished: ${listed(agents)}.`
        : `${why.join("; ")}. Restarted now${others.length === 0 ? "" : `, with ${listed(others)}`}.`
    )
  })

/** The budget that was found spent: said once, and the end of it. */
const exhausted = <E, R>(supervision: Supervision<E, R>, team: TeamState, death: Death, entry: AgentPlan<unknown, unknown>) =>
  Effect.gen(function*() {
    const { budget, why: reasons } = entry.decided.decision
    if (budget === undefined) return
    const { agent } = death
    const why = reasons.join("; ")
    yield* append([{
      type: "supervision.exhausted",
      team: team.key,
      agent: agent.spec.id,
      generation: agent.generation,
      ...budget,
      why
    }])
    yield* supervision.say(
      `${team.key}/${agent.spec.id} died again and is not restarted: ${words(why)}. Supervision of it ends here. ` +
        `To let it go on: reprise supervise --clear ${agent.spec.id} --team ${team.key}`
    )
  })

/** Something came to nothing that may go better later: it is tried a few times, farther and farther apart. */
const later = <E, R>(supervision: Supervision<E, R>, team: TeamState, deaths: ReadonlyArray<Death>, code: string, why: string) =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const elapsed = yield* elapsedMillis
    for (const death of deaths) {
      const key = deathKey(death.agent)
      const tries = (supervision.memory.tries.get(key) ?? 0) + 1
      supervision.memory.tries.set(key, tries)
      if (tries >= triesAtMost) yield* leave(supervision, team, [{ death, code, why }])
      else {
        supervision.memory.due.set(key, now + 1000 * 2 ** tries)
        supervision.memory.waited.set(key, elapsed + 1000 * 2 ** tries)
        yield* supervision.say(`${team.key}/${death.agent.spec.id} was not restarted: ${words(why)}. It is tried again.`)
      }
    }
  })

const isSpent = (entry: AgentPlan<unknown, unknown> | undefined): boolean =>
  entry !== undefined && entry.decided.decision.budget !== undefined && !touches(entry.decided.decision)

/** What came of the dead, one by one. Whoever was started anew and died is found at the next look. */
const readReport = <E, R>(supervision: Supervision<E, R>, { deaths }: Act, report: Restart.RestartReport) =>
  Effect.gen(function*() {
    // A spent budget is said once, and by itself.
    if (!deaths.every((death) => isSpent(entryOf(report.plan, death)))) yield* supervision.say(report.message)
    for (const death of deaths) {
      const entry = entryOf(report.plan, death)
      const came = report.agents.find(({ id }) => id === death.agent.spec.id)
      if (came === undefined || entry === undefined) {
        yield* leave(supervision, report.team, [{ death, code: report.outcome, why: report.message }])
        continue
      }
      if (isSpent(entry)) {
        yield* exhausted(supervision, report.team, death, entry)
        continue
      }
      if (came.result === "stopped") {
        yield* leave(supervision, report.team, [{ death, code: "undone", why: "all were to come back or none, and one did not" }])
        continue
      }
      // It lives, or has another death to be looked at.
      if (came.generation !== death.agent.generation || (entry.untouched && entry.facts.life !== "dead")) continue
      const { code, kind, why } = entry.decided.decision
      if (came.result === "failed" && came.failure !== null) {
        const { kind: failed, reason, retryable } = came.failure
        if (retryable) yield* later(supervision, report.team, [death], failed, reason)
        else yield* leave(supervision, report.team, [{ death, code: failed, why: reason }])
      } else if (touches(entry.decided.decision)) {
        yield* leave(supervision, report.team, [{ death, code: report.outcome, why: report.message }])
      } else {
        yield* leave(supervision, report.team, [{ death, code: code ?? kind, why: why.join("; ") || report.message }])
      }
    }
  })

const yieldTo = <E, R>(supervision: Supervision<E, R>, { holder }: LeaseHeld) =>
  Effect.gen(function*() {
    const said = yield* sayOnce(
      supervision,
      `yielded/${holder.pid}/${holder.since}`,
      `Process ${holder.pid} (${holder.command}) changes team ${supervision.team}; it goes first, and what it leaves is looked at after it.`
    )
    if (said) yield* append([{ type: "supervision.yielded", team: supervision.team, holder: holder.pid, command: holder.command }])
  })

/** What an observing supervisor would have done now. */
const observed = <E, R>(supervision: Supervision<E, R>, team: TeamState, act: Act) =>
  Effect.gen(function*() {
    const made = yield* Effect.either(Restart.plan(team.key, policyOf(supervision), optionsOf(supervision, act)))
    const said: Array<Event> = [...exits(team, act.deaths)]
    for (const death of act.deaths) {
      supervision.memory.due.set(deathKey(death.agent), Number.POSITIVE_INFINITY)
      const entry = Either.isRight(made) ? entryOf(made.right, death) : undefined
      const refusal = Either.isRight(made) ? made.right.refusal?.message : made.left.message
      const goes = refusal === undefined && entry !== undefined && touches(entry.decided.decision)
      const would = goes ? "restart" : entry?.decided.decision.budget === undefined ? "leave" : "stop"
      const why = [named(team, death), ...entry?.decided.decision.why ?? [], ...refusal === undefined ? [] : [refusal]]
      said.push({ type: "supervision.observed", team: team.key, would, agents: goes ? act.agents : [death.agent.spec.id], why, until: null })
      yield* supervision.say(
        `${named(team, death)}. Only watched: ` + (goes
          ? `${listed(act.agents)} would be restarted now.`
          : would === "stop" ? "its budget is spent, and supervision of it would end here." : `it would be left as it is: ${words(why.at(-1) ?? "")}.`)
      )
    }
    yield* append(said)
  })

/**
 * Announces a restart and makes it. Another command that changes the team goes first. What keeps one of several agents
 * from being started must not keep the others down where each is on its own.
 */
export const carryOut = <E, R>(supervision: Supervision<E, R>, team: TeamState, act: Act) =>
  Effect.gen(function*() {
    if (supervision.observe) return yield* observed(supervision, team, act)
    const refused = yield* restartFor(supervision, team, act)
    if (refused === null) return
    if (supervision.strategy !== "oneForOne" || act.finishes || act.deaths.length === 1) return yield* readReport(supervision, act, refused)
    for (const death of act.deaths) {
      const alone = { ...act, deaths: [death], agents: [death.agent.spec.id] }
      const report = yield* restartFor(supervision, team, alone)
      if (report !== null) yield* readReport(supervision, alone, report)
    }
  })

/** Makes the restart; answers with its report where it was refused as a whole, and with null where all is settled. */
const restartFor = <E, R>(supervision: Supervision<E, R>, team: TeamState, act: Act) =>
  Effect.gen(function*() {
    const restart = Restart.restart(team.key, policyOf(supervision), {
      ...optionsOf(supervision, act),
      // A supervisor acts on deaths, and by its strategy on who depends on them: that is what it was switched on for.
      interruptBusy: true,
      beforeActing: announce(supervision, team, act)
    }).pipe(Effect.provideService(StartPace, supervision.pace))
    return yield* restart.pipe(
      Effect.flatMap((report) =>
        report.operation === null && !report.ok ? Effect.succeed(report) : Effect.as(readReport(supervision, act, report), null)),
      Effect.catchAll((error: unknown) => Effect.as(notMade(supervision, team, act, error), null))
    )
  })

const tagOf = (error: unknown): unknown => typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
const isHeld = (error: unknown): error is LeaseHeld => tagOf(error) === "LeaseHeld"
const sentence = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** A restart that was not made, or not to its end. */
const notMade = <E, R>(supervision: Supervision<E, R>, team: TeamState, { deaths }: Act, error: unknown) =>
  Effect.gen(function*() {
    if (isHeld(error)) return yield* yieldTo(supervision, error)
    switch (tagOf(error)) {
      case "Superseded":
        return yield* supervision.say(`Nothing was done: ${listed(deaths.map(({ agent }) => agent.spec.id))} came back meanwhile.`)
      case "EventLogError":
      case "LeaseLost":
      case "AppendRefused":
      case "SessionClaimed":
        return yield* later(supervision, team, deaths, "log", sentence(error))
      default:
        // A gate that closed, an approval that nobody gave, a plugin that is not there.
        return yield* leave(supervision, team, deaths.map((death) => ({ death, code: String(tagOf(error) ?? "failed"), why: sentence(error) })))
    }
  })

/** Whether nobody changes the team now: an operation that it has is then one that was interrupted. */
export const nobodyActs = <E, R>(supervision: Supervision<E, R>, team: TeamState) =>
  Effect.scoped(Effect.gen(function*() {
    const log = yield* EventLog
    const probed = yield* Effect.either(log.lease(teamResource(team.key), "supervise"))
    if (Either.isLeft(probed)) {
      if (isHeld(probed.left)) yield* yieldTo(supervision, probed.left)
      return null
    }
    const current = Option.getOrNull(yield* log.state(team.key))
    return current?.operation?.id === team.operation?.id ? current : null
  }))
