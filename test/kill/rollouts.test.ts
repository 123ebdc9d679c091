import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DeathPoint } from "reprise/testing"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import type { Order } from "./orders.ts"
import { type Before, everyone, expectWhole, launchTeam, type Line, logLines, remember, stateOf } from "./team.ts"
import { hasTmux, type World } from "./world.ts"

// A restart that goes batch after batch is killed at a step of each kind, before or after it is on disk. What either way
// to finish it would do is explained, and one way is gone. With REPRISE_KILL_SWEEP=all at each step of each agent, both
// ways.

const all = process.env["REPRISE_KILL_SWEEP"] === "all"
const moments = ["before", "after"] as const
const phases = ["intent", "result"] as const
type Policy = NonNullable<Order["policy"]>

interface Case {
  readonly policy: Policy
  readonly point: DeathPoint
  readonly finish: "continue" | "rollback"
}

const batches: Partial<Record<Policy, ReadonlyArray<ReadonlyArray<string>>>> = {
  rolling: [["planner", "coder-1"], ["coder-2", "idler"]],
  canary: [["coder-1"], ["planner", "coder-2", "idler"]],
  atomic: [["planner", "idler"], ["coder-1", "coder-2"]]
}

const at = (when: DeathPoint["when"], phase: NonNullable<DeathPoint["phase"]>, step: string, agent?: string): DeathPoint =>
  ({ when, phase, step, ...agent === undefined ? {} : { agent } })

const stepsOf = (policy: Policy): ReadonlyArray<string> =>
  policy === "atomic" ? ["stop", "spawn", "ready"] : ["stop", "spawn", "ready", "verify", "healthy"]

/** Every step that an unhindered rollout has: of its batches, and of its agents. */
const allSteps = (policy: Policy): ReadonlyArray<readonly [step: string, agent?: string]> => [
  ...(batches[policy] ?? []).map((_, index) => [`batch/${index + 1}`] as const),
  ...everyone.flatMap((agent) =>
    // The rest of a canary goes at once, and is watched by nobody.
    stepsOf(policy).filter((step) => step !== "healthy" || policy !== "canary" || agent === "coder-1").map((step) => [step, agent] as const))
]

const sweep = (policy: Policy): ReadonlyArray<DeathPoint> =>
  moments.flatMap((when) => phases.flatMap((phase) => allSteps(policy).map(([step, agent]) => at(when, phase, step, agent))))

/** Each kind of step once, and the verdicts of the first batch at both moments. */
const few: Readonly<Record<"rolling" | "canary" | "atomic", ReadonlyArray<readonly [DeathPoint, Case["finish"]]>>> = {
  rolling: [
    [at("after", "intent", "batch/1"), "continue"],
    [at("before", "result", "spawn", "coder-1"), "rollback"],
    [at("before", "result", "batch/1"), "continue"],
    [at("after", "intent", "stop", "coder-2"), "continue"]
  ],
  canary: [
    [at("after", "result", "ready", "coder-1"), "continue"],
    [at("before", "result", "verify", "coder-1"), "rollback"],
    [at("after", "intent", "healthy", "coder-1"), "continue"],
    [at("after", "result", "batch/1"), "continue"],
    [at("after", "result", "batch/1"), "rollback"],
    [at("before", "result", "batch/2"), "continue"]
  ],
  atomic: [
    [at("after", "intent", "spawn", "planner"), "continue"],
    [at("before", "intent", "batch/2"), "rollback"],
    [at("after", "result", "stop", "coder-2"), "continue"]
  ]
}

const cases = (["rolling", "canary", "atomic"] as const).flatMap((policy): ReadonlyArray<Case> =>
  all
    ? sweep(policy).flatMap((point) => (["continue", "rollback"] as const).map((finish) => ({ policy, point, finish })))
    : few[policy].map(([point, finish]) => ({ policy, point, finish })))

