import { allOrNone } from "./generate-all-or-none.ts"
import { atWork, hardWorking } from "./generate-at-work.ts"
import { changed } from "./generate-changed.ts"
import { withChildren } from "./generate-children.ts"
import { handled } from "./generate-logs.ts"
import { agentsByHand, amongPeople } from "./generate-people.ts"
import { withLogins } from "./generate-logins.ts"
import { rebooted, supervised } from "./generate-supervised.ts"
import { suspended } from "./generate-suspended.ts"
import { varied } from "./generate-varied.ts"
import { mix, type Random, randomFrom } from "./random.ts"
import type { CommandStep, CommandTrouble, PolicyName, Scenario, SimulatedAgent, Step, WorldStep } from "./scenario.ts"
import type { CliBehaviour } from "./simulated-cli.ts"

// Scenarios from seeds. What is common in life is common here; what is rare comes often enough to meet everything else.

const names = ["ada", "bob", "cyd", "dot"] as const
/** Who is in the second team. */
const other = "eve"

const behaviour = (random: Random): CliBehaviour => ({
  startup: random.pick(["ready", "ready", "ready", "slow", "trust"]),
  transcript: random.pick(["at-once", "at-start", "at-first-message"]),
  turn: random.pick([5, 30, 200])
})

const agentFrom = (random: Random, id: string): SimulatedAgent => ({
  id,
  provider: random.pick(["assigned", "assigned", "reported", "marked", "silent", "serial"]),
  permissions: random.pick([null, "ask", "auto"]),
  behaviour: behaviour(random)
})

const policies: readonly [PolicyName, ...ReadonlyArray<PolicyName>] = ["standard", "standard", "isolated", "isolated", "resume",
  "resumeOrFresh", "fresh", "rolling", "rolling", "canary", "rollingFresh", "backoff", "budget", "approved", "denied", "noGrant"]

/** Draws texts that no two messages share, so that who typed what can be told. */
const texts = () => {
  let count = 0
  // Some begin as a command of the CLI's does.
  return (who: string): string => `${++count % 9 === 0 && who === "leader" ? "/" : ""}${who} ${count}`
}

const worldStep = (random: Random, ids: ReadonlyArray<string>, text: (who: string) => string): WorldStep => {
  const agent = ids[random.int(ids.length)] ?? names[0]
  switch (random.int(13)) {
    case 0:
    case 1:
    case 2:
      return { do: "dies", agent, silently: random.chance(0.5) }
    case 3:
      return { do: "home vanishes", survivors: ids.filter(() => random.chance(0.2)) }
    case 4:
      return { do: "transcripts lost", agent }
    case 5:
      return { do: "stranger takes pane", agent }
    case 6:
    case 7:
    case 8:
      return { do: "person says", agent, text: text("person") }
    case 9:
      return { do: "clock jumps", millis: random.pick([5_000, 3_600_000, 86_400_000, -5_000, -3_600_000]) }
    case 10:
      return { do: "cli behaves", agent, behaviour: { ...behaviour(random), startup: random.pick(["hangs", "exits", "slow"]) } }
    case 11:
      return { do: "cli behaves", agent, behaviour: random.pick<CliBehaviour>([{ resumes: "elsewhere" }, { ignoresStop: true }, { dialog: true }]) }
    default:
      return { do: "cli behaves", agent, behaviour: behaviour(random) }
  }
}

const trouble = (random: Random, ids: ReadonlyArray<string>, text: (who: string) => string): CommandTrouble => ({
  ...random.chance(0.3) ? { dieAt: 1 + Math.floor(Math.exp(random.next() * Math.log(500))) } : {},
  ...random.chance(0.35) ? { faults: random.pick([0.02, 0.06, 0.2, 0.2]) } : {},
  ...random.chance(0.06) ? { presumedDeadAt: 1 + random.int(12) } : {},
  ...random.chance(0.25) ? { meanwhile: [{ after: random.int(120), what: worldStep(random, ids, text) }] } : {}
})

