import { describe, expect, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { loadPlugin } from "../../sdk/plugin/host/load-plugin.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { definePlugin } from "../../sdk/plugin/definePlugin.ts"
import { emptyTransport } from "./fixtures/drivers.ts"
import good from "./fixtures/good.ts"
import { fixture, hostFor, temporaryDirectory } from "./world.ts"

const url = (name: string) => pathToFileURL(fixture(name)).href
const Context = Schema.parseJson(Schema.Struct({
  workspace: Schema.String,
  stateDirectory: Schema.String,
  runtimeDirectory: Schema.String,
  env: Schema.Record({ key: Schema.String, value: Schema.String })
}))

describe("the host", () => {
  it.scopedLive("loads a built-in only when it is asked for, without the rest of the list, and needs no consent", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const builtins = { needy: url("asks-needs"), broken: url("throws-at-import") }
      yield* Effect.gen(function*() {
        const host = yield* PluginHost
        expect(yield* host.transport("needy")).toMatchObject({ name: "needy", plugin: "asks-needs" })
        expect(yield* host.rejected).toEqual([])
        expect(yield* Effect.flip(host.transport("broken"))).toMatchObject({
          kind: "transport",
          name: "broken",
          rejected: [{ spec: "broken", stage: "import" }]
        })
      }).pipe(Effect.provide(hostFor(workspace, { builtins, specs: [fixture("setup-dies")] })))
    }))

  it.scopedLive("gives a built-in the options that the list has for it", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const specs = [{ spec: "good", options: { greeting: 1 } }]
      yield* Effect.gen(function*() {
        const host = yield* PluginHost
        const missing = yield* Effect.flip(host.transport("good"))
        expect(missing.rejected).toMatchObject([{ stage: "options", plugin: "good" }])
        expect(missing.message).toMatch(/There is no transport "good".*rejected at options/)
      }).pipe(Effect.provide(hostFor(workspace, { builtins: { good: url("good") }, specs })))
    }))

  it.scopedLive("loads once, whoever asks, and takes a plugin as a value", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      yield* Effect.gen(function*() {
        const host = yield* PluginHost
        const both = yield* Effect.all([host.transport("good"), host.transport("good")], { concurrency: 2 })
        expect(both[0]).toBe(both[1])
        expect((yield* host.provider("plain")).plugin).toBe("good")
        expect(yield* host.rejected).toEqual([])
      }).pipe(Effect.provide(hostFor(workspace, { specs: [{ plugin: good }] })))
    }))

  it.scopedLive("goes on loading when the one who asked is interrupted", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const started = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      let setUps = 0
      const slow = definePlugin({
        name: "slow",
        api: 1,
        needs: {},
        options: Schema.Struct({}),
        setup: () =>
          Effect.gen(function*() {
            setUps++
            yield* Deferred.succeed(started, undefined)
            yield* Deferred.await(goOn)
            return { transports: { slow: emptyTransport } }
          })
      })
      yield* Effect.gen(function*() {
        const host = yield* PluginHost
        const asking = yield* Effect.fork(host.transport("slow"))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(asking)
        yield* Deferred.succeed(goOn, undefined)
        expect((yield* host.transport("slow")).plugin).toBe("slow")
        expect(setUps).toBe(1)
      }).pipe(Effect.provide(hostFor(workspace, { specs: [{ plugin: slow }] })))
    }))

  it.scopedLive("hands over exactly the needs, and owner-only directories", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const env = { MIRROR_A: "a", MIRRORED: "no", EXACT: "e", EXACTLY: "no" }
      yield* Effect.gen(function*() {
        const mirror = yield* (yield* PluginHost).transport("mirror")
        const context = Schema.decodeUnknownSync(Context)(mirror.residence)
        expect(context.env).toEqual({ MIRROR_A: "a", EXACT: "e" })
        expect(context.workspace).toBe(workspace)
        expect(context.stateDirectory).toBe(Path.join(workspace, ".reprise", "plugins", "mirror"))
        for (const directory of [context.stateDirectory, context.runtimeDirectory]) {
          expect(Fs.statSync(directory).mode & 0o777).toBe(0o700)
        }
      }).pipe(Effect.provide(hostFor(workspace, { specs: [fixture("mirror")], env })))
    }))

  it.scopedLive("closes a plugin's scope with itself, and at once where setup fails", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const closed = (plugin: string) => Fs.existsSync(Path.join(workspace, ".reprise", "plugins", plugin, "closed"))
      const specs = [fixture("mirror"), fixture("leaves-behind")]
      yield* Effect.gen(function*() {
        const host = yield* PluginHost
        yield* host.transport("mirror")
        yield* Effect.flip(host.transport("nobody"))
        expect(closed("leaves-behind")).toBe(true)
        expect(closed("mirror")).toBe(false)
      }).pipe(Effect.provide(hostFor(workspace, { specs })))
      expect(closed("mirror")).toBe(true)
    }))

  it.scopedLive("finds a package as the workspace does", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const install = (name: string, manifest: unknown, file: string) => {
        const directory = Path.join(workspace, "node_modules", name)
        Fs.mkdirSync(directory, { recursive: true })
        Fs.writeFileSync(Path.join(directory, "package.json"), JSON.stringify(manifest))
        Fs.writeFileSync(Path.join(directory, file), "export default 7")
      }
      install("reprise-plain", { main: "main.mjs" }, "main.mjs")
      const exports = { ".": { types: "./x.d.ts", import: "./esm.mjs" }, "./sub": "./esm.mjs" }
      install("@me/exported", { exports }, "esm.mjs")
      const stage = (spec: string) =>
        loadPlugin(spec, { workspace, consents: [spec], builtins: {}, env: { TMPDIR: workspace } }).pipe(Effect.flip, Effect.map(({ detail, stage }) => [stage, detail] as const))
      for (const spec of ["reprise-plain", "@me/exported", "@me/exported/sub", "./node_modules/reprise-plain"]) {
        expect((yield* stage(spec))[0]).toBe("shape")
      }
      expect((yield* stage("@me/exported/none")).join(" ")).toMatch(/^resolve .*exports no ".\/none"/)
      expect((yield* stage("@me/missing"))[0]).toBe("resolve")
    }).pipe(Effect.provide(NodeContext.layer)))
})
