import { rmdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { PluginContext, type TransportDriver } from "reprise/plugin"
import { failure } from "./failures.ts"
import { type Ground, unreachable } from "./Ground.ts"
import { makeHome } from "./Home.ts"
import { inspectPane, listPanes, stopPane } from "./looking.ts"
import { openRecords } from "./records.ts"
import { spawnAgent } from "./spawning.ts"
import { capturePane, interruptPane, leavePaneModes, pasteText, pressKeys } from "./typing.ts"
import { makeWatch } from "./watching.ts"

/** Longer paths don't fit into a socket's address on every system. */
const longestSocket = 100

/** Takes the socket of a server that is gone away, and its directory if nothing else is in it. */
const clearRuntime = (socket: string): void => {
  rmSync(socket, { force: true })
  rmdirSync(dirname(socket))
}

/** Makes the transport for one workspace. Nothing is started before it is asked for. */
export const makeDriver = Effect.fn("tmux.driver")(function*(options: { readonly commandTimeoutMs: number }) {
  const context = yield* PluginContext
  const scope = yield* Effect.scope
  const endpoint = join(context.runtimeDirectory, "tmux")
  if (Buffer.byteLength(endpoint) > longestSocket) {
    return yield* failure("setup", "Refused", `The socket's path is longer than ${longestSocket} bytes: ${endpoint}.`)
  }
  const records = yield* openRecords(context.stateDirectory)
  yield* Effect.ignore(records.prune)
  const home = yield* makeHome({
    tmux: "tmux",
    socket: endpoint,
    workspace: context.workspace,
    workspaceId: context.workspaceId,
    stateDirectory: context.stateDirectory,
    timeoutMs: options.commandTimeoutMs,
    path: context.env["PATH"] ?? process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
  })
  yield* Effect.addFinalizer(() => home.close)
  const ground: Ground = { home, records }
  const watch = yield* makeWatch(ground, scope)
  const driver: TransportDriver = {
    capabilities: { survivesCaller: true, exitStatus: true, attach: true },
    spawn: spawnAgent(ground, watch),
    list: Effect.mapError(listPanes(ground), unreachable("list")),
    inspect: (pane) => inspectPane(ground, pane),
    capture: (pane) => capturePane(ground, pane),
    leaveModes: (pane) => leavePaneModes(ground, pane),
    paste: (pane, text) => pasteText(ground, pane, text),
    press: (pane, keys) => pressKeys(ground, pane, keys),
    interrupt: (pane) => interruptPane(ground, pane),
    stop: (pane, { graceMs }) => stopPane(ground, pane, graceMs),
    events: watch.events,
    closeHome: home.endIfEmpty.pipe(
      Effect.tap((gone) => gone ? Effect.ignore(Effect.try(() => clearRuntime(home.socket()))) : Effect.void),
      Effect.mapError(({ detail }) => failure("closeHome", "Unreachable", `The tmux server was not ended: ${detail}.`))
    ),
    // As it is at the time: a user may rename the session, and the server need not be where this process would start one.
    get attachCommand() {
      return ["tmux", "-S", home.socket(), "attach", "-t", home.sessionName()]
    },
    residence: null
  }
  return driver
})
