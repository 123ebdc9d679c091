import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DeathPoint } from "reprise/testing"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import { everyone, expectWhole, launchTeam, logLines, remember, stateOf } from "./team.ts"
import { hasTmux, type World } from "./world.ts"

// A restart is killed at a step, before or after it is on disk, and another is started. With REPRISE_KILL_SWEEP=all at
// each step of each agent; else at each of one that was spoken to, and at the starts of one that never was.

const all = process.env["REPRISE_KILL_SWEEP"] === "all"
const moments = ["before", "after"] as const
const phases = ["intent", "result"] as const

const stepsOf = (agent: string, steps: ReadonlyArray<string>): ReadonlyArray<DeathPoint> =>
  steps.flatMap((step) => phases.flatMap((phase) => moments.map((when) => ({ when, step, phase, agent }))))

const teamLevel = (["restart.resume_decision", "operation.started", "transport.pre_kill_audit", "operation.finished"] as const)
  .flatMap((type) => moments.map((when): DeathPoint => ({ when, type })))

const points: ReadonlyArray<DeathPoint> = [
  ...teamLevel,
  ...all
    ? everyone.flatMap((agent) => stepsOf(agent, ["stop", "spawn", "ready"]))
    : [...stepsOf("coder-1", ["stop", "spawn", "ready"]), ...stepsOf("idler", ["spawn"])]
]

const named = ({ agent, phase, step, type, when }: DeathPoint): string =>
  `${when} ${type ?? `${step ?? ""} ${phase ?? ""} of ${agent ?? ""}`}`

describe.skipIf(!hasTmux)("a restart that is killed", () => {
  let world: World
  beforeAll(async () => {
    world = await launchTeam()
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it("has these steps and no others when nobody kills it", async () => {
    const before = remember(await stateOf(world))
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
    const steps = logLines(world, before.position).filter(({ type }) => type === "operation.step")
      .map(({ agent, phase, step }) => `${step ?? ""} ${phase ?? ""} ${agent ?? ""}`)
    expect(steps.toSorted()).toEqual(
      everyone.flatMap((agent) => ["stop", "spawn", "ready"].flatMap((step) => phases.map((phase) => `${step} ${phase} ${agent}`)))
        .toSorted()
    )
  })

  it.each(points.map((point) => ({ name: named(point), point })))("is finished by the next one: $name", async ({ point }) => {
    const before = remember(await stateOf(world))
    const ended = await world.order({ verb: "restart", death: point })
    expect(ended).toEqual({ _tag: "Killed", signal: "SIGKILL" })
    const killed = remember(await stateOf(world))
    const ready = new Set(logLines(world, before.position).flatMap(({ agent, type }) => type === "agent.ready" ? agent ?? [] : []))
    const finished = point.type === "operation.finished" && point.when === "after"
    const state = await expectWhole(world, await world.answer({ verb: "restart" }), before)
    // Who was brought back before the kill is left alone, and nobody is started twice over.
    for (const id of everyone) {
      const more = ready.has(id) && !finished ? 0 : 1
      expect(agentOf(state, id)?.generation, `${id}'s generation`).toBe((killed.agents[id]?.generation ?? 0) + more)
    }
  })
})
