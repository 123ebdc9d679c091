import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { pathToFileURL } from "node:url"
import type { PluginSpec } from "../../sdk/plugin/host/load-plugin.ts"
import type { PluginHostOptions } from "../../sdk/plugin/host/PluginHostLive.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { fixture, hostFor, temporaryDirectory } from "./world.ts"

/** Loads the specs by asking for a transport that nobody gives. */
const rejections = (specs: ReadonlyArray<PluginSpec>, options: Partial<PluginHostOptions> = {}) =>
  Effect.gen(function*() {
    const workspace = yield* temporaryDirectory
    return yield* Effect.gen(function*() {
      const host = yield* PluginHost
      const missing = yield* Effect.flip(host.transport("nobody"))
      expect(missing._tag).toBe("PluginMissing")
      const rejected = yield* host.rejected
      expect(missing.rejected).toEqual(rejected)
      return rejected.map(({ detail, plugin, spec, stage }) => ({ detail, plugin, spec, stage }))
    }).pipe(Effect.provide(hostFor(workspace, { specs, ...options })))
  })

describe("a plugin is turned away at", () => {
  const cases: ReadonlyArray<readonly [string, PluginSpec, string, string | null, RegExp]> = [
    ["resolve: no such file", "./nowhere.ts", "resolve", null, /nowhere\.ts/],
    ["resolve: no such package", "no-such-package", "resolve", null, /no built-in plugin "no-such-package"/],
    ["resolve: not a name", "what is this", "resolve", null, /write \.\/what is this/],
    ["import", fixture("throws-at-import"), "import", null, /kaboom at import/],
    ["shape: no default export", fixture("no-plugin"), "shape", null, /definePlugin/],
    ["shape: a member is wrong", fixture("wrong-shape"), "shape", "wrong-shape", /"options" must be a Schema/],
    ["api", fixture("api-2"), "api", "api-2", /API 2, and this host speaks 1/],
    ["options: missing", fixture("asks-options"), "options", "asks-options", /port/],
    [
      "options: wrong, and the value is not repeated",
      { spec: fixture("good"), options: { greeting: ["sesame"] } },
      "options",
      "good",
      /^(?!.*sesame).*greeting: Expected string/s
    ],
    ["options: excess", { spec: fixture("good"), options: { greetings: "hi" } }, "options", "good", /greetings/],
    ["setup: throws", fixture("setup-throws"), "setup", "setup-throws", /kaboom in setup/],
    ["setup: fails", fixture("setup-fails"), "setup", "setup-fails", /no licence/],
    ["setup: dies", fixture("setup-dies"), "setup", "setup-dies", /defect in setup/],
    ["setup: no Effect", fixture("setup-promises"), "setup", "setup-promises", /gave no Effect/],
    ["setup: half a driver", fixture("half-driver"), "setup", "half-driver", /"half" is not a driver: it lacks stop/]
  ]
  for (const [name, spec, stage, plugin, detail] of cases) {
    it.scopedLive(name, () =>
      Effect.gen(function*() {
        const [rejection, ...others] = yield* rejections([spec])
        expect(others).toEqual([])
        expect(rejection).toMatchObject({ stage, plugin, spec: typeof spec === "object" ? fixture("good") : spec })
        expect(rejection?.detail).toMatch(detail)
      }))
  }

  it.scopedLive("duplicate: the name of a plugin, of a transport, of a built-in", () =>
    Effect.gen(function*() {
      const specs = [fixture("good"), fixture("same-name"), fixture("same-transport")]
      const rejected = yield* rejections(specs)
      expect(rejected.map(({ plugin, stage }) => [plugin, stage])).toEqual([
        ["good", "duplicate"],
        ["same-transport", "duplicate"]
      ])
      const reserved = yield* rejections([fixture("same-transport")], {
        builtins: { good: pathToFileURL(fixture("good")).href }
      })
      expect(reserved.map(({ stage }) => stage)).toEqual(["duplicate"])
    }))

  it.scopedLive("setup that hangs, in bounded time, though it can't be interrupted", () =>
    Effect.gen(function*() {
      const rejected = yield* rejections([fixture("setup-hangs")])
      expect(rejected).toMatchObject([{ stage: "setup", plugin: "setup-hangs" }])
    }), 60_000)
})

describe("the host goes on", () => {
  it.scopedLive("with the plugins that are right", () =>
    Effect.gen(function*() {
      const workspace = yield* temporaryDirectory
      const specs = [fixture("throws-at-import"), fixture("good"), fixture("setup-dies")]
      yield* Effect.gen(function*() {
        const host = yield* PluginHost
        const transport = yield* host.transport("good")
        expect(transport).toMatchObject({ name: "good", plugin: "good" })
        expect(yield* transport.list).toEqual({ home: "absent", panes: [], foreign: [] })
        const provider = yield* host.provider("plain")
        expect(provider.classify({ lines: [], title: "", cursor: { row: 0, column: 0 } })).toBe("idle")
        expect((yield* host.rejected).map(({ stage }) => stage)).toEqual(["import", "setup"])
      }).pipe(Effect.provide(hostFor(workspace, { specs })))
    }))

  it.scopedLive("and consent is by spec: to that one, and before anything of it is imported", () =>
    Effect.gen(function*() {
      const spec = fixture("throws-at-import")
      const [rejection, ...others] = yield* rejections([spec], { consents: [fixture("good")] })
      expect(others).toEqual([])
      expect(rejection).toMatchObject({ stage: "consent", plugin: null })
      expect(rejection?.detail).toMatch(/no manifest that lists its needs.*--allow-plugin \//)
      expect(yield* rejections([fixture("asks-needs")], { consents: [fixture("asks-needs")] })).toEqual([])
    }))
})
