import * as Fs from "node:fs"
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { hasTmux } from "../docs/world.ts"
import { builtCommand } from "../house/built.ts"
import { openWorld, pausedTeam, pluginCode, type World } from "./world.ts"

// A plugin that is broken or gone is reported by each verb; what needs it is unknown.

let command: string
beforeAll(async () => {
  command = await builtCommand()
}, 180_000)

let world: World
beforeEach(() => {
  world = openWorld(command)
  world.write("work/team.yaml", "name: alpha\nagents:\n  fay: { provider: fake, paused: true }\n")
})
afterEach(() => world.close())

const broken: ReadonlyArray<readonly [string, string | null, RegExp]> = [
  ["is not there", null, /rejected at resolve: there is no file/],
  ["throws when it is imported", `throw new Error("kaboom")`, /rejected at import.*kaboom/],
  ["is for another api", `export default { name: "old", api: 7, needs: {}, options: {}, setup: () => null }`, /rejected at api.*API 7/]
]

describe("a plugin that", { timeout: 120_000 }, () => {
  for (const [what, code, why] of broken) {
    it(`${what} and is named is reported by each verb, which fails`, async () => {
      expect(await world.reprise("up", [])).toMatchObject({ code: 0 })
      if (code !== null) world.write("work/other.ts", code)
      const named = ["--allow-plugin", "./other.ts"]
      const looking = await world.reprise("status", named)
      expect(looking).toMatchObject({ code: 1, shown: { ok: false, outcome: "plugin_rejected", agents: [{ id: "fay", status: "paused" }] } })
      expect(looking.shown.message).toMatch(why)
      expect(looking.err).toMatch(why)
      const acting: ReadonlyArray<ReadonlyArray<string>> = code === null
        ? [["up"], ["restart"], ["restart", "--dry-run"], ["send", "fay", "hello"], ["supervise"], ["fork", "fay", "kay"], ["adopt"], ["simulate"], ["apply", "plan.json"]]
        : [["restart"]]
      for (const [verb = "", ...args] of acting) {
        const { code: ended, shown } = await world.reprise(verb, [...args, ...named])
        expect({ verb, ended, outcome: shown.outcome }).toEqual({ verb, ended: 1, outcome: "plugin_rejected" })
        expect(shown.message).toMatch(why)
      }
      const down = await world.reprise("down", named)
      expect(down).toMatchObject({ code: 1, shown: { ok: false, outcome: "plugin_rejected" } })
      expect(down.shown.message).toMatch(/Team alpha is stopped/)
    })
  }

  it.runIf(hasTmux)("is remembered and gone makes its agents unknown, keeps others usable, and is no obstacle to down", async () => {
    world.write("work/team.yaml", "name: birds\nagents:\n  polly: { provider: parrot }\n  fay: { provider: fake }\n")
    const path = world.write("work/parrot.ts", pluginCode(world.imported))
    await world.reprise("up", ["--allow-plugin", "./parrot.ts"], { env: { REPRISE_READY_DEADLINE_MS: "1000" } })
    try {
      Fs.rmSync(path)
      const { code, shown } = await world.reprise("status", [])
      expect(code).toBe(0)
      expect(shown.message).toMatch(/rejected at resolve/)
      expect(shown.agents).toMatchObject([
        { id: "polly", status: "unknown", evidence: expect.stringMatching(/its provider parrot is not there.*rejected at resolve/) },
        { id: "fay", status: "idle" }
      ])
      expect(await world.reprise("restart", [])).toMatchObject({ code: 1, shown: { ok: false, outcome: "plugin_rejected" } })
      expect(await world.reprise("supervise", [])).toMatchObject({ code: 1, shown: { ok: false, outcome: "plugin_rejected" } })
      expect(await world.reprise("send", ["polly", "hello"])).toMatchObject({ code: 1, shown: { ok: false, outcome: "plugin_rejected" } })
      const sent = await world.reprise("send", ["fay", "hello"])
      expect(sent).toMatchObject({ code: 0, shown: { ok: true } })
      expect(sent.shown.warnings).toHaveLength(1)
    } finally {
      const down = await world.reprise("down", [])
      expect(down).toMatchObject({ code: 0, shown: { ok: true, outcome: "stopped" } })
      expect(down.shown.warnings.map(({ problem }) => problem).join()).toMatch(/rejected at resolve/)
    }
  })

  it("gives the transport and is gone: all is unknown, and nothing acts", async () => {
    world.write("work/nest.ts", `
import { definePlugin, Effect, Schema, Stream } from "reprise/plugin"
const no = () => Effect.dieMessage("not used")
const nest = {
  capabilities: { survivesCaller: true, exitStatus: false, attach: false }, attachCommand: null, residence: null,
  list: Effect.succeed({ home: "absent", panes: [], foreign: [] }), events: Stream.never,
  spawn: no, inspect: no, capture: no, leaveModes: no, paste: no, press: no, interrupt: no, stop: no
}
export default definePlugin({ name: "transport-nest", api: 1, needs: {}, options: Schema.Struct({}), setup: () => Effect.succeed({ transports: { nest } }) })
`)
    expect(await world.reprise("up", ["--allow-plugin", "./nest.ts", "--transport", "nest"])).toMatchObject({ code: 0 })
    // The file of the log is replaced as a whole, so nothing is read from it: the plugin has to be named.
    const backup = world.at("backup")
    expect(await world.reprise("log", ["export", backup])).toMatchObject({ code: 0 })
    const unnamed = await world.reprise("log", ["import", backup])
    expect(unnamed).toMatchObject({ code: 1, shown: { ok: false } })
    expect(unnamed.shown.message).toMatch(/nest could not be asked/)
    expect(await world.reprise("log", ["import", backup, "--plugin", "./nest.ts"])).toMatchObject({ code: 0, shown: { outcome: "imported" } })
    Fs.rmSync(world.at("work/nest.ts"))
    const { code, shown } = await world.reprise("status", [])
    expect(code).toBe(0)
    expect(shown.message).toMatch(/nest\.ts was rejected at resolve/)
    for (const verb of ["restart", "down", "supervise"]) {
      expect(await world.reprise(verb, [])).toMatchObject({ code: 1, shown: { ok: false, outcome: "plugin_rejected" } })
    }
  })

  it("has the name of another, or none gives what a team file names", async () => {
    world.write("work/team.yaml", pausedTeam)
    const nobody = await world.reprise("up", [])
    expect(nobody).toMatchObject({ code: 1, shown: { outcome: "plugin_rejected" } })
    expect(nobody.shown.message).toMatch(/no provider "parrot" \(known: claude, codex, fake/)
    world.write("work/a.ts", pluginCode(world.imported))
    world.write("work/b.ts", pluginCode(world.imported))
    const two = await world.reprise("up", ["--allow-plugin", "./a.ts", "--allow-plugin", "./b.ts"])
    expect(two).toMatchObject({ code: 1, shown: { outcome: "plugin_rejected" } })
    expect(two.shown.message).toMatch(/rejected at duplicate/)
  })
})