const named = ({ finish, point: { agent, phase, step, when }, policy }: Case): string =>
  `${policy}, ${when} the ${phase ?? ""} of ${step ?? ""}${agent === undefined ? "" : ` of ${agent}`}: ${finish}`

const stepLines = (lines: ReadonlyArray<Line>, step: string, phase: string) =>
  lines.filter((line) => line.type === "operation.step" && line.step === step && line.phase === phase)

/** Nobody of a later batch was touched before all of the earlier ones were back. */
const expectOrder = (lines: ReadonlyArray<Line>, order: ReadonlyArray<ReadonlyArray<string>>): void => {
  const first = (agents: ReadonlyArray<string>) =>
    Math.min(...stepLines(lines, "stop", "intent").flatMap(({ agent, position }) => agents.includes(agent ?? "") ? position : []))
  for (const [index, agents] of order.entries()) {
    const later = first(order.slice(index + 1).flat())
    for (const id of agents) {
      const ready = stepLines(lines, "ready", "result").find(({ agent }) => agent === id)
      expect(later, `${id} back before a later batch is touched`).toBeGreaterThan(ready?.position ?? Number.POSITIVE_INFINITY)
    }
  }
}

/** What a restart that was killed would be finished by, either way; asking for it changes nothing. */
const expectExplained = async (world: World, policy: Policy, before: Before): Promise<void> => {
  const { position } = await stateOf(world)
  const on = await world.answer({ verb: "explain", policy, unfinished: "continue" })
  expect(on.message).toContain("continuing the interrupted operation")
  const back = await world.answer({ verb: "explain", policy, unfinished: "rollback" })
  expect(back.message).toContain("taking back the interrupted operation")
  const begun = new Set(logLines(world, before.position).flatMap(({ agent, type }) => type === "operation.step" ? agent ?? [] : []))
  for (const id of everyone) {
    expect(on.message).toMatch(new RegExp(`^  ${id} .*`, "m"))
    if (!begun.has(id)) expect(back.message).toMatch(new RegExp(`^  ${id} .*leave .*had not touched it`, "m"))
  }
  expect((await stateOf(world)).position, "events written by an explanation").toBe(position)
}

describe.skipIf(!hasTmux)("a rollout that is killed", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it.each((["rolling", "canary", "atomic"] as const).map((policy) => ({ policy })))("goes batch after batch when nobody kills it: $policy", async ({ policy }) => {
    const before = remember(await stateOf(world))
    await expectWhole(world, await world.answer({ verb: "restart", policy }), before)
    const lines = logLines(world, before.position)
    const steps = lines.filter(({ type }) => type === "operation.step").map(({ agent, phase, step }) => `${step ?? ""} ${phase ?? ""} ${agent ?? ""}`)
    expect(steps.toSorted()).toEqual(
      phases.flatMap((phase) => allSteps(policy).map(([step, agent = ""]) => `${step} ${phase} ${agent}`)).toSorted()
    )
    expectOrder(lines, batches[policy] ?? [])
  })

  it.each(cases.map((each) => ({ name: named(each), each })))("is finished: $name", async ({ each: { finish, point, policy } }) => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart", policy, death: point })
    expect(ended).toEqual({ _tag: "Killed", signal: "SIGKILL" })
    const killed = await stateOf(world)
    const lines = logLines(world, before.position)
    const ready = new Set(lines.flatMap(({ agent, type }) => type === "agent.ready" ? agent ?? [] : []))
    const begun = new Set(lines.flatMap(({ agent, type }) => type === "operation.step" ? agent ?? [] : []))
    await expectExplained(world, policy, before)
    const state = await expectWhole(world, await world.answer({ verb: "restart", policy, unfinished: finish }), before)
    for (const id of everyone) {
      const more = ready.has(id) || (finish === "rollback" && !begun.has(id)) ? 0 : 1
      expect(agentOf(state, id)?.generation, `${id}'s generation`).toBe((agentOf(killed, id)?.generation ?? 0) + more)
    }
    if (finish === "continue") expectOrder(logLines(world, before.position), batches[policy] ?? [])
  })
})
