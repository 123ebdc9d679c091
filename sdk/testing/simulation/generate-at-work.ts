import type { Random } from "./random.ts"
import type { CommandStep, CommandTrouble, SimulatedAgent, Step } from "./scenario.ts"

// Worlds in which agents work for long, and restarts come from where no person can be asked.

/** The same agents, whose turns outlast everything else. */
export const hardWorking = (agents: ReadonlyArray<SimulatedAgent>): ReadonlyArray<SimulatedAgent> =>
  agents.map((agent) => ({ ...agent, behaviour: { ...agent.behaviour, turn: 3_600_000 } }))

/** A team that is told things, and restarts that no person confirmed. */
export const atWork = (random: Random, ids: readonly [string, ...ReadonlyArray<string>], text: (who: string) => string): ReadonlyArray<Step> => {
  const trouble = (): CommandTrouble => ({
    ...random.chance(0.5) ? { faults: random.pick([0.02, 0.06, 0.2]) } : {},
    ...random.chance(0.1) ? { dieAt: 1 + random.int(300) } : {}
  })
  const restart = (): CommandStep => ({
    do: "restart",
    policy: random.pick(["standard", "isolated", "atomic", "rolling", "resumeOrFresh"]),
    ...random.chance(0.3) ? { agents: [random.pick(ids)] } : {},
    ...random.chance(0.8) ? { unconfirmed: true } : {},
    ...trouble()
  })
  const steps: Array<Step> = [{ do: "commands", commands: [{ do: "up" }] }]
  for (let count = 2 + random.int(4); count > 0; count--) {
    const agent = random.pick(ids)
    const step = random.pick(["send", "send", "says", "dies"] as const)
    if (step === "send") steps.push({ do: "commands", commands: [{ do: "send", agent, text: text("leader") }] })
    if (step === "says") steps.push({ do: "person says", agent, text: text(agent) })
    if (step === "dies") steps.push({ do: "dies", agent, silently: false })
    if (random.chance(0.7)) steps.push({ do: "commands", commands: [restart()] })
  }
  return steps
}
