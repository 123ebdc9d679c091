import type { Random } from "./random.ts"
import type { CommandStep, CommandTrouble, PolicyName, Step } from "./scenario.ts"
import type { CliBehaviour } from "./simulated-cli.ts"

// Restarts of which all are to come back or none, some of whom can't; cut off while they are made and while they are taken back.

const policies: readonly [PolicyName, ...ReadonlyArray<PolicyName>] = ["atomic", "atomic", "atomicRolling", "atomicRolling", "atomicFresh"]

/** A scenario of a team that is up, of these agents. */
export const allOrNone = (random: Random, ids: ReadonlyArray<string>): ReadonlyArray<Step> => {
  let said = 0
  const one = (): string => ids[random.int(ids.length)] ?? ""
  const dies = (agent: string) => ({ do: "dies", agent, silently: random.chance(0.5) }) as const
  const behaves = (agent: string): Step => ({
    do: "cli behaves",
    agent,
    behaviour: random.pick<CliBehaviour>([
      { startup: "exits" },
      { startup: "exits" },
      { startup: "hangs" },
      { resumes: "elsewhere" },
      { startup: "slow", ignoresStop: true },
      {}
    ])
  })
  const says = (agent: string): Step => random.chance(0.5)
    ? { do: "commands", commands: [{ do: "send", agent, text: `leader ${++said}` }] }
    : { do: "person says", agent, text: `person ${++said}` }
  const trouble = (): CommandTrouble => ({
    ...random.chance(0.45) ? { dieAt: 20 + Math.floor(Math.exp(random.next() * Math.log(900))) } : {},
    ...random.chance(0.25) ? { faults: random.pick([0.02, 0.06, 0.2]) } : {},
    ...random.chance(0.06) ? { presumedDeadAt: 1 + random.int(16) } : {},
    ...random.chance(0.15) ? { meanwhile: [{ after: random.int(400), what: dies(one()) }] } : {}
  })
  const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
  const restart = (): CommandStep => ({
    do: "restart",
    policy: random.chance(0.7) ? random.pick(policies) : random.pick<PolicyName>(["standard", "isolated", "rolling"]),
    ...random.chance(0.2) ? { unfinished: random.pick(["continue", "rollback"] as const) } : {},
    ...random.chance(0.1) ? { onlyDead: true } : {},
    ...trouble()
  })
  const between = (): ReadonlyArray<Step> => {
    switch (random.int(8)) {
      case 0:
        return [says(one())]
      case 1:
        return [dies(one())]
      case 2:
      case 3:
        return [behaves(one())]
      case 4:
        return [run({ do: random.pick(["up", "down"] as const), ...trouble() })]
      default:
        return []
    }
  }
  const [first, ...others] = ids
  return [
    run({ do: "up" }),
    ...ids.flatMap((id) => random.chance(0.7) ? [says(id)] : []),
    // Who lives before and who does not is what a restart that is taken back has to know.
    ...random.chance(0.25) ? [run({ do: "down" })] : others.flatMap((id) => random.chance(0.6) ? [dies(id)] : []),
    ...first !== undefined && random.chance(0.3) ? [dies(first)] : [],
    behaves(one()),
    ...random.chance(0.3) ? [behaves(one())] : [],
    run({ do: "restart", policy: random.pick(policies), ...trouble() }),
    ...Array.from({ length: 1 + random.int(2) }, () => [...between(), run(restart())]).flat()
  ]
}
