import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Layer from "effect/Layer"
import { layer as eventLog } from "../../sdk/event-log/EventLogSqlite.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import { PluginHostLive } from "../../sdk/plugin/host/PluginHostLive.ts"
import { workspacePaths } from "../../sdk/spec/workspace.ts"

const plugin = (path: string): string => new URL(`../../plugins/${path}/index.ts`, import.meta.url).href

/** All that an operation needs, in a workspace of the bench's own: what a command would build. */
export const house = (workspace: string, env: Readonly<Record<string, string>>) =>
  Layer.mergeAll(
    eventLog({ directory: workspacePaths(workspace).runtime }),
    PluginHostLive.layer({
      workspace,
      specs: [],
      consents: [],
      builtins: {
        tmux: plugin("transports/tmux"),
        fake: plugin("providers/fake"),
        claude: plugin("providers/claude"),
        codex: plugin("providers/codex")
      },
      env
    }),
    Layer.succeed(HostEnvironment, env)
  ).pipe(Layer.provideMerge(NodeContext.layer))
