// A workspace on a small disk of its own that fills up, or that becomes read-only. Mounting takes root and is skipped elsewhere.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtCommand } from "../house/built.ts"
import { type Answer, type Box, eventually, hasTmux, lives, openBox } from "./box.ts"

const mount = (...args: ReadonlyArray<string>): boolean => spawnSync("mount", args).status === 0

const canMount = ((): boolean => {
  const place = mkdtempSync(join(tmpdir(), "rm-"))
  const mounted = mount("-t", "tmpfs", "-o", "size=64k", "none", place)
  if (mounted) spawnSync("umount", [place])
  rmSync(place, { recursive: true })
  return mounted
})()

const team = `name: alpha
defaults: { provider: fake }
agents:
  planner: { role: Planner }
  coder-1: { role: Engineer }
`

const pidsOf = (answer: Answer): ReadonlyArray<number> =>
  [...JSON.stringify(answer["agents"]).matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid))

describe.skipIf(!hasTmux || !canMount)("a workspace whose disk has no room (needs tmux, and leave to mount)", () => {
  let command: string
  let box: Box
  const fill = (name: string, leaveKiB: number) => {
    const { bavail, bsize } = statfsSync(box.at("work"))
    const bytes = bavail * bsize - leaveKiB * 1024
    if (bytes > 0) writeFileSync(box.at("work", name), Buffer.alloc(bytes))
  }
  const empty = () => {
    for (const name of ["fill-1", "fill-2"]) rmSync(box.at("work", name), { force: true })
  }
  const running = async (): Promise<ReadonlyArray<number>> => {
    const status = await box.ask(["status"])
    assert.deepStrictEqual([status.code, status.ok], [0, true], status.message)
    return pidsOf(status)
  }

  beforeAll(async () => {
    command = await builtCommand()
    box = openBox(command)
    assert.isTrue(mount("-t", "tmpfs", "-o", "size=2m,mode=700", "none", box.at("work")))
    box.write("work/team.yaml", team)
    const up = await box.ask(["up"])
    assert.strictEqual(up.outcome, "launched", up.message)
  })
  afterAll(async () => {
    spawnSync("umount", ["-l", box.at("work")])
    spawnSync("umount", ["-l", box.at("work")])
    await box.close()
  })

  it("refuses a restart before the first process is stopped, with what is needed and what is free", async () => {
    const before = await running()
    fill("fill-1", 160)
    const answer = await box.ask(["restart"])
    assert.deepStrictEqual([answer.code, answer.outcome], [1, "failed"], answer.message)
    assert.match(answer.message, /not enough room .* \d+ KiB are needed .* \d+ KiB are free.*no process was touched/)
    assert.deepStrictEqual(await running(), before)
    empty()
  })

  it("still has a status, and stops its agents, where nothing can be written at all", async () => {
    fill("fill-2", 0)
    const before = await running()
    assert.lengthOf(before, 2)
    const down = await box.ask(["down"])
    assert.deepStrictEqual([down.code, down.outcome, down["recorded"]], [0, "stopped", false], down.message)
    assert.match(down.message, /could not be recorded/)
    await eventually("the end of the agents", () => before.every((pid) => !lives(pid)))
    assert.deepStrictEqual(await running(), [])
    empty()
    const back = await box.ask(["restart"])
    assert.deepStrictEqual([back.code, back.outcome], [0, "restarted"], back.message)
    assert.include(box.log(), `"agent.exited"`)
  })

  it("does so on a read-only mount too", async () => {
    const before = await running()
    assert.isTrue(mount("--bind", box.at("work"), box.at("work")))
    assert.isTrue(mount("-o", "remount,bind,ro", box.at("work")))
    assert.deepStrictEqual(await running(), before)
    const restart = await box.ask(["restart"])
    assert.deepStrictEqual([restart.code, restart.ok], [1, false], restart.message)
    assert.deepStrictEqual(await running(), before)
    const down = await box.ask(["down"])
    assert.deepStrictEqual([down.code, down.outcome, down["recorded"]], [0, "stopped", false], down.message)
    await eventually("the end of the agents", () => before.every((pid) => !lives(pid)))
  })
})
