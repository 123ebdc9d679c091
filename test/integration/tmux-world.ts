import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { endProcessTree, PluginContext, readProcess, SpawnToken, type SpawnRequest } from "reprise/plugin"
import plugin from "../../plugins/transports/tmux/index.ts"

// A world of its own for a test: directories, a tmux server, and agents that are all gone at the end.

/** Whether this machine has a tmux at all. */
export const hasTmux = spawnSync("tmux", ["-V"]).status === 0

/** Waits for a condition, and fails loudly when it does not come. */
export const eventually = <A, E, R>(what: string, look: Effect.Effect<A | null | false | undefined, E, R>, limitMs = 30_000) =>
  Effect.gen(function*() {
    const deadline = Date.now() + limitMs
    for (;;) {
      const found = yield* look
      if (found !== null && found !== false && found !== undefined) return found
      if (Date.now() > deadline) return yield* Effect.dieMessage(`${what} did not come about`)
      yield* Effect.sleep(5)
    }
  })

/** A program that writes down what it was given and then echoes what it reads. */
const reporter = `
const fs = require("node:fs")
const [out, ...rest] = process.argv.slice(2)
fs.writeFileSync(out + ".part", JSON.stringify({ argv: rest, env: process.env, cwd: process.cwd(), pid: process.pid }))
fs.renameSync(out + ".part", out)
if (process.stdin.isTTY) { process.stdin.setRawMode(true); process.stdout.write("\\x1b[?2004h") }
process.stdout.write("\\x1b]2;reporting\\x07ready\\r\\n")
process.stdin.on("data", (data) => fs.appendFileSync(out + ".in", data))
process.on("SIGINT", () => {})
`

export const makeWorld = Effect.gen(function*() {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "rt-")))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  )
  const at = (...parts: ReadonlyArray<string>) => join(root, ...parts)
  for (const name of ["work", "state", "run", "home"]) mkdirSync(at(name), { mode: 0o700 })
  writeFileSync(at("reporter.cjs"), reporter)
  const socket = at("run", "tmux")
  const serverPid = Effect.gen(function*() {
    const pid = yield* Effect.sync(() => {
      try {
        const shown = execFileSync("tmux", ["-S", socket, "list-sessions", "-F", "#{pid}"], {
          env: { PATH: process.env["PATH"] ?? "" },
          stdio: ["ignore", "pipe", "ignore"],
          timeout: 10_000
        })
        return Number(shown.toString().split("\n")[0])
      } catch {
        return 0
      }
    })
    if (pid === 0) return null
    const reading = yield* readProcess(pid)
    return reading.state === "alive" ? { pid, startTime: reading.startTime } : null
  })
  // Whoever still lives of the server's children goes with it.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      const server = yield* serverPid
      if (server !== null) yield* endProcessTree(server, 0)
    })
  )
  const transport = (
    options: { readonly commandTimeoutMs?: number } = {},
    state = "state",
    over: Partial<Context.Tag.Service<PluginContext>> = {}
  ) =>
    Effect.gen(function*() {
      const context = Layer.succeed(PluginContext, {
        workspace: at("work"),
        workspaceId: Effect.succeed("w-1"),
        stateDirectory: at(state),
        runtimeDirectory: at("run"),
        env: { PATH: process.env["PATH"] ?? "" },
        ...over
      })
      const checked = yield* Schema.decode(plugin.options)(options).pipe(Effect.orDie)
      const contribution = yield* plugin.setup(checked).pipe(Effect.provide(Layer.merge(context, NodeContext.layer)), Effect.orDie)
      const driver = contribution.transports?.["tmux"]
      return driver ?? (yield* Effect.dieMessage("the plugin contributes no tmux"))
    })
  let spawns = 0
  const request = (over: Partial<SpawnRequest> = {}): SpawnRequest => ({
    team: "alpha",
    agent: `a${spawns += 1}`,
    generation: 1,
    spawn: SpawnToken.make(`spawn-${spawns}`),
    argv: ["sleep", "600"],
    cwd: at("work"),
    env: { PATH: process.env["PATH"] ?? "", HOME: at("home") },
    ...over
  })
  let reports = 0
  /** A request for the reporting program, and where its report will be. */
  const reporting = (argv: ReadonlyArray<string> = [], over: Partial<SpawnRequest> = {}) => {
    const out = at(`report-${reports += 1}`)
    return { out, request: request({ argv: [process.execPath, at("reporter.cjs"), out, ...argv], ...over }) }
  }
  const readText = (path: string) =>
    Effect.sync(() => {
      try {
        return readFileSync(path, "utf8")
      } catch {
        return null
      }
    })
  const Report = Schema.parseJson(Schema.Struct({
    argv: Schema.Array(Schema.String),
    env: Schema.Record({ key: Schema.String, value: Schema.String }),
    cwd: Schema.String,
    pid: Schema.Int
  }))
  const report = (out: string) =>
    eventually(`the report ${out}`, readText(out)).pipe(Effect.flatMap(Schema.decode(Report)), Effect.orDie)
  return { at, root, socket, serverPid, transport, request, reporting, report, readText }
})
