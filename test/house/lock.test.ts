import { expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { addressed, type Lock, missingOptionals } from "../../scripts/build/lock.ts"
import { root } from "./sources.ts"

const lock: Lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))
const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } =
  JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

it("locks the optional packages of every platform", () => {
  expect(missingOptionals(lock)).toEqual({})
})

it("names no address of a download", () => {
  expect(addressed(lock)).toEqual([])
})

it("pins every dependency exactly, as the lock has it", () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(`${name}@${version}`).toMatch(/@\d+\.\d+\.\d+$/)
    expect(lock.packages[`node_modules/${name}`]?.version).toBe(version)
  }
})

it("notices a missing platform, nested or not", () => {
  const holed: Lock = {
    packages: {
      "node_modules/a": { version: "1.0.0", optionalDependencies: { "@a/darwin-arm64": "1.0.0", "@a/linux-x64-musl": "^1.0.0" } },
      "node_modules/b/node_modules/a": { optionalDependencies: { "@a/win32-x64": "2.0.0" }, dev: true },
      "node_modules/b/node_modules/@a/win32-x64": { version: "2.0.0" }
    }
  }
  expect(missingOptionals(holed)).toEqual({
    "node_modules/@a/darwin-arm64": { version: "1.0.0", optional: true, os: ["darwin"], cpu: ["arm64"] },
    "node_modules/@a/linux-x64-musl": { version: "1.0.0", optional: true, os: ["linux"], cpu: ["x64"], libc: ["musl"] }
  })
})
