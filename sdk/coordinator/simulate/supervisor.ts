import type { Event } from "../../domain/event.ts"
import type { AgentId } from "../../domain/ids.ts"
import { answerBoot } from "../../lifecycle/boot.ts"
import { touches } from "../../policy/Policy.ts"
import { standardBackoff } from "../back-off.ts"
import { type Death, readDeath } from "../death.ts"
import { restartedBy, shortLived } from "../strategy.ts"
import { type Asked, planOf } from "./decide.ts"
import { die, type Listener } from "./fate.ts"
import { type Report, restart, type Restarting } from "./restart.ts"
import { meant, scopeOf, team } from "./setting.ts"
import { agentAt, happened, indexOf, momentOf, type World } from "./world.ts"

const usualStableMs = 60_000
const triesAtMost = 3

/** Who acts in a simulated world: a supervisor, where the scenario has one, and a person. One of them at a time. */
export const actors = (world: World): Listener & { readonly begin: () => void } => {
  const { setting: { scenario }, tally } = world
  const strategy = scenario.supervise ?? "oneForOne"
  const stableMs = scenario.stableFor ?? usualStableMs
  const due = new Map<string, number>()
  const tries = new Map<string, number>()
  /** Until when a death is known to wait, so that one look is enough. */
  const waiting = new Map<string, number>()
  const wishes: Array<() => void> = []
  let current: Restarting | null = null
  /** The boot whose dead nobody may bring back, until a person says so. */
  let held = false

  const keyOf = ({ agent }: Death): string => `${agent.spec.id}/${agent.generation}`

  const make = (asked: Asked, then: (report: Report) => void): void => {
    let over = false
    const made = restart(world, asked, {
      listener,
      done: (report) => {
        over = true
        current = null
        then(report)
        settle()
      }
    })
    if (!over) current = made
  }

  /** After a restart somebody else may have been waiting; a person goes first. */
  const settle = (): void => {
    if (world.busy) return
    const wish = wishes.shift()
    if (wish !== undefined) wish()
    else look()
  }

  const personsRestart = (agents: ReadonlyArray<AgentId> | "all", onlyDead: boolean, answers = false): void => {
    if (world.busy) return void wishes.push(() => personsRestart(agents, onlyDead, answers))
    held = false
    if (answers) {
      happened(world, world.state.agents.flatMap(({ generation, spec: { id } }): ReadonlyArray<Event> =>
        agents === "all" || agents.includes(id) ? [{ type: "budget.cleared", ...scopeOf(id, generation), reason: "a person answered" }] : []))
    }
    make({ policy: answers ? world.policies.answer : world.policies.person, agents, onlyDead, trigger: "person", boot: null }, ({ plan }) => {
      tally.escalations += plan.agents.filter(({ decided }) => decided.decision.escalateTo !== undefined).length
    })
  }

  /** A person is told. Who answers brings back whom it is about, and lets a conversation go where there is no other way. */
  const escalate = (agents: ReadonlyArray<AgentId>): void => {
    tally.escalations += 1
    if (scenario.answersAfter !== undefined) world.at(world.now + scenario.answersAfter, () => personsRestart(agents, true, true))
  }

  const leave = (death: Death, code: string, why: string): void => {
    const { agent: { generation, spec: { id } } } = death
    happened(world, [{ type: "supervision.left", ...scopeOf(id, generation), code, why }])
    escalate([id])
  }

  /** Something came to nothing that may go better later. */
  const later = (death: Death, code: string, why: string): void => {
    const tried = (tries.get(keyOf(death)) ?? 0) + 1
    tries.set(keyOf(death), tried)
    if (tried >= triesAtMost) return leave(death, code, why)
    due.set(keyOf(death), world.now + 1000 * 2 ** tried)
  }


  const carryOut = (deaths: ReadonlyArray<Death>): void => {
    if (strategy === "off") return
    const agents = restartedBy(strategy, world.state, deaths.map(({ agent }) => agent.spec.id))
    make({ policy: world.policies.supervisor, agents, onlyDead: strategy === "oneForOne", trigger: "death", boot: null }, ({ came, plan }) => {
      for (const death of deaths) {
        const { agent } = death
        const { id } = agent.spec
        const entry = plan.agents.find(({ facts }) => facts.agent.spec.id === id)
        if (entry === undefined) continue
        const { budget, code, kind, why } = entry.decided.decision
        if (budget !== undefined) {
          happened(world, [{ type: "supervision.exhausted", ...scopeOf(id, agent.generation), ...budget, why: why.join("; ") }])
          escalate([id])
        } else if (agentAt(world, indexOf(world, id))?.generation !== agent.generation) continue
        else if (came.get(id)?.failure?.retryable === true) later(death, "failed", "it could not be started")
        else if (touches(entry.decided.decision)) leave(death, plan.refusal?.outcome ?? "partial", "somebody before it failed")
        else leave(death, code ?? kind, why.join("; "))
      }
    })
  }

  /** When the restart of a crash is due; null where a schedule has yet to be asked. */
  const dueAt = (death: Death): number | null => {
    const { agent } = death
    const known = due.get(keyOf(death))
    if (known !== undefined) return known
    const at = death.at - world.setting.beginsAt
    const short = shortLived(agent.history, death.at, stableMs)
    if (short === 0) return at
    const plan = planOf(momentOf(world), { policy: world.policies.supervisor, agents: [agent.spec.id], onlyDead: true, trigger: "death", boot: null })
    const decided = plan.agents.find(({ facts }) => facts.agent.spec.id === agent.spec.id)?.decided
    if (decided?.decision.budget !== undefined) return at
    world.needs.push({
      schedule: decided?.handling.backoff?.schedule ?? standardBackoff,
      count: short,
      resolve: (delayMs) => {
        due.set(keyOf(death), at + delayMs)
        look()
      }
    })
    return null
  }

  /** Looks after the dead, as a supervisor's pass does. */
  const look = (): void => {
    if (strategy === "off" || world.busy || held || world.needs.length > 0) return
    const now = world.setting.beginsAt + world.now
    const ready: Array<Death> = []
    for (const [index, agent] of world.state.agents.entries()) {
      if (world.state.supervision.givenUp.some((given) => given.agent === agent.spec.id && given.generation === agent.generation)) continue
      const state = world.agents[index]?.alive === true ? "alive" : "dead"
      const seen = { process: { state, evidence: "simulated" }, pane: null, exit: null, strays: [] } as const
      const death = readDeath(agent, seen, { homeGone: false, boot: null, provider: undefined, now })
      if (death === null) continue
      const { cause } = death
      if (cause._tag === "Leave") {
        leave(death, cause.code, cause.why)
        continue
      }
      const at = cause._tag === "Limit"
        ? Math.max(cause.until - world.setting.beginsAt, due.get(keyOf(death)) ?? 0)
        : dueAt(death)
      if (at === null) return
      if (at <= world.now) ready.push(death)
      else if (waiting.get(keyOf(death)) !== at) {
        waiting.set(keyOf(death), at)
        world.at(at, look)
      }
    }
    if (ready.length > 0) carryOut(ready)
  }

  /** The machine goes down with everybody, and comes up again. */
  const reboot = (): void => {
    current?.cut()
    current = null
    wishes.length = 0
    world.boots += 1
    for (const index of world.agents.keys()) die(world, listener, index, { code: 1, quiet: true })
    if (strategy === "off") return
    const boot = answerBoot(world.policies.supervisor, world.state, `boot-${world.boots}`)
    const everybody = world.state.agents.map(({ spec }) => spec.id)
    if (boot.decision !== "resume") {
      held = true
      return escalate(everybody)
    }
    make({ policy: world.policies.supervisor, agents: "all", onlyDead: true, trigger: "boot", boot }, ({ plan }) => {
      happened(world, [{ type: "boot.decided", team, boot_id: `boot-${world.boots}`, decision: "resume", why: boot.why }])
      tally.escalations += plan.agents.filter(({ decided }) => decided.decision.escalateTo !== undefined).length
    })
  }

  const listener: Listener = {
    died: (index, failure) => {
      current?.died(index, failure)
      // Whoever dies in the same moment is looked after together.
      if (!world.busy) world.at(world.now, look)
    }
  }

  const begin = (): void => {
    for (const rule of scenario.restarts ?? []) {
      const agents = rule.agents === undefined ? "all" as const : meant(rule, world.setting).map(({ id }) => id)
      if ("at" in rule) world.at(rule.at, () => personsRestart(agents, rule.dead ?? false))
      else for (let time = rule.every; time <= world.horizon; time += rule.every) world.at(time, () => personsRestart(agents, rule.dead ?? false))
    }
    for (const rule of scenario.deaths ?? []) {
      if (rule.distribution !== "at") continue
      for (const time of rule.times) {
        for (const { id } of meant(rule, world.setting)) {
          world.at(time, () => die(world, listener, indexOf(world, id), { code: rule.how === "ended" ? 0 : 1 }))
        }
      }
    }
    for (const time of scenario.reboots ?? []) world.at(time, reboot)
  }
  return { ...listener, begin }
}
