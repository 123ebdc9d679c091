import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { spawn as spawnTerminal } from "@lydell/node-pty"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readProcess } from "reprise/plugin"
import { builtCommand } from "../house/built.ts"
import { eventually, hasTmux, isGone, makeWorld } from "./world.ts"

// The command itself: its envelope, and who is asked before a person's process is ended.

const root = fileURLToPath(new URL("../../", import.meta.url))
const command = hasTmux ? await builtCommand() : ""

const Shown = Schema.parseJson(Schema.Struct({
  schema: Schema.String,
  outcome: Schema.String,
  ok: Schema.Boolean,
  message: Schema.String,
  next: Schema.Array(Schema.String),
  team: Schema.optional(Schema.NullOr(Schema.String)),
  agents: Schema.optionalWith(
    Schema.Array(Schema.Struct({ id: Schema.String, pid: Schema.NullOr(Schema.Int) })),
    { default: () => [] }
  )
}))

type World = Effect.Effect.Success<typeof makeWorld>

const words = (world: World, verb: string, args: ReadonlyArray<string>) =>
  [command, verb, ...args, "--workspace", world.workspace]

const reprise = (world: World, verb: string, ...args: ReadonlyArray<string>) =>
  Effect.async<{ readonly code: number | null; readonly shown: typeof Shown.Type }>((resume) => {
    const child = spawn(process.execPath, [...words(world, verb, args), "--json"], {
      cwd: root,
      env: world.env,
      stdio: ["ignore", "pipe", "pipe"]
    })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk) => { out += String(chunk) })
    child.stderr.on("data", (chunk) => { err += String(chunk) })
    child.on("close", (code) => {
      const shown = Schema.decodeUnknownEither(Shown)(out)
      resume(shown._tag === "Right" ? Effect.succeed({ code, shown: shown.right }) : Effect.dieMessage(`reprise ${verb} said ${out} and ${err}`))
    })
  })

/** At a terminal: waits for the question, answers it, and gives the exit code. */
const atTerminal = (world: World, answer: string, verb: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const terminal = spawnTerminal(process.execPath, [...words(world, verb, args)], { cwd: root, env: world.env, cols: 200, rows: 50 })
    let shown = ""
    let code: number | null = null
    terminal.onData((chunk) => { shown += chunk })
    terminal.onExit(({ exitCode }) => { code = exitCode })
    yield* eventually("the question", () => shown.includes("[y/N]"))
    terminal.write(`${answer}\r`)
    yield* eventually("the end of the command", () => code !== null)
    return { code, shown }
  })

describe.skipIf(!hasTmux)("the command", () => {
  it.scopedLive("a takeover is asked for at a terminal, and needs --yes where there is none", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      const usage = yield* reprise(world, "adopt", "--as", "No Name")
      assert.deepInclude(usage, { code: 2 })
      assert.deepInclude(usage.shown, { schema: "reprise.adopt/1", ok: false, outcome: "usage" })
      const adopted = yield* reprise(world, "adopt", "--as", "alpha", "--only", String(one.pid))
      assert.deepInclude(adopted.shown, { ok: true, outcome: "adopted", team: "alpha" })
      assert.deepStrictEqual(adopted.shown.agents, [{ id: "fake-1", pid: one.pid }])
      const again = yield* reprise(world, "adopt", "--only", String(one.pid))
      assert.deepInclude(again.shown, { ok: false, outcome: "adopt_refused" })

      const declined = yield* reprise(world, "send", "fake-1", "hello")
      assert.deepInclude(declined.shown, { ok: false, outcome: "agent_not_ours", next: ["reprise restart fake-1 --team alpha --takeover"] })
      const held = yield* reprise(world, "restart")
      assert.deepInclude(held.shown, { ok: false, outcome: "refused_resume_atomicity", next: ["reprise restart --team alpha --takeover"] })
      const asked = yield* reprise(world, "restart", "--takeover")
      assert.deepInclude(asked, { code: 1 })
      assert.deepInclude(asked.shown, { outcome: "approval_unavailable", next: ["reprise restart --team alpha --takeover --yes"] })
      const no = yield* atTerminal(world, "n", "restart", "--takeover")
      assert.strictEqual(no.code, 1, no.shown)
      assert.include(no.shown, String(one.pid))
      assert.strictEqual((yield* readProcess(one.pid)).state, "alive")

      const yes = yield* atTerminal(world, "y", "restart", "--takeover")
      assert.strictEqual(yes.code, 0, yes.shown)
      assert.isTrue(isGone(one.pid))
      const [agent] = (yield* reprise(world, "status")).shown.agents
      assert.deepStrictEqual(yield* world.holders(one.session), agent?.pid === null || agent === undefined ? [] : [agent.pid])

      const two = yield* world.inTmux()
      yield* two.say("the quince")
      yield* reprise(world, "adopt", "--as", "beta")
      const taken = yield* reprise(world, "restart", "--team", "beta", "--takeover", "--yes")
      assert.deepInclude(taken.shown, { ok: true, outcome: "restarted" })
      assert.isTrue(isGone(two.pid))
      for (const team of ["alpha", "beta"]) assert.isTrue((yield* reprise(world, "down", "--team", team)).shown.ok)
    }), 300_000)
})
