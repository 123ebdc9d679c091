// Commands in a directory that was removed, and beside a command that still runs.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { builtCommand } from "../house/built.ts"
import { answerIn, type Box, eventually, hasTmux, openBox } from "./box.ts"

let box: Box
let command: string
beforeAll(async () => {
  command = await builtCommand()
  box = openBox(command)
}, 120_000)
afterAll(() => box.close(), 60_000)

it.each(["up", "status", "restart", "down", "send a b", "log", "apply", "adopt", "supervise", "fork a b", "recover", "trust list"])(
  "in a removed working directory, %s says so and fails",
  async (verb) => {
    mkdirSync(box.at("gone"), { recursive: true })
    const words = (options: string) => `cd '${box.at("gone")}' && rmdir '${box.at("gone")}' && exec '${process.execPath}' '${command}' ${verb} ${options}`
    const ran = await box.ended(spawn("/bin/sh", ["-c", words("")], { env: box.env, stdio: ["ignore", "pipe", "pipe"] }))
    expect([ran.code, ran.out]).toEqual([1, ""])
    expect(ran.err).toContain("The current directory does not exist any more. Nothing was done.")
    mkdirSync(box.at("gone"))
    const asked = await box.ended(spawn("/bin/sh", ["-c", words("--json")], { env: box.env, stdio: ["ignore", "pipe", "pipe"] }))
    expect([asked.code, answerIn(asked).ok]).toEqual([1, false])
  },
  60_000
)

describe.skipIf(!hasTmux)("an up that still runs", () => {
  it("is told as running, and not as interrupted", async () => {
    writeFileSync(box.at("work", "team.yaml"), "name: alpha\ndefaults: { provider: fake, options: { startup: hang } }\nagents: { planner: {} }\n")
    const up = box.start(["up"])
    await eventually("the operation begins", () => box.log().includes("\"operation.started\""))
    const status = await box.ask(["status"])
    expect(status["operation"]).toMatchObject({ kind: "launch", state: "running", runBy: { pid: up.pid, command: "up" } })
    expect([status.ok, status.next]).toEqual([true, []])
    expect(status.message).toContain(`A launch is running: process ${up.pid ?? 0} (up)`)
    up.kill("SIGINT")
    await box.ended(up)
    const after = await box.ask(["status"])
    expect(after["operation"]).toMatchObject({ kind: "launch", state: "interrupted" })
    expect(after.next).toEqual(["reprise restart --team alpha --continue"])
    await box.ask(["down", "--yes"])
  }, 60_000)
})
