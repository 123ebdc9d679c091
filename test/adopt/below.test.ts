import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Adopt, Policy, Restart, Shutdown } from "reprise"
import { readProcess } from "reprise/plugin"
import { eventually, hasTmux, kill, makeWorld } from "./world.ts"

const worker = fileURLToPath(new URL("../../plugins/providers/fake/worker.mjs", import.meta.url))

describe.skipIf(!hasTmux)("takeover", () => {
  it.scopedLive("is refused while an agent of any workspace runs below the process, and done once it is gone", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const pidFile = world.at("elsewhere", "below.pid")
      const agentEnv = { REPRISE_TEAM: "other", REPRISE_AGENT: "coder", REPRISE_WORKSPACE: world.at("elsewhere") }
      // What a pty `up` in that terminal leaves: an agent among the descendants of the person's process.
      writeFileSync(world.at("elsewhere", "preload.mjs"), [
        "import { spawn } from \"node:child_process\"",
        "import { writeFileSync } from \"node:fs\"",
        `const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", ${JSON.stringify(world.at("below"))}],`,
        `  { stdio: "ignore", env: ${JSON.stringify(agentEnv)} })`,
        `writeFileSync(${JSON.stringify(pidFile)}, String(child.pid))`
      ].join("\n"))
      const one = yield* world.inTerminal(world.workspace, [
        "/usr/bin/env", `NODE_OPTIONS=--import=${world.at("elsewhere", "preload.mjs")}`, process.execPath, worker, "--root", world.root
      ])
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      const below = yield* eventually("the agent below", () => existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) || null : null)

      const refused = yield* world.run(Restart.restart("alpha", Policy.standard, { takeover: true }))
      assert.strictEqual(refused.outcome, "refused_resume_atomicity")
      assert.include(refused.message, `other/coder (process ${below})`)
      assert.deepStrictEqual(refused.next.filter((command) => command.includes("--allow-fresh")), [])
      for (const pid of [one.pid, below]) assert.strictEqual((yield* readProcess(pid)).state, "alive")

      yield* kill(below)
      const back = yield* world.run(Restart.restart("alpha", Policy.standard, { takeover: true }))
      assert.strictEqual(back.outcome, "restarted", back.message)
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)
})
