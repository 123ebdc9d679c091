import { allOrNone } from "./generate-all-or-none.ts"
import { atWork, hardWorking } from "./generate-at-work.ts"
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

/** What is rare in life and costly to play, from draws of its own: other worlds stay as they are. */
const shareSupervised = 0.06
const shareOfTwoTeams = 0.04
const shareAmongPeople = 0.025
const shareAllOrNone = 0.03
const shareRebooted = 0.015
const shareAtWork = 0.015
const shareLogins = 0.03
const shareSuspended = 0.03
const shareVaried = 0.12

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
  const agents = ids.map((id) => agentFrom(random, id))
  const rare = randomFrom(mix(seed, 78))
  const kind = rare.next()
  if (kind < shareSupervised) return { seed, agents, steps: supervised(rare, ids, steps) }
  if (kind < shareSupervised + shareOfTwoTeams) {
    return { seed, agents: [...agents, { ...agentFrom(rare, other), team: "beta" }], steps: besides(rare, steps) }
  }
  if (kind < shareSupervised + shareOfTwoTeams + shareAmongPeople) {
    const byHand = agentsByHand(rare, agentFrom)
    return { seed, agents: [...agents, ...byHand], steps: amongPeople(rare, ids, byHand) }
  }
  if (kind < shareSupervised + shareOfTwoTeams + shareAmongPeople + shareAllOrNone) {
    const team = names.slice(0, 2 + rare.int(3))
    return { seed, agents: team.map((id) => agentFrom(rare, id)), steps: allOrNone(rare, team) }
  }
  if (kind < shareSupervised + shareOfTwoTeams + shareAmongPeople + shareAllOrNone + shareRebooted) {
    return { seed, agents, steps: rebooted(rare, ids) }
  }
  if (kind < shareSupervised + shareOfTwoTeams + shareAmongPeople + shareAllOrNone + shareRebooted + shareAtWork) {
    const [first = names[0], ...others] = ids
    return { seed, agents: hardWorking(agents), steps: atWork(rare, [first, ...others], text) }
  }
  if (kind < shareSupervised + shareOfTwoTeams + shareAmongPeople + shareAllOrNone + shareRebooted + shareAtWork + shareSuspended) {
    return { seed, agents, steps: suspended(rare, ids, steps) }
  }
  const plain: Scenario = { seed, agents, steps }
  if (kind > 1 - shareLogins) {
    return withLogins(rare, rare.chance(0.4) ? { ...plain, steps: supervised(rare, ids, steps) } : plain)
  }
  return rare.chance(shareVaried) ? varied(rare, plain) : plain
}
