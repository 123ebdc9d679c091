import type { AgentFailure } from "../../domain/failure.ts"
import { chance, lasts } from "./chance.ts"
import type { Outage, StartRule } from "./scenario.ts"
import { scopeOf } from "./setting.ts"
import { agentAt, happened, iso, setUp, type World } from "./world.ts"

// What befalls the agents of a simulated world.

/** What is drawn for which purpose. */
const purpose = { life: 100, loss: 200, start: 300, length: 400 }

/** How long a start takes where nothing is said of it. */
const usualStartMs = 2_000

/** Whoever hears of a death. */
export interface Listener {
  readonly died: (index: number, failure: AgentFailure) => void
}

const failure = (kind: AgentFailure["kind"], retryable: boolean, retryAt: string | null = null): AgentFailure => ({
  kind,
  reason: "as the scenario has it",
  retryable,
  retryAt
})

const limitOf = (world: World, { kind = "usage_limit", saysUntil = true, until }: Outage): AgentFailure =>
  failure(kind, true, saysUntil ? iso(world, until) : null)

/** An agent's process ends. One that had to end for a limit says so. */
export const die = (
  world: World,
  listener: Listener,
  index: number,
  how: { readonly code: number; readonly limit?: AgentFailure; readonly quiet?: boolean }
): void => {
  const [living, agent, fate] = [world.agents[index], agentAt(world, index), world.setting.fates[index]]
  if (living === undefined || agent === undefined || fate === undefined || !living.alive) return
  const scope = scopeOf(agent.spec.id, agent.generation)
  living.alive = false
  world.tally.deaths += 1
  happened(world, [
    { type: "agent.exited", ...scope, exit: { code: how.code, signal: null }, evidence: "as the scenario has it", ...how.limit === undefined ? {} : { kind: how.limit.kind } },
    ...how.limit === undefined ? [] : [{ type: "agent.failed" as const, ...scope, failure: how.limit }]
  ])
  setUp(world, index, false)
  for (const [rule, loss] of fate.losses.entries()) {
    if ("chance" in loss && chance(world.seed, index, purpose.loss + rule, living.lives) < loss.chance) living.lost = true
  }
  if (how.quiet !== true) listener.died(index, how.limit ?? failure("crash", true))
}

/** Draws how long an agent that is at work now lives. */
export const drawLife = (world: World, listener: Listener, index: number): void => {
  const [living, agent, fate] = [world.agents[index], agentAt(world, index), world.setting.fates[index]]
  if (living === undefined || agent === undefined || fate === undefined || fate.deaths.length === 0) return
  const life = Math.min(...fate.deaths.map((rule, at) => lasts(rule, chance(world.seed, index, purpose.life + at, living.lives))))
  const { generation } = agent
  world.at(world.now + Math.max(1, life), () => {
    if (agentAt(world, index)?.generation === generation) die(world, listener, index, { code: 1 })
  })
}

const outageOf = ({ now, setting }: World, provider: string): Outage | undefined =>
  setting.scenario.outages?.find((outage) => (outage.provider ?? provider) === provider && outage.from <= now && now < outage.until)

const lengthOf = (world: World, { takes }: StartRule, index: number, starts: number): number => {
  if (takes === undefined) return usualStartMs
  if (typeof takes === "number") return takes
  if ("from" in takes) return takes.from + (takes.to - takes.from) * chance(world.seed, index, purpose.length, starts)
  return takes[Math.min(starts - 1, takes.length - 1)] ?? usualStartMs
}

/** How a start goes that begins now. */
export interface Start {
  readonly takesMs: number
  readonly failure: AgentFailure | null
}

const another: ReadonlySet<string> = new Set(["crash", "not_ready", "unknown"])

export const drawStart = (world: World, index: number): Start => {
  const [living, fate] = [world.agents[index], world.setting.fates[index]]
  if (living === undefined || fate === undefined) return { takesMs: usualStartMs, failure: null }
  living.starts += 1
  const { now, seed } = world
  const outage = outageOf(world, fate.provider)
  if (outage !== undefined) return { takesMs: usualStartMs, failure: limitOf(world, outage) }
  const rule = fate.starts.find((one, at) =>
    (one.from ?? 0) <= now && now < (one.until ?? Infinity) && chance(seed, index, purpose.start + at, living.starts) < (one.chance ?? 1))
  if (rule === undefined) return { takesMs: usualStartMs, failure: null }
  return {
    takesMs: lengthOf(world, rule, index, living.starts),
    failure: rule.fails === undefined ? null : failure(rule.fails, another.has(rule.fails))
  }
}

/** An agent is spoken to, where it lives and somebody speaks to it by now. */
export const speakTo = (world: World, index: number): void => {
  const [living, agent, fate] = [world.agents[index], agentAt(world, index), world.setting.fates[index]]
  if (living?.up !== true || agent === undefined || fate === undefined || agent.firstSend._tag !== "Absent") return
  if (fate.spokenAt === null || fate.spokenAt > world.now) return
  happened(world, [{ type: "agent.first_send_recorded", ...scopeOf(agent.spec.id, agent.generation), first_send_at: iso(world, world.now) }])
}

/** Puts everything into the world's agenda that does not depend on what is done in it. */
export const foretell = (world: World, listener: Listener): void => {
  const { scenario, fates } = world.setting
  for (const [index, fate] of fates.entries()) {
    if (fate.paused) continue
    drawLife(world, listener, index)
    if (fate.spokenAt !== null && fate.spokenAt > 0) world.at(fate.spokenAt, () => speakTo(world, index))
    for (const loss of fate.losses) {
      if (!("at" in loss)) continue
      world.at(loss.at, () => {
        const living = world.agents[index]
        if (living !== undefined) living.lost = true
      })
    }
  }
  for (const outage of scenario.outages ?? []) {
    if (outage.ends === false) continue
    world.at(outage.from, () => {
      for (const [index, { provider }] of fates.entries()) {
        if ((outage.provider ?? provider) === provider) die(world, listener, index, { code: 1, limit: limitOf(world, outage) })
      }
    })
  }
}
