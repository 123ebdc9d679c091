import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bin, node, run, temporary } from "./clone.ts"
import { root } from "./sources.ts"

// The package as a stranger gets it: built, packed, unpacked into an empty project. Its dependencies are this
// checkout's, since to compile them again would take more than a minute.
const box = temporary("package")
const stage = join(box, "stage")
const app = join(box, "app")
const cache = join(box, "cache")
const command = join(app, "node_modules/reprise/dist/bin/reprise.cjs")
const hasCommand = existsSync(join(root, "scripts/reprise.ts"))

const done = async (program: string, args: ReadonlyArray<string>, cwd: string): Promise<void> => {
  const { code, err, out } = await run(program, args, cwd)
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${out}${err}`)
}

beforeAll(async () => {
  mkdirSync(stage)
  await done(process.execPath, [bin("tsx"), "scripts/build/build.ts", join(stage, "dist")], root)
  for (const file of ["package.json", "LICENSE", "README.md", "docs", "scripts/policies"]) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(stage, file), { recursive: true })
  }
  await done("npm", ["pack", "--ignore-scripts", "--pack-destination", box], stage)
  const tarball = readdirSync(box).find((file) => file.endsWith(".tgz"))
  const modules = join(app, "node_modules")
  mkdirSync(modules, { recursive: true })
  await done("tar", ["-xzf", join(box, tarball ?? "no tarball"), "-C", modules], box)
  cpSync(join(modules, "package"), join(modules, "reprise"), { recursive: true })
  for (const entry of readdirSync(join(root, "node_modules"))) {
    if (!entry.startsWith(".")) symlinkSync(join(root, "node_modules", entry), join(modules, entry))
  }
}, 180_000)
afterAll(() => rmSync(box, { recursive: true, force: true }))

it("ships the build, its declarations and the examples, no sources", async () => {
  const files = readdirSync(join(app, "node_modules/reprise"), { recursive: true }).map(String)
  expect(files).toEqual(expect.arrayContaining([
    "LICENSE",
    "dist/index.mjs",
    "dist/bin/reprise.cjs",
    "dist/plugins/providers/fake/index.mjs",
    "dist/types/sdk/index.d.ts",
    "scripts/policies/careful.ts"
  ]))
  const sources = files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
  expect(sources.filter((file) => !file.startsWith("scripts/policies/"))).toEqual([])
})

it("an importer type-checks in strict mode", async () => {
  writeFileSync(join(app, "package.json"), `{ "name": "app", "private": true, "type": "module" }`)
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({
    compilerOptions: {
      module: "NodeNext",
      target: "ES2022",
      lib: ["ES2022"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
      types: []
    },
    include: ["*.ts"]
  }))
  writeFileSync(join(app, "plugin.ts"), `import * as sdk from "reprise"
import * as testing from "reprise/testing"
import { definePlugin, Effect, Schema } from "reprise/plugin"

export const face = [sdk, testing]
export default definePlugin({
  name: "provider-parrot",
  api: 1,
  needs: {},
  options: Schema.Struct({ loud: Schema.Boolean }),
  setup: ({ loud }) => Effect.succeed(loud ? { providers: {} } : {})
})
`)
  writeFileSync(join(app, "wrong.ts"), `import { definePlugin } from "reprise/plugin"
// @ts-expect-error an API that there is not: the declarations are real, not any
export default definePlugin({ name: "wrong", api: 99 })
`)
  expect(await node(app, [bin("typescript"), "-p", "."])).toMatchObject({ code: 0, out: "" })
}, 120_000)

it("all modules share one SDK", async () => {
  writeFileSync(join(app, "one.mjs"), `import { createRequire } from "node:module"
import * as plugin from "reprise/plugin"
import "reprise"
import "reprise/testing"
const fake = await import(new URL("./plugins/providers/fake/index.mjs", import.meta.resolve("reprise")))
const { load } = createRequire(import.meta.resolve("reprise"))("./load.cjs")
console.log(load("plugin").Effect === plugin.Effect, fake.default.api === plugin.pluginApi)
`)
  expect(await node(app, ["one.mjs"])).toMatchObject({ code: 0, out: "true true\n", err: "" })
})

it("built-in plugins load, and a plugin file in any directory shares the SDK, under node and under tsx", async () => {
  const far = join(box, "far/away")
  mkdirSync(far, { recursive: true })
  writeFileSync(join(far, "plugin.ts"), `import { definePlugin, Effect, Schema } from "reprise/plugin"
const same: boolean = Reflect.get(globalThis, "effectOfTheScript") === Effect
export default definePlugin({
  name: "provider-far",
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () => Effect.fail("the same Effect: " + String(same))
})
`)
  writeFileSync(join(app, "host.mjs"), `import { Effect, PluginHost, RepriseLive } from "reprise"
globalThis.effectOfTheScript = Effect
const program = Effect.gen(function* () {
  const host = yield* PluginHost
  const names = [(yield* host.provider("fake")).plugin, (yield* host.transport("memory")).plugin]
  const { message } = yield* Effect.flip(host.provider("far"))
  return [...names, message]
})
const plugin = ${JSON.stringify(join(far, "plugin.ts"))}
const live = RepriseLive.layer({ workspace: ${JSON.stringify(far)}, plugins: [plugin], allowPlugins: [plugin] })
console.log((await Effect.runPromise(Effect.provide(program, live))).join("\\n"))
`)
  for (const program of [["host.mjs"], [bin("tsx"), "host.mjs"]]) {
    const { code, err, out } = await node(app, program)
    expect({ program, code, err }).toEqual({ program, code: 0, err: "" })
    expect(out).toContain("provider-fake\ntransport-memory\n")
    expect(out).toContain("the same Effect: true")
  }
}, 120_000)

it("keeps compiled code in a cache of the user's own, and does without", async () => {
  writeFileSync(join(app, "cached.mjs"), `import "reprise"\nconsole.log("ran")\n`)
  const ran = (directory: string) => node(app, ["cached.mjs"], { REPRISE_CACHE_DIR: directory })
  const well = { code: 0, out: "ran\n", err: "" }
  expect(await ran(cache)).toMatchObject(well)
  const [file] = readdirSync(cache)
  const path = join(cache, file ?? "no cache")
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(cache).mode & 0o777).toBe(0o700)
  const before = statSync(path).mtimeMs
  expect(await ran(cache)).toMatchObject(well)
  expect(statSync(path).mtimeMs).toBe(before)
  writeFileSync(path, "rubbish")
  expect(await ran(cache)).toMatchObject(well)
  expect(statSync(path).size).toBeGreaterThan(1000)
  expect(await ran("/dev/null/nowhere")).toMatchObject(well)
})

it.runIf(hasCommand)("the command shows its help, before and after its code is cached", async () => {
  for (const _ of [1, 2]) {
    const { code, err, out } = await node(app, [command, "--help"], { REPRISE_CACHE_DIR: cache })
    expect({ code, err }).toEqual({ code: 0, err: "" })
    expect(out).toContain("restart")
  }
})
