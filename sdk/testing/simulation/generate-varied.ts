import type { Random } from "./random.ts"
import type { CommandStep, Scenario, SimulatedAgent, Step, VariedPolicy } from "./scenario.ts"

// Worlds whose restarts are made by what else policies can be, in teams that have a leader and tasks.

const policies: readonly [VariedPolicy, ...ReadonlyArray<VariedPolicy>] = ["sequence", "leaderLast", "dependencyOrder",
  "dependencyOrder", "perAgent", "verified", "gated", "workOpen", "workDone", "budgetTeam", "budgetCredential"]

/** The same world with other policies, and plans that are carried out later. */
export const varied = (random: Random, { agents, seed, steps }: Scenario): Scenario => {
  const command = (step: CommandStep): CommandStep => {
    if (step.do !== "restart" || random.chance(0.25)) return step
    if (random.chance(0.8)) return { ...step, policy: random.pick(policies) }
    const { agents: _agents, inside: _inside, onlyDead: _dead, policy: _policy, takeover: _takeover, team: _team, unfinished: _unfinished, ...trouble } = step
    return { ...trouble, do: "apply", after: random.pick([0, 50, 1_000]) }
  }
  const leader = random.int(agents.length)
  return {
    seed,
    agents: agents.map((agent, at): SimulatedAgent => ({
      ...agent,
      ...at === leader ? { role: "leader" } : {},
      // On those before it only, so that there is no circle.
      buildsOn: agents.slice(0, at).flatMap(({ id }) => random.chance(0.6) ? id : [])
    })),
    steps: steps.map((step): Step => step.do === "commands" ? { ...step, commands: step.commands.map(command) } : step)
  }
}
