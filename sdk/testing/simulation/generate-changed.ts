import type { Random } from "./random.ts"
import type { CommandStep, Step, WorldStep } from "./scenario.ts"

// Worlds in which people begin other conversations in their agents' processes, and no observer looks before these end.

/** An agent whose person changed the conversation, works on or not, and then dies in one of the ways there are. */
export const changed = (random: Random, ids: ReadonlyArray<string>): ReadonlyArray<Step> => {
  let said = 0
  const one = (): string => ids[random.int(ids.length)] ?? "ada"
  const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
  const says = (agent: string): Step =>
    random.chance(0.5) ? { do: "person says", agent, text: `person ${++said}` } : run({ do: "send", agent, text: `leader ${++said}` })
  const looks = (): ReadonlyArray<Step> => random.chance(0.2) ? [run({ do: "status" })] : []
  const passes = (): Step => ({ do: "time passes", millis: random.pick([5, 300, 5_000, 60_000]) })
  const changes = (agent: string): ReadonlyArray<Step> => [
    ...random.chance(0.8) ? [says(agent), passes()] : [],
    { do: "person clears", agent },
    ...looks(),
    ...random.chance(0.8) ? [passes(), { do: "person says", agent, text: `person ${++said}` } as const, passes()] : [],
    ...looks()
  ]
  const ends = (): WorldStep =>
    random.pick<WorldStep>([{ do: "dies", agent: one(), silently: true }, { do: "home vanishes", survivors: [] }, { do: "reboots" }])
  const restart = (): Step =>
    run({
      do: "restart",
      policy: random.pick(["standard", "isolated", "isolated", "resume", "rolling", "atomic"]),
      ...random.chance(0.2) ? { dieAt: 1 + Math.floor(Math.exp(random.next() * Math.log(400))) } : {},
      ...random.chance(0.2) ? { faults: random.pick([0.03, 0.1]) } : {}
    })
  return [
    run({ do: "up" }),
    ...Array.from({ length: 1 + random.int(3) }, () => [
      ...changes(one()),
      ...random.chance(0.3) ? changes(one()) : [],
      ...random.chance(0.1) ? [{ do: "clock jumps", millis: random.pick([3_600_000, -3_600_000]) } as const] : [],
      ...random.chance(0.8) ? [ends()] : [run({ do: "down" })],
      ...random.chance(0.3) ? [passes()] : [],
      restart()
    ]).flat()
  ]
}
