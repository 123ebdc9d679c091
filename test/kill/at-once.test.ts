import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { builtCommand } from "../house/built.ts"
import { agentOf } from "../../sdk/event-log/TeamState.ts"
import { everyone, expectOnce, expectWhole, launchTeam, logLines, remember, stateOf, teamFile } from "./team.ts"
import { eventually, hasTmux, makeWorld, type World } from "./world.ts"

// Two commands at once.

const Document = Schema.parseJson(Schema.Struct({
  ok: Schema.Boolean,
  outcome: Schema.String,
  message: Schema.String
}))

const root = fileURLToPath(new URL("../../", import.meta.url))
const command = hasTmux ? await builtCommand() : ""

/** Runs a verb; answers with its document and its exit code. */
const verb = (world: World, name: string, ...args: ReadonlyArray<string>) => {
  const running = spawn(
    process.execPath,
    [command, name, "--workspace", world.workspace, "--json", ...args],
    { cwd: root, env: world.env, stdio: ["ignore", "pipe", "ignore"] }
  )
  let out = ""
  running.stdout.setEncoding("utf8").on("data", (text: string) => out += text)
  return {
    pid: running.pid ?? 0,
    done: new Promise<typeof Document.Type & { readonly code: number | null }>((done, failed) => {
      running.once("close", (code) => {
        try {
          done({ ...Schema.decodeUnknownSync(Document)(out), code })
        } catch (error) {
          failed(error)
        }
      })
    })
  }
}

/** Waits until the running command has begun its operation. */
const begun = (world: World, after: number) =>
  eventually("the beginning of an operation", () =>
    logLines(world, after).some(({ type }) => type === "operation.started"))

describe.skipIf(!hasTmux)("two commands at once", () => {
  let world: World
  beforeAll(async () => {
    // One that starts slowly keeps the first command busy while the second one comes.
    world = await launchTeam({ idler: { startup: "slow" } })
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it("a restart while another one is under way is told by whom", async () => {
    const before = remember(await stateOf(world))
    const first = verb(world, "restart")
    await begun(world, before.position)
    const second = await world.answer({ verb: "restart" })
    expect(second.outcome, `${second.message}`).toBe("LeaseHeld")
    expect(second.message).toContain(`process ${first.pid} (restart`)
    const done = await first.done
    expect(done, `${done.message}`).toMatchObject({ ok: true, outcome: "restarted", code: 0 })
    const state = await stateOf(world)
    for (const id of everyone) expect(agentOf(state, id)?.generation).toBe((before.agents[id]?.generation ?? 0) + 1)
    expectOnce(world, await world.answer({ verb: "status" }))
  })

  it("of two restarts that start together each ends well or says who was first", async () => {
    const before = remember(await stateOf(world))
    const ended = await Promise.all([verb(world, "restart").done, verb(world, "restart").done])
    const good = ended.filter(({ ok }) => ok)
    for (const { code, outcome } of good) expect({ code, outcome }).toEqual({ code: 0, outcome: "restarted" })
    for (const { code, outcome } of ended.filter(({ ok }) => !ok)) expect({ code, outcome }).toEqual({ code: 1, outcome: "lease_held" })
    expect(good.length).toBeGreaterThan(0)
    const state = await stateOf(world)
    for (const id of everyone) expect(agentOf(state, id)?.generation).toBe((before.agents[id]?.generation ?? 0) + good.length)
    await expectWhole(world, await world.answer({ verb: "restart" }), before)
  })

  it("what is sent during a restart is neither lost nor typed twice", async () => {
    const before = remember(await stateOf(world))
    const restart = verb(world, "restart")
    await begun(world, before.position)
    const sent = await Promise.all(["one", "two"].map((word) => verb(world, "send", "idler", `word ${word}`).done))
    for (const { code, outcome } of sent) expect(["accepted/0", "submitted/0"]).toContain(`${outcome}/${code ?? ""}`)
    const done = await restart.done
    expect(done, `${done.message}`).toMatchObject({ ok: true, outcome: "restarted" })
    // What was accepted too late for the restart goes out with the next message.
    await world.answer({ verb: "send", agents: ["idler"], text: "the last word" })
    const state = await stateOf(world)
    expect(state.pendingMessages).toEqual([])
    const submitted = logLines(world, before.position).filter(({ agent, type }) => type === "message.submitted" && agent === "idler")
    expect(submitted.length).toBe(3)
    expectOnce(world, await world.answer({ verb: "status" }))
  })

  it("a down during a restart is told by whom, and nobody is ended by it", async () => {
    const before = remember(await stateOf(world))
    const policy = join(world.workspace, "two-batches.ts")
    writeFileSync(policy, `import { Policy, Rollout } from "reprise"
export default Policy.standard.pipe(Policy.rollout(Rollout.rolling({ batch: 2, healthyFor: "5 seconds" })))
`)
    const restart = verb(world, "restart", "--policy", policy)
    await begun(world, before.position)
    const down = await verb(world, "down").done
    expect(down, `${down.message}`).toMatchObject({ ok: false, outcome: "lease_held", code: 1 })
    const done = await restart.done
    expect(done, `${done.message}`).toMatchObject({ ok: true, outcome: "restarted" })
    expectOnce(world, await world.answer({ verb: "status" }))
  })
})

describe.skipIf(!hasTmux)("two ups at once", () => {
  it("start one team", async () => {
    const world = makeWorld(teamFile())
    try {
      const file = `${world.workspace}/team.yaml`
      const ended = await Promise.all([verb(world, "up", file).done, verb(world, "up", file).done])
      const said = ended.map(({ code, outcome }) => `${outcome}/${code ?? ""}`).toSorted()
      expect(said).toContain("launched/0")
      expect(["already_running/0", "lease_held/1"]).toContain(said.find((each) => each !== "launched/0"))
      const status = await world.answer({ verb: "status" })
      expectOnce(world, status)
      expect(status.state?.agents.map(({ generation }) => generation)).toEqual([1, 1, 1, 1])
    } finally {
      await world.close()
    }
  })
})
