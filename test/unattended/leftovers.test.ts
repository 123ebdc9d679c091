// Real processes: what an ended generation left behind goes with its agent, and nothing else does.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { readProcess } from "reprise/plugin"
import type { SeenProcess } from "../../sdk/session/adopt-processes.ts"
import { leftoversAmong } from "../../sdk/session/leftovers.ts"
import { builtCommand } from "../house/built.ts"
import { at, eventually, hasTmux, openWorld, pidOf, type World } from "./world.ts"

const lives = (pid: number) => Effect.map(readProcess(pid), ({ state }) => state === "alive")

describe.skipIf(!hasTmux)("leftovers of a killed agent", () => {
  let command: string
  let world: World
  const strangers: Array<ChildProcess> = []
  beforeAll(async () => {
    command = await builtCommand()
    world = openWorld(command, "name: alpha\nagents: { planner: { provider: fake }, coder-1: { provider: fake } }\n")
    const up = await world.reprise(["up"])
    expect(up.code, `${up.out}${up.err}`).toBe(0)
  }, 180_000)
  afterAll(async () => {
    for (const child of strangers) child.kill("SIGKILL")
    await world.close()
  }, 60_000)

  const isChild = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0-e\0")
    } catch {
      return false
    }
  }

  /** Has an agent start a detached child, and answers with its pid. */
  const childOf = async (agent: string): Promise<number> => {
    const before = new Set(world.processes().map(({ pid }) => pid))
    await world.reprise(["send", agent, "/child"])
    return eventually(`a child of ${agent}`, () => world.processes().find(({ env, pid }) => !before.has(pid) && env.includes(`REPRISE_AGENT=${agent}`) && isChild(pid))?.pid)
  }

  /** A process of this test whose environment says whose it is. */
  const stranger = async (env: Readonly<Record<string, string>>): Promise<number> => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('up')"], {
      env: { PATH: world.env["PATH"] ?? "", REPRISE_TEAM: "alpha", REPRISE_AGENT: "planner", REPRISE_GENERATION: "1", REPRISE_WORKSPACE: world.work, ...env },
      stdio: ["ignore", "pipe", "ignore"],
      detached: true
    })
    strangers.push(child)
    await once(child.stdout, "data")
    return child.pid ?? 0
  }

  it("are stopped by its restart, and those of the living and of other workspaces are not", async () => {
    const child = await childOf("planner")
    const others = await childOf("coder-1")
    const elsewhere = await stranger({ REPRISE_WORKSPACE: "/somewhere/else", REPRISE_WORKSPACE_ID: "another" })
    const later = await stranger({ REPRISE_GENERATION: "7" })
    const before = await world.reprise(["status"])
    process.kill(pidOf(before, "planner"), "SIGKILL")
    await eventually("the death", () => !world.processes().some(({ pid }) => pid === pidOf(before, "planner")))
    const restarted = await world.reprise(["restart", "--dead"])
    expect(restarted.code, `${restarted.out}${restarted.err}`).toBe(0)
    expect(await Effect.runPromise(lives(child))).toBe(false)
    for (const pid of [others, elsewhere, later, pidOf(before, "coder-1")]) expect(await Effect.runPromise(lives(pid))).toBe(true)
    expect(world.log()).toContain("agent.leftovers")
    process.kill(later, "SIGKILL")
  }, 180_000)

  it("are stopped by down, also of an agent that was killed before it", async () => {
    const child = await childOf("planner")
    const status = await world.reprise(["status"])
    process.kill(pidOf(status, "planner"), "SIGKILL")
    const down = await world.reprise(["down"])
    expect(down.code, `${down.out}${down.err}`).toBe(0)
    expect(await Effect.runPromise(lives(child))).toBe(false)
    expect(at(down.json, "survivors")).toEqual([])
    expect(JSON.stringify(at(down.json, "leftovers"))).toContain(`process ${child}`)
    await eventually("nothing of the team is left", () => world.processes().every(({ env }) => !env.includes(`REPRISE_WORKSPACE=${world.work}`) || env.includes("REPRISE_GENERATION=7")))
  }, 180_000)
})

describe("what is left of an ended generation", () => {
  const by = { team: "alpha", agent: "planner", workspace: "/work", workspaceId: "id-1", generation: 3 }
  const process = (pid: number, over: Partial<SeenProcess> = {}): SeenProcess => ({
    pid,
    ppid: 1,
    startTime: `${pid}@b`,
    argv: ["node", "server.js"],
    cwd: "/work",
    env: { REPRISE_TEAM: "alpha", REPRISE_AGENT: "planner", REPRISE_WORKSPACE: "/work", REPRISE_WORKSPACE_ID: "id-1", REPRISE_GENERATION: "2" },
    startedAt: null,
    ageMs: null,
    place: "no terminal",
    inTerminal: false,
    ...over
  })
  const found = (...processes: ReadonlyArray<SeenProcess>) =>
    leftoversAmong(processes, [...processes, { pid: 900, ppid: 1 }], by, 900, new Set()).map(({ pid, spared }) => `${pid} ${spared === null ? "ends" : "spared"}`)
  const env = (over: Readonly<Record<string, string>>) => ({ env: { ...process(1).env, ...over } })

  it("is proved by its environment: workspace id, team, agent and generation", () => {
    expect(found(process(10))).toEqual(["10 ends"])
    expect(found(process(10, env({ REPRISE_WORKSPACE: "/moved/from" })))).toEqual(["10 ends"])
    for (const other of [
      env({ REPRISE_WORKSPACE_ID: "id-2" }),
      env({ REPRISE_TEAM: "beta" }),
      env({ REPRISE_AGENT: "coder-1" }),
      env({ REPRISE_GENERATION: "4" }),
      env({ REPRISE_GENERATION: "no" }),
      { env: {} }
    ]) expect(found(process(10, other))).toEqual([])
    expect(leftoversAmong([process(10)], [process(10)], by, 900, new Set([10]))).toEqual([])
  })

  it("is spared where a user, another agent, a terminal server or this command is in it", () => {
    expect(found(process(10, { inTerminal: true }))).toEqual(["10 spared"])
    expect(found(process(10, { argv: ["tmux", "-L", "own", "new"] }))).toEqual(["10 spared"])
    expect(found(process(10, { argv: ["node", "/usr/bin/reprise", "supervise"] }))).toEqual(["10 spared"])
    expect(found(process(10), process(11, { ppid: 10, ...env({ REPRISE_AGENT: "coder-1" }) }))).toEqual(["10 spared"])
    expect(found(process(10), process(11, { ppid: 10, env: {}, inTerminal: true }))).toEqual(["10 spared"])
    expect(found(process(10), process(11, { ppid: 10, env: {} }))).toEqual(["10 ends"])
    expect(leftoversAmong([process(10)], [process(10), { pid: 900, ppid: 10 }], by, 900, new Set()).map(({ spared }) => spared)).toEqual(["this command was started from it"])
    expect(leftoversAmong([process(10)], [process(10), { pid: 11, ppid: 10 }], by, 900, new Set()).map(({ spared }) => spared === null)).toEqual([false])
  })
})
