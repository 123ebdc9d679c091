// Opens a pty transport, starts one agent that ignores hang-ups, says who it is and stays: a test kills it.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { PluginContext, SpawnToken } from "reprise/plugin"
import { transportOf } from "reprise/testing"
import plugin from "../../plugins/transports/pty/index.ts"

const [workspace = "", stateDirectory = "", program = ""] = process.argv.slice(2)

const main = Effect.gen(function*() {
  const driver = yield* transportOf(plugin, "pty")
  const pane = yield* driver.spawn({
    team: "alpha",
    agent: "coder",
    generation: 1,
    spawn: SpawnToken.make("s1"),
    argv: [process.execPath, "-e", program],
    cwd: workspace,
    env: {}
  })
  yield* Effect.sync(() => process.stdout.write(`${JSON.stringify(pane)}\n`))
  return yield* Effect.never
}).pipe(
  Effect.provideService(PluginContext, { workspace, workspaceId: Effect.succeed("w-1"), stateDirectory, runtimeDirectory: stateDirectory, env: {} }),
  Effect.scoped,
  Effect.provide(NodeContext.layer)
)

NodeRuntime.runMain(main)
