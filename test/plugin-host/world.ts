import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { specName } from "../../sdk/plugin/host/load-plugin.ts"
import { PluginHostLive, type PluginHostOptions } from "../../sdk/plugin/host/PluginHostLive.ts"

/** The path of a fixture. */
export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url))

/** A directory that goes away with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "rp-host-")))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

/** A host for a workspace of its own. What it lists is consented to, unless the options say otherwise. */
export const hostFor = (workspace: string, options: Partial<PluginHostOptions>) =>
  PluginHostLive.layer({
    workspace,
    specs: [],
    consents: (options.specs ?? []).map(specName),
    builtins: {},
    ...options,
    env: { HOME: Path.join(workspace, "home"), PATH: process.env["PATH"], ...options.env, TMPDIR: workspace }
  }).pipe(Layer.provide(NodeContext.layer))

/** Waits until something is so; dies when it is not within twenty seconds. */
export const eventually = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.sync(isSo).pipe(
    Effect.filterOrFail((so) => so, () => "not yet"),
    Effect.retry(Schedule.spaced(10)),
    Effect.timeout("20 seconds"),
    Effect.orDie,
    Effect.asVoid
  )
