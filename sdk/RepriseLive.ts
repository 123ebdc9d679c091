import * as NodeContext from "@effect/platform-node/NodeContext"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Terminal from "@effect/platform/Terminal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { builtins } from "./builtins.ts"
import { ConsentStore } from "./consent/ConsentStore.ts"
import type { EventLogError } from "./event-log/errors.ts"
import { EventLog } from "./event-log/EventLog.ts"
import * as EventLogMemory from "./event-log/EventLogMemory.ts"
import * as EventLogSqlite from "./event-log/EventLogSqlite.ts"
import { HostEnvironment } from "./lifecycle/operation.ts"
import { allTeams } from "./lifecycle/prepare.ts"
import { consentGate, type GateOptions } from "./plugin/host/consent-gate.ts"
import { PluginHostLive } from "./plugin/host/PluginHostLive.ts"
import type { PluginHost } from "./plugin/PluginHost.ts"
import { stateHome } from "./spec/state-home.ts"
import { findWorkspace, type WorkspacePaths, WorkspaceUnusable } from "./spec/workspace.ts"

/** The workspace that a command or script works in. */
export class Workspace extends Context.Tag("reprise/Workspace")<Workspace, WorkspacePaths>() {}

/** What every script may use without providing it. */
export type RepriseServices =
  | Workspace
  | EventLog
  | PluginHost
  | ConsentStore
  | HostEnvironment
  | FileSystem.FileSystem
  | Path.Path
  | CommandExecutor.CommandExecutor
  | Terminal.Terminal

export interface RepriseOptions {
  /** The workspace; by default the nearest directory at or above the current one that holds `.reprise/`. */
  readonly workspace?: string | undefined
  /** Plugins beyond the built-in ones: paths or packages. A script that names one consents to it for its own run. */
  readonly plugins?: ReadonlyArray<string>
  /** Plugins that are remembered with a team, and that this script consents to for its own run. Nothing is stored. */
  readonly allowPlugins?: ReadonlyArray<string>
  /** `unopened`: an empty log in memory stands in for the workspace's, for what works on its file as a whole. */
  readonly log?: "opened" | "unopened"
}

const hostEnvironment = Layer.sync(HostEnvironment, () =>
  Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])))

interface PluginChoice {
  readonly log: "opened" | "unopened"
  readonly plugins: ReadonlyArray<string>
  /** What is consented to for this run only. */
  readonly consents: ReadonlyArray<string>
  readonly gate: GateOptions
}

/** Which plugins a team uses is remembered with it. Whether they may run is not: only the user's own store says that. */
const pluginHost = ({ consents, gate, plugins }: PluginChoice) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const paths = yield* Workspace
    const env = yield* HostEnvironment
    const log = yield* EventLog
    const store = yield* ConsentStore
    // A log that can't be read is told by whoever reads it for a purpose; plugins do not hang on it.
    const teams = yield* Effect.orElseSucceed(allTeams, () => [])
    const remembered = teams.flatMap((team) => team.plugins)
    return PluginHostLive.layer({
      workspace: paths.root,
      workspaceId: Effect.orElseSucceed(Effect.map(log.identity, (made) => made?.id ?? null), () => null),
      specs: [...new Set([...plugins, ...remembered])],
      consents,
      gate: consentGate(store, gate),
      builtins,
      env
    })
  }))

const currentDirectory = Effect.try({
  try: () => process.cwd(),
  catch: (cause) =>
    new WorkspaceUnusable({
      directory: ".",
      reason: "Missing",
      detail: `The current directory does not exist any more (${cause instanceof Error ? cause.message : String(cause)}). Nothing was done.`
    })
})

const assemble = (asked: string | undefined, choice: PluginChoice): Layer.Layer<RepriseServices, EventLogError | WorkspaceUnusable> => {
  const workspace = Layer.effect(Workspace, Effect.flatMap(currentDirectory, (from) => findWorkspace({ asked, from })))
  const log = choice.log === "unopened"
    ? EventLogMemory.layer
    : Layer.unwrapEffect(Effect.map(Workspace, ({ runtime }) => EventLogSqlite.layer({ directory: runtime, stateHome: stateHome(process.env) })))
  const consents = Layer.unwrapEffect(Effect.map(HostEnvironment, ConsentStore.layer))
  return pluginHost(choice).pipe(
    Layer.provideMerge(log),
    Layer.provideMerge(workspace),
    Layer.provideMerge(consents),
    Layer.provideMerge(Layer.merge(hostEnvironment, NodeContext.layer))
  )
}

const storedOnly: GateOptions = { allowed: [], trusted: [], named: [], ask: null, say: () => Effect.void }

/** Everything a script runs on: the workspace's log, its plugins, and Node. */
export const layer = (
  { allowPlugins = [], log = "opened", plugins = [], workspace }: RepriseOptions = {}
): Layer.Layer<RepriseServices, EventLogError | WorkspaceUnusable> =>
  assemble(workspace, { log, plugins, consents: [...plugins, ...allowPlugins], gate: storedOnly })

/** Everything a command runs on. A plugin that its user names is not consented to by that alone; `consent` says what is. */
export const commandLayer = (
  { consent, log, workspace }: { readonly workspace: string | undefined; readonly log: "opened" | "unopened"; readonly consent: GateOptions }
): Layer.Layer<RepriseServices, EventLogError | WorkspaceUnusable> =>
  assemble(workspace, { log, plugins: consent.named, consents: [], gate: consent })
