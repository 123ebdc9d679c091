// The policy for the small hours, as cron runs it: nothing in the environment but HOME, PATH and SHELL.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { builtCommand } from "../house/built.ts"
import { at, eventually, hasTmux, openWorld, pidOf, type World } from "./world.ts"

const policy = fileURLToPath(new URL("../../scripts/policies/nightly.ts", import.meta.url))

describe.skipIf(!hasTmux)("nightly.ts from cron", () => {
  let command: string
  let world: World
  beforeAll(async () => {
    command = await builtCommand()
    world = openWorld(command, "name: alpha\nagents: { planner: { provider: fake }, coder-1: { provider: fake } }\n")
    cpSync(policy, join(world.work, "nightly.ts"))
    const up = await world.reprise(["up"])
    expect(up.code, `${up.out}${up.err}`).toBe(0)
    await world.reprise(["send", "planner", "keep this"])
  }, 180_000)
  afterAll(async () => {
    await world.close()
  }, 180_000)

  it("restarts each agent in its conversation, on the server that it lives on", async () => {
    const before = await world.reprise(["status"])
    const socket = world.socket()
    await eventually("the work is done", () => world.log().includes("message.submitted"))
    // The machine's own directories come first in cron's PATH; where node is elsewhere, a crontab names it.
    const path = `/usr/bin:/bin${dirname(process.execPath) === "/usr/bin" ? "" : `:${dirname(process.execPath)}`}`
    const ran = spawnSync("/usr/bin/env", [
      "-i", `HOME=${world.home}`, `PATH=${path}`, "SHELL=/bin/sh",
      "/bin/sh", "-c", `cd '${world.work}' && '${process.execPath}' '${command}' restart --policy nightly.ts --yes --json`
    ], { encoding: "utf8", timeout: 150_000 })
    expect(ran.status, `${ran.stdout}${ran.stderr}`).toBe(0)
    const document: unknown = JSON.parse(ran.stdout)
    expect(at(document, "outcome")).toBe("restarted")
    const after = await world.reprise(["status"])
    for (const agent of ["planner", "coder-1"]) {
      expect(pidOf(after, agent)).toBeGreaterThan(0)
      expect(pidOf(after, agent)).not.toBe(pidOf(before, agent))
    }
    expect(world.socket()).toBe(socket)
    expect(ran.stdout).toContain("\"result\":\"resumed\"")
  }, 180_000)
})
