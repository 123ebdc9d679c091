import { type CommandStep, isWorldStep, type Scenario, type Step, type WorldStep } from "./scenario.ts"

// Makes a scenario that fails smaller while it fails in the same way.

const named = (step: WorldStep | CommandStep, agent: string): boolean =>
  ("agent" in step && step.agent === agent) || ("inside" in step && step.inside === agent) || ("from" in step && step.from === agent) ||
  ("meanwhile" in step && step.meanwhile?.some(({ what }) => named(what, agent)) === true)

const withoutAgent = (scenario: Scenario, agent: string): Scenario => ({
  ...scenario,
  agents: scenario.agents.filter(({ id }) => id !== agent),
  steps: scenario.steps.flatMap((step): ReadonlyArray<Step> => {
    if (isWorldStep(step)) return named(step, agent) ? [] : [step]
    const commands = step.commands.filter((command) => !named(command, agent))
    return commands.length === 0 ? [] : [{ ...step, commands }]
  })
})

/** The same command with one of its troubles less, in each possible way. */
const calmer = (command: CommandStep): ReadonlyArray<CommandStep> => {
  const { dieAt, faults, from, meanwhile, presumedDeadAt, ...calm } = command
  const kept = (omit: string): CommandStep => ({
    ...calm,
    ...dieAt === undefined || omit === "dieAt" ? {} : { dieAt },
    ...faults === undefined || omit === "faults" ? {} : { faults },
    ...from === undefined || omit === "from" ? {} : { from },
    ...meanwhile === undefined || omit === "meanwhile" ? {} : { meanwhile },
    ...presumedDeadAt === undefined || omit === "presumedDeadAt" ? {} : { presumedDeadAt }
  })
  return Object.keys({ dieAt, faults, from, meanwhile, presumedDeadAt }).flatMap((trouble) =>
    trouble in command ? [kept(trouble)] : [])
}

/** All scenarios that are one piece smaller, the greatest pieces first. */
const smaller = (scenario: Scenario): ReadonlyArray<Scenario> => {
  const { agents, steps } = scenario
  const replaced = (at: number, step: ReadonlyArray<Step>): Scenario => ({ ...scenario, steps: steps.toSpliced(at, 1, ...step) })
  return [
    ...agents.length > 1 ? agents.map(({ id }) => withoutAgent(scenario, id)) : [],
    ...steps.map((_, at) => replaced(at, [])),
    ...steps.flatMap((step, at) =>
      isWorldStep(step) ? [] : [
        ...step.commands.length > 1
          ? step.commands.map((_, one) => replaced(at, [{ ...step, commands: step.commands.toSpliced(one, 1) }]))
          : [],
        ...step.commands.flatMap((command, one) =>
          calmer(command).map((calm) => replaced(at, [{ ...step, commands: step.commands.with(one, calm) }])))
      ])
  ]
}

/** The smallest scenario that still fails and that can be had by leaving things out, one at a time. */
export const shrink = (scenario: Scenario, fails: (scenario: Scenario) => boolean): Scenario => {
  for (const candidate of smaller(scenario)) if (fails(candidate)) return shrink(candidate, fails)
  return scenario
}
