import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bin, clone, node, temporary } from "./clone.ts"
import { root } from "./sources.ts"

// Nothing in a checkout ever runs a build: here is one in which each module of dist/ throws.
const copy = temporary("stale")
const imports = `import * as sdk from "reprise"
import * as plugin from "reprise/plugin"
import * as testing from "reprise/testing"
export const seen = [typeof sdk, typeof plugin.definePlugin, typeof testing]
`

beforeAll(() => {
  clone(copy)
  mkdirSync(join(copy, "dist/bin"), { recursive: true })
  for (const name of ["index.mjs", "plugin.mjs", "testing.mjs", "load.cjs", "reprise.cjs", "bin/reprise.cjs"]) {
    writeFileSync(join(copy, "dist", name), `throw new Error("the build was loaded: ${name}")\n`)
  }
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

it("vitest reads the sources", async () => {
  // Which vitest's own configuration asks for.
  const setup = "test/house/temporary-directory.ts"
  cpSync(join(root, setup), join(copy, setup), { recursive: true })
  writeFileSync(join(copy, "test/probe.test.ts"), `import { expect, it } from "@effect/vitest"
${imports}
it("sees the sources", () => expect(seen).toEqual(["object", "function", "object"]))
`)
  expect(await node(copy, [bin("vitest"), "run"])).toMatchObject({ code: 0 })
}, 120_000)

it("the condition `source` leads tsx to the sources", async () => {
  writeFileSync(join(copy, "probe.ts"), `${imports}\nconsole.log(seen.join())\n`)
  expect(await node(copy, [bin("tsx"), "--conditions=source", "probe.ts"])).toMatchObject({ code: 0, out: "object,function,object\n" })
}, 120_000)

it("plain node loads the build, so that these tests test something", async () => {
  writeFileSync(join(copy, "probe.mjs"), `import "reprise"\n`)
  expect((await node(copy, ["probe.mjs"])).err).toContain("the build was loaded")
})

it("a command runs from its source by `npx tsx scripts/<verb>.ts` alone", async () => {
  for (const verb of ["reprise.ts", "status.ts", "restart.ts"].filter((file) => existsSync(join(copy, "scripts", file)))) {
    expect({ verb, ...await node(copy, [bin("tsx"), `scripts/${verb}`, "--help"]) }).toMatchObject({ verb, code: 0 })
  }
  expect(existsSync(join(copy, ".reprise"))).toBe(false)
}, 180_000)
