// An installation whose compiled packages can't be loaded: the message blames it, and names the command that repairs it.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { installationProblem } from "../../sdk/domain/native-module.ts"
import { installCommand } from "../house/built.ts"
import { root } from "../house/sources.ts"
import { type Box, openBox } from "./box.ts"

const team = `name: alpha
defaults: { provider: fake }
agents:
  planner: { role: Planner }
`

describe("an installation that is broken", () => {
  let installed: Awaited<ReturnType<typeof installCommand>>
  let box: Box
  let modules: string

  beforeAll(async () => {
    installed = await installCommand()
    modules = join(dirname(installed.command), "../../..")
    box = openBox(installed.command)
    box.write("work/team.yaml", team)
    mkdirSync(box.at("work/.reprise"), { mode: 0o700 })
    // The log of a version before: what is in it does not matter.
    box.write("work/.reprise/reprise.db", `SQLite format 3\0${"\0".repeat(4096)}`)
  })
  afterAll(async () => {
    await box.close()
    installed.remove()
  })

  const place = (addon: string | null) => {
    const target = join(modules, "better-sqlite3")
    rmSync(target, { recursive: true, force: true })
    const from = join(root, "node_modules/better-sqlite3")
    if (addon === "sound") return symlinkSync(from, target)
    mkdirSync(join(target, "build/Release"), { recursive: true })
    for (const part of ["lib", "package.json"]) cpSync(join(from, part), join(target, part), { recursive: true })
    if (addon !== null) writeFileSync(join(target, "build/Release/better_sqlite3.node"), addon)
  }

  it("is blamed, and not the log, with the command that repairs it", async () => {
    for (const [addon, said] of [[null, /compiled part is missing/], ["not an addon at all", /damaged, or was built for another architecture/]] as const) {
      place(addon)
      for (const verb of ["status", "up", "recover"]) {
        const answer = await box.ask([verb])
        assert.deepStrictEqual([answer.code, answer.ok], [1, false], answer.message)
        assert.match(answer.message, /^The installation of Reprise is broken: of the package better-sqlite3/)
        assert.match(answer.message, said)
        assert.match(answer.next[0] ?? "", /^npm rebuild better-sqlite3/)
      }
    }
    place("sound")
  }, 60_000)

  it("is told by what Node says of a module of another version, and of a terminal's", () => {
    const version = Object.assign(new Error("The module '/opt/app/node_modules/better-sqlite3/build/Release/better_sqlite3.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 108. This version of Node.js requires\nNODE_MODULE_VERSION 115."), { code: "ERR_DLOPEN_FAILED" })
    const sqlite = installationProblem("better-sqlite3", version)
    assert.match(sqlite?.detail ?? "", /built for another version of Node than v/)
    assert.strictEqual(sqlite?.command, "npm rebuild better-sqlite3 --prefix /opt/app")
    const pty = installationProblem("@lydell/node-pty", new Error("The @lydell/node-pty package supports your platform (linux-x64), but it could not find the binary package for it: @lydell/node-pty-linux-x64/pty.node"))
    assert.match(pty?.command ?? "", /^npm rebuild @lydell\/node-pty/)
    assert.isNull(installationProblem("better-sqlite3", new Error("SQLITE_BUSY: database is locked")))
  })
})