const commandStep = (random: Random, ids: ReadonlyArray<string>, text: (who: string) => string): CommandStep => {
  const agent = ids[random.int(ids.length)] ?? names[0]
  const more = trouble(random, ids, text)
  switch (random.int(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return { do: "send", agent, text: text("leader"), ...more }
    case 5:
      return { do: "down", ...random.chance(0.1) ? { inside: agent } : {}, ...more }
    case 6:
    case 7:
      return { do: "up", ...more }
    case 8:
      return { do: "plan", ...more }
    case 9:
      return { do: "status", ...more }
    default:
      return {
        do: "restart",
        policy: random.pick(policies),
        ...random.chance(0.2) ? { agents: [agent] } : {},
        ...random.chance(0.15) ? { onlyDead: true } : {},
        ...random.chance(0.1) ? { unfinished: random.pick(["continue", "rollback"] as const) } : {},
        ...random.chance(0.05) ? { inside: agent } : {},
        ...more
      }
  }
}

/** Two operators, one of whom is held up, taken for dead, and comes back while the other is at work. */
const overtaken = (random: Random, ids: ReadonlyArray<string>, text: (who: string) => string): ReadonlyArray<CommandStep> => [
  { do: "restart", policy: "isolated", presumedDeadAt: 1 + random.int(8) },
  { ...commandStep(random, ids, text), do: "restart", policy: "isolated", startsAfter: 1_500 + random.int(2_500) }
]

/** A second team in the same workspace, whose agent keeps its conversations where the first one's do. */
const besides = (random: Random, steps: ReadonlyArray<Step>): ReadonlyArray<Step> => {
  const [agent, team] = [other, "beta"]
  let said = 0
  const command = (): CommandStep => {
    const more = random.chance(0.2) ? { dieAt: 1 + random.int(300) } : random.chance(0.2) ? { faults: 0.06 } : {}
    switch (random.int(6)) {
      case 0:
        return { do: "send", team, agent, text: `${team} ${++said}`, ...more }
      case 1:
        return { do: "down", team, ...more }
      case 2:
        return { do: "up", team, ...more }
      default:
        return { do: "restart", team, policy: random.pick(["standard", "isolated", "resume", "resumeOrFresh", "fresh"]), ...more }
    }
  }
  const happens = (): Step =>
    random.pick<Step>([
      { do: "commands", commands: [command()] },
      { do: "commands", commands: [command()] },
      { do: "person says", agent, text: `${agent} ${++said}` },
      { do: "dies", agent, silently: true },
      { do: "transcripts lost", agent }
    ])
  return steps.flatMap((step, at): ReadonlyArray<Step> => {
    if (at === 0) {
      const up: CommandStep = { do: "up", team }
      return step.do === "commands" && random.chance(0.5)
        ? [{ ...step, commands: [...step.commands, up] }]
        : [{ do: "commands", commands: [up] }, step]
    }
    if (random.chance(0.3)) return [step]
    return step.do === "commands" && random.chance(0.5) ? [{ ...step, commands: [...step.commands, command()] }] : [happens(), step]
  })
}

/** What a kind of world is made of: the world that its seed gives without it, and draws of its own. */
interface Draft extends Scenario {
  readonly random: Random
  readonly ids: ReadonlyArray<string>
  readonly text: (who: string) => string
}

interface Kind {
  /** The part of all worlds that are of this kind. */
  readonly share: number
  readonly make: (draft: Draft) => Pick<Scenario, "agents" | "steps">
}

const mayBeVaried = 0.12

/** The kinds of worlds: what happens seldom, or costs much to play, has a small share. The rest are plain ones. */
const kinds = {
  supervised: { share: 0.06, make: ({ agents, ids, random, steps }) => ({ agents, steps: supervised(random, ids, steps) }) },
  "two teams": {
    share: 0.04,
    make: ({ agents, random, steps }) => ({ agents: [...agents, { ...agentFrom(random, other), team: "beta" }], steps: besides(random, steps) })
  },
  people: {
    share: 0.025,
    make: ({ agents, ids, random }) => {
      const byHand = agentsByHand(random, agentFrom)
      return { agents: [...agents, ...byHand], steps: amongPeople(random, ids, byHand) }
    }
  },
  "all or none": {
    share: 0.03,
    make: ({ random }) => {
      const team = names.slice(0, 2 + random.int(3))
      return { agents: team.map((id) => agentFrom(random, id)), steps: allOrNone(random, team) }
    }
  },
  rebooted: { share: 0.015, make: ({ agents, ids, random }) => ({ agents, steps: rebooted(random, ids) }) },
  "at work": {
    share: 0.015,
    make: ({ agents, ids, random, text }) => {
      const [first = names[0], ...others] = ids
      return { agents: hardWorking(agents), steps: atWork(random, [first, ...others], text) }
    }
  },
  suspended: { share: 0.03, make: ({ agents, ids, random, steps }) => ({ agents, steps: suspended(random, ids, steps) }) },
  logs: {
    share: 0.03,
    make: ({ agents, ids, random, steps, text }) => ({
      agents,
      steps: handled(random, steps, () => {
        const { meanwhile: _, ...command } = commandStep(random, ids, text)
        return command
      })
    })
  },
  children: { share: 0.03, make: ({ agents, ids, random, steps }) => ({ agents, steps: withChildren(random, ids, steps) }) },
  changed: { share: 0.03, make: ({ agents, ids, random }) => ({ agents, steps: changed(random, ids) }) },
  logins: {
    share: 0.03,
    make: ({ ids, random, ...plain }) =>
      withLogins(random, random.chance(0.4) ? { ...plain, steps: supervised(random, ids, plain.steps) } : plain)
  }
} satisfies Readonly<Record<string, Kind>>

/** The name of a kind of world. */
export type WorldKind = keyof typeof kinds | "varied" | "plain"

const isKind = (name: string): name is keyof typeof kinds => name in kinds

/** The kinds of worlds, by name. */
export const worldKinds: ReadonlyArray<WorldKind> = [...Object.keys(kinds).filter(isKind), "varied", "plain"]

/** The kind of the world of a seed, and the draws that are its own: other worlds stay as they are. */
const kindFrom = (seed: number): { readonly kind: WorldKind; readonly random: Random } => {
  const random = randomFrom(mix(seed, 78))
  let drawn = random.next()
  for (const name of worldKinds) {
    if (!isKind(name)) continue
    drawn -= kinds[name].share
    if (drawn < 0) return { kind: name, random }
  }
  return { kind: random.chance(mayBeVaried) ? "varied" : "plain", random }
}

/** The kind of the world of a seed. */
export const kindOf = (seed: number): WorldKind => kindFrom(seed).kind

/** Draws a scenario: equal seeds give equal ones. */
export const generate = (seed: number): Scenario => {
  const random = randomFrom(mix(seed, 77))
  const ids = names.slice(0, 1 + random.int(random.chance(0.3) ? 4 : 2))
  const text = texts()
  const steps: Array<Step> = [{ do: "commands", commands: [{ do: "up", ...random.chance(0.3) ? trouble(random, ids, text) : {} }] }]
  for (let count = 2 + random.int(5); count > 0; count--) {
    if (random.chance(0.35)) steps.push(worldStep(random, ids, text))
    else {
      const first = commandStep(random, ids, text)
      const together = random.chance(0.15)
      steps.push({ do: "commands", commands: !together ? [first] : random.chance(0.6) ? [first, commandStep(random, ids, text)] : overtaken(random, ids, text) })
    }
  }
  const plain: Scenario = { seed, agents: ids.map((id) => agentFrom(random, id)), steps }
  const { kind, random: own } = kindFrom(seed)
  if (isKind(kind)) return { seed, ...kinds[kind].make({ ...plain, random: own, ids, text }) }
  return kind === "varied" ? varied(own, plain) : plain
}
