import type { Random } from "./random.ts"
import type { CommandStep, Step } from "./scenario.ts"

// What goes on where nobody looks: a supervisor, and what gives it something to do.

/** A limit that keeps an agent from working, and time in which it lasts, or ends. */
const limited = (random: Random, agent: string): ReadonlyArray<Step> => {
  const forMs = random.pick([70_000, 120_000, null])
  return [
    {
      do: "limit begins",
      agent,
      kind: random.pick(["usage_limit", "usage_limit", "auth"]),
      forMs,
      shown: random.chance(0.3),
      endsNow: random.chance(0.7)
    },
    ...random.chance(0.5) ? [{ do: "dies", agent, silently: random.chance(0.5) } as const] : [],
    { do: "time passes", millis: random.pick([2_000, 20_000, 80_000, (forMs ?? 0) + 70_000]) }
  ]
}

/** A supervisor, which may die as any process may, and another after it; deaths that give it something to do. */
export const supervised = (random: Random, ids: ReadonlyArray<string>, steps: ReadonlyArray<Step>): ReadonlyArray<Step> => {
  const supervise = (): CommandStep => ({
    do: "supervise",
    strategy: random.pick(["oneForOne", "oneForOne", "oneForAll", "restForOne"]),
    budget: random.pick(["standard", "standard", "tight", "tight", "team", "credential"]),
    ...random.chance(0.7) ? { dieAt: 20 + Math.floor(Math.exp(random.next() * Math.log(4_000))) } : {},
    ...random.chance(0.25) ? { faults: random.pick([0.01, 0.03]) } : {}
  })
  const deaths = (): ReadonlyArray<Step> => {
    const agent = ids[random.int(ids.length)] ?? ""
    if (random.chance(0.2)) return limited(random, agent)
    const fragile = random.chance(0.15)
    return [
      ...fragile ? [{ do: "cli behaves", agent, behaviour: { startup: "exits" } } as const] : [],
      { do: "dies", agent, silently: random.chance(0.5) },
      { do: "time passes", millis: random.pick([300, 2_000, 6_000, fragile ? 150_000 : 20_000]) }
    ]
  }
  const [up, ...others] = steps
  return [
    ...up === undefined ? [] : [up],
    { do: "commands", commands: random.chance(0.1) ? [supervise(), supervise()] : [supervise()] },
    ...others.slice(0, 4).flatMap((step): ReadonlyArray<Step> => [
      ...random.chance(0.8) ? deaths() : [],
      ...random.chance(0.6) ? [step] : [],
      ...random.chance(0.05) ? [{ do: "commands", commands: [{ do: "unsupervise" }] } as const] : [],
      ...random.chance(0.5) ? [{ do: "commands", commands: [supervise()] } as const] : []
    ])
  ]
}

/** A machine that comes up again, with a supervisor before and after it, or without one before. */
export const rebooted = (random: Random, ids: ReadonlyArray<string>): ReadonlyArray<Step> => {
  let said = 0
  const one = (): string => ids[random.int(ids.length)] ?? ""
  const onBoot = random.pick(["resume", "resume", "hold", "ask: yes", "ask: nobody"] as const)
  const supervise = (): CommandStep => ({
    do: "supervise",
    strategy: random.pick(["oneForOne", "oneForOne", "oneForAll", "restForOne"]),
    budget: random.pick(["standard", "standard", "tight", "tight", "team", "credential"]),
    onBoot,
    ...random.chance(0.6) ? { dieAt: 20 + Math.floor(Math.exp(random.next() * Math.log(600))) } : {},
    ...random.chance(0.25) ? { faults: random.pick([0.01, 0.03]) } : {}
  })
  const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
  const passes = (): Step => ({ do: "time passes", millis: random.pick([300, 2_000, 6_000]) })
  const reboots: Step = { do: "reboots" }
  const before = (): ReadonlyArray<Step> => {
    switch (random.int(6)) {
      case 0:
        return [run({ do: "down" })]
      case 1:
        return [{ do: "dies", agent: one(), silently: random.chance(0.5) }, passes()]
      case 2:
        return limited(random, one())
      case 3:
        return [run({ do: "restart", policy: "isolated", meanwhile: [{ after: random.int(100), what: reboots }] })]
      default:
        return []
    }
  }
  const after = (): ReadonlyArray<Step> => [
    reboots,
    ...random.chance(0.15) ? [run({ do: "restart", policy: "isolated" })] : [],
    ...Array.from({ length: 1 + random.int(3) }, () => [run(supervise()), passes()]).flat(),
    ...random.chance(0.3) ? [run({ do: random.pick(["down", "up"] as const) })] : [],
    ...random.chance(0.4) ? [{ do: "dies", agent: one(), silently: false } as const, passes()] : []
  ]
  return [
    run({ do: "up" }),
    ...ids.map((agent): Step => run({ do: "send", agent, text: `leader ${++said}` })),
    ...random.chance(0.7) ? [run(supervise())] : [],
    ...before(),
    ...after(),
    ...random.chance(0.4) ? after() : []
  ]
}
