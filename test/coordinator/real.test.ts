// The verb itself: real workers in tmux, killed for good, brought back with their memory until the budget is spent.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { builtCommand } from "../house/built.ts"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import { expectMemory, launchTeam, logLines, remember, secrets, stateOf } from "../kill/team.ts"
import { eventually, hasTmux, type World } from "../kill/world.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const command = hasTmux ? await builtCommand() : ""

/** `reprise supervise`, and what it said so far. */
const supervise = (world: World, ...args: ReadonlyArray<string>) => {
  const words = [command, "supervise", "--workspace", world.workspace]
  const child: ChildProcess = spawn(process.execPath, [...words, ...args], { cwd: root, env: world.env, stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => { said += String(chunk) })
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)))
  return { child, ended, said: () => said, heard: (words: string) => eventually(`"${words}" in:\n${said}`, () => said.includes(words)) }
}

describe.skipIf(!hasTmux)("reprise supervise", () => {
  let world: World
  const running: Array<ReturnType<typeof supervise>> = []
  const start = (...args: ReadonlyArray<string>) => {
    const one = supervise(world, ...args)
    running.push(one)
    return one
  }
  beforeAll(async () => {
    world = await launchTeam()
    writeFileSync(join(world.workspace, "twice.ts"), `import { Policy, Schedule } from "reprise"

export default Policy.standard.pipe(
  Policy.withBackoff(Schedule.spaced("50 millis"), { times: 0 }),
  Policy.withBudget({ restarts: 2, per: "1 hour", exceeded: Policy.escalate("leader") })
)
`)
  }, 120_000)
  afterAll(async () => {
    for (const { child, ended } of running) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
      await ended
    }
    await world.close()
  }, 60_000)

  const killed = async (agent: string, generation: number): Promise<void> => {
    const worker = await eventually(`${agent} in generation ${generation}`, () =>
      world.workers().find((each) => each.agent === agent && each.generation === generation))
    await world.kill(worker.pid)
  }
  const back = (agent: string, generation: number) =>
    eventually(`${agent} ready in generation ${generation}`, () =>
      logLines(world).some((line) => line.type === "agent.ready" && line.agent === agent && line.generation === generation))

  it("brings a killed worker back with its memory, ends with its budget, and goes on when that is cleared", async () => {
    const before = remember(await stateOf(world))
    const supervisor = start("--policy", join(world.workspace, "twice.ts"))
    await supervisor.heard("Team alpha is supervised (oneForOne)")
    await killed("planner", 1)
    await back("planner", 2)
    const state = await stateOf(world)
    expect(Object.keys(secrets).map((id) => agentOf(state, id)?.generation)).toEqual([2, 1, 1])
    await expectMemory(world, state, before)

    const second = start()
    expect(await second.ended).toBe(1)
    expect(second.said()).toContain("supervise/alpha is in the hands of process")

    await killed("planner", 2)
    await back("planner", 3)
    await killed("planner", 3)
    await supervisor.heard("alpha/planner died again and is not restarted")
    const exhausted = () => logLines(world).filter(({ type }) => type === "supervision.exhausted")
    await eventually("the word of it in the log", () => exhausted().length > 0)
    expect(world.workers().filter(({ agent }) => agent === "planner")).toEqual([])

    const cleared = start("--clear", "planner")
    expect(await cleared.ended, `${cleared.said()}`).toBe(0)
    await back("planner", 4)
    expect(exhausted().length).toBe(1)
    const off = start("--disable")
    expect(await off.ended, `${off.said()}`).toBe(0)
    expect(await supervisor.ended, `${supervisor.said()}`).toBe(0)
    await expectMemory(world, await stateOf(world), before)
  }, 240_000)
})
