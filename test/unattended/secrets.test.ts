// Real workers in tmux: a start never comes back without its login, or without a secret that its team file asks for.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { builtCommand } from "../house/built.ts"
import { at, environmentOf, eventually, hasTmux, openWorld, pidOf, type World } from "./world.ts"

let command: string
beforeAll(async () => {
  command = await builtCommand()
}, 180_000)

const login = { MY_LOGIN: "let-me-in-0123456789" }

describe.skipIf(!hasTmux)("a login by the environment", () => {
  let world: World
  beforeAll(async () => {
    world = openWorld(command, "name: alpha\ndefaults: { provider: fake, options: { login: MY_LOGIN } }\nagents: { planner: {}, coder-1: {} }\n")
    const up = await world.reprise(["up"], login)
    expect(up.code, `${up.out}${up.err}`).toBe(0)
  }, 120_000)
  afterAll(() => world.close(), 60_000)

  it("that is missing or empty refuses a restart before anything is touched", async () => {
    const before = await world.reprise(["status"])
    for (const poor of [{}, { MY_LOGIN: "" }]) {
      const refused = await world.reprise(["restart", "--yes"], poor)
      expect(refused.code, `${refused.out}${refused.err}`).toBe(1)
      expect(at(refused.json, "ok")).toBe(false)
      expect(JSON.stringify(at(refused.json, "details"))).toContain("secret_missing")
      expect(at(refused.json, "message")).toContain("MY_LOGIN")
    }
    const planned = await world.reprise(["restart", "--dry-run"])
    expect(planned.out).toContain("MY_LOGIN")
    const after = await world.reprise(["status"])
    for (const agent of ["planner", "coder-1"]) {
      expect(pidOf(after, agent)).toBe(pidOf(before, agent))
      expect(pidOf(after, agent)).toBeGreaterThan(0)
    }
    expect(world.log()).not.toContain(login.MY_LOGIN)
  }, 180_000)

  it("that is missing keeps a supervisor from restarting, and leaves the rest alone", async () => {
    const before = await world.reprise(["status"])
    const supervisor = world.start(["supervise"])
    await supervisor.heard("is supervised")
    process.kill(pidOf(before, "planner"), "SIGKILL")
    await supervisor.heard("MY_LOGIN")
    const after = await world.reprise(["status"])
    expect(pidOf(after, "planner")).toBe(0)
    expect(pidOf(after, "coder-1")).toBe(pidOf(before, "coder-1"))
    supervisor.child.kill("SIGINT")
    await supervisor.ended
    const poor = await world.reprise(["restart", "--dead"])
    expect(poor.code).toBe(1)
  }, 180_000)

  it("that is there again lets them back, also from down", async () => {
    const rich = await world.reprise(["restart", "--dead"], login)
    expect(rich.code, `${rich.out}${rich.err}`).toBe(0)
    await world.reprise(["down"])
    const up = await world.reprise(["up"])
    expect(up.code, `${up.out}`).toBe(1)
    expect(JSON.stringify(up.json)).toContain("secret_missing")
    const again = await world.reprise(["up"], login)
    expect(again.code, `${again.out}${again.err}`).toBe(0)
  }, 180_000)
})

describe.skipIf(!hasTmux)("secrets of a team file", () => {
  let world: World
  const host = { SERVICE_KEY: "from-the-environment-1" }
  beforeAll(() => {
    world = openWorld(command, `name: alpha
defaults: { provider: fake }
agents:
  planner: { env: { TOOL_API_KEY: "\${SERVICE_KEY}", GREETING: "hello \${SERVICE_KEY}" } }
  coder-1: { env_file: keys.env }
  coder-2: { env: { OTHER_API_KEY: written-in-the-file } }
`)
    world.write("keys.env", "# keys\nexport FILE_API_KEY='from the file'\nPLAIN=1 # one\n")
  })
  afterAll(() => world.close(), 60_000)

  const variable = async (agent: string, name: string): Promise<string | undefined> => {
    const pid = pidOf(await world.reprise(["status"]), agent)
    return environmentOf(pid).find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
  }

  it("reach the process", async () => {
    const up = await world.reprise(["up"], host)
    expect(up.code, `${up.out}${up.err}`).toBe(0)
    expect(await variable("planner", "TOOL_API_KEY")).toBe("from-the-environment-1")
    expect(await variable("planner", "GREETING")).toBe("hello from-the-environment-1")
    expect(await variable("coder-1", "FILE_API_KEY")).toBe("from the file")
    expect(await variable("coder-1", "PLAIN")).toBe("1")
    expect(await variable("coder-2", "OTHER_API_KEY")).toBe("written-in-the-file")
  }, 180_000)

  it("are read again by each restart", async () => {
    world.write("keys.env", "FILE_API_KEY=\"a newer one\"\nPLAIN=1\n")
    const restarted = await world.reprise(["restart", "planner", "coder-1", "--yes"], { SERVICE_KEY: "a-second-value-2" })
    expect(restarted.code, `${restarted.out}${restarted.err}`).toBe(0)
    expect(await variable("planner", "TOOL_API_KEY")).toBe("a-second-value-2")
    expect(await variable("coder-1", "FILE_API_KEY")).toBe("a newer one")

  }, 180_000)

  it("that can't be restored refuse the restart", async () => {
    const written = await world.reprise(["restart", "coder-2", "--yes"], host)
    expect(written.code, `${written.out}`).toBe(1)
    expect(JSON.stringify(at(written.json, "details"))).toContain("secret_redacted")
    expect(at(written.json, "message")).toContain("OTHER_API_KEY")

    const unset = await world.reprise(["restart", "planner", "--yes"])
    expect(unset.code, `${unset.out}`).toBe(1)
    expect(JSON.stringify(at(unset.json, "details"))).toContain("secret_missing")
    expect(at(unset.json, "message")).toContain("SERVICE_KEY")

  }, 180_000)

  it("whose file is torn or gone refuse the restart, and no value is in the log", async () => {
    world.write("keys.env", "FILE_API_KEY='open\nPLAIN=1\n")
    const torn = await world.reprise(["restart", "coder-1", "--yes"], host)
    expect(torn.code, `${torn.out}`).toBe(1)
    expect(at(torn.json, "message")).toContain("keys.env:1:14")
    rmSync(join(world.work, "keys.env"))
    const gone = await world.reprise(["restart", "coder-1", "--yes"], host)
    expect(gone.code, `${gone.out}`).toBe(1)
    expect(JSON.stringify(at(gone.json, "details"))).toContain("secret_missing")
    for (const value of ["from-the-environment-1", "a-second-value-2", "from the file", "a newer one", "written-in-the-file"]) {
      expect(world.log()).not.toContain(value)
      expect(readFileSync(join(world.work, ".reprise", "reprise.db"), "latin1")).not.toContain(value)
    }
    await eventually("all three live", () => world.processes().length >= 3)
  }, 180_000)
})
