import type { Random } from "./random.ts"
import type { CommandStep, Scenario, Step } from "./scenario.ts"

// Worlds whose CLIs are let in by a variable of the environment, which some commands do not have.

/** The same world with logins, and with commands from poorer environments. */
export const withLogins = (random: Random, { agents, seed, steps }: Scenario): Scenario => {
  const command = (step: CommandStep, likely: number): CommandStep => random.chance(likely) ? { ...step, poor: true } : step
  return {
    seed,
    agents: agents.map((agent, at) => at === 0 || random.chance(0.6) ? { ...agent, login: true } : agent),
    steps: steps.map((step, at): Step =>
      step.do === "commands" ? { ...step, commands: step.commands.map((one) => command(one, at === 0 ? 0.1 : 0.5)) } : step)
  }
}
