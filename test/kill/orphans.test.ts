import { describe, expect, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import type { DeathPoint } from "reprise/testing"
import { expectWhole, launchTeam, remember, stateOf } from "./team.ts"
import { eventually, hasTmux, type World } from "./world.ts"

// Workers that outlive their terminal. Their server is killed, and with it the last place where they could be listed:
// a second process for the same conversation must not come of that.

const stubborn = fileURLToPath(new URL("stubborn.mjs", import.meta.url))

const launchStubborn = () => launchTeam({}, { NODE_OPTIONS: `--import=${stubborn}` })

/** Whether two workers were ever seen in one conversation, from now until the answer. */
const watchForDoubles = (world: World) => {
  const doubled = new Set<string>()
  const timer = setInterval(() => {
    const sessions = world.workers().flatMap(({ session }) => session ?? [])
    for (const session of sessions) {
      if (sessions.indexOf(session) !== sessions.lastIndexOf(session)) doubled.add(session)
    }
  }, 5)
  return () => {
    clearInterval(timer)
    return [...doubled]
  }
}

const rerun = async (world: World, before: Parameters<typeof expectWhole>[2]) => {
  const doubles = watchForDoubles(world)
  try {
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  } finally {
    expect(doubles()).toEqual([])
  }
}

const companion = fileURLToPath(new URL("companion.mjs", import.meta.url))

describe.skipIf(!hasTmux)("children that outlive their worker", () => {
  it("are ended by a restart, and by a down", async () => {
    const world = await launchTeam({}, { NODE_OPTIONS: `--import=${companion}` })
    /** Kills all workers; answers with the children that they leave. */
    const bereave = async (): Promise<ReadonlyArray<number>> => {
      const workers = world.workers()
      const files = workers.map(({ agent, generation }) => join(world.workspace, `companion-${agent}-${generation}`))
      await eventually("all children", () => files.every((file) => existsSync(file)))
      for (const { pid } of workers) await world.kill(pid)
      const children = files.map((file) => Number(readFileSync(file, "utf8")))
      expect(children.filter(world.isGone)).toEqual([])
      return children
    }
    try {
      const before = remember(await stateOf(world))
      const ofTheFirst = await bereave()
      await expectWhole(world, await world.answer({ verb: "restart" }), before)
      expect(ofTheFirst.map(world.isGone)).toEqual([true, true, true, true])
      const ofTheSecond = await bereave()
      const down = await world.answer({ verb: "down" })
      expect(down.outcome, `${down.message}`).toBe("stopped")
      expect(ofTheSecond.map(world.isGone)).toEqual([true, true, true, true])
    } finally {
      await world.close()
    }
  })
})

describe.skipIf(!hasTmux)("workers that outlive their server", () => {
  it("are ended before the next ones start, where the log knows them", async () => {
    const world = await launchStubborn()
    try {
      const before = remember(await stateOf(world))
      await world.killServer()
      expect(world.workers().length).toBe(4)
      await rerun(world, before)
    } finally {
      await world.close()
    }
  })

  it.each([
    { when: "before", step: "spawn", phase: "result", agent: "planner" },
    { when: "before", step: "spawn", phase: "result", agent: "coder-1" }
  ] satisfies ReadonlyArray<DeathPoint>)(
    "are found where their start was never recorded: $agent",
    async (death) => {
      const world = await launchStubborn()
      try {
        const before = remember(await stateOf(world))
        expect((await world.order({ verb: "restart", death }))._tag).toBe("Killed")
        const killed = await stateOf(world)
        const spawn = agentOf(killed, death.agent)?.spawn
        expect(spawn?.pane).toBeNull()
        await eventually(`the unrecorded ${death.agent}`, () =>
          world.workers().some(({ agent, generation }) => agent === death.agent && generation === spawn?.generation))
        await world.killServer()
        await rerun(world, before)
      } finally {
        await world.close()
      }
    }
  )

  it("are found by a down, too", async () => {
    const world = await launchStubborn()
    try {
      const death = { when: "before", step: "spawn", phase: "result", agent: "planner" } as const
      expect((await world.order({ verb: "restart", death }))._tag).toBe("Killed")
      await world.killServer()
      const down = await world.answer({ verb: "down" })
      expect(down.outcome, `${down.message}`).toBe("stopped")
      expect(world.workers()).toEqual([])
    } finally {
      await world.close()
    }
  })

  it("keep no record of what they were started with", async () => {
    const world = await launchStubborn()
    try {
      const spawns = join(world.workspace, ".reprise", "plugins", "transport-tmux", "spawns")
      expect(readdirSync(spawns).flatMap((token) => readdirSync(join(spawns, token))).filter((name) => name === "launch")).toEqual([])
    } finally {
      await world.close()
    }
  })
})
