import { expect } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { agentOf, type TeamState } from "../../sdk/event-log/TeamState.ts"
import type { Answer } from "./orders.ts"
import { eventually, makeWorld, type World } from "./world.ts"

// The team of the kill tests, and what has to hold of it whatever was killed.

/** Who was told something, and what. The idler never is: it has nothing to lose, and may start anew. */
export const secrets: Readonly<Record<string, string>> = {
  planner: "the plan is called Amaryllis",
  "coder-1": "my branch is named Bellis",
  "coder-2": "the port is 4711"
}
export const told = Object.keys(secrets)
export const everyone = [...told, "idler"]

/** The team, with more in the options of single agents, and in the environment of all, where a test wants it. */
export const teamFile = (
  options: Readonly<Record<string, object>> = {},
  env: Readonly<Record<string, string>> = {}
): string => {
  const agents = { planner: {}, "coder-1": { session: "at-first-message" }, "coder-2": {}, idler: { session: "at-first-message" } }
  return JSON.stringify({
    name: "alpha",
    defaults: { provider: "fake", env },
    agents: Object.fromEntries(
      Object.entries(agents).map(([id, own]) => [id, { options: { turn: 1, ...own, ...options[id] } }])
    )
  })
}

/** Launches the team and tells each agent its own secret. */
export const launchTeam = async (...file: Parameters<typeof teamFile>): Promise<World> => {
  const world = makeWorld(teamFile(...file))
  try {
    const up = await world.answer({ verb: "up" })
    expect(up.message, "up").toContain("is up")
    for (const [agent, text] of Object.entries(secrets)) {
      const sent = await world.answer({ verb: "send", agents: [agent], text })
      expect(sent.outcome, `${sent.message}`).toBe("submitted")
    }
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}

const Line = Schema.parseJson(Schema.Struct({
  position: Schema.Int,
  type: Schema.String,
  agent: Schema.optional(Schema.NullOr(Schema.String)),
  generation: Schema.optional(Schema.NullOr(Schema.Int)),
  step: Schema.optional(Schema.String),
  phase: Schema.optional(Schema.String)
}))
export type Line = typeof Line.Type

/** The lines of the log's mirror after a position; each has to be whole. */
export const logLines = (world: World, after = 0): ReadonlyArray<Line> =>
  existsSync(world.events)
    ? readFileSync(world.events, "utf8").split("\n").filter((line) => line !== "").map((line) =>
      Schema.decodeUnknownSync(Line)(line)).filter(({ position }) => position > after)
    : []

const Told = Schema.parseJson(Schema.Struct({ role: Schema.optional(Schema.String), text: Schema.optional(Schema.String) }))

/** What the agent answered to the last `recall` of its conversation; null while there is no answer. */
const recalled = (world: World, session: string): string | null => {
  const path = join(world.sessions, `${session}.jsonl`)
  const records = readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) =>
    Schema.decodeUnknownSync(Told)(line))
  const asked = records.findLastIndex(({ role, text }) => role === "user" && text === "recall")
  return asked === -1 ? null : records.slice(asked + 1).find(({ role }) => role === "assistant")?.text ?? null
}

/** What a team was before something was done to it. */
export interface Before {
  readonly position: number
  readonly agents: Readonly<Record<string, { readonly generation: number; readonly session: string | null }>>
}

export const stateOf = async (world: World): Promise<TeamState> => {
  const { message, state } = await world.answer({ verb: "status" })
  if (state === null) throw new Error(`The team's state can't be read: ${message}`)
  return state
}

export const remember = (state: TeamState): Before => ({
  position: state.position,
  agents: Object.fromEntries(state.agents.map((agent) => [agent.spec.id, {
    generation: agent.generation,
    session: agent.session?.id ?? null
  }]))
})

/** Every agent lives once: its one worker is the one that the log and the server know, and nothing else is there. */
export const expectOnce = (world: World, answer: Answer, agents: ReadonlyArray<string> = everyone): void => {
  const state = answer.state
  if (state === null) throw new Error(answer.message)
  const workers = world.workers()
  expect(workers.map(({ agent }) => agent).toSorted(), "workers").toEqual([...agents].toSorted())
  for (const worker of workers) {
    const view = answer.agents.find(({ id }) => id === worker.agent)
    const agent = agentOf(state, worker.agent)
    expect(agent?.phase, `${worker.agent}'s phase`).toBe("running")
    expect(view?.pid, `${worker.agent}'s process`).toBe(worker.pid)
    expect(agent?.generation, `${worker.agent}'s generation`).toBe(worker.generation)
    expect(agent?.spawn?.sessionId, `${worker.agent}'s session`).toBe(worker.session)
  }
  const tokens = agents.map((id) => agentOf(state, id)?.spawn?.token ?? "none")
  const shown = world.panes().filter((row) => row.includes("REPRISE_SPAWN="))
  expect(shown.length, `panes: ${shown.join("\n")}`).toBe(tokens.length)
  for (const token of tokens) expect(shown.filter((row) => row.includes(token)).length, `the pane of ${token}`).toBe(1)
}

/** The log is whole: nothing unfinished, nothing unreadable, each position once, generations that grow by one. */
export const expectWholeLog = async (world: World, answer: Answer, before: Before): Promise<void> => {
  const state = answer.state
  if (state === null) throw new Error(answer.message)
  expect(state.operation, "an unfinished operation").toBeNull()
  expect(state.unreadable).toEqual([])
  const lines = await eventually("a mirror that has caught up", () => {
    const all = logLines(world)
    return all.length >= state.position ? all : null
  })
  expect(lines.map(({ position }) => position)).toEqual(Array.from({ length: lines.length }, (_, index) => index + 1))
  for (const agent of state.agents) {
    const spawns = lines.filter((line) =>
      line.position > before.position && line.type === "agent.spawn_intended" && line.agent === agent.spec.id)
    const from = before.agents[agent.spec.id]?.generation ?? 0
    expect(spawns.map(({ generation }) => generation), `${agent.spec.id}'s generations`)
      .toEqual(spawns.map((_, index) => from + index + 1))
    expect(agent.generation).toBe(from + spawns.length)
  }
}

/** Those who were told something are in the conversation of before, and repeat their own and nobody else's. */
export const expectMemory = async (world: World, state: TeamState, before: Before): Promise<void> => {
  for (const id of told) expect(agentOf(state, id)?.session?.id, `${id}'s session`).toBe(before.agents[id]?.session)
  const sent = await world.answer({ verb: "send", agents: told, text: "recall" })
  expect(sent.outcome, `${sent.message}`).toBe("submitted")
  for (const id of told) {
    const answer = await eventually(`${id}'s recall`, () => recalled(world, before.agents[id]?.session ?? "none"))
    expect(answer, `what ${id} recalls`).toBe(secrets[id])
  }
}

/** All that has to hold after a rerun. */
export const expectWhole = async (world: World, answer: Answer, before: Before, outcome = "restarted"): Promise<TeamState> => {
  expect(answer.outcome, `${answer.message}`).toBe(outcome)
  expect(answer.ok, `${answer.message}`).toBe(true)
  expectOnce(world, answer)
  await expectWholeLog(world, answer, before)
  const state = answer.state
  if (state === null) throw new Error(answer.message)
  await expectMemory(world, state, before)
  return state
}
