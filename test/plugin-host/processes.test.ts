import { describe, expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { build } from "esbuild"
import { loadPlugin } from "../../sdk/plugin/host/load-plugin.ts"
import { fixture, temporaryDirectory } from "./world.ts"

// The SDK's own names must lead to the running SDK from wherever a plugin stands: seen in real processes, since a
// loader of the tests' own would answer for them here.

const repository = fileURLToPath(new URL("../../", import.meta.url))
const tsx = Path.join(repository, "node_modules", "tsx", "dist", "cli.mjs")

const pluginSource = (name: string) => `
import { definePlugin, Effect, Schema, Stream } from "reprise/plugin"
import { label, same } from "./label"
import * as Reprise from "reprise"

export * as face from "reprise/plugin"
if (!same(definePlugin)) throw new Error("A file beside the plugin has another SDK.")
const typed: string = label
export default definePlugin({
  name: ${JSON.stringify(name)},
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () => Effect.succeed({ transports: { [typed]: {
    capabilities: { survivesCaller: false, exitStatus: false, attach: false },
    spawn: () => Effect.die("no"),
    list: Effect.succeed({ home: "absent", panes: [], foreign: [] }),
    inspect: () => Effect.die("no"),
    capture: () => Effect.die("no"),
    leaveModes: () => Effect.void,
    paste: () => Effect.void,
    press: () => Effect.void,
    interrupt: () => Effect.void,
    stop: () => Effect.die("no"),
    events: Stream.empty,
    attachCommand: null,
    residence: typeof Reprise
  } } })
})
`

const labelSource = (name: string) => `
import { definePlugin } from "reprise/plugin"

export const label: string = ${JSON.stringify(`${name}-transport`)}
export const same = (other: unknown): boolean => other === definePlugin
`

/** A directory outside of the repository with plugins in the places that people put them. */
const plugins = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const place = (directory: string, name: string, manifest?: unknown) => {
    const path = Path.join(root, directory)
    Fs.mkdirSync(path, { recursive: true })
    Fs.writeFileSync(Path.join(path, "index.ts"), pluginSource(name))
    Fs.writeFileSync(Path.join(path, "label.ts"), labelSource(name))
    if (manifest !== undefined) Fs.writeFileSync(Path.join(path, "package.json"), JSON.stringify(manifest))
    return path
  }
  const plain = place("plain", "plain")
  const common = place("common", "common", { type: "commonjs" })
  place("node_modules/reprise-packed", "packed", { name: "reprise-packed", exports: "./index.ts" })
  const throwing = Path.join(root, "throwing.ts")
  Fs.writeFileSync(throwing, `throw new Error("kaboom")`)
  return { root, plain, common, throwing }
})

const run = (argv: ReadonlyArray<string>, cwd: string) =>
  Effect.async<string>((resume) => {
    const home = Fs.mkdirSync(Path.join(cwd, "home"), { recursive: true }) ?? Path.join(cwd, "home")
    const env = { PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: cwd }
    const child = execFile(process.execPath, [...argv], { cwd, env, timeout: 50_000 }, (error, stdout, stderr) =>
      resume(error === null ? Effect.succeed(stdout) : Effect.die(new Error(`${error.message}\n${stderr}`))))
    return Effect.sync(() => child.kill())
  })

const expected = (world: { readonly plain: string; readonly common: string; readonly throwing: string }) => [
  { spec: world.plain, name: "plain", transports: ["plain-transport"] },
  { spec: world.common, name: "common", transports: ["common-transport"] },
  { spec: "reprise-packed", name: "packed", transports: ["packed-transport"] },
  { spec: world.throwing, rejected: "import", detail: "its module can't be loaded: kaboom" },
  { spec: pathToFileURL(Path.join(world.common, "index.ts")).href, same: true }
]
const Rows = Schema.parseJson(Schema.Array(Schema.Unknown))

/** Loads the plugins in a process of its own that was started by `argv`. */
const check = (argv: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const world = yield* plugins
    const rows = expected(world)
    const output = yield* run([...argv, world.root, ...rows.map(({ spec }) => spec)], world.root)
    expect(Schema.decodeUnknownSync(Rows)(output)).toEqual(rows)
  })

describe("a plugin anywhere on disk shares the running SDK", () => {
  it.scopedLive("under tsx", () => check([tsx, fixture("loads-plugins")]), 120_000)

  it.scopedLive("under tsx, by the source condition", () =>
    check([tsx, "--conditions=source", fixture("loads-plugins")]), 120_000)

  it.scopedLive("under node with tsx imported", () => {
    const loader = pathToFileURL(Path.join(repository, "node_modules", "tsx", "dist", "loader.mjs")).href
    return check(["--import", loader, fixture("loads-plugins")])
  }, 120_000)

  it.scopedLive("from a build, under plain node", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const dist = Path.join(root, "dist")
      const source = (path: string) => Path.join(repository, path)
      yield* Effect.promise(() =>
        build({
          entryPoints: {
            index: source("sdk/index.ts"),
            plugin: source("sdk/plugin/index.ts"),
            testing: source("sdk/testing/index.ts"),
            "bin/loads-plugins": fixture("loads-plugins")
          },
          outdir: dist,
          outExtension: { ".js": ".mjs" },
          chunkNames: "chunks/[name]-[hash]",
          bundle: true,
          splitting: true,
          format: "esm",
          platform: "node",
          target: "node20",
          packages: "external",
          define: { "process.env.REPRISE_BUILD": '"1"' },
          logLevel: "silent"
        })
      )
      // The build copies what is not TypeScript.
      Fs.cpSync(source("sdk/plugin/host/native-import.cjs"), Path.join(dist, "native-import.cjs"))
      Fs.symlinkSync(Path.join(repository, "node_modules"), Path.join(root, "node_modules"))
      yield* check([Path.join(dist, "bin", "loads-plugins.mjs")])
    }), 120_000)

  it.scopedLive("under vitest, where its own loader answers", () =>
    Effect.gen(function*() {
      const world = yield* plugins
      const loaded = yield* loadPlugin(world.common, {
        workspace: world.root,
        consents: [world.common],
        builtins: {},
        env: { TMPDIR: world.root }
      })
      expect(Object.keys(loaded.transports)).toEqual(["common-transport"])
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)
})
