// The demo, ended by one Ctrl-C at each of its stages.
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { builtCommand } from "../house/built.ts"
import { type Box, eventually, hasTmux, openBox } from "./box.ts"

describe.skipIf(!hasTmux)("an interrupted demo", () => {
  let box: Box
  beforeEach(async () => { box = openBox(await builtCommand()) }, 120_000)
  afterEach(() => box.close(), 60_000)

  it.each(["is up", "was told something", "All was killed"])("removes what it started: after \"%s\"", async (stage) => {
    const demo = box.start(["demo"])
    let said = ""
    demo.stderr.on("data", (chunk) => { said += String(chunk) })
    await eventually(stage, () => said.includes(stage))
    const ran = box.ended(demo)
    demo.kill("SIGINT")
    expect((await ran).code).toBe(130)
    expect(said).toContain("The demo's agents, its tmux server and its directory are removed.")
    expect(box.processes()).toEqual([])
    expect(readdirSync(box.at("tmp"))).toEqual([])
    expect(readdirSync(box.at("run"))).toEqual([])
  }, 60_000)
})
