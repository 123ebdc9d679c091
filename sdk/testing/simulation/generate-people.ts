import type { Random } from "./random.ts"
import type { CommandStep, CommandTrouble, SimulatedAgent, Step, WorldStep } from "./scenario.ts"
import type { CliBehaviour } from "./simulated-cli.ts"

// What people do with agents of their own, which they started by hand and had adopted.

/** Providers whose processes tell which conversation they are in: each has one person's agent at most, which is called by it. */
const tellers = ["assigned", "reported", "serial"] as const

/** The agents that people of a world start by hand. */
export const agentsByHand = (random: Random, agentFrom: (random: Random, id: string) => SimulatedAgent): ReadonlyArray<SimulatedAgent> => {
  const first = random.int(tellers.length)
  return Array.from({ length: random.chance(0.4) ? 2 : 1 }, (_, at) => {
    const provider = tellers[(first + at) % tellers.length] ?? "assigned"
    return { ...agentFrom(random, `${provider}-1`), provider, byHand: true }
  })
}

/** A scenario of a team of the world's own beside what people start and have adopted. */
export const amongPeople = (random: Random, own: ReadonlyArray<string>, agents: ReadonlyArray<SimulatedAgent>): ReadonlyArray<Step> => {
  const byHand = agents.map(({ id }) => id)
  const team = "gamma"
  let said = 0
  const one = (ids: ReadonlyArray<string>): string => ids[random.int(ids.length)] ?? ""
  const says = (agent: string): WorldStep => ({ do: "person says", agent, text: `${agent} ${++said}` })
  const happens = (): WorldStep => {
    const agent = one(byHand)
    switch (random.int(12)) {
      case 0:
      case 1:
      case 2:
        return { do: "dies", agent, silently: random.chance(0.5) }
      case 3:
      case 4:
        return { do: "person clears", agent }
      case 5:
        return { do: "cli behaves", agent, behaviour: random.pick<CliBehaviour>([{ ignoresStop: true }, { startup: "slow" }, { startup: "exits" }]) }
      case 6:
        return { do: "dies", agent: one(own), silently: true }
      case 7:
        return { do: "transcripts lost", agent }
      case 8:
        return { do: "clock jumps", millis: random.pick([3_600_000, -3_600_000]) }
      default:
        return says(agent)
    }
  }
  const trouble = (): CommandTrouble => ({
    ...random.chance(0.25) ? { dieAt: 1 + Math.floor(Math.exp(random.next() * Math.log(400))) } : {},
    ...random.chance(0.25) ? { faults: random.pick([0.03, 0.1, 0.2]) } : {},
    ...random.chance(0.06) ? { presumedDeadAt: 1 + random.int(10) } : {},
    ...random.chance(0.2) ? { meanwhile: [{ after: random.int(120), what: happens() }] } : {},
    ...random.chance(0.15) ? { from: one(byHand) } : {}
  })
  const restart = (): CommandStep => ({
    do: "restart",
    team,
    policy: random.pick(["standard", "isolated", "isolated", "resume", "resumeOrFresh", "fresh", "rolling", "backoff"]),
    ...random.chance(0.5) ? { takeover: true } : {},
    ...random.chance(0.25) ? { agents: [one(byHand)] } : {},
    ...random.chance(0.15) ? { onlyDead: true } : {},
    ...random.chance(0.1) ? { unfinished: random.pick(["continue", "rollback"] as const) } : {},
    ...random.chance(0.08) ? { inside: one(own) } : {},
    ...trouble()
  })
  const command = (): CommandStep => {
    switch (random.int(14)) {
      case 0:
      case 1:
        return { do: "adopt", team: random.chance(0.7) ? team : "delta", ...trouble() }
      case 2:
        return { do: "send", team, agent: one(byHand), text: `leader ${++said}`, ...trouble() }
      case 3:
        return { do: "down", team, ...trouble() }
      case 4:
        return { do: "up", team, ...trouble() }
      case 5:
        return { do: "status", team, ...trouble() }
      case 6:
        return { do: "plan", team, ...trouble() }
      case 7:
        return { do: "up", ...trouble() }
      case 8:
        return { do: "down", ...trouble() }
      case 9:
        return { do: "restart", policy: random.pick(["standard", "isolated"]), ...trouble() }
      default:
        return restart()
    }
  }
  const starts = byHand.flatMap((agent): ReadonlyArray<Step> => [
    { do: "person starts", agent, resumes: false },
    ...random.chance(0.8) ? [says(agent)] : []
  ])
  const up = (from: ReadonlyArray<string>): Step =>
    ({ do: "commands", commands: [{ do: "up", ...from.length > 0 && random.chance(0.6) ? { from: one(from) } : {} }] })
  const after = (): ReadonlyArray<Step> => {
    const commands: Step = { do: "commands", commands: random.chance(0.15) ? [command(), command()] : [command()] }
    if (random.chance(0.3)) return [happens()]
    if (random.chance(0.75)) return [commands]
    const agent = one(byHand)
    // What is on its way comes to rest before: what is started in the instant of a person's hand, nobody could keep from it.
    return [
      { do: "dies", agent, silently: true },
      { do: "time passes", millis: 10_000 },
      { do: "person starts", agent, resumes: random.chance(0.8) },
      commands
    ]
  }
  return [
    ...random.chance(0.3) ? [up([]), ...starts] : [...starts, up(byHand)],
    ...random.chance(0.5) ? [{ do: "time passes", millis: 500 } as const] : [],
    { do: "commands", commands: [{ do: "adopt", team, ...random.chance(0.2) ? trouble() : {} }] },
    ...Array.from({ length: 2 + random.int(5) }, after).flat()
  ]
}
