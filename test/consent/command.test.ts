import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { spawn as spawnTerminal } from "@lydell/node-pty"
import * as Effect from "effect/Effect"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { EventLog, teamResource } from "../../sdk/event-log/EventLog.ts"
import { TeamKey } from "../../sdk/domain/ids.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { builtCommand } from "../house/built.ts"
import { openWorld, pausedTeam, pluginCode, type World } from "./world.ts"

// The commands themselves, in a home of their own. A plugin shows by a file that it was imported.

let command: string
beforeAll(async () => {
  command = await builtCommand()
}, 180_000)

let world: World
beforeEach(() => {
  world = openWorld(command)
})
afterEach(() => world.close())

const digestIn = (next: ReadonlyArray<string>): string => /--trust ([0-9a-f]{64})/.exec(next.join(" "))?.[1] ?? ""

const withPlugin = () => {
  world.write("work/team.yaml", pausedTeam)
  world.write("work/neighbour.ts", `export const words = "one"\n`)
  world.write("work/parrot.reprise.json", `{"needs": {"executables": ["sleep"]}}`)
  return world.write("work/parrot.ts", pluginCode(world.imported, { extra: `import { words } from "./neighbour.ts"\nvoid words` }))
}

const consented = async () => {
  const path = withPlugin()
  const up = await world.reprise("up", ["--allow-plugin", "./parrot.ts"])
  expect({ code: up.code, err: up.shown.message }).toMatchObject({ code: 0 })
  expect(world.wasImported()).toBe(true)
  return path
}

/** Asks for consent again: nothing was imported, and the reason says why. */
const asksAgain = async (why: RegExp, options: Parameters<World["reprise"]>[2] = {}) => {
  const { code, shown } = await world.reprise("status", [], options)
  expect(world.wasImported()).toBe(false)
  expect({ code, ok: shown.ok }).toEqual({ code: 0, ok: true })
  expect(shown.warnings.map(({ problem }) => problem).join()).toMatch(why)
  expect(shown.message).toMatch(why)
  return shown
}

