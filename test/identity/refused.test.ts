import { spawnSync } from "node:child_process"
import { cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { hasTmux, makeWorld, type World } from "./world.ts"

let world: World
beforeEach(() => { world = makeWorld() })
afterEach(() => world.close())

const git = (workspace: string, ...args: ReadonlyArray<string>) => {
  const done = spawnSync("git", ["-c", "user.name=ada", "-c", "user.email=ada@example.org", ...args], { cwd: workspace, env: world.env, encoding: "utf8" })
  if (done.status !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`)
}
const copy = (from: string, to: string, ...flags: ReadonlyArray<string>) => {
  const done = spawnSync("cp", [...flags, from, to], { encoding: "utf8" })
  if (done.status !== 0) throw new Error(done.stderr)
}
const acting = [["restart"], ["restart", "--dry-run"], ["send", "planner", "hello"], ["down"], ["fork", "planner", "other"]]

describe.skipIf(!hasTmux)("a log that a user's tool put back", () => {
  it("by a stash of a commit that holds it: nothing is stopped or started, and each agent is unknown", async () => {
    const workspace = world.make("work")
    git(workspace, "init", "-q", ".")
    await world.up(workspace)
    await world.reprise(workspace, ["send", "planner", "one"])
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "work")
    expect(spawnSync("git", ["ls-files"], { cwd: workspace, encoding: "utf8" }).stdout).toBe("team.yaml\n")
    // Somebody committed it all the same.
    git(workspace, "add", "-f", ".reprise")
    git(workspace, "commit", "-qm", "all of it")
    expect((await world.json(workspace, "restart")).outcome).toBe("restarted")
    const workers = world.workers()
    git(workspace, "stash")
    const status = await world.json(workspace, "status")
    expect(status.outcome).toBe("log_rolled_back")
    expect(status.next).toEqual(["reprise recover"])
    expect(status.agents.map((agent) => agent.status)).toEqual(["unknown", "unknown"])
    for (const verb of acting) {
      const refused = await world.json(workspace, ...verb)
      expect([verb[0], refused.outcome, refused.next]).toEqual([verb[0], "log_rolled_back", ["reprise recover"]])
    }
    expect(world.workers()).toEqual(workers)
    expect((await world.reprise(workspace, ["log"])).stdout).toContain("\"team.recorded\"")
    expect((await world.json(workspace, "recover")).outcome).toBe("recovered")
    expect(world.workers()).toEqual(workers)
    expect((await world.json(workspace, "restart")).outcome).toBe("restarted")
  }, 300_000)

  it("where no marker can be read: by a process of a generation that it does not know", async () => {
    const workspace = world.make("work")
    await world.up(workspace)
    copy(join(workspace, ".reprise"), join(world.home, "kept"), "-a")
    await world.reprise(workspace, ["restart"])
    const workers = world.workers()
    rmSync(join(workspace, ".reprise"), { recursive: true })
    copy(join(world.home, "kept"), join(workspace, ".reprise"), "-a")
    rmSync(join(world.env.HOME, ".local"), { recursive: true })
    expect((await world.json(workspace, "status")).agents.map((agent) => agent.status)).toEqual(["unknown", "unknown"])
    expect((await world.json(workspace, "down")).outcome).toBe("log_rolled_back")
    expect((await world.json(workspace, "restart")).outcome).toBe("log_rolled_back")
    expect(world.workers()).toEqual(workers)
  }, 300_000)
})

describe.skipIf(!hasTmux)("a copy of a workspace", () => {
  for (const flags of [["-a"], ["-al"]]) {
    it(`(cp ${flags.join(" ")}) touches nothing of the original, which goes on`, async () => {
      const original = world.make("one")
      const other = join(world.home, "two")
      await world.up(original)
      await world.reprise(original, ["send", "planner", "the lilac"])
      copy(original, other, ...flags)
      const workers = world.workers()
      const before = world.said(original)
      const down = await world.json(other, "down")
      expect([down.outcome, down.next]).toEqual(["workspace_copied", ["reprise up --as-new"]])
      expect(down.spared.join()).toContain(`alpha/planner of ${original}`)
      for (const verb of [["status"], ["up", join(other, "team.yaml")], ...acting]) {
        expect([verb[0], (await world.json(other, ...verb)).outcome]).toEqual([verb[0], "workspace_copied"])
      }
      expect(world.workers()).toEqual(workers)
      expect(world.said(original)).toBe(before)
      expect((await world.json(original, "status")).agents.map((agent) => agent.status)).toEqual(["idle", "idle"])
      expect((await world.json(original, "restart")).outcome).toBe("restarted")
    }, 300_000)
  }

  it("of a stopped team starts nothing, and a name of the same directory is no copy", async () => {
    const original = world.make("one")
    const other = join(world.home, "two")
    await world.up(original)
    await world.reprise(original, ["down"])
    copy(original, other, "-a")
    expect((await world.json(other, "restart")).outcome).toBe("workspace_copied")
    expect(world.workers()).toEqual([])
    symlinkSync(original, join(world.home, "link"))
    expect((await world.json(join(world.home, "link"), "restart")).outcome).toBe("restarted")
  }, 300_000)
})

describe.skipIf(!hasTmux)("a log that is lost", () => {
  const losses: Readonly<Record<string, (runtime: string) => void>> = {
    "emptied": (runtime) => writeFileSync(join(runtime, "reprise.db"), ""),
    "removed": (runtime) => rmSync(join(runtime, "reprise.db")),
    "overwritten": (runtime) => writeFileSync(join(runtime, "reprise.db"), "not a log ".repeat(400)),
    "removed with its mirror and pages": (runtime) => {
      for (const name of ["reprise.db", "events.jsonl", "teams"]) rmSync(join(runtime, name), { recursive: true })
    }
  }
  for (const [name, lose] of Object.entries(losses)) {
    it(`(${name}) is refused, and no team starts afresh`, async () => {
      const workspace = world.make("work")
      await world.up(workspace)
      await world.reprise(workspace, ["down"])
      lose(join(workspace, ".reprise"))
      for (const verb of [["up", join(workspace, "team.yaml")], ["status"], ["restart"], ["down"]]) {
        const refused = await world.json(workspace, ...verb)
        expect([verb[0], refused.outcome, refused.next]).toEqual([verb[0], "log_lost", ["reprise recover"]])
      }
      expect(world.workers()).toEqual([])
      const recovered = await world.json(workspace, "recover")
      expect(recovered.outcome).toBe("recovered")
      expect(recovered.certain.length).toBeGreaterThan(0)
      expect((await world.json(workspace, "restart")).outcome).toBe("restarted")
    }, 300_000)
  }
})

describe.skipIf(!hasTmux)("a workspace that moved", () => {
  it("keeps its running agents, with its paths changed, and restarts", async () => {
    const workspace = world.make("one")
    await world.up(workspace)
    await world.reprise(workspace, ["send", "planner", "the lilac"])
    const workers = world.workers()
    const moved = join(world.home, "two")
    renameSync(workspace, moved)
    const status = await world.json(moved, "status")
    expect(status.ok).toBe(true)
    expect(status.agents.map((agent) => [agent.status, agent.pid])).toEqual(workers.map((pid) => ["idle", pid]))
    for (const agent of status.agents) {
      expect(agent.cwd).toBe(moved)
      expect(existsSync(agent.session?.transcript ?? "")).toBe(true)
    }
    expect((await world.json(moved, "restart")).outcome).toBe("restarted")
    expect((await world.json(moved, "send", "planner", "recall")).outcome).toBe("submitted")
    expect((await world.json(moved, "down")).outcome).toBe("stopped")
    expect(world.workers()).toEqual([])
  }, 300_000)

  it("works without a home, and where the state directory can't be written", async () => {
    const workspace = world.make("one")
    const state = join(world.home, "file")
    writeFileSync(state, "")
    await world.reprise(workspace, ["up", join(workspace, "team.yaml")], { XDG_STATE_HOME: state })
    expect((await world.reprise(workspace, ["status"], { XDG_STATE_HOME: state })).code).toBe(0)
    expect(statSync(state).isFile()).toBe(true)
    expect(readFileSync(join(workspace, ".reprise/.gitignore"), "utf8")).toBe("*\n")
    cpSync(workspace, join(world.home, "two"), { recursive: true })
    expect((await world.reprise(join(world.home, "two"), ["down", "--json"], { XDG_STATE_HOME: state })).stdout).toContain("workspace_copied")
  }, 300_000)
})
