import type { TeamFile } from "../../spec/team-file.ts"
import { teamName } from "./commands.ts"
import type { Wrap } from "./layers.ts"
import { isWorldStep, type Scenario } from "./scenario.ts"
import { makeSimulatedWorld, type Played, type SimulatedWorld } from "./world.ts"

interface Wrong {
  readonly rule: number
  readonly problem: string
}

/** What is wrong with a team of a world in which all trouble is over and a restart of it was asked for. */
const wrongAtTheEnd = (world: SimulatedWorld, team: string, started: boolean): ReadonlyArray<Wrong> => {
  const state = world.state(team)
  const folded = world.folded(team) ?? null
  const wrong: Array<Wrong> = []
  if (JSON.stringify(folded) !== JSON.stringify(state)) wrong.push({ rule: 5, problem: "the state is not what its events make of it" })
  if (state === null) return wrong
  const last = world.ends.at(-1)
  if (started && last?.outcome === "LeaseHeld") {
    wrong.push({ rule: 5, problem: "the lease of a dead process could not be taken over: no restart is possible any more" })
    return wrong
  }
  if (started && state.operation !== null && last?.ok === true) {
    wrong.push({ rule: 2, problem: `the ${state.operation.kind} of before is still unfinished after a restart that went well` })
  }
  for (const agent of state.agents) {
    const process = world.livingOf(agent.spec.id)
    const session = process === undefined ? undefined : world.conversations.byPid.get(process.identity.pid)
    if (last?.ok === true && started && process === undefined && !agent.spec.paused) {
      wrong.push({ rule: 4, problem: `${agent.spec.id} does not live after a restart that went well` })
    }
    const isBegun = session === undefined || world.isBegun(session)
    if (process !== undefined && isBegun && agent.phase === "running" && agent.session !== null && session !== agent.session.id) {
      wrong.push({ rule: 3, problem: `${agent.spec.id} lives in session ${session ?? "?"} and is recorded in ${agent.session.id}` })
    }
    const left = world.held(agent.spec.id).filter((held) => held !== session)
    if (last?.ok === true && started && left.length > 0) {
      wrong.push({ rule: 4, problem: `${agent.spec.id} came back without its conversation ${left.join(", ")}` })
    }
  }
  return wrong
}

/** Agents that are back and are not told what is sent to them, though all that was wrong with them was so before. */
const deafAtTheEnd = (world: SimulatedWorld, team: string): ReadonlyArray<Wrong> =>
  (world.state(team)?.agents ?? []).flatMap(({ phase, spec: { id } }) => {
    if (phase !== "running" || world.livingOf(id) === undefined || world.ends.at(-1)?.ok !== true) return []
    const text = `at the end to ${id}`
    world.step({ do: "commands", commands: [{ do: "send", agent: id, text, team }] })
    const heard = world.facts.some((fact) => fact.kind === "hears" && fact.text.includes(text))
    return heard ? [] : [{ rule: 1, problem: `${id} is back and was not told a message: what was wrong before its start was held against it` }]
  })

/** Has a person select the newest conversation of each agent that was refused. */
const select = (world: SimulatedWorld, team: string): ReadonlyArray<Wrong> => {
  const { ok = true, results = {} } = world.ends.at(-1) ?? {}
  if (ok) return []
  const wrong = Object.entries(results).flatMap(([id, result]) => {
    const [session, ...others] = world.held(id)
    if (result !== "refused" || session === undefined || others.length > 0) return []
    world.step({ do: "commands", commands: [{ do: "restart", policy: "isolated", team, agents: [id], session }] })
    const { outcome = "", ok: selected = false } = world.ends.at(-1) ?? {}
    return selected ? [] : [{ rule: 4, problem: `${id} could not be brought back in ${session}, although a person selected it: ${outcome}` }]
  })
  world.step({ do: "commands", commands: [{ do: "restart", policy: "isolated", team }] })
  return wrong
}

/** Whether people change the conversations of agents that Reprise started. */
const changesConversations = ({ agents, steps }: Scenario): boolean =>
  steps.some((step) => step.do === "person clears") && agents.every(({ byHand = false }) => !byHand)

/** Plays a scenario to its end: then all trouble ceases, the team is restarted, and it is looked at what is left. */
export const play = (template: TeamFile, scenario: Scenario, wrap?: Wrap): Played => {
  const world = makeSimulatedWorld(template, scenario, wrap)
  for (const step of scenario.steps) {
    if (world.violations.length > 0) break
    world.step(step)
  }
  if (world.violations.length === 0) {
    world.step({ do: "time passes", millis: 60_000 })
    if (world.supervised()) {
      world.step({ do: "commands", commands: [{ do: "unsupervise" }] })
      world.step({ do: "time passes", millis: 15_000 })
      if (world.supervised()) world.note({ kind: "settles", wrong: [{ rule: 5, problem: "supervision goes on though it was switched off" }] })
    }
    world.limits.clear()
    world.continueAll()
    world.putLogBack()
    for (const { behaviour, id } of scenario.agents) world.behaviours.set(id, { ...behaviour, startup: "ready", resumes: "well" })
    const wrong: Array<Wrong> = []
    world.peopleGo()
    for (const team of new Set([teamName, ...scenario.agents.map((agent) => agent.team ?? teamName), ...world.adoptedTeams()])) {
      const known = world.state(team) !== null
      const takeover = world.adoptedTeams().includes(team) ? { takeover: true } : {}
      world.ends.push({ command: "settle", outcome: "begins", ok: true, refused: false })
      // What an interrupted restart left is continued by the next, and that may leave something for one more.
      for (let tries = 2; known && tries > 0 && world.ends.at(-1)?.outcome !== "restarted"; tries--) {
        world.step({ do: "commands", commands: [{ do: "restart", policy: "isolated", team, ...takeover }] })
      }
      if (changesConversations(scenario)) wrong.push(...select(world, team))
      wrong.push(...wrongAtTheEnd(world, team, known))
      if (known && scenario.steps.some((step) => step.do === "turn fails")) wrong.push(...deafAtTheEnd(world, team))
    }
    world.note({ kind: "settles", wrong })
  }
  return {
    facts: world.facts,
    violations: world.violations,
    ends: world.ends,
    instants: world.facts.length
  }
}

/** The verbs and worldly steps of a scenario, one a line: what a person reads first. */
export const describe = ({ agents, steps }: Scenario): ReadonlyArray<string> => [
  ...agents.map((agent) => `agent ${agent.id}: ${agent.provider}${agent.permissions === null ? "" : `, ${agent.permissions}`} ${JSON.stringify(agent.behaviour)}`),
  ...steps.flatMap((step) =>
    isWorldStep(step) ? [`world ${JSON.stringify(step)}`] : step.commands.map((command, at) => `${at === 0 ? "run  " : " and "} ${JSON.stringify(command)}`))
]