describe("consent to a plugin", { timeout: 120_000 }, () => {
  it("is missing without a terminal: nothing is imported, and the command that goes on trusts exactly this content", async () => {
    withPlugin()
    const first = await world.reprise("up", ["--plugin", "./parrot.ts"])
    expect(world.wasImported()).toBe(false)
    expect(first).toMatchObject({ code: 1, shown: { ok: false, outcome: "consent_missing" } })
    expect(first.shown.message).toMatch(/run "sleep".*Nothing was done/)
    const digest = digestIn(first.shown.next)
    expect(first.shown.next).toEqual([`reprise up --trust ${digest} --plugin ./parrot.ts --json`])
    expect(await world.reprise("up", ["--plugin", "./parrot.ts", "--trust", "0".repeat(64)])).toMatchObject({ code: 1 })
    expect(world.wasImported()).toBe(false)

    expect(await world.reprise("up", ["--trust", digest, "--plugin", "./parrot.ts"])).toMatchObject({ code: 0, shown: { ok: true } })
    expect(world.wasImported()).toBe(true)
    const consents = Path.join(world.home, ".config/reprise/consents")
    expect(Fs.statSync(Path.dirname(consents)).mode & 0o777).toBe(0o700)
    expect(Fs.statSync(consents).mode & 0o777).toBe(0o700)
    expect(Fs.readdirSync(consents).map((name) => Fs.statSync(Path.join(consents, name)).mode & 0o777)).toEqual([0o600])
    expect(await world.reprise("status", [])).toMatchObject({ code: 0, shown: { warnings: [] } })
    expect(world.wasImported()).toBe(true)
  })

  it("is asked again where the file, a file that it imports or its manifest differs", async () => {
    await consented()
    world.write("work/neighbour.ts", `export const words = "another"\n`)
    await asksAgain(/content has changed since you consented/)
    world.write("work/neighbour.ts", `export const words = "one"\n`)
    expect(await world.reprise("status", [])).toMatchObject({ code: 0, shown: { warnings: [] } })
    expect(world.wasImported()).toBe(true)
    world.write("work/parrot.reprise.json", `{"needs": {"executables": ["sleep", "sh"]}}`)
    await asksAgain(/what it asks for has changed since you consented.*run "sh", "sleep"/)
    expect(await world.reprise("restart", [])).toMatchObject({ code: 0 })
    expect(world.wasImported()).toBe(false)
  })

  it("is for one place: a moved file asks, a link to it does not", async () => {
    const path = await consented()
    Fs.symlinkSync(path, world.at("work/linked.ts"))
    expect(await world.reprise("status", ["--plugin", "./linked.ts"])).toMatchObject({ code: 0, shown: { warnings: [] } })
    expect(world.wasImported()).toBe(true)
    Fs.cpSync(world.at("work/neighbour.ts"), world.at("work/sub/neighbour.ts"))
    Fs.cpSync(world.at("work/parrot.reprise.json"), world.at("work/sub/parrot.reprise.json"))
    Fs.renameSync(path, world.at("work/sub/parrot.ts"))
    const { code, shown } = await world.reprise("status", ["--plugin", "./sub/parrot.ts"])
    expect({ code, outcome: shown.outcome }).toEqual({ code: 1, outcome: "consent_missing" })
    expect(world.wasImported()).toBe(false)
    // Another file in its place, by a link, is another one.
    Fs.symlinkSync(world.at("work/sub/parrot.ts"), path)
    await asksAgain(/you have not consented to it/)
  })

  it("is revoked by path or digest for the next command", async () => {
    const path = await consented()
    const { shown } = await world.reprise("trust", ["list"])
    expect(shown).toMatchObject({ ok: true, outcome: "ok", consents: [{ path, granted: ["run its code", `run "sleep"`] }] })
    const digest = shown.consents[0]?.digest ?? ""
    expect(await world.reprise("trust", ["show", "parrot.ts"])).toMatchObject({ code: 0, shown: { consents: [{ digest }] } })
    expect(await world.reprise("trust", ["revoke", "./parrot.ts"])).toMatchObject({ code: 0, shown: { outcome: "revoked", consents: [{ digest }] } })
    await asksAgain(/you have not consented to it/)
    expect(await world.reprise("trust", ["revoke", digest])).toMatchObject({ code: 1, shown: { ok: false, outcome: "consent_unknown" } })
    expect(await world.reprise("status", ["--allow-plugin", "./parrot.ts"])).toMatchObject({ code: 0 })
    expect(await world.reprise("trust", ["revoke", digest])).toMatchObject({ code: 0, shown: { outcome: "revoked" } })
    world.wasImported()
    await asksAgain(/you have not consented to it/)
    expect(await world.reprise("trust", ["burn"])).toMatchObject({ code: 2, shown: { outcome: "usage" } })
  })

  it("is not in a workspace: one that comes from others runs nothing of its plugin, whatever its log says", async () => {
    withPlugin()
    // As an older version wrote it.
    await Effect.runPromise(Effect.gen(function*() {
      const log = yield* EventLog
      const team = TeamKey.make("birds")
      const { spec } = yield* parseTeamFile(pausedTeam, { file: "team.yaml", workspace: world.work })
      const lease = yield* log.lease(teamResource(team), "up")
      yield* log.append([{
        type: "team.recorded", team, spec, workspace: world.work, transport: "tmux", plugins: ["./parrot.ts"], consents: ["./parrot.ts", "provider-parrot"]
      }], { lease })
    }).pipe(
      Effect.scoped,
      Effect.provide([EventLogSqlite.layer({ directory: world.at("work/.reprise") }), NodeContext.layer])
    ))
    const shown = await asksAgain(/you have not consented to it/)
    expect(shown.agents).toMatchObject([{ id: "polly", evidence: expect.stringMatching(/its provider parrot is not there.*at consent/) }])
    for (const [verb, ...args] of [["restart"], ["restart", "--dry-run"], ["log"], ["simulate"], ["down"]] as const) {
      await world.reprise(verb, args).catch(() => undefined)
      expect({ verb, imported: world.wasImported() }).toEqual({ verb, imported: false })
    }
  })

  it("is not stored where the store can't be written, and is not believed where others could have written it", async () => {
    withPlugin()
    world.write("home/.config", "no directory")
    const up = await world.reprise("up", ["--allow-plugin", "./parrot.ts"])
    expect({ code: up.code, imported: world.wasImported() }).toEqual({ code: 0, imported: true })
    expect(up.err).toMatch(/could not be stored and holds for this command only.*XDG_CONFIG_HOME/s)
    await asksAgain(/can't be read|not consented/)

    const config = world.at("config")
    const env = { XDG_CONFIG_HOME: config }
    expect(await world.reprise("status", ["--allow-plugin", "./parrot.ts"], { env })).toMatchObject({ code: 0 })
    expect(world.wasImported()).toBe(true)
    const store = Path.join(config, "reprise/consents")
    Fs.chmodSync(store, 0o777)
    await asksAgain(/can be written by others \(mode 777\)/, { env })
    Fs.chmodSync(store, 0o700)
    Fs.renameSync(store, world.at("elsewhere"))
    Fs.symlinkSync(world.at("elsewhere"), store)
    await asksAgain(/is a symbolic link/, { env })
    Fs.rmSync(store)
    Fs.renameSync(world.at("elsewhere"), store)
    expect(await world.reprise("status", [], { env })).toMatchObject({ code: 0, shown: { warnings: [] } })
  })

  it("is asked for once at a terminal, with what it grants", async () => {
    withPlugin()
    const answer = (word: string) =>
      new Promise<{ readonly code: number; readonly shown: string }>((resolve) => {
        const terminal = spawnTerminal(process.execPath, [...world.words("up", ["--plugin", "./parrot.ts"])], {
          cwd: world.work, env: world.env(world.home), cols: 200, rows: 50
        })
        let shown = ""
        terminal.onData((chunk) => {
          const asked = shown.includes("[y/N]")
          shown += chunk
          if (!asked && shown.includes("[y/N]")) terminal.write(`${word}\r`)
        })
        terminal.onExit(({ exitCode }) => resolve({ code: exitCode, shown }))
      })
    const no = await answer("n")
    expect(no.code).toBe(1)
    expect(no.shown).toMatch(/run "sleep"/)
    expect(world.wasImported()).toBe(false)
    expect((await answer("y")).code).toBe(0)
    expect(world.wasImported()).toBe(true)
    expect(await world.reprise("status", [])).toMatchObject({ code: 0, shown: { warnings: [] } })
  })
})
