import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { DeathPoint } from "reprise/testing"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import { expectOnce, expectWholeLog, logLines, remember, stateOf } from "./team.ts"
import { eventually, hasTmux, makeWorld, type World } from "./world.ts"

// The sender of a message is killed at each of its steps, and a restart follows: what was accepted goes out, nothing is
// typed twice, and what may have been typed is settled by the conversation.

const steps = ["message.accepted", "message.submitting", "message.submitted"] as const
const points = steps.flatMap((type) => (["before", "after"] as const).map((when): DeathPoint => ({ when, type })))
const agents = points.map((_, index) => `agent-${index + 1}`)

/** How often a text was said in the agent's conversation. */
const said = (world: World, session: string | null | undefined, text: string): number => {
  const path = join(world.sessions, `${session ?? "none"}.jsonl`)
  return existsSync(path)
    ? readFileSync(path, "utf8").split("\n").filter((line) => line.includes(`"role":"user","text":"${text}"`)).length
    : 0
}

/** Whether agent-4, which may have been typed into, holds a conversation is not known, and that authorises nothing. */
const refusedUntilSpokenTo = async (world: World): Promise<void> => {
  const workers = world.workers()
  const refused = await world.answer({ verb: "restart" })
  expect(refused.outcome, `${refused.message}`).toBe("resume_not_ready")
  expect(refused.message).toContain("agent-4")
  expect(world.workers()).toEqual(workers)
  const sent = await world.answer({ verb: "send", agents: ["agent-4"], text: "another word" })
  expect(sent.outcome, `${sent.message}`).toBe("submitted")
}

describe.skipIf(!hasTmux)("a sender that is killed", () => {
  let world: World
  beforeAll(async () => {
    world = makeWorld(JSON.stringify({
      name: "alpha",
      defaults: { provider: "fake", options: { session: "at-first-message", turn: 1 } },
      agents: Object.fromEntries(agents.map((id) => [id, {}]))
    }), { REPRISE_SESSION_CONVERGE_DEADLINE_MS: "1000" })
    const up = await world.answer({ verb: "up" })
    expect(up.outcome, `${up.message}`).toBe("launched")
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it.each([
    { text: "the first word", first: refusedUntilSpokenTo },
    { text: "the second word", first: () => Promise.resolve() }
  ])("loses and doubles nothing: $text", { timeout: 120_000 }, async ({ first, text }) => {
    const before = remember(await stateOf(world))
    for (const [index, point] of points.entries()) {
      const ended = await world.order({ verb: "send", agents: [agents[index] ?? ""], text, death: point })
      expect(ended._tag).toBe("Killed")
    }
    await first(world)
    const restarted = await world.answer({ verb: "restart" })
    expect(restarted.outcome, `${restarted.message}`).toBe("restarted")
    expectOnce(world, restarted, agents)
    await expectWholeLog(world, restarted, before)
    const state = restarted.state
    if (state === null) throw new Error(restarted.message)
    expect(state.pendingMessages).toEqual([])
    for (const [index, { type, when }] of points.entries()) {
      const id = agents[index] ?? ""
      // Never accepted, or written down as about to be typed with no key pressed: that one is told and not typed again.
      const times = (type === "message.accepted" && when === "before") || (type === "message.submitting" && when === "after") ? 0 : 1
      const session = agentOf(state, id)?.session?.id ?? agentOf(state, id)?.spawn?.sessionId
      if (times > 0) await eventually(`${text} said to ${id}`, () => said(world, session, text) > 0)
      expect(said(world, session, text), `how often ${id} was told (killed ${when} ${type})`).toBe(times)
    }
    const failed = logLines(world, before.position).filter(({ type }) => type === "message.failed").map(({ agent }) => agent)
    expect(failed).toEqual([agents[3]])
  })
})
