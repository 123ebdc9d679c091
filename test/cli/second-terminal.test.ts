// A team whose agents live in the process of one terminal, and the commands of another one.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { ChildProcess } from "node:child_process"
import { writeFileSync } from "node:fs"
import { builtCommand } from "../house/built.ts"
import { eventually, openBox } from "./box.ts"

describe("a team on pty, from a second terminal", () => {
  let box: ReturnType<typeof openBox>
  let host: ChildProcess
  let said = ""
  beforeAll(async () => {
    box = openBox(await builtCommand())
    writeFileSync(box.at("work", "team.yaml"), "name: alpha\nagents: { planner: { provider: fake }, coder-1: { provider: fake } }\n")
    host = box.start(["up", "--transport", "pty"])
    host.stderr?.on("data", (chunk) => { said += String(chunk) })
    await eventually("the team is up", () => said.includes("Ctrl-C ends them"))
  }, 120_000)
  afterAll(() => box.close(), 60_000)

  it("is told at once what works there", async () => {
    await eventually("the sentence about another terminal", () => said.includes("a restart or a fork is refused there"))
  })

  it("refuses a restart and a fork, and records no agent for a fork", async () => {
    const restart = await box.ask(["restart", "--yes"])
    expect([restart.outcome, restart.code, restart.next]).toEqual(["failed", 1, ["reprise status"]])
    expect(restart.message).toContain(`process ${host.pid ?? 0}`)
    const fork = await box.ask(["fork", "planner", "copy"])
    expect([fork.outcome, fork.code, fork.next]).toEqual(["failed", 1, ["reprise status"]])
    expect(fork.message).toContain(`process ${host.pid ?? 0}`)
    const status = await box.ask(["status"])
    expect(JSON.stringify(status["agents"])).not.toContain("\"copy\"")
  }, 60_000)

  it("delivers a message through the process that holds the terminals", async () => {
    const sent = await box.ask(["send", "planner", "keep this"])
    expect([sent.outcome, sent.code]).toEqual(["accepted", 0])
    await eventually("the message is delivered", () => box.log().includes("\"message.submitted\""))
    expect((await box.ask(["down"])).outcome).toBe("stopped")
    await eventually("the end of the first terminal's process", () => host.exitCode !== null)
  }, 60_000)
})
